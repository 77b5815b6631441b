//! The reconciler from end to end, on any platform: tree → plan → apply → read back → plan.
//!
//! Without further ado each scenario starts sandboxes of its own, one for each kind of server. With `EMBLAZON_TEST_API` and
//! `EMBLAZON_TEST_API_KEY` in the environment all of them run, one after another, on the Kazoo with that base URL,
//! below the account that the key belongs to. A scenario makes the accounts that it needs, and removes them and their
//! whitelabels at its end, also when it fails. What needs faults stays with `apply` and `faults`.

/// Compares with an inline snapshot, which holds on each kind of server.
macro_rules! assert_snapshot {
    ($value:expr, @$expected:literal) => {{
        let value = $value;
        insta::allow_duplicates! { insta::assert_snapshot!(value, @$expected); }
    }};
}

mod assets;
mod bench;
mod concurrency;
mod domains;
mod events;
mod hands;
mod platform;
mod settings;
mod template;
mod tree;

use bench::{Bench, scenario};
use hands::Account;
