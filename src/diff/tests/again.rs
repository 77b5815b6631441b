//! Comparing again costs what moved, and finds what comparing anew would find.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use crate::diff::fixture::{account, live, live_account, sources, tree};
use crate::diff::{Comparison, compare};
use crate::live::Live;
use crate::model::AccountName;
use crate::tree::Desired;

const NAMES: [&str; 4] = ["ada", "bob", "cem", "dee"];

fn whitelabel(value: u8) -> serde_json::Value {
    json!({ "company_name": value.to_string(), "nav": { "help": (value % 2).to_string() } })
}

fn put(tree: &mut Desired, name: &str, value: u8) {
    tree.accounts
        .retain(|account| account.name.as_str() != name);
    tree.accounts.push(account(name, whitelabel(value)).into());
    tree.accounts.sort_by(|a, b| a.name.cmp(&b.name));
}

/// One thing that happens between two comparisons.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// A commit changes an account, or brings it.
    Commit(usize, u8),
    /// A commit takes an account away.
    Leave(usize),
    /// Somebody changes an account on the platform, and it is read.
    Edit(usize, u8),
    /// It cannot be read.
    Lose(usize),
    /// What an account wants is applied.
    Settle(usize),
    /// What was applied last is lost.
    Forget,
    /// Nothing.
    Rest,
}

fn moves() -> impl Strategy<Value = Move> {
    let index = 0..NAMES.len();
    prop_oneof![
        (index.clone(), 0..4_u8).prop_map(|(index, value)| Move::Commit(index, value)),
        index.clone().prop_map(Move::Leave),
        (index.clone(), 0..4_u8).prop_map(|(index, value)| Move::Edit(index, value)),
        index.clone().prop_map(Move::Lose),
        index.prop_map(Move::Settle),
        Just(Move::Forget),
        Just(Move::Rest),
    ]
}

struct World {
    desired: Desired,
    base: Option<Desired>,
    live: Live,
}

impl World {
    fn make(&mut self, step: Move) {
        let name = |index: usize| AccountName::new(NAMES[index]);
        match step {
            Move::Commit(index, value) => put(&mut self.desired, NAMES[index], value),
            Move::Leave(index) => {
                (self.desired.accounts).retain(|account| account.name != name(index));
            }
            Move::Edit(index, value) => {
                let account = live_account(NAMES[index], Some(whitelabel(value)));
                (self.live.accounts).insert(name(index), Arc::new(account));
            }
            Move::Lose(index) => {
                self.live.accounts.remove(&name(index));
            }
            Move::Settle(index) => {
                let base = self.base.get_or_insert_with(|| tree(Vec::new()));
                (base.accounts).retain(|account| account.name != name(index));
                let settled = self.desired.accounts.iter();
                let settled = settled.filter(|account| account.name == name(index));
                base.accounts.extend(settled.cloned());
            }
            Move::Forget => self.base = None,
            Move::Rest => {}
        }
    }
}

proptest! {
    #[test]
    fn it_finds_what_comparing_anew_finds(moves in proptest::collection::vec(moves(), 1..30)) {
        let mut world = World {
            desired: tree(NAMES.map(|name| account(name, whitelabel(0))).into()),
            base: None,
            live: live(NAMES.map(|name| (name, Some(whitelabel(1))))),
        };
        let mut comparison = Comparison::default();
        for step in moves {
            world.make(step);
            let World { desired, base, live } = &world;
            let again = comparison.compare(desired, base.as_ref(), live, &sources());
            let anew = compare(desired, base.as_ref(), live, &sources());
            prop_assert_eq!(again, anew, "after {:?}", step);
        }
    }
}

#[test]
fn only_what_moved_is_compared_again() {
    let mut world = World {
        desired: tree(NAMES.map(|name| account(name, whitelabel(0))).into()),
        base: None,
        live: live(NAMES.map(|name| (name, Some(whitelabel(1))))),
    };
    world.base = Some(world.desired.clone());
    let mut comparison = Comparison::default();
    let mut check = |step: Move, expected: u64| {
        world.make(step);
        let before = comparison.compared();
        let base = world.base.as_ref();
        comparison.compare(&world.desired, base, &world.live, &sources());
        assert_eq!(comparison.compared() - before, expected, "after {step:?}");
    };
    check(Move::Rest, 4);
    check(Move::Rest, 0);
    check(Move::Commit(1, 2), 1);
    check(Move::Edit(2, 2), 1);
    check(Move::Rest, 0);
    check(Move::Settle(1), 1);
    check(Move::Leave(3), 0);
    check(Move::Commit(3, 0), 1);
    check(Move::Forget, 4);
}
