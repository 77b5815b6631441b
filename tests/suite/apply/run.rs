//! The run as a whole: isolation, order, interruption, and what is left on disk.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use camino::Utf8Path;
use emblazon::apply::lease::{Fence, LeaseGuard, Moment};
use emblazon::apply::{
    self, Event, Halt, JournalEvent, RunState, SnapshotStore, StepResult, StepStanding,
    interrupted, read_journal, runs,
};
use emblazon::live::{TemplateWriter, WriteClient};
use emblazon::model::AssetKind;
use emblazon::plan::{StepId, Subject};
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::stage::{Stage, Tree, html, id, png, unguarded};
use crate::stand_in::{StandIn, port, relay};

const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
  - name: acme
    id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    whitelabel: {domain: acme.example.com, undeclared: kept}
    assets: {welcome: welcome.html}
  - name: beta
    id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    whitelabel: {domain: beta.example.com}
  - name: city
    id: cccccccccccccccccccccccccccccccc
    whitelabel: {domain: city.example.com}
";

async fn stage() -> Stage {
    Stage::start(SEED, &[("welcome.html", html("seeded"))]).await
}

fn tree() -> Tree {
    Tree::new()
        .account("acme", json!({"company_name": "A"}))
        .asset("acme", AssetKind::Logo, Some(png("a")))
        .account("beta", json!({"company_name": "B"}))
        .account("city", json!({"company_name": "C"}))
}

/// One account's failure never stops another's steps.
#[tokio::test]
async fn a_failure_stays_in_its_account() {
    let stage = stage().await;
    let plan = stage.plan(&tree()).await;
    let acme = format!("/v2/accounts/{}/whitelabel", id("acme"));
    stage.faults(vec![
        Fault::new("POST", &acme, FaultKind::Status(403)).times(99),
    ]);
    let applied = stage.apply(&tree(), &plan).await;
    let name = |step: StepId| match &plan.steps[step.0 as usize].subject {
        Subject::Account { name, .. } => name.to_string(),
        Subject::Template => "template".to_owned(),
        Subject::Zone(zone) => zone.to_string(),
    };
    let told: Vec<String> = applied
        .outcomes
        .iter()
        .map(|outcome| match &outcome.result {
            StepResult::Done { .. } => format!("{} done", name(outcome.step)),
            StepResult::Failed { reason } => format!("{} failed: {reason}", name(outcome.step)),
            StepResult::Skipped { because } => {
                format!("{} skipped because of {}", name(outcome.step), because.0)
            }
            other => format!("{other:?}"),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    acme failed: the login may not do this; nothing was changed; log in with an account above it; the domain template needs the master account
    beta done
    city done
    acme skipped because of 0
    "#);
}

/// An interrupted run ends the steps in hand and says of the others that they were not begun.
#[tokio::test]
async fn an_interruption_ends_the_steps_in_hand() {
    let stage = stage().await;
    let tree = tree();
    let plan = stage.plan(&tree).await;
    let options = stage.options();
    let guard = options.guard.clone();
    let reader = stage.client().await;
    let writer = WriteClient::new(reader.clone());
    let template = TemplateWriter::new(reader);
    let files = |_: &Utf8Path| Err::<Vec<u8>, _>("no files");
    let progress = |event: Event<'_>| {
        if matches!(event, Event::Ended(..)) {
            guard.stopping().cancel();
        }
    };
    let applied = apply::run(
        unguarded(&tree, &plan),
        &writer,
        Some(&template),
        &files,
        &options,
        &progress,
    )
    .await
    .unwrap();
    assert_eq!(applied.outcomes.len(), plan.steps.len());
    let done = |outcome: &&apply::StepOutcome| matches!(outcome.result, StepResult::Done { .. });
    assert_eq!(applied.outcomes.iter().filter(done).count(), 2);
    for outcome in applied.outcomes.iter().filter(|outcome| !done(outcome)) {
        let StepResult::NotBegun {
            halt: Halt::Interrupted,
            reason,
        } = &outcome.result
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(reason, "the run was interrupted; plan again");
    }
    let run = &runs(&stage.state).unwrap()[0];
    let entries = read_journal(&stage.state, run).unwrap();
    assert_eq!(interrupted(&entries), None);
    // The history says the same, and not that the run came to its end.
    let [record] = apply::records(&stage.state).unwrap().try_into().unwrap();
    assert_eq!(record.state, RunState::Stopped);
    assert_eq!(record.halt, Some(Halt::Interrupted));
    assert_eq!(record.count, applied.count());
    assert_eq!(apply::outcomes(&entries, &plan, record.state), applied);
}

/// However early a run dies: the four counts of its journal are all steps of its plan.
#[tokio::test]
async fn the_counts_of_a_journal_that_is_cut_off_add_up() {
    let stage = stage().await;
    let plan = stage.plan(&tree()).await;
    let applied = stage.apply(&tree(), &plan).await;
    assert!(applied.is_complete());
    let run = &runs(&stage.state).unwrap()[0];
    let entries = read_journal(&stage.state, run).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for end in 1..entries.len() {
        let entries = &entries[..end];
        let record = apply::record(entries).unwrap();
        assert_eq!(record.count.total(), plan.steps.len(), "{end} lines");
        let outcomes = apply::outcomes(entries, &plan, record.state);
        assert_eq!(outcomes.count(), record.count, "{end} lines");
        assert_eq!(record.state, RunState::Interrupted);
        seen.extend(record.count.left().map(|(standing, _)| standing));
    }
    let died = [StepStanding::Unknown, StepStanding::NotBegun];
    assert_eq!(seen, died.into(), "nothing failed when a process died");
}

/// Whoever looks into the history while a run is at work reads that it is, and not that it died.
#[tokio::test]
async fn a_run_at_work_is_told_from_one_that_died() {
    let stage = stage().await;
    let plan = stage.plan(&tree()).await;
    let at_work = Mutex::new(Vec::new());
    let reader = stage.client().await;
    let files = |path: &Utf8Path| tree().files.get(path).cloned().ok_or("no such file");
    let look = |_: Event<'_>| {
        let records = apply::records(&stage.state).unwrap();
        at_work.lock().unwrap().push(records[0].state);
    };
    apply::run(
        unguarded(&tree(), &plan),
        &WriteClient::new(reader.clone()),
        Some(&TemplateWriter::new(reader)),
        &files,
        &stage.options(),
        &look,
    )
    .await
    .unwrap();
    let at_work = at_work.into_inner().unwrap();
    assert!(!at_work.is_empty());
    assert!(
        at_work.iter().all(|state| *state == RunState::UnderWay),
        "{at_work:?}"
    );
    let [record] = apply::records(&stage.state).unwrap().try_into().unwrap();
    assert_eq!(record.state, RunState::Finished);
}

