//! Where the tree comes from. Whatever calls for a look, what is there now is read; of a branch, only what differs from
//! what was read before.

mod events;
mod folder;
mod remote;
mod revision;

pub(super) use events::FolderWatcher;
pub(super) use folder::FolderSource;
pub(super) use remote::RemoteSource;
pub(super) use revision::{Source, SourceError, SourceRevision};
