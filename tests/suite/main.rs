//! Tests of the whole: one binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops, also outside the functions that clippy knows as tests"
)]
#![allow(
    clippy::print_stdout,
    reason = "tests tell their figures, also where two of them share a function"
)]

mod apply;
mod architecture;
mod audit;
mod base;
mod base_trust;
mod bit_flips;
mod cache;
mod changed_since;
mod chosen;
mod cli;
mod cli_dns;
mod cli_platform;
mod clusters;
mod commits;
mod conformance;
mod deadline;
mod effort;
mod fault_pairs;
mod faults;
mod fmt;
mod forge;
mod futures;
mod fuzz;
mod git;
mod growth;
mod guards;
mod held_domains;
#[cfg(unix)]
mod hostile;
mod house_rules;
mod http2;
mod import;
mod kept;
mod keys;
mod kill;
mod kill_random;
mod kill_release;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod lease;
mod operations;
mod platform;
mod probe;
mod promises;
mod race;
mod recipes;
mod reconciler;
mod recovery;
mod release;
mod restore;
mod sandbox;
mod saved_plan;
mod shape;
mod shard;
mod silence;
mod situations;
mod source_text;
mod stage;
mod stand_in;
mod standing;
mod status;
mod template;
mod tls;
mod trust;
mod two_actors;
mod two_hosts;
mod watch;
mod wire;
mod written;