/// What is said to end the run ends it: a step in hand that has sent nothing yet sends nothing any more.
#[tokio::test]
async fn nothing_is_written_after_the_end_of_the_run() {
    let stage = stage().await;
    let tree = Tree::new()
        .account("acme", json!({"company_name": "A"}))
        .template(json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}}));
    let plan = stage.plan(&tree).await;
    assert_eq!(plan.steps.len(), 2);
    let acme = format!("/v2/accounts/{}/whitelabel", id("acme"));
    stage.faults(vec![
        Fault::new("POST", &acme, FaultKind::Status(403)).times(99),
    ]);
    let failed = Arc::new((Mutex::new(false), Condvar::new()));
    let (port, gate) = (port(&stage.sandbox.url()), Arc::clone(&failed));
    // The template is read, and its step in hand, until the account has failed.
    let server = StandIn::start(move |asked, stream| {
        if asked.method == "GET" && asked.path.contains("whitelabel/domains") {
            let (has_failed, told) = &*gate;
            let mut has_failed = has_failed.lock().unwrap();
            while !*has_failed {
                has_failed = told.wait(has_failed).unwrap();
            }
        }
        let (head, body) = relay(port, asked);
        stream.send(&[head.as_bytes(), &body].concat());
    });
    let progress = |event: Event<'_>| {
        if let Event::Ended(step, _) = event
            && step.subject != Subject::Template
        {
            let (has_failed, told) = &*failed;
            *has_failed.lock().unwrap() = true;
            told.notify_all();
        }
    };
    let reader = stage.connect_to(&server.url()).await;
    let mut options = stage.options();
    options.rollout.max_failures = NonZeroUsize::new(1);
    let before = stage.sandbox.world().template().clone();
    let files = |_: &Utf8Path| Err::<Vec<u8>, _>("no files");
    let applied = apply::run(
        unguarded(&tree, &plan),
        &WriteClient::new(reader.clone()),
        Some(&TemplateWriter::new(reader)),
        &files,
        &options,
        &progress,
    )
    .await
    .unwrap();
    let count = applied.count();
    assert_eq!((count.failed, count.not_begun), (1, 1), "{applied:?}");
    assert_eq!(applied.halt(), Some(Halt::Failure));
    assert_eq!(*stage.sandbox.world().template(), before);
}

