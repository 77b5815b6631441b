//! Tests against real DNS servers and in a real browser, which run as ordinary processes on loopback.
//!
//! They need BIND 9, Knot DNS, PowerDNS, octoDNS, Chromium and checkers of formats, so they are ignored unless they are asked
//! for: `cargo test --test interop -- --include-ignored`, as `.ci/run` does, which installs all these. One that is missing then
//! is a failure; the checkers from npm are used where `EMBLAZON_NODE_MODULES` names their folder.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops, also outside the functions that clippy knows as tests"
)]

mod bind;
#[path = "../suite/probe/breakages/mod.rs"]
mod breakages;
mod browser;
mod command;
mod counted;
mod dashboard;
#[path = "../../benches/edited/mod.rs"]
mod edited;
mod export;
mod forge;
mod formats;
#[path = "../../benches/generate/mod.rs"]
mod generate;
mod html;
mod knot;
mod operations;
mod powerdns;
mod probe;
mod process;
mod push_bind;
mod push_knot;
mod push_powerdns;
mod pushing;
mod race;
mod records;
mod secondary;
mod signed;
mod zonemaster;
