//! What holds of a plan for some accounts, as `--changed-since` makes it, over random trees and random live states.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::properties::{Case, NAMES, for_all};
use super::shards::content;
use super::world::World;
use crate::diff::ChangeKey;
use crate::diff::fixture::sources;
use crate::model::{AccountName, KeyPath};
use crate::plan::{
    Action, Options, Part, Plan, Precondition, Refusal, RefusalKind, Step, Subject, plan,
};
use crate::tree::{Desired, Selection};

/// Leaves of a tree the accounts of a selection, as loading only these does.
fn part_of(whole: &Desired, only: &Selection) -> Desired {
    let mut part = whole.clone();
    part.accounts.retain(|account| only.contains(&account.name));
    part
}

fn planned(case: &Case, only: &Selection) -> Plan {
    let desired = part_of(&case.desired, only);
    let base = case.base.as_ref().map(|base| part_of(base, only));
    let left_out = case.desired.accounts.len() - desired.accounts.len();
    let options = Options {
        part: Part {
            left_out: u32::try_from(left_out).unwrap(),
            selection: Some(only.clone()),
            ..Part::default()
        },
        ..case.options.clone()
    };
    let live = case.world.live(&desired);
    plan(&desired, base.as_ref(), &live, &sources(), &options).plan
}

fn is_of(subject: &Subject, account: &AccountName) -> bool {
    matches!(subject, Subject::Account { name, .. } if name == account)
}

/// What is done to an account, without the numbers that steps have among those of others.
fn steps_of(plan: &Plan, name: &AccountName) -> Vec<String> {
    let is_its = |step: &&Step| is_of(&step.subject, name);
    let told = |step: &Step| {
        let precondition = match &step.precondition {
            Precondition::AsLeftBy(_) => "as left by the one before".to_owned(),
            other => format!("{other:?}"),
        };
        format!(
            "{:?} {:?} {precondition} {:?}",
            step.action, step.changes, step.risk
        )
    };
    plan.steps.iter().filter(is_its).map(told).collect()
}

/// Tells whether a plan moves the domain of an account, or says who else has it.
fn moves_domain(plan: &Plan, name: &AccountName) -> bool {
    let domain = ChangeKey::Setting(KeyPath::from("domain"));
    let moves = |step: &Step| {
        step.changes.iter().any(|change| change.key == domain)
            || matches!(
                step.action,
                Action::Create { .. } | Action::Release { .. } | Action::Delete
            )
    };
    (plan.steps.iter()).any(|step| is_of(&step.subject, name) && moves(step))
        || held_domains(plan).any(|subject| subject.is_some_and(|it| is_of(it, name)))
}

/// What documents hold in the end. Under which names accounts stood aside on the way there is left out.
fn documents(world: &World) -> String {
    let mut world = world.clone();
    for stored in world.accounts.values_mut() {
        stored.reserved = None;
    }
    content(&world)
}

/// Lists who is refused a domain that somebody else has.
fn held_domains(plan: &Plan) -> impl Iterator<Item = Option<&Subject>> {
    let held = |refusal: &&Refusal| refusal.kind == RefusalKind::DomainHeld;
    let refusals = plan.refusals.iter().filter(held);
    refusals.map(|refusal| refusal.subject.as_ref())
}

fn refuses_domain(plan: &Plan) -> bool {
    held_domains(plan).next().is_some()
}

/// A plan for some accounts does to each what the plan for all does, and nothing to any other. Only where a domain passes
/// on it may do less, for it does not see the others; and the plan for all goes on from there to where it would have
/// come by itself.
#[test]
fn a_plan_for_some_is_that_part_of_the_plan_for_all() {
    let (compared, steps, same) = (Cell::new(0), Cell::new(0), Cell::new(0));
    for_all(|case| {
        let whole = case.plan(&case.world, case.base.as_ref());
        let mut expected = case.world.clone();
        expected.apply(&whole).unwrap();
        for mask in [0b00001, 0b00110, 0b11011, 0b10100, 0b11111] {
            let chosen = NAMES
                .iter()
                .enumerate()
                .filter(|(at, _)| mask >> at & 1 == 1);
            let only = Selection(chosen.map(|(_, name)| AccountName::new(*name)).collect());
            let part = planned(case, &only);
            let subjects = part.steps.iter().filter_map(|step| match &step.subject {
                Subject::Account { name, .. } => Some(name),
                Subject::Template | Subject::Zone(_) => None,
            });
            let others: BTreeSet<_> = subjects.filter(|name| !only.contains(name)).collect();
            assert!(others.is_empty(), "{others:?}");
            for name in &only.0 {
                if moves_domain(&whole, name) || moves_domain(&part, name) {
                    continue;
                }
                let told = steps_of(&part, name);
                assert_eq!(told, steps_of(&whole, name), "{name} of {only:?}");
                compared.set(compared.get() + 1);
                steps.set(steps.get() + told.len());
            }
            let mut world = case.world.clone();
            world.apply(&part).unwrap();
            let rest = case.plan(&world, case.base.as_ref());
            world.apply(&rest).unwrap();
            // Who is refused a domain may get it once somebody has let it go.
            if ![&whole, &part, &rest].into_iter().any(refuses_domain) {
                assert_eq!(documents(&world), documents(&expected), "{only:?}");
                same.set(same.get() + 1);
            }
        }
    });
    let (compared, steps, same) = (compared.get(), steps.get(), same.get());
    assert!(
        steps > 1000 && compared > 1000 && same > 500,
        "only {compared} accounts with {steps} steps, and {same} ends were compared"
    );
}