/// Everything that was live before is on disk, undeclared keys and assets included.
#[tokio::test]
async fn a_run_leaves_snapshots_that_can_restore() {
    let stage = stage().await;
    let before = stage.shown("acme").unwrap();
    stage.converge(&tree()).await;
    let run = &runs(&stage.state).unwrap()[0];
    let store = SnapshotStore::new(&stage.state);
    let manifest = store.manifest(run).unwrap();
    assert_eq!(manifest.accounts.len(), 3);
    let snapshot = manifest.accounts[&id("acme")].document.as_ref().unwrap();
    assert_eq!(snapshot.revision.as_str(), before.revision);
    assert_eq!(
        snapshot.reserved_domain.as_deref(),
        Some("acme.example.com")
    );
    let settings = store.settings(&snapshot.settings).unwrap();
    assert_eq!(settings.get(&"undeclared".into()), Some(&json!("kept")));
    let kinds: Vec<_> = snapshot.assets.keys().copied().collect();
    assert_eq!(kinds, [AssetKind::Welcome]);
    let welcome = &snapshot.assets[&AssetKind::Welcome];
    assert_eq!(store.get(&welcome.digest).unwrap(), html("seeded"));
}

/// Each write is announced before it is sent, under the request id that the server echoes.
#[tokio::test]
async fn observed_12_the_journal_ties_writes_to_the_servers_log() {
    let stage = stage().await;
    let tree = Tree::new().account("beta", json!({"company_name": "B"}));
    stage.converge(&tree).await;
    let run = &runs(&stage.state).unwrap()[0];
    let told: Vec<String> = read_journal(&stage.state, run)
        .unwrap()
        .into_iter()
        .map(|entry| match entry.event {
            JournalEvent::RunStarted { steps, .. } => format!("started, {steps} step"),
            JournalEvent::Intent { write, request, .. } => {
                format!("{write} as {}", number(&request))
            }
            JournalEvent::Answer { request, .. } => format!("answer to {}", number(&request)),
            JournalEvent::Repair { what, .. } => what,
            JournalEvent::Outcome { step, .. } => format!("step {} ended", step.0),
            JournalEvent::RunFinished { done } => format!("finished, {done} done"),
            JournalEvent::Recovered => "recovered".to_owned(),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    started, 1 step
    update as 1
    answer to 1
    step 0 ended
    finished, 1 done
    "#);
}

fn number(request: &str) -> &str {
    request
        .rsplit_once('-')
        .map_or(request, |(_, number)| number)
}

/// Requests for one update: read, three assets for the snapshot, write, read back, public lookup.
#[tokio::test]
async fn an_update_costs_seven_requests() {
    let stage = stage().await;
    let tree = Tree::new().account("beta", json!({"company_name": "B"}));
    let plan = stage.plan(&tree).await;
    let client = stage.client().await;
    let before = stage.sandbox.counts().total;
    let writer = WriteClient::new(client);
    let files = |_: &Utf8Path| Err::<Vec<u8>, _>("no files");
    apply::run(
        unguarded(&tree, &plan),
        &writer,
        None,
        &files,
        &stage.options(),
        &|_| {},
    )
    .await
    .unwrap();
    assert_eq!(stage.sandbox.counts().total - before, 7);
}

/// Whoever stood still until the lease ended writes nothing further, whatever is in hand.
#[tokio::test]
async fn nothing_is_sent_once_the_lease_ended() {
    let stage = stage().await;
    let tree = tree();
    let plan = stage.plan(&tree).await;
    let fence = Fence::default();
    fence.extend(Moment::now(), Duration::from_hours(1));
    let mut options = stage.options();
    options.concurrency = NonZeroUsize::MIN;
    options.guard = LeaseGuard::fenced(fence.clone());
    let reader = stage.client().await;
    let (writer, template) = (
        WriteClient::new(reader.clone()),
        TemplateWriter::new(reader),
    );
    let files = |path: &Utf8Path| tree.files.get(path).cloned().ok_or("no such file");
    let progress = |event: Event<'_>| {
        if let Event::Ended(..) = event {
            fence.end();
        }
    };
    let before = stage.sandbox.counts().mutating;
    let mandate = unguarded(&tree, &plan);
    let applied = apply::run(
        mandate,
        &writer,
        Some(&template),
        &files,
        &options,
        &progress,
    )
    .await;
    let outcomes = applied.unwrap().outcomes;
    let is_done = |result: &StepResult| matches!(result, StepResult::Done { .. });
    let done = outcomes.iter().filter(|outcome| is_done(&outcome.result));
    assert_eq!(done.count(), 1, "{outcomes:?}");
    let refused = outcomes.iter().filter(|outcome| {
        matches!(&outcome.result, StepResult::Failed { reason } if reason.starts_with("nothing was sent: the lease ended"))
    });
    assert!(refused.count() > 0, "{outcomes:?}");
    assert_eq!(stage.sandbox.counts().mutating, before + 1);
}

/// Beta and city swap their domains, and acme comes first; the step that releases beta's domain comes before all.
fn swap() -> Tree {
    Tree::new()
        .account("acme", json!({"company_name": "A"}))
        .account("beta", json!({"domain": "city.example.com"}))
        .account("city", json!({"domain": "beta.example.com"}))
}

/// Carries out a plan with one step at a time; `look` sees how each one ends.
async fn one_by_one(
    stage: &Stage,
    tree: &Tree,
    options: apply::Options,
    look: impl Fn(&emblazon::plan::Step) + Sync,
) -> apply::Applied {
    let plan = stage.plan(tree).await;
    let reader = stage.client().await;
    let files = |path: &Utf8Path| tree.files.get(path).cloned().ok_or("no such file");
    let progress = |event: Event<'_>| {
        if let Event::Ended(step, _) = event {
            look(step);
        }
    };
    apply::run(
        unguarded(tree, &plan),
        &WriteClient::new(reader.clone()),
        Some(&TemplateWriter::new(reader)),
        &files,
        &options,
        &progress,
    )
    .await
    .unwrap()
}

