//! The reconciler from end to end, on any platform: tree → plan → apply → read back → plan.
//!
//! Without further ado each scenario starts a sandbox of its own. With `EMBLAZON_TEST_API` and
//! `EMBLAZON_TEST_API_KEY` in the environment all of them run, one after another, on the Kazoo with that base URL,
//! below the account that the key belongs to. A scenario makes the accounts that it needs, and removes them and their
//! whitelabels at its end, also when it fails. What needs faults stays with `apply` and `faults`.

mod assets;
mod bench;
mod concurrency;
mod domains;
mod hands;
mod platform;
mod settings;
mod template;
mod tree;

use bench::{Bench, scenario};
use hands::Account;
