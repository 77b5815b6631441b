//! Nodes → typed values: the three kinds of file.
//!
//! [`Reader`] has the primitives, [`scalar`] the rule by which a text becomes a value; then one file
//! a kind: [`config`], [`policy`], [`watch`] and [`push`] for `emblazon.yaml`, [`template`] for `domains.yaml`, [`layer`] for `brands/` and
//! what an account shares with them, [`account`] for the rest of `account.yaml`.

pub(super) mod account;
pub(super) mod config;
pub(super) mod layer;
pub(super) mod policy;
pub(super) mod push;
mod reader;
mod scalar;
pub(super) mod template;
pub(super) mod watch;

pub(super) use reader::{Fields, Reader};
