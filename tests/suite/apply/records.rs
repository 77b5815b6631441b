//! Records of a zone at its primary.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use emblazon::apply::{self, JournalEvent, StepResult};
use emblazon::model::AccountName;
use emblazon::sandbox::dns::{DnsFault, DnsFaultKind, ZoneSeed};
use serde_json::json;

use crate::faults::records::{ZONE, records};
use crate::stage::{Stage, Tree, only};

const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
  - name: acme
    id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    whitelabel: {domain: acme.example.com}
template:
  A: {'us.{{domain}}': {mapping: ['192.0.2.1']}}
dns:
  keys: {emblazon: {algorithm: hmac-sha256, secret: c2VjcmV0IG9mIHRoZSBzd2VlcA==}}
  zones:
    example.com: {records: ['us.acme A 198.51.100.1', 'www.acme A 198.51.100.2']}
";

const BEFORE: &str = "us.acme.example.com A 198.51.100.1; www.acme.example.com A 198.51.100.2";
const AFTER: &str =
    "us.acme.example.com A 192.0.2.1, 198.51.100.1; www.acme.example.com A 198.51.100.2";

fn tree() -> Tree {
    Tree::new()
        .account("acme", json!({"domain": "acme.example.com"}))
        .template(json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}}))
        .managed()
}

/// What the zone has, in one line.
fn zone(stage: &Stage) -> String {
    let sets = records(stage.dns()).into_iter().map(|(question, records)| {
        let records: BTreeSet<String> = records.iter().map(ToString::to_string).collect();
        let records: Vec<String> = records.into_iter().collect();
        format!("{question} {}", records.join(", "))
    });
    sets.collect::<Vec<_>>().join("; ")
}

/// The answers about the set, from the nth on: the first is to the look before the step, the second to the one right
/// before the update, all others to the read-back.
fn answers(nth: u64, kind: DnsFaultKind) -> DnsFault {
    DnsFault::new(kind).named("us.acme.*").nth(nth)
}

/// The first so many updates; the zone they are for is what they ask for.
fn updates(times: u64, kind: DnsFaultKind) -> DnsFault {
    DnsFault::new(kind).named(ZONE).times(times)
}

