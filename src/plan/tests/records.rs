//! Records of managed accounts: why they differ, what is planned, and what stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::diff::fixture::{account, id, live, live_account, sources, template, tree};
use crate::diff::{ManagedRecords, compare_zones};
use crate::dns::Question;
use crate::dns::push::{Home, MESSAGE_OCTETS, PushPolicy, Standing, Standings, octets};
use crate::live::{Live, Reading};
use crate::model::{AccountName, RecordData, RecordName, RecordType};
use crate::plan::{Options, Planned, RefusalKind, Risk, Subject, plan_with_records};
use crate::tree::{Desired, DesiredAccount, DnsMode};

const ZONE: &str = "example";

/// An account with `dns: manage` and a domain of its name.
fn managed(name: &str) -> DesiredAccount {
    at(name, name)
}

fn at(name: &str, domain: &str) -> DesiredAccount {
    let domain = format!("{domain}.example");
    let mut account = account(name, json!({"company_name": name, "domain": domain}));
    account.dns = DnsMode::Manage;
    account
}

/// What is live of accounts: each has its name's domain.
fn there<const N: usize>(names: [&str; N]) -> Live {
    live(names.map(|name| {
        let domain = format!("{name}.example");
        (name, Some(json!({"company_name": name, "domain": domain})))
    }))
}

/// A tree whose domains need one address each, at `us`.
fn needs(address: &str, accounts: Vec<DesiredAccount>) -> Desired {
    hosts(
        json!({"A": {"us.{{domain}}": {"mapping": [address]}}}),
        accounts,
    )
}

fn hosts(needed: Value, accounts: Vec<DesiredAccount>) -> Desired {
    let mut desired = tree(accounts);
    desired.template = Some(template(needed));
    desired
}

/// Reads `name TYPE data`, one a line, as what stands in the one zone.
fn standing(managed: &ManagedRecords, text: &str) -> Standings {
    let mut sets: BTreeMap<Question, Standing> = BTreeMap::new();
    for question in managed.questions() {
        sets.insert(question, Standing::default());
    }
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(3, ' ');
        let name = RecordName::observed(&format!("{}.example", words.next().unwrap()));
        let record_type = RecordType::parse(words.next().unwrap()).unwrap();
        let data = RecordData::parse(record_type, words.next().unwrap()).unwrap();
        let set = sets.entry(Question { name, record_type }).or_default();
        set.records.insert(data);
        set.ttl = Some(60);
    }
    let zone = RecordName::observed(ZONE);
    let homes = sets
        .keys()
        .map(|question| (question.name.clone(), Home::Zone(zone.clone())));
    Standings {
        homes: homes.collect(),
        zones: [(zone, Ok(sets))].into(),
        ..Standings::default()
    }
}

fn made(
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    found: &str,
    options: &Options,
) -> Planned {
    let managed = ManagedRecords::new(desired, base, &sources());
    assert_eq!(
        ManagedRecords::are_needed(desired, base),
        !managed.is_empty()
    );
    let standings = standing(&managed, found);
    let zones = compare_zones(&managed, &standings, PushPolicy::default());
    plan_with_records(desired, base, live, zones, &sources(), options)
}

/// Writes what a plan says of zones.
fn show(planned: &Planned) -> String {
    let mut text = String::new();
    let steps = planned.plan.steps.iter();
    for step in steps.filter(|step| matches!(step.subject, Subject::Zone(_))) {
        let after: Vec<&str> = (step.after.iter())
            .map(|id| planned.plan.steps[id.0 as usize].subject.title())
            .collect();
        let risk = if step.risk == Risk::Destructive {
            " destructive"
        } else {
            ""
        };
        let _ = writeln!(text, "{} after {after:?}{risk}", step.subject.title());
        for note in &step.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        for change in &step.changes {
            let crate::diff::ChangeKey::Records(target) = &change.key else {
                panic!("{change:?}");
            };
            let side = |side: &crate::diff::Side| match side {
                crate::diff::Side::Value(value) => value.to_string(),
                _ => "-".to_owned(),
            };
            let (before, after) = (side(&change.before), side(&change.after));
            let (host, kind) = (&target.host, &target.record_type);
            let cause = change.cause;
            let _ = writeln!(text, "  {host} {kind}: {before} -> {after} ({cause:?})");
        }
    }
    for zone in &planned.differences.zones {
        for note in &zone.notes {
            let _ = writeln!(text, "note: {note}");
        }
        for unknown in &zone.unknown {
            let _ = writeln!(text, "unknown: {unknown}");
        }
    }
    for refusal in &planned.plan.refusals {
        let _ = writeln!(text, "{:?}: {}", refusal.kind, refusal.message);
    }
    text
}

