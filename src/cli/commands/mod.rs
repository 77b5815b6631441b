//! One file a command.

mod apply;
mod comment;
mod completions;
mod dns;
mod dns_export;
mod dns_letter;
mod drift;
mod explain;
mod history;
mod init;
mod man;
mod plan;
mod restore;
mod sandbox;
mod schema;
mod show;
mod validate;
mod watch;

pub(super) use apply::apply;
pub(super) use comment::comment;
pub(super) use completions::completions;
pub(super) use dns::dns_check;
pub(super) use dns_export::dns_export;
pub(super) use dns_letter::dns_letter;
pub(super) use drift::drift;
pub(super) use explain::explain;
pub(super) use history::history;
pub(super) use init::init;
pub(super) use man::man;
pub(super) use plan::plan;
pub(super) use restore::restore;
pub(super) use sandbox::sandbox;
pub(super) use schema::schema;
pub(super) use show::show;
pub(super) use validate::validate;
pub(super) use watch::watch;
