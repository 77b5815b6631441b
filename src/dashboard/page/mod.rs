//! The dashboard: pages that work without scripts.

mod account;
mod action;
mod brand;
mod card;
mod context;
mod decision;
mod filter;
mod form;
mod frame;
mod history;
mod login;
mod overview;
mod picture;
mod plan;
mod route;
mod still;
mod words;

pub(super) use filter::{Filter, Selected, Sort, select};
pub(super) use route::router;
pub(super) use words::path;
