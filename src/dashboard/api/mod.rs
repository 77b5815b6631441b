//! `/api/v1/…`: the API for programs. Answers only get new fields; `schemas/watch-api.schema.json` describes them.

mod answer;
mod route;
mod v1;

pub(super) use answer::refused;
pub use answer::schema;
pub(super) use route::{guard, router};
