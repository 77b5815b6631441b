//! One file per verb: what each kind of step reads, writes and checks.

mod account;
mod create;
mod delete;
mod records;
mod recreate;
mod release;
mod template;
mod update;
mod upload;

pub(super) use account::carry_out;
