//! How much of what could be tried is tried.

/// A sample in each run of the tests, and everything where `.ci/run` asks for it: that takes minutes, and is a test of
/// its own, which is ignored without `--ignored`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Sampled,
    Full,
}
