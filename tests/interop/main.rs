//! Tests against real DNS servers and in a real browser, which run as ordinary processes on loopback.
//!
//! They need BIND 9, PowerDNS, octoDNS, Chromium and checkers of formats, so they run only when `EMBLAZON_INTEROP=1`;
//! `.ci/run` installs these and sets it. One that is missing then is a failure; the checkers from npm are used where
//! `EMBLAZON_NODE_MODULES` names their folder.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops, also outside the functions that clippy knows as tests"
)]

mod bind;
mod browser;
mod command;
mod dashboard;
#[path = "../../benches/edited/mod.rs"]
mod edited;
mod export;
mod formats;
#[path = "../../benches/generate/mod.rs"]
mod generate;
mod html;
mod knot;
mod operations;
mod powerdns;
mod process;
mod push_bind;
mod push_knot;
mod push_powerdns;
mod pushing;
mod race;
mod records;

/// Tells whether the tests run; says so when not.
fn wanted(test: &str) -> bool {
    let wanted = std::env::var_os("EMBLAZON_INTEROP").is_some_and(|value| value == "1");
    if !wanted {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "{test}: skipped, set EMBLAZON_INTEROP=1 where BIND 9, Knot DNS, PowerDNS and Chromium are installed"
        );
    }
    wanted
}
