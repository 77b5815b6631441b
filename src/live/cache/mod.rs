//! What was read before, so that it need not be read again.
//!
//! Attachments live in the whitelabel's document, so a revision that did not move proves settings *and* assets
//! unchanged: a repeated read is one conditional request an account. The cache is never more than a way to ask less:
//! it is believed only for the revision that the server just named, and what is written is read afresh before.
//!
//! On disk: a folder for each cluster and root account, in it up to 256 files of lines, an account a line. A line
//! carries its own checksum, which also binds it to the cluster; one that does not fit is as if it were not there.

mod entry;
mod folder;
mod shelf;

pub use folder::Cache;

pub(super) use entry::Entry;
