//! Text → text: writing YAML that people have written before, or will read next.
//!
//! [`edit`] changes single values of a text and leaves every other byte alone, comments and order
//! included. `notation` says how a value is written, [`block`] writes whole maps for new files. Everything is
//! read back: a text that would not say exactly what was asked for is never given out.

mod notation;
mod splice;
mod verify;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use notation::{block, comment, key, text, value};
pub use splice::{Edit, EditError, To, edit, is_map};
