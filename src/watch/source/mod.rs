//! Where the tree comes from. Whatever calls for a look, the whole tree is read.

mod events;
mod folder;
mod remote;
mod snapshot;

pub(super) use events::Lookout;
pub(super) use folder::FolderSource;
pub(super) use remote::RemoteSource;
pub(super) use snapshot::{Snapshot, Source, Trouble};
