//! The program as its users meet it: over HTTP, against the sandbox.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests, though clippy does not know them as such"
)]

mod apply;
mod faults;
mod stage;
