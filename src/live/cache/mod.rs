//! A cache of whitelabels on disk.
//!
//! Attachments live in the whitelabel's document, so an unchanged revision proves settings *and* assets unchanged: a
//! repeated read is one conditional request per account. The cache only saves requests: an entry is used only for the
//! revision that the server just confirmed, and the documents of accounts are read again before they are written.
//!
//! On disk there is one folder per cluster and root account, with up to 256 files of one line per account. A line
//! carries its own checksum, which also binds it to the cluster; a line that does not match is ignored.

mod entry;
mod file;
mod folder;

pub use folder::Cache;

pub(super) use entry::Entry;