fn is_release(step: &emblazon::plan::Step) -> bool {
    matches!(step.action, emblazon::plan::Action::Release { .. })
}

/// Whatever ends a run between a release and a claim: the step that was to claim says that nobody reaches the brand,
/// and the next apply brings it back.
#[tokio::test]
async fn a_brand_that_is_left_with_a_parked_domain_is_told() {
    for end in ["failure", "interrupted", "lease", "claim"] {
        let stage = stage().await;
        let tree = swap();
        let mut options = stage.options();
        options.concurrency = NonZeroUsize::MIN;
        let fence = Fence::default();
        fence.extend(Moment::now(), Duration::from_hours(1));
        if end == "lease" {
            options.guard = LeaseGuard::fenced(fence.clone());
        }
        let refuse = |name: &str, nth| {
            let path = format!("/v2/accounts/{}/whitelabel", id(name));
            let fault = Fault::new("POST", &path, FaultKind::Status(403));
            stage.faults(vec![fault.nth(nth).times(99)]);
        };
        match end {
            "failure" => {
                options.rollout.max_failures = NonZeroUsize::new(1);
                refuse("acme", 1);
            }
            "claim" => refuse("beta", 2),
            _ => {}
        }
        let guard = options.guard.clone();
        let applied = one_by_one(&stage, &tree, options, |step| {
            if is_release(step) {
                match end {
                    "interrupted" => guard.stopping().cancel(),
                    "lease" => fence.end(),
                    _ => {}
                }
            }
        })
        .await;
        let noted: Vec<_> = (applied.outcomes.iter())
            .filter(|outcome| !outcome.notes.is_empty())
            .map(|outcome| (outcome.step.0, outcome.notes.join("\n")))
            .collect();
        let told = "nobody reaches this brand now: it gave up beta.example.com, and does not have city.example.com yet; the next apply claims city.example.com";
        assert_eq!(noted, [(3, told.to_owned())], "{end}: {applied:?}");
        // The history tells it too.
        let run = runs(&stage.state).unwrap().pop().unwrap();
        let entries = read_journal(&stage.state, &run).unwrap();
        let record = apply::record(&entries).unwrap();
        let plan = apply::plan_of(&stage.state, &run).unwrap();
        assert_eq!(apply::outcomes(&entries, &plan, record.state), applied);
        stage.faults(Vec::new());
        stage.converge(&tree).await;
        let reserved = stage.shown("beta").unwrap().reserved.unwrap();
        assert_eq!(reserved, "city.example.com", "{end}");
    }
}