/// Applies with faults, then without. Returns how the first run ended, what the zone had then, and the notes.
async fn applied(faults: &[DnsFault]) -> (StepResult, String, Vec<String>) {
    let stage = Stage::start(SEED, &[]).await.impatient();
    let tree = tree();
    let plan = stage.plan(&tree).await;
    stage.dns().set_faults(faults.to_vec());
    let applied = stage.apply(&tree, &plan).await;
    stage.dns().set_faults(Vec::new());
    let zone_then = zone(&stage);
    stage.converge(&tree).await;
    assert_eq!(zone(&stage), AFTER);
    let outcome = only(&applied).clone();
    (outcome.result, zone_then, outcome.notes)
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading() {
    for kind in [
        DnsFaultKind::Drop,
        DnsFaultKind::WrongId,
        DnsFaultKind::Unsigned,
        DnsFaultKind::DelayMs(3_600_000),
    ] {
        let (result, zone, notes) = applied(&[updates(1, kind)]).await;
        assert_eq!(result, StepResult::Done { revision: None }, "{kind:?}");
        assert_eq!(zone, AFTER, "{kind:?}");
        let [note] = &notes[..] else {
            panic!("{kind:?}: {notes:?}")
        };
        assert!(note.starts_with("the answer was inconclusive ("), "{note}");
    }
}

#[tokio::test]
async fn an_update_that_did_not_arrive_is_sent_again() {
    for kind in [DnsFaultKind::Garbage, DnsFaultKind::Hang] {
        let (result, zone, notes) = applied(&[updates(2, kind)]).await;
        assert_eq!(result, StepResult::Done { revision: None }, "{kind:?}");
        assert_eq!((zone.as_str(), notes), (AFTER, Vec::new()), "{kind:?}");
    }
}

/// What is told, where no further try helps; the zone is as it was.
#[tokio::test]
async fn what_the_primary_does_not_take_is_a_failure() {
    async fn check(faults: &[DnsFault], expected: &str) {
        let (result, zone, _) = applied(faults).await;
        assert_eq!(zone, BEFORE, "{faults:?}");
        match result {
            StepResult::Failed { reason } => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{faults:?}: {other:?}"),
        }
    }
    check(
        &[updates(1, DnsFaultKind::Refused)],
        "refuses key emblazon for example.com (REFUSED)",
    )
    .await;
    check(
        &[updates(1, DnsFaultKind::Servfail)],
        "refused: Server Failure",
    )
    .await;
    check(
        &[updates(9, DnsFaultKind::Garbage)],
        "gave no usable answer",
    )
    .await;
    for kind in [
        DnsFaultKind::Refused,
        DnsFaultKind::Servfail,
        DnsFaultKind::Drop,
        DnsFaultKind::Lame,
        DnsFaultKind::Unsigned,
    ] {
        check(
            &[answers(1, kind)],
            "could not be read, so nothing was written",
        )
        .await;
    }
    // What was cut off may well be there.
    check(
        &[answers(1, DnsFaultKind::Truncate)],
        "an answer that was cut",
    )
    .await;
    check(
        &[answers(2, DnsFaultKind::Truncate).times(1)],
        "an answer that was cut",
    )
    .await;
}

#[tokio::test]
async fn a_read_back_that_says_nothing_leaves_it_unknown() {
    async fn check(faults: &[DnsFault], zone_then: &str, expected: &str) {
        let (result, zone, _) = applied(faults).await;
        assert_eq!(zone, zone_then, "{faults:?}");
        match result {
            StepResult::Unknown { reason } => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{faults:?}: {other:?}"),
        }
    }
    let unread = "the primary accepted it, but could not be read afterwards";
    for kind in [
        DnsFaultKind::Servfail,
        DnsFaultKind::Drop,
        DnsFaultKind::Truncate,
        DnsFaultKind::Hang,
    ] {
        check(&[answers(3, kind)], AFTER, unread).await;
    }
    // Nobody knows whether the update was taken: once it was, once it was not.
    let lost = "gave no usable answer";
    let unread = || answers(3, DnsFaultKind::Refused);
    check(&[updates(1, DnsFaultKind::Drop), unread()], AFTER, lost).await;
    check(&[updates(1, DnsFaultKind::Garbage), unread()], BEFORE, lost).await;
}

/// One failed look of several is no reason to give up.
#[tokio::test]
async fn reads_are_repeated() {
    for nth in [1, 3] {
        let (result, ..) = applied(&[answers(nth, DnsFaultKind::Servfail).times(3)]).await;
        assert_eq!(result, StepResult::Done { revision: None }, "from {nth}");
    }
}

/// A stage whose zones are given, with `acme` and `beta`.
async fn with_zones(zones: &str) -> Stage {
    let seed = format!(
        "
accounts:
  - {{name: master, id: '00000000000000000000000000000000'}}
  - {{name: acme, id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, whitelabel: {{domain: acme.example.com}}}}
  - {{name: beta, id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, whitelabel: {{domain: beta.example.com}}}}
template:
  A: {{'us.{{{{domain}}}}': {{mapping: ['192.0.2.1']}}}}
dns:
  keys: {{emblazon: {{algorithm: hmac-sha256, secret: c2VjcmV0IG9mIHRoZSBzd2VlcA==}}}}
  zones:
{zones}"
    );
    Stage::start(&seed, &[]).await
}

/// What only a wildcard answers does not stand there: it is neither counted as done nor taken for what is to be changed,
/// and the wildcard stays.
#[tokio::test]
async fn what_a_wildcard_answers_does_not_stand_there() {
    async fn check(records: &str, expected: &str) {
        let stage = with_zones(&format!("    example.com: {{records: [{records}]}}\n")).await;
        let changes = stage
            .plan(&tree())
            .await
            .steps
            .into_iter()
            .flat_map(|it| it.changes);
        let changes: Vec<String> = changes
            .map(|it| format!("{:?} -> {:?}", it.before, it.after))
            .collect();
        insta::allow_duplicates! { insta::assert_snapshot!(changes.join("\n"), @r#"Absent -> Value(Array [String("192.0.2.1")])"#); }
        stage.converge(&tree()).await;
        assert_eq!(zone(&stage), expected);
    }
    check(
        "'*.acme A 192.0.2.1'",
        "*.acme.example.com A 192.0.2.1; us.acme.example.com A 192.0.2.1",
    )
    .await;
    check(
        "'* A 198.51.100.1'",
        "*.example.com A 198.51.100.1; us.acme.example.com A 192.0.2.1",
    )
    .await;
    check(
        "'* TXT text'",
        "*.example.com TXT \"text\"; us.acme.example.com A 192.0.2.1",
    )
    .await;
    check(
        "'*.acme CNAME elsewhere.example.net'",
        "*.acme.example.com CNAME elsewhere.example.net; us.acme.example.com A 192.0.2.1",
    )
    .await;
}

/// A name that stands there is not taken for a wildcard's, whatever wildcards there are around it.
#[tokio::test]
async fn what_stands_beside_a_wildcard_stands_there() {
    for wildcard in ["*", "*.acme", "*.us.acme"] {
        let zones = format!(
            "    example.com: {{records: ['us.acme A 192.0.2.1', '{wildcard} A 192.0.2.1']}}\n"
        );
        let steps = with_zones(&zones).await.plan(&tree()).await.steps;
        assert_eq!(steps, [], "{wildcard}");
    }
}

/// Names the subjects of the steps in the order in which they were announced in the journal.
fn order(stage: &Stage) -> Vec<String> {
    let run = apply::runs(&stage.state).unwrap().remove(0);
    let entries = apply::read_journal(&stage.state, &run).unwrap();
    let intents = entries.into_iter().filter_map(|entry| match entry.event {
        JournalEvent::Intent { subject, .. } => Some(subject.title().to_owned()),
        _ => None,
    });
    intents.collect()
}

#[tokio::test]
async fn a_canary_takes_its_records_along() {
    async fn check(zones: &str, expected: &[&str]) {
        let stage = with_zones(zones).await;
        let account = |tree: Tree, name: &str| {
            let domain = format!("{name}.example.com");
            tree.account(name, json!({"domain": domain, "company_name": name}))
        };
        let tree = ["acme", "beta"]
            .into_iter()
            .fold(Tree::new(), account)
            .template(json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}}))
            .managed();
        let plan = stage.plan(&tree).await;
        let mut options = stage.options();
        options.concurrency = NonZeroUsize::MIN;
        options.rollout.canary = [AccountName::new("beta")].into();
        let applied = stage.apply_with(&tree, &plan, options).await;
        assert!(applied.is_complete(), "{applied:?}");
        assert_eq!(order(&stage), expected);
    }
    check(
        "    acme.example.com: {}\n    beta.example.com: {}\n",
        &["beta", "beta.example.com", "acme", "acme.example.com"],
    )
    .await;
    // One message for both: it cannot go before the other.
    check("    example.com: {}\n", &["beta", "acme", "example.com"]).await;
}

