//! What each fuzz target does with its bytes: it must not panic, and what must hold of the outcome holds.
//!
//! The suite replays the corpora through the same functions.
#![allow(dead_code, unused_imports, reason = "each target uses one of them")]

mod base;
mod dns;
mod platform;
mod state;
mod tree;

pub(crate) use base::{base, is_believed};
pub(crate) use dns::message;
pub(crate) use platform::{answer, forge, webhook};
pub(crate) use state::state;
pub(crate) use tree::{asset, config, confirm, edit, plan, record, template, tree};
