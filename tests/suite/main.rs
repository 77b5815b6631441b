//! Tests of the whole: one binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops, also outside the functions that clippy knows as tests"
)]

mod architecture;
mod conformance;
mod promises;
mod sandbox;
mod source_text;
mod tls;
mod wire;
