//! One file a command.

mod apply;
mod completions;
mod drift;
mod explain;
mod init;
mod man;
mod plan;
mod sandbox;
mod schema;
mod validate;

pub(super) use apply::apply;
pub(super) use completions::completions;
pub(super) use drift::drift;
pub(super) use explain::explain;
pub(super) use init::init;
pub(super) use man::man;
pub(super) use plan::plan;
pub(super) use sandbox::sandbox;
pub(super) use schema::schema;
pub(super) use validate::validate;
