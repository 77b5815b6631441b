//! Decodes nodes into typed values, for each kind of file.
//!
//! [`Reader`] provides the primitives, and [`scalar`] converts text to values. The other modules cover one part each:
//! [`config`], [`dns`], [`policy`], [`watch`] and [`push`] for `emblazon.yaml`, [`template`] for `domains.yaml`, [`layer`] for
//! `brands/` and what an account shares with them, [`account`] for the rest of `account.yaml`.

pub(super) mod account;
pub(super) mod config;
pub(super) mod dns;
pub(super) mod layer;
pub(super) mod policy;
pub(super) mod push;
mod reader;
mod scalar;
pub(super) mod template;
pub(super) mod watch;

pub(super) use reader::{Fields, Reader};
