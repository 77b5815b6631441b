//! Live → files: the tree that says what is live already, so that a plan has nothing to do.
//!
//! Read it in this order: [`import`] settles on a draft; `names` finds the folders, `account`, `config` and `template` write
//! new files, `factor` moves what many accounts share into layers, `update` changes files that are there; `judge`
//! says what cannot be declared, and `gate` loads the result with the tree's own loader and compares it with what is live.
//! What does not pass is left undeclared, with a note.

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
pub use request::{Accepted, Existing, ImportError, NewCluster, Request, Scope};
pub use settle::{Imported, import};