/// A canary whose records are refused ends the run.
#[tokio::test]
async fn a_canary_without_its_records_ends_the_run() {
    let stage = with_zones("    acme.example.com: {}\n    example.com: {}\n").await;
    let account = |tree: Tree, name: &str| {
        tree.account(name, json!({"domain": format!("{name}.example.com")}))
    };
    let tree = ["acme", "beta"]
        .into_iter()
        .fold(Tree::new(), account)
        .template(json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}}))
        .managed();
    let plan = stage.plan(&tree).await;
    stage
        .dns()
        .set_faults(vec![updates(9, DnsFaultKind::Refused)]);
    let mut options = stage.options();
    options.rollout.canary = [AccountName::new("beta")].into();
    let applied = stage.apply_with(&tree, &plan, options).await;
    assert_eq!(order(&stage), ["example.com"]);
    let last = applied
        .outcomes
        .iter()
        .find_map(|outcome| match &outcome.result {
            StepResult::NotBegun { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
    assert_eq!(
        last,
        Some("example.com, which goes first, failed; fix that, then plan again")
    );
}

#[tokio::test]
async fn a_set_that_moved_since_the_plan_is_left_alone() {
    let stage = Stage::start(SEED, &[]).await;
    let plan = stage.plan(&tree()).await;
    let theirs = ZoneSeed {
        records: vec!["us.acme A 203.0.113.9".to_owned()],
        ..ZoneSeed::default()
    };
    stage.dns().set_zone(ZONE, &theirs).unwrap();
    let applied = stage.apply(&tree(), &plan).await;
    match &only(&applied).result {
        StepResult::Moved { reason } => {
            insta::assert_snapshot!(reason, @"us.acme.example.com A is now 203.0.113.9 instead of 198.51.100.1; plan again");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(zone(&stage), "us.acme.example.com A 203.0.113.9");
}

/// A zone that needs three messages, of which the second fails: the first and the third stay written and are told so, and
/// the next run writes what is missing, in one.
#[tokio::test]
async fn a_message_that_fails_leaves_the_others_written() {
    let names: Vec<String> = ('1'..='9')
        .chain('a'..='f')
        .map(|digit| format!("{digit}-brand"))
        .collect();
    let accounts = names.iter().map(|name| {
        let id = name[..1].repeat(32);
        format!("  - {{name: {name}, id: '{id}', whitelabel: {{domain: {name}.example.com}}}}\n")
    });
    let seed = format!(
        "
accounts:
  - {{name: master, id: '00000000000000000000000000000000'}}
{}template:
  A: {{'us.{{{{domain}}}}': {{mapping: ['192.0.2.1']}}}}
dns:
  keys: {{emblazon: {{algorithm: hmac-sha256, secret: c2VjcmV0IG9mIHRoZSBzd2VlcA==}}}}
  zones:
    example.com: {{}}
",
        accounts.collect::<String>()
    );
    let stage = Stage::start(&seed, &[]).await;
    let notes = (0..20).map(|number| {
        let note = json!({"mapping": ["x".repeat(400)]});
        (format!("n{number}.{{{{domain}}}}"), note)
    });
    let notes: serde_json::Map<String, serde_json::Value> = notes.collect();
    let tree = names
        .iter()
        .fold(Tree::new(), |tree, name| {
            tree.account(name, json!({"domain": format!("{name}.example.com")}))
        })
        .template(json!({"TXT": notes}))
        .managed();
    let plan = stage.plan(&tree).await;
    let zones = |plan: &emblazon::plan::Plan| {
        let steps = plan.steps.iter();
        steps.filter(|step| step.subject.title() == ZONE).count()
    };
    assert_eq!(zones(&plan), 3, "{:?} {:?}", plan.refusals, plan.unknown);
    let fault = DnsFault::new(DnsFaultKind::Refused).named(ZONE);
    stage.dns().set_faults(vec![fault.nth(2).times(1)]);
    let applied = stage.apply(&tree, &plan).await;
    stage.dns().set_faults(Vec::new());
    let steps = plan
        .steps
        .iter()
        .filter(|step| step.subject.title() == ZONE);
    let results = steps.map(|step| {
        let is_it = |outcome: &&apply::StepOutcome| outcome.step == step.id;
        let outcome = applied.outcomes.iter().find(is_it).unwrap();
        let told = match outcome.result {
            StepResult::Done { .. } => "done",
            StepResult::Failed { .. } => "failed",
            _ => "something else",
        };
        (told, step.changes.len())
    });
    assert_eq!(
        results.collect::<Vec<_>>(),
        [("done", 100), ("failed", 100), ("done", 100)]
    );
    assert_eq!(records(stage.dns()).len(), 200);
    assert_eq!(zones(&stage.plan(&tree).await), 1);
    stage.converge(&tree).await;
    assert_eq!(records(stage.dns()).len(), 300);
}
