//! The run as a whole: isolation, order, interruption, and what is left on disk.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use emblazon::apply::lease::Tenure;
use emblazon::apply::{
    self, Event, JournalEvent, SnapshotStore, StepResult, interrupted, read_journal, runs,
};
use emblazon::live::{TemplateWriter, WriteClient};
use emblazon::model::AssetKind;
use emblazon::plan::StepId;
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::stage::{Stage, Tree, html, id, png, unguarded};

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
        emblazon::plan::Subject::Account { name, .. } => name.to_string(),
        emblazon::plan::Subject::Template => "template".to_owned(),
        emblazon::plan::Subject::Zone(zone) => zone.to_string(),
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
    let cancel = options.cancel.clone();
    let reader = stage.client().await;
    let writer = WriteClient::new(reader.clone());
    let template = TemplateWriter::new(reader);
    let files = |_: &Utf8Path| Err::<Vec<u8>, _>("no files");
    let progress = |event: Event<'_>| {
        if matches!(event, Event::Ended(..)) {
            cancel.cancel();
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
        let StepResult::Failed { reason } = &outcome.result else {
            panic!("{outcome:?}");
        };
        assert!(reason.starts_with("not begun"), "{reason}");
    }
    let run = &runs(&stage.state).unwrap()[0];
    let entries = read_journal(&stage.state, run).unwrap();
    assert_eq!(interrupted(&entries), None);
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
    let tenure = Tenure::default();
    tenure.extend(Instant::now(), Duration::from_hours(1));
    let mut options = stage.options();
    options.concurrency = NonZeroUsize::MIN;
    options.tenure = Some(tenure.clone());
    let reader = stage.client().await;
    let (writer, template) = (
        WriteClient::new(reader.clone()),
        TemplateWriter::new(reader),
    );
    let files = |path: &Utf8Path| tree.files.get(path).cloned().ok_or("no such file");
    let progress = |event: Event<'_>| {
        if let Event::Ended(..) = event {
            tenure.end();
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
