//! Options for rendering.

/// Options for rendering, which the caller determines so that the renderer stays pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The width in columns; at least 40.
    pub width: usize,
    /// Whether to write colours as ANSI sequences.
    pub colour: bool,
    /// Whether lists of names are shown in full, and objects in sync by name.
    pub verbose: bool,
    /// Whether the reader has already seen the plan, so that an apply only reports its results.
    pub plan_seen: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
            verbose: false,
            plan_seen: false,
        }
    }
}