/// A process that died between a release and a claim says nothing, so the history does.
#[tokio::test]
async fn the_history_tells_of_a_brand_that_a_dead_run_left_parked() {
    let stage = stage().await;
    let tree = swap();
    let plan = stage.plan(&tree).await;
    stage.apply(&tree, &plan).await;
    let run = &runs(&stage.state).unwrap()[0];
    let entries = read_journal(&stage.state, run).unwrap();
    let released = entries.iter().position(
        |entry| matches!(&entry.event, JournalEvent::Outcome { step, .. } if step.0 == 0),
    );
    let entries = &entries[..=released.unwrap()];
    let record = apply::record(entries).unwrap();
    let outcomes = apply::outcomes(entries, &plan, record.state).outcomes;
    let notes = &outcomes[3].notes;
    assert!(
        notes[0].starts_with("nobody reaches this brand now"),
        "{notes:?}"
    );
}

/// A limit on failures begins no further account, and finishes one whose domain was released.
#[tokio::test]
async fn an_account_that_released_its_domain_goes_on_after_the_limit_on_failures() {
    let stage = stage().await;
    let tree = Tree::new()
        .account("acme", json!({"domain": null}))
        .account("beta", json!({"company_name": "B"}))
        .account("city", json!({"company_name": "C"}));
    let plan = stage.plan(&tree).await;
    let is_claim =
        |step: &emblazon::plan::Step| step.subject.title() == "acme" && !is_release(step);
    assert!(
        is_release(&plan.steps[0]) && plan.steps.iter().any(is_claim),
        "{plan:?}"
    );
    let beta = format!("/v2/accounts/{}/whitelabel", id("beta"));
    stage.faults(vec![
        Fault::new("POST", &beta, FaultKind::Status(403)).times(99),
    ]);
    // Beta is refused only once acme's domain is released, and acme's next step sends nothing before that.
    let seen = Arc::new((Mutex::new((false, false)), Condvar::new()));
    let (port, gate) = (port(&stage.sandbox.url()), Arc::clone(&seen));
    let acme = format!("/v2/accounts/{}/whitelabel", id("acme"));
    let server = StandIn::start(move |asked, stream| {
        let (known, told) = &*gate;
        let mut now = known.lock().unwrap();
        let is_early = |(released, failed): (bool, bool)| {
            (asked.method == "POST" && asked.path == beta && !released)
                || (asked.method == "GET" && asked.path == acme && released && !failed)
        };
        while is_early(*now) {
            now = told.wait(now).unwrap();
        }
        drop(now);
        let (head, body) = relay(port, asked);
        stream.send(&[head.as_bytes(), &body].concat());
    });
    let progress = |event: Event<'_>| {
        if let Event::Ended(step, _) = event {
            let (known, told) = &*seen;
            let mut now = known.lock().unwrap();
            now.0 |= is_release(step);
            now.1 |= step.subject.title() == "beta";
            told.notify_all();
        }
    };
    let reader = stage.connect_to(&server.url()).await;
    let mut options = stage.options();
    options.rollout.max_failures = NonZeroUsize::new(1);
    let files = |_: &Utf8Path| Err::<Vec<u8>, _>("no files");
    let applied = apply::run(
        unguarded(&tree, &plan),
        &WriteClient::new(reader.clone()),
        Some(&TemplateWriter::new(reader)),
        &files,
        &options,
        &progress,
    )
    .await
    .unwrap();
    let count = applied.count();
    assert_eq!(
        (count.done, count.failed, count.not_begun),
        (2, 1, 1),
        "{applied:?}"
    );
    let settings = stage.shown("acme").unwrap().settings;
    assert_eq!(settings.get("domain"), None);
}
