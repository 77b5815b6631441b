//! One file a command.

mod completions;
mod explain;
mod init;
mod man;
mod schema;
mod validate;

pub(super) use completions::completions;
pub(super) use explain::explain;
pub(super) use init::init;
pub(super) use man::man;
pub(super) use schema::schema;
pub(super) use validate::validate;
