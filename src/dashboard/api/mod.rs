//! `/api/v1/…`: the daemon for programs. Shapes only grow; `schemas/watch-api.schema.json` describes them.

mod answer;
mod route;
mod v1;

pub(super) use answer::refused;
pub use answer::schema;
pub(super) use route::{guard, router};
