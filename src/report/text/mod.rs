//! The human-readable report, for terminals of any width, with or without colour.
//!
//! Nothing from the platform or from a file reaches the terminal unescaped.

mod brand;
mod change;
mod coverage;
mod diagnostic;
mod dns;
mod names;
mod object;
mod options;
mod outcome;
mod page;
mod painted;
mod probe;
mod render;
mod summary;

#[cfg(test)]
mod tests;

pub use super::escape::visible;
pub use brand::brand;
pub use diagnostic::{Excerpt, render_problem};
pub use options::Options;
pub use painted::Painted;
pub use probe::probe;
pub(super) use probe::probe_summary;
pub use render::{Rendered, error, fill, render, summary, warning};
