//! Where the tree comes from. Whatever triggers a read, the current content is read; of a branch, only what differs
//! from the revision read before.

mod events;
mod folder;
mod place;
mod remote;
mod revision;

pub(super) use events::FolderWatcher;
pub(super) use folder::FolderSource;
pub(super) use place::Source;
pub(super) use remote::RemoteSource;
pub(super) use revision::{SourceError, SourceRevision};
