//! Two faults in one run. What two of them can destroy together is told by the run, and restored from its snapshot.

use emblazon::apply::{self, ApprovedPlan, SnapshotStore, StepResult, StoredAssets};
use emblazon::diag::SourceMap;
use emblazon::live::{CollectOptions, TemplateWriter, WriteClient, collect};
use emblazon::plan::{self, Plan, RefusalKind};
use emblazon::sandbox::{Fault, FaultKind};
use futures_util::{StreamExt as _, stream};

use crate::effort::Effort;
use crate::faults::trouble::Trouble;
use crate::faults::{block_on, cases, everything, is_true, nothing_lost, run, stage, tree};
use crate::stage::Stage;

const SEED: u64 = 0x5eed_0002;

#[test]
fn two_faults_at_once() {
    pairs(300, Effort::Sampled);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn two_faults_at_once_three_thousand_times() {
    pairs(3_000, Effort::Full);
}

fn pairs(sampled: usize, effort: Effort) {
    let (plan, faults) = block_on(cases(effort));
    let mut random = fastrand::Rng::with_seed(SEED);
    // A fault that hangs costs a second of waiting, and is met by every other alone.
    let quick: Vec<&Trouble> = (faults.iter()).filter(|fault| !fault.hangs()).collect();
    // A refused upload that puts the eaten welcome back, and a read after it that still shows that welcome.
    let eaten = [
        Fault::new("*", "*", FaultKind::Status(403)).nth(67),
        Fault::new("GET", "*", FaultKind::StaleRead).nth(59),
    ];
    // An accepted logo eats the welcome, and the login that the read-back needs is refused.
    let unseen = [
        Fault::new("*", "*", FaultKind::Status(409)).nth(35),
        Fault::new("*", "*", FaultKind::Status(401)).nth(34),
    ];
    let met = [eaten, unseen].map(|pair| pair.map(Trouble::Platform));
    let pairs: Vec<[Trouble; 2]> = (0..sampled)
        .map(|_| [0, 1].map(|_| quick[random.usize(..quick.len())].clone()))
        .chain(met)
        .collect();
    let results: Vec<Result<bool, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let share: Vec<_> = pairs.iter().skip(worker).step_by(4).cloned().collect();
                let plan = &plan;
                scope.spawn(move || {
                    block_on(
                        stream::iter(share)
                            .map(|pair| case(plan, pair))
                            .buffer_unordered(8)
                            .collect::<Vec<_>>(),
                    )
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let wrong: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    let restored = results
        .iter()
        .filter(|result| matches!(result, Ok(true)))
        .count();
    println!(
        "{} pairs of faults, {restored} of them restored from the snapshot, {} wrong",
        pairs.len(),
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong
            .iter()
            .map(|w| w.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// Runs with two faults, then without; tells whether a snapshot was needed in between.
async fn case(plan: &Plan, pair: [Trouble; 2]) -> Result<bool, String> {
    let mut stage = stage().await;
    let tree = tree();
    let before = everything(&stage);
    stage.client().await;
    Trouble::begin(&stage, &pair);
    let first = run(&stage, &tree, plan).await;
    Trouble::begin(&stage, &[]);
    // The next run is another process; two refusals of the login are the last word for this one.
    stage.log_out();
    let wrong = |what: String| Err(format!("{pair:?}: {what}"));
    if let Err(what) = is_true(&stage, &tree, plan, &first, &before) {
        return wrong(format!("first run: {what}\n  {first:?}"));
    }
    let mut is_restored = false;
    if let Err(what) = nothing_lost(&stage, &tree, &before) {
        let is_told = first.outcomes.iter().any(|outcome| match &outcome.result {
            StepResult::Failed { reason } | StepResult::Unknown { reason } => {
                reason.contains("the snapshot of run")
            }
            _ => false,
        });
        if !is_told {
            return wrong(format!(
                "after the first run: {what}, and nobody is told\n  {first:?}"
            ));
        }
        restore(&stage).await;
        is_restored = true;
        if let Err(what) = nothing_lost(&stage, &tree, &before) {
            return wrong(format!("after the restore: {what}\n  {first:?}"));
        }
    }
    let plan = stage.plan(&tree).await;
    let second = run(&stage, &tree, &plan).await;
    if !second.is_complete() {
        return wrong(format!("second run: {second:?}"));
    }
    if let Err(what) = nothing_lost(&stage, &tree, &before) {
        return wrong(format!("after the second run: {what}"));
    }
    let rest = stage.plan(&tree).await.steps;
    if !rest.is_empty() {
        return wrong(format!("a third plan has steps: {rest:?}"));
    }
    Ok(is_restored)
}

/// Goes back to what was there before the only run.
async fn restore(stage: &Stage) {
    let run = apply::runs(&stage.state).unwrap().remove(0);
    let store = SnapshotStore::new(&stage.state);
    let manifest = store.manifest(&run).unwrap();
    let cluster = tree().desired.cluster;
    let back = apply::restore_target(
        &manifest,
        &store,
        &cluster,
        &std::collections::BTreeSet::new(),
    )
    .unwrap();
    let client = stage.client().await;
    let options = CollectOptions {
        unmanaged: false,
        ..CollectOptions::default()
    };
    let live = collect(&client, &back.desired, &options).await.unwrap();
    let allow = [RefusalKind::Prune, RefusalKind::Recreate].into();
    let rules = plan::Options {
        allow,
        ..plan::Options::default()
    };
    let sources: &SourceMap = &back.sources;
    let plan = plan::plan(&back.desired, None, &live, sources, &rules).plan;
    let mandate = ApprovedPlan {
        plan: &plan,
        desired: &back.desired,
        allow: &rules.allow,
    };
    let writer = WriteClient::new(client.clone());
    let template = TemplateWriter::new(client);
    let files = StoredAssets::new(&store, &back.desired);
    let applied = apply::run(
        mandate,
        &writer,
        Some(&template),
        &files,
        &stage.options(),
        &|_| {},
    )
    .await
    .unwrap();
    assert!(applied.is_complete(), "{applied:?}");
}
