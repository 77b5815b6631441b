//! Edits YAML that people have written, and writes YAML for people to read.
//!
//! [`edit`] changes single values of a text and leaves every other byte alone, comments and order included. `notation`
//! defines how a value is written, and [`block`] writes whole maps for new files. Every edit is verified by parsing the
//! result: a text that does not mean exactly what was requested is never returned.

mod notation;
mod splice;
mod verify;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub(in crate::tree) use notation::scalar;
pub use notation::{block, comment, key, text, value};
pub use splice::{Edit, EditError, edit, is_map};
pub(in crate::tree) use verify::Shape;
pub use verify::To;