/// Every cause, from three addresses: needed before, needed now, standing.
#[test]
fn records_differ_for_a_reason() {
    #[track_caller]
    fn check(base: Option<&str>, now: &str, found: &str, expected: &str) {
        let accounts = || vec![managed("a")];
        let base = base.map(|address| needs(address, accounts()));
        let live = there(["a"]);
        let desired = needs(now, accounts());
        let planned = made(&desired, base.as_ref(), &live, found, &Options::default());
        let shown = show(&planned);
        let changes: Vec<&str> = (shown.lines())
            .filter_map(|line| line.strip_prefix("  us.a.example A: "))
            .collect();
        assert_eq!(changes.join("\n"), expected, "{shown}");
    }
    let (old, new, other) = ("us.a A 192.0.2.1", "us.a A 192.0.2.2", "us.a A 192.0.2.9");
    let (was, is) = (Some("192.0.2.1"), "192.0.2.2");
    check(None, is, new, "");
    check(None, is, "", r#"- -> ["192.0.2.2"] (Differs)"#);
    check(
        None,
        is,
        other,
        r#"["192.0.2.9"] -> ["192.0.2.2","192.0.2.9"] (Differs)"#,
    );
    check(was, is, old, r#"["192.0.2.1"] -> ["192.0.2.2"] (Git)"#);
    check(was, is, "", r#"- -> ["192.0.2.2"] (Conflict)"#);
    check(
        was,
        is,
        other,
        r#"["192.0.2.9"] -> ["192.0.2.2","192.0.2.9"] (Conflict)"#,
    );
    check(Some(is), is, "", r#"- -> ["192.0.2.2"] (Drift)"#);
    check(
        Some(is),
        is,
        other,
        r#"["192.0.2.9"] -> ["192.0.2.2","192.0.2.9"] (Drift)"#,
    );
    check(Some(is), is, &format!("{new}\n{other}"), "");
}

/// What the base declared and the tree does not any more goes; what nobody declared stays.
#[test]
fn what_the_tree_stopped_needing_goes() {
    let both = json!({
        "A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}},
        "CNAME": {"fax.{{domain}}": {"mapping": ["fax.example.net"]}},
    });
    let base = hosts(both, vec![managed("a")]);
    let desired = needs("192.0.2.1", vec![managed("a")]);
    let found = "us.a A 192.0.2.1\nus.a A 192.0.2.9\nfax.a CNAME fax.example.net";
    let options = Options::default();
    let planned = made(&desired, Some(&base), &there(["a"]), found, &options);
    insta::assert_snapshot!(show(&planned), @r#"
    example after [] destructive
      note: resolvers may give the old records of fax.a.example CNAME for up to 60 seconds after the step
      fax.a.example CNAME: ["fax.example.net"] -> - (Removal)
    note: us.a.example A 192.0.2.9 is not declared, and stays
    "#);
    let unknown = made(&desired, None, &there(["a"]), found, &options);
    insta::assert_snapshot!(show(&unknown), @"note: us.a.example A 192.0.2.9 is not declared, and stays");
}

/// A domain that moves takes its records along once the platform has moved it.
#[test]
fn records_go_with_the_domain() {
    let base = needs("192.0.2.1", vec![managed("a"), managed("b")]);
    let desired = needs("192.0.2.1", vec![at("a", "new"), managed("b")]);
    let live = there(["a", "b"]);
    let found = "us.a A 192.0.2.1";
    let planned = made(&desired, Some(&base), &live, found, &Options::default());
    insta::assert_snapshot!(show(&planned), @r#"
    example after []
      us.b.example A: - -> ["192.0.2.1"] (Drift)
    example after ["a"] destructive
      note: resolvers may give the old records of us.a.example A for up to 60 seconds after the step
      us.a.example A: ["192.0.2.1"] -> - (Removal)
      us.new.example A: - -> ["192.0.2.1"] (Git)
    "#);
}

/// Unknown is never a reason to write: neither a platform that could not be read, nor a zone.
#[test]
fn nothing_is_written_while_something_is_unknown() {
    let desired = needs("192.0.2.1", vec![managed("a")]);
    let mut live = there(["a"]);
    let account = live.accounts.get_mut(&AccountName::new("a")).unwrap();
    Arc::make_mut(account).document = Reading::Unknown("no answer".to_owned());
    let planned = made(&desired, None, &live, "", &Options::default());
    insta::assert_snapshot!(show(&planned), @"unknown: the records of a: its whitelabel could not be read");
    assert!(planned.plan.scope.records_unread);

    let needed = ManagedRecords::new(&desired, None, &sources());
    let standings = Standings::unknown(&needed.questions(), "no answer from the primary");
    let zones = compare_zones(&needed, &standings, PushPolicy::default());
    let live = there(["a"]);
    let planned = plan_with_records(
        &desired,
        None,
        &live,
        zones,
        &sources(),
        &Options::default(),
    );
    insta::assert_snapshot!(show(&planned), @"unknown: no answer from the primary");
    assert!(planned.differences.is_incomplete());
}

/// Records of an account that the tree does not have any more go with its whitelabel, and not before.
#[test]
fn records_of_departed_accounts_go_with_their_whitelabel() {
    let base = needs("192.0.2.1", vec![managed("a"), managed("b")]);
    let desired = needs("192.0.2.1", vec![managed("b")]);
    let mut live = there(["b"]);
    let gone = json!({"company_name": "a", "domain": "a.example"});
    (live.departed).insert(AccountName::new("a"), live_account("a", Some(gone)));
    let found = "us.a A 192.0.2.1\nus.b A 192.0.2.1";
    let kept = made(&desired, Some(&base), &live, found, &Options::default());
    insta::assert_snapshot!(show(&kept), @"
    note: the records of a stay as they are: its whitelabel is still there
    Prune: the whitelabel of a would be deleted with all its assets
    ");
    let options = Options {
        allow: [RefusalKind::Prune].into(),
        ..Options::default()
    };
    let pruned = made(&desired, Some(&base), &live, found, &options);
    insta::assert_snapshot!(show(&pruned), @r#"
    example after ["a"] destructive
      note: resolvers may give the old records of us.a.example A for up to 60 seconds after the step
      us.a.example A: ["192.0.2.1"] -> - (Removal)
    "#);
    assert_eq!(
        pruned.plan.steps.len(),
        3,
        "a release, a deletion, the records"
    );
}

/// A domain that another account has now, whose DNS is not managed, is nobody's to clear.
#[test]
fn records_that_an_unmanaged_account_needs_stay() {
    let base = needs("192.0.2.1", vec![managed("a")]);
    let mut other = at("b", "a");
    other.dns = DnsMode::Observe;
    let desired = needs("192.0.2.1", vec![at("a", "new"), other]);
    let live = there(["a", "b"]);
    let options = Options::default();
    let planned = made(&desired, Some(&base), &live, "us.a A 192.0.2.1", &options);
    assert!(
        !show(&planned).contains("us.a.example"),
        "{}",
        show(&planned)
    );
}

#[test]
fn guards_hold_records_too() {
    let mut desired = needs("192.0.2.1", vec![managed("a"), managed("b")]);
    desired.policy.protected_accounts = BTreeSet::from([AccountName::new("a")]);
    let live = there(["a", "b"]);
    let planned = made(&desired, None, &live, "", &Options::default());
    insta::assert_snapshot!(show(&planned), @r#"
    example after []
      us.b.example A: - -> ["192.0.2.1"] (Differs)
    ProtectedAccount: a would change, and policy.protected_accounts lists it
    "#);

    let both = json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}, "TXT": {"{{domain}}": {"mapping": ["x"]}}});
    let base = hosts(both, vec![managed("a"), managed("b")]);
    let mut desired = needs("192.0.2.1", vec![managed("a"), managed("b")]);
    desired.policy.max_deletions = Some(1);
    let found = "us.a A 192.0.2.1\nus.b A 192.0.2.1\na TXT x\nb TXT x";
    let planned = made(&desired, Some(&base), &live, found, &Options::default());
    let refused: Vec<&str> = (planned.plan.refusals.iter())
        .map(|refusal| refusal.message.as_str())
        .collect();
    assert_eq!(
        refused,
        [
            "0 whitelabels would be deleted and 2 accounts would lose records, policy.max_deletions is 1"
        ]
    );
    desired.policy.max_deletions = None;
    desired.policy.max_changed_percent = Some(50);
    desired.policy.share_floor = 0;
    let planned = made(&desired, Some(&base), &live, found, &Options::default());
    assert_eq!(planned.plan.refusals[0].kind, RefusalKind::TooManyChanges);
}

/// A set that must not be written is refused by name, and the others go on.
#[test]
fn unwritable_records_are_refused() {
    let needed = json!({
        "A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}},
        "TXT": {"_acme-challenge.{{domain}}": {"mapping": ["x"]}},
    });
    let desired = hosts(needed, vec![managed("a")]);
    let planned = made(&desired, None, &there(["a"]), "", &Options::default());
    insta::assert_snapshot!(show(&planned), @r#"
    example after []
      us.a.example A: - -> ["192.0.2.1"] (Differs)
    UnwritableRecords: _acme-challenge.a.example TXT: _acme-challenge belongs to whoever issues certificates
    "#);
}

/// The same inputs give the same bytes, and a plan with records is saved and read again.
#[test]
fn a_plan_with_records_is_data() {
    let desired = needs("192.0.2.1", vec![managed("a"), managed("b")]);
    let live = there(["a", "b"]);
    let plan = || {
        made(
            &desired,
            None,
            &live,
            "us.a A 192.0.2.9",
            &Options::default(),
        )
        .plan
    };
    let text = plan().to_json();
    assert_eq!(text, plan().to_json());
    assert_eq!(crate::plan::Plan::from_json(&text).unwrap(), plan());
    assert!(
        !text.contains(id("a").as_str()),
        "a zone's step names accounts by name"
    );
}

/// Three thousand records of a thousand accounts are written in as few messages as hold them; no account is divided.
#[test]
fn many_records_are_divided_among_messages() {
    #[track_caller]
    fn check(accounts: usize, expected: usize) -> Planned {
        let name = |number: usize| format!("a{number:04}");
        let needed = json!({
            "A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}},
            "TXT": {"note.{{domain}}": {"mapping": ["x".repeat(100)]}},
            "CNAME": {"portal.{{domain}}": {"mapping": ["ui.example.net"]}},
        });
        let accounts = || (0..accounts).map(name);
        let desired = hosts(needed, accounts().map(|name| managed(&name)).collect());
        let mut live = there([]);
        for name in accounts() {
            let document = json!({"company_name": name, "domain": format!("{name}.example")});
            let account = Arc::new(live_account(&name, Some(document)));
            live.accounts.insert(AccountName::new(&name), account);
        }
        let planned = made(&desired, None, &live, "", &Options::default());
        assert_eq!(planned.plan.refusals, vec![]);
        assert_eq!(planned.plan.steps.len(), expected);
        planned
    }
    let alone = check(100, 1);
    assert_eq!(alone.plan.steps[0].notes, [] as [&str; 0]);
    let planned = check(1000, 7);
    let mut seen = BTreeSet::new();
    let mut records = 0;
    for (index, step) in planned.plan.steps.iter().enumerate() {
        let crate::plan::Action::Records { sets } = &step.action else {
            panic!("{step:?}");
        };
        let size: usize = sets.iter().map(|set| octets(&set.change)).sum();
        assert!(size <= MESSAGE_OCTETS, "{size}");
        assert!(sets.is_sorted_by_key(|set| &set.change.question));
        let accounts: BTreeSet<_> = sets.iter().flat_map(|set| set.accounts.clone()).collect();
        assert_eq!(sets.len(), 3 * accounts.len());
        assert!(seen.is_disjoint(&accounts));
        seen.extend(accounts);
        records += sets.len();
        assert_eq!(step.after, []);
        assert_eq!(
            step.notes,
            [format!(
                "message {} of 7: a message has 65,535 octets at most, and each is written or fails on its own",
                index + 1
            )]
        );
    }
    assert_eq!(records, 3000);
}

/// An account with more records than a message holds is divided between names.
#[test]
fn an_account_is_divided_when_a_message_cannot_hold_it() {
    let notes: serde_json::Map<String, Value> = (0..150)
        .map(|number| {
            (
                format!("n{number}.{{{{domain}}}}"),
                json!({"mapping": ["x".repeat(500)]}),
            )
        })
        .collect();
    let needed = json!({"TXT": notes, "MX": {"n0.{{domain}}": {"mapping": ["10 mx.example.net"]}}});
    let desired = hosts(needed, vec![managed("a"), managed("b")]);
    let live = there(["a", "b"]);
    let planned = made(&desired, None, &live, "", &Options::default());
    let names = planned.plan.steps.iter().map(|step| {
        let crate::plan::Action::Records { sets } = &step.action else {
            panic!("{step:?}");
        };
        let names = sets.iter().map(|set| set.change.question.name.clone());
        (sets.len(), names.collect::<BTreeSet<_>>().len())
    });
    assert_eq!(
        names.collect::<Vec<_>>(),
        [(104, 103), (104, 103), (94, 94)]
    );
}
