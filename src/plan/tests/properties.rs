//! What holds of every plan, over random trees and random live states.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::world::{Stored, World};
use crate::diff::canonical::explicit_defaults;
use crate::diff::fixture::{
    account, exclusive, facts, id, live_template, object, sources, template, tree, with_asset,
};
use crate::diff::{Declaration, compare, verdict};
use crate::model::{AssetKind, KeyPath, Settings};
use crate::plan::{
    Action, Level, Options, Plan, Precondition, RefusalKind, Step, StepId, Subject, plan,
};
use crate::tree::{Desired, Ownership};

pub(super) const NAMES: [&str; 5] = ["ada", "bob", "cem", "dee", "eve"];
const OUTSIDER: &str = "zoe";
const DOMAINS: [&str; 6] = [
    "a.example",
    "b.example",
    "c.example",
    "d.example",
    "e.example",
    "f.example",
];

/// Reads decisions from random bytes; zeros, which shrinking leads to, are the simplest ones.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % count
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// Deals the domains out, each to one name or to nobody.
    fn deal(&mut self, names: &[&'static str]) -> BTreeMap<&'static str, &'static str> {
        let mut pool = DOMAINS.to_vec();
        let mut dealt = BTreeMap::new();
        for name in names {
            if !self.one_in(4) {
                dealt.insert(*name, pool.remove(self.below(pool.len())));
            }
        }
        dealt
    }

    fn tree(&mut self, names: &[&'static str]) -> Desired {
        let domains = self.deal(names);
        let mut accounts = Vec::new();
        for name in names {
            let mut settings = Settings::default();
            match domains.get(name) {
                Some(domain) => settings.set(&KeyPath::from("domain"), json!(domain)),
                None if self.one_in(2) => settings.set(&KeyPath::from("domain"), Value::Null),
                None => {}
            }
            for key in ["company_name", "hide_powered", "nav.help", "nav.learn_more"] {
                let value = match (key, self.below(4)) {
                    (_, 0) => continue,
                    (_, 1) => Value::Null,
                    ("hide_powered", choice) => json!(choice == 2),
                    (_, choice) => json!(format!("{key} {choice}")),
                };
                settings.set(&KeyPath::from(key), value);
            }
            let mut account = account(name, Value::Object(settings.as_object().clone()));
            for kind in AssetKind::ALL {
                match self.below(5) {
                    0..=2 => {}
                    3 => account = with_asset(account, kind, Some(&format!("{kind} new"))),
                    _ => account = with_asset(account, kind, None),
                }
            }
            account.policy.recreate = self.one_in(2);
            account.policy.protected = self.one_in(8);
            let effect = self.below(7);
            if effect == 6 {
                account.absent = Some(crate::diff::fixture::PLACE);
                account.settings.clear();
                account.assets.clear();
            } else if effect == 5 {
                account = exclusive(account);
            }
            accounts.push(account);
        }
        let mut desired = tree(accounts);
        if self.one_in(2) {
            let mut declared = template(json!({
                "A": {"a.{{domain}}": {"mapping": [format!("192.0.2.{}", self.below(3))]}, "b.{{domain}}": null},
            }));
            if self.one_in(3) {
                declared.ownership = Ownership::Exclusive;
            }
            desired.template = Some(declared);
        }
        desired
    }

    fn world(&mut self) -> World {
        let names: Vec<&'static str> = NAMES.into_iter().chain([OUTSIDER]).collect();
        let reserved = self.deal(&names);
        let mut world = World {
            template: live_template(json!({
                "A": {"A.{{domain}}": {"mapping": ["192.0.2.1"], "zone": "z"}, "b.{{domain}}": {}, "theirs.{{domain}}": {}},
                "TXT": {},
            })),
            keeps_domains: self.one_in(2),
            ..World::default()
        };
        for name in names {
            let reserved = reserved.get(name).map(|domain| (*domain).to_owned());
            let mut document = None;
            if !self.one_in(5) {
                let mut settings = json!({"x_ui": {"kept": name}});
                match (&reserved, self.below(5)) {
                    // W22: the document lost its domain. W21: it has another than the account.
                    (Some(_), 4) => settings["domain"] = json!(format!("{name}.example")),
                    (Some(domain), 0..=2) => settings["domain"] = json!(domain),
                    _ => {}
                }
                if self.one_in(2) {
                    settings["company_name"] = json!("company_name 2");
                }
                if self.one_in(2) {
                    settings["hide_powered"] = json!(self.one_in(2));
                }
                match self.below(4) {
                    0 => {}
                    1 => settings["nav"] = json!("odd"),
                    _ => settings["nav"] = json!({"help": "nav.help 3", "logout": "l"}),
                }
                let mut made = world.document(Settings::from(object(settings)));
                for kind in AssetKind::ALL {
                    match self.below(4) {
                        0 | 1 => {}
                        2 => drop(made.attachments.insert(format!("{kind}-1"), facts("old"))),
                        _ => drop(
                            made.attachments
                                .insert(format!("{kind}-1"), facts(&format!("{kind} new"))),
                        ),
                    }
                }
                document = Some(made);
            }
            let stored = Stored {
                document,
                reserved,
                ..Stored::default()
            };
            world.store(id(name), name, stored);
            if self.one_in(9) {
                world.silent.insert(id(name));
            }
        }
        world
    }
}

pub(super) struct Case {
    pub(super) desired: Desired,
    pub(super) base: Option<Desired>,
    pub(super) world: World,
    pub(super) options: Options,
}

impl Case {
    pub(super) fn plan(&self, world: &World, base: Option<&Desired>) -> Plan {
        let live = world.live(&self.desired);
        plan(&self.desired, base, &live, &sources(), &self.options).plan
    }
}

/// Runs a property over 600 seeded cases.
pub(super) fn for_all(property: impl Fn(&Case)) {
    let config = Config {
        cases: 600,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 400);
    let outcome = TestRunner::new_with_rng(config, rng).run(&bytes, |bytes| {
        let mut choices = Choices(bytes.iter());
        let desired = choices.tree(&NAMES);
        let base = choices.one_in(2).then(|| choices.tree(&NAMES));
        let options = Options {
            allow: (choices.one_in(2).then_some(RefusalKind::Prune).into_iter()).collect(),
            ..Options::default()
        };
        property(&Case {
            world: choices.world(),
            desired,
            base,
            options,
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Invariant 4, and W19: the server takes every step, and after them there is nothing left to do.
#[test]
fn apply_then_plan_is_empty() {
    for_all(|case| {
        let first = case.plan(&case.world, case.base.as_ref());
        let mut after = case.world.clone();
        if let Err(reason) = after.apply(&first) {
            panic!("{reason}\n{:#?}", first.steps);
        }
        for base in [None, Some(&case.desired)] {
            let second = case.plan(&after, base);
            assert_eq!(second.steps, [], "after {:#?}", first.steps);
        }
    });
}

/// Invariant 7, trap 1: what the tree does not declare survives.
#[test]
fn trap_01_undeclared_keys_and_assets_survive() {
    for_all(|case| {
        let steps = case.plan(&case.world, case.base.as_ref());
        let mut after = case.world.clone();
        after.apply(&steps).expect("a plan that the server takes");
        for account in &case.desired.accounts {
            let id = id(account.name.as_str());
            let is_kept = account.policy.ownership == Ownership::Shared && account.absent.is_none();
            let (Some(before), true) = (&case.world.accounts[&id].document, is_kept) else {
                continue;
            };
            let document = after.accounts[&id]
                .document
                .as_ref()
                .expect("no account loses its document");
            let kept = KeyPath::from("x_ui.kept");
            assert_eq!(document.settings.get(&kept), before.settings.get(&kept));
            let logout = KeyPath::from("nav.logout");
            let drops_nav = account.settings.contains_key(&KeyPath::from("nav"));
            if !drops_nav {
                assert_eq!(document.settings.get(&logout), before.settings.get(&logout));
            }
            for kind in AssetKind::ALL {
                let name = format!("{kind}-1");
                if !account.assets.contains_key(&kind) && before.attachments.contains_key(&name) {
                    let was_declared = case.base.iter().any(|base| {
                        base.accounts.iter().any(|other| {
                            other.name == account.name && other.assets.contains_key(&kind)
                        })
                    });
                    assert!(
                        document.attachments.contains_key(&name) || was_declared,
                        "{name} of {} is lost",
                        account.name
                    );
                }
            }
        }
        if let (Some(template), None) = (&case.desired.template, &case.base)
            && template.ownership == Ownership::Shared
        {
            let theirs = |world: &World| world.template.0["A"].get("theirs.{{domain}}").cloned();
            assert_eq!(theirs(&after), theirs(&case.world));
            assert!(after.template.0.contains_key("TXT"));
        }
    });
}

/// Invariants 3, 6 and 8, and the order table.
#[test]
fn every_plan_is_well_formed() {
    for_all(|case| {
        let made = case.plan(&case.world, case.base.as_ref());
        let again = case.plan(&case.world, case.base.as_ref());
        assert_eq!(made.to_json(), again.to_json());
        assert_eq!(made.digest(), again.digest());
        assert_eq!(
            Plan::from_json(&made.to_json()).expect("its own form"),
            made
        );
        let created: BTreeSet<&Subject> = (made.steps.iter())
            .filter(|step| matches!(step.action, Action::Create { .. }))
            .map(|step| &step.subject)
            .collect();
        // A whitelabel that is made only to release a domain goes again, after it came.
        let is_made_to_go =
            |step: &Step| step.action == Action::Delete && created.contains(&step.subject);
        let levels: Vec<Level> = (made.steps.iter())
            .filter(|step| !is_made_to_go(step))
            .map(|step| Level::of(&step.action))
            .collect();
        assert!(levels.is_sorted(), "{levels:?}");
        let mut seen: BTreeMap<&Subject, StepId> = BTreeMap::new();
        for (number, step) in (0..).zip(&made.steps) {
            assert_eq!(step.id, StepId(number));
            assert!(!step.changes.is_empty(), "{step:?}");
            assert!(step.after.iter().all(|before| *before < step.id));
            match (&step.precondition, seen.get(&step.subject)) {
                (Precondition::AsLeftBy(before), Some(last)) => {
                    assert_eq!(before, last);
                    assert!(step.after.contains(before));
                }
                (Precondition::AsLeftBy(_), None) | (_, Some(_)) => panic!("{step:?}"),
                (_, None) => {}
            }
            seen.insert(&step.subject, step.id);
            if let Subject::Account { id, .. } = &step.subject {
                assert!(
                    !case.world.silent.contains(id),
                    "unknown, and written to: {step:?}"
                );
            }
        }
        let parked = |step: &&Step| matches!(step.action, Action::Release { .. });
        let subjects: BTreeSet<_> = made
            .steps
            .iter()
            .filter(parked)
            .map(|step| &step.subject)
            .collect();
        assert_eq!(subjects.len(), made.steps.iter().filter(parked).count());
    });
}

/// A tree that says what is live differs in nothing.
#[test]
fn the_difference_to_itself_is_empty() {
    for_all(|case| {
        let mut desired = case.desired.clone();
        desired.template = None;
        for account in &mut desired.accounts {
            let stored = &case.world.accounts[&id(account.name.as_str())];
            let account = account.make_mut();
            account.absent = stored
                .document
                .is_none()
                .then_some(crate::diff::fixture::PLACE);
            account.assets.clear();
            account.settings.clear();
            for (path, value) in stored
                .document
                .iter()
                .flat_map(|document| document.settings.leaves())
            {
                account
                    .settings
                    .insert(path, crate::diff::fixture::declared(Some(value.clone())));
            }
        }
        let live = case.world.live(&desired);
        for base in [None, Some(&desired), case.base.as_ref()] {
            let differences = compare(&desired, base, &live, &sources());
            assert!(
                differences
                    .accounts
                    .iter()
                    .all(|account| { account.changes.is_empty() }),
                "{differences:#?}"
            );
        }
    });
}

/// The cases above are worth something only if they reach everything that a plan can hold.
#[test]
fn the_cases_reach_every_action_and_refusal() {
    let found = RefCell::new(BTreeMap::<String, usize>::new());
    for_all(|case| {
        let plan = case.plan(&case.world, case.base.as_ref());
        let mut found = found.borrow_mut();
        let mut count = |name: &str| *found.entry(name.to_owned()).or_default() += 1;
        for step in &plan.steps {
            match &step.action {
                Action::Create { settings } if settings.contains_key("domain") => count("create"),
                Action::Create { .. } => count("create without domain"),
                Action::Update { .. } => count("update"),
                Action::Release { .. } => count("release"),
                Action::Upload { .. } => count("upload"),
                Action::Recreate { .. } => count("recreate"),
                Action::Delete => count("delete"),
                Action::ReplaceTemplate { .. } => count("template"),
                Action::Records { .. } => count("records"),
            }
            for note in &step.notes {
                if note.contains("W21") {
                    count("written again");
                }
                if note.contains("observed 2") {
                    count("welcome put back");
                }
            }
            if step.after.len() > 1 {
                count("claim after release");
            }
        }
        for refusal in &plan.refusals {
            count(&format!("{:?}", refusal.kind));
        }
    });
    let found = found.into_inner();
    for name in [
        "create",
        "create without domain",
        "update",
        "release",
        "upload",
        "recreate",
        "delete",
        "template",
        "written again",
        "welcome put back",
        "claim after release",
        "Prune",
        "Recreate",
        "Protected",
        "DomainHeld",
    ] {
        assert!(
            found.get(name).is_some_and(|count| *count >= 3),
            "{name} in {found:?}"
        );
    }
}

/// The table itself: equal sides never differ, and what is not declared is never set.
#[test]
fn verdicts_are_sane() {
    use crate::diff::Verdict;
    let sides = [
        Declaration::Undeclared,
        Declaration::Absent,
        Declaration::Value(1),
        Declaration::Value(2),
    ];
    for desired in &sides {
        for base in [None].into_iter().chain(sides.iter().map(Some)) {
            for live in [None, Some(&1), Some(&2), Some(&3)] {
                let found = verdict(base, desired, live);
                let is_wanted = *desired != Declaration::Undeclared && desired.value() == live;
                assert!(!is_wanted || found == Verdict::InSync);
                assert_eq!(
                    found == Verdict::Kept,
                    live.is_some()
                        && *desired == Declaration::Undeclared
                        && base.is_none_or(|base| base.value().is_none())
                );
            }
        }
    }
    assert_eq!(explicit_defaults().len(), 3);
}
