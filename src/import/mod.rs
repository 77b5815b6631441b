//! Imports the live state into files: a tree that declares what is live, so that a plan has nothing to do.
//!
//! [`import`] repeats drafts until one passes. `names` chooses the folders, `account`, `config` and `template` write
//! new files, `factor` moves shared values into layers, and `update` changes existing files. `judge` decides what
//! cannot be declared, and `gate` loads the result with the tree's own loader and compares it with the live state. What
//! does not pass is left undeclared, with a note.

mod account;
mod asset;
mod config;
mod draft;
mod factor;
mod gate;
mod judge;
mod names;
mod note;
mod overlay;
mod patch;
mod promote;
mod refused;
mod request;
mod settle;
mod template;
mod update;

#[cfg(test)]
mod tests;

pub use draft::known;
pub use note::{Note, Reason};
pub use overlay::FileChange;
pub use patch::patch;
pub use promote::{Held, Promotion, promote};
pub use request::{Accepted, Existing, ImportError, NewCluster, Request, Scope};
pub use settle::{Imported, import};
