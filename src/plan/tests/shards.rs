//! What holds of the plans of all shards together, over random trees and random live states.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::properties::{Case, for_all};
use super::world::World;
use crate::diff::fixture::sources;
use crate::model::Shard;
use crate::plan::{Cut, Options, Part, Plan, RefusalKind, plan};

/// What one shard made of a case, and how many accounts of others it read for that.
struct Planned {
    plan: Plan,
    accounts: BTreeSet<String>,
    read_more: usize,
}

/// Plans as a shard does: cuts, reads, follows domains, cuts again.
fn planned(case: &Case, world: &World, shard: Shard) -> Planned {
    let (mut desired, mut base) = (case.desired.clone(), case.base.clone());
    let mut cut = Cut::new(shard, &mut desired, base.as_mut());
    let mut live = world.live(&desired);
    let mut read_more = 0;
    while let Some((more, _)) = cut.still_to_read(&live, &desired, base.as_ref()) {
        assert!(!more.accounts.is_empty(), "it asks for ever");
        read_more += more.accounts.len();
        let found = world.live(&more);
        live.accounts.extend(found.accounts);
        live.holders.extend(found.holders);
    }
    cut.by_live(&mut live, &mut desired, base.as_mut());
    let siblings = cut.siblings();
    let options = Options {
        part: Part {
            left_out: u32::try_from(siblings.elsewhere.len()).unwrap(),
            siblings: Some(siblings),
            ..Part::default()
        },
        ..case.options.clone()
    };
    let names = desired
        .accounts
        .iter()
        .map(|account| account.name.to_string());
    Planned {
        accounts: names.collect(),
        plan: plan(&desired, base.as_ref(), &live, &sources(), &options).plan,
        read_more,
    }
}

/// Documents and template, without revisions, which depend on the order.
pub(super) fn content(world: &World) -> String {
    let mut world = world.clone();
    for stored in world.accounts.values_mut() {
        if let Some(document) = &mut stored.document {
            document.revision = crate::model::Revision::new("x");
        }
    }
    world.writes = 0;
    format!("{world:#?}")
}

/// Shards that see the same world plan for different accounts, so all of their steps succeed in whatever order, also where
/// domains pass from one shard's accounts to another's; and they leave what one run for all leaves.
#[test]
fn all_shards_do_what_one_run_does() {
    let (moves, same, cases) = (Cell::new(0), Cell::new(0), Cell::new(0));
    for_all(|case| {
        let whole = case.plan(&case.world, case.base.as_ref());
        let mut expected = case.world.clone();
        expected.apply(&whole).unwrap();
        for count in 2..=4 {
            cases.set(cases.get() + 1);
            let shards: Vec<Planned> = Shard::all(count)
                .map(|shard| planned(case, &case.world, shard))
                .collect();
            let every: Vec<&String> = shards.iter().flat_map(|it| &it.accounts).collect();
            let once: BTreeSet<&String> = every.iter().copied().collect();
            assert_eq!(
                (every.len(), once.len()),
                (5, 5),
                "in exactly one: {every:?}"
            );
            let is_deferred = shards.iter().any(|it| {
                let mut refusals = it.plan.refusals.iter();
                refusals.any(|refusal| refusal.message.contains("another shard"))
            });
            for order in [
                shards.iter().collect::<Vec<_>>(),
                shards.iter().rev().collect(),
            ] {
                let mut world = case.world.clone();
                for one in order {
                    if let Err(reason) = world.apply(&one.plan) {
                        panic!("{reason}\n{:#?}", one.plan.steps);
                    }
                }
                if !is_deferred {
                    assert_eq!(content(&world), content(&expected));
                    for shard in Shard::all(count) {
                        assert_eq!(planned(case, &world, shard).plan.steps, []);
                    }
                }
            }
            same.set(same.get() + usize::from(!is_deferred));
            moves.set(moves.get() + usize::from(shards.iter().any(|it| it.read_more > 0)));
        }
    });
    let (moves, same, cases) = (moves.get(), same.get(), cases.get());
    assert!(
        moves * 10 > cases,
        "only {moves} of {cases} had domains that pass"
    );
    assert!(same * 2 > cases, "only {same} of {cases} could be compared");
}

/// What a shard defers, because a domain is reserved without a trace in a document, nobody takes wrongly; one run for
/// all settles it.
#[test]
fn what_is_deferred_is_settled_by_one_run_for_all() {
    for_all(|case| {
        let mut world = case.world.clone();
        for shard in Shard::all(3) {
            let one = planned(case, &world, shard);
            world.apply(&one.plan).unwrap();
            for refusal in &one.plan.refusals {
                let is_deferred = refusal.message.contains("another shard");
                assert!(!is_deferred || refusal.kind == RefusalKind::DomainHeld);
            }
        }
        let rest = case.plan(&world, case.base.as_ref());
        world.apply(&rest).unwrap();
        let again = case.plan(&world, case.base.as_ref());
        assert_eq!(again.steps, []);
    });
}
