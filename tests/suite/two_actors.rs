//! Somebody edits in the UI while a run is under way (C2): at each request of it, between what was read and what is
//! written. No edit is lost, and each that a step ran into is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use emblazon::apply::{Applied, StepResult};
use emblazon::plan::{Plan, Subject};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use crate::faults::{block_on, nothing_lost, run_as, stage, tree};
use crate::stage::id;
use crate::stand_in::{StandIn, port, relay};

/// The accounts that somebody has open in the UI; the plan deletes the whitelabel of `city`.
const EDITED: [&str; 5] = ["beta", "city", "delta", "echo", "foxtrot"];
const KEY: &str = "ui_note";

/// Every third edit.
#[test]
fn no_edit_is_lost() {
    edit_at_each(3);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn no_edit_at_all_is_lost() {
    edit_at_each(1);
}

fn edit_at_each(stride: usize) {
    let (requests, plan) = block_on(async {
        let stage = stage().await;
        let plan = stage.plan(&tree()).await;
        let port = port(&stage.sandbox.url());
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let server = StandIn::start(move |asked, stream| {
            counted.fetch_add(1, Ordering::SeqCst);
            let (head, body) = relay(port, asked);
            stream.send(&[head.as_bytes(), &body].concat());
        });
        let reader = stage.connect_to(&server.url()).await;
        let before = count.load(Ordering::SeqCst);
        run_as(reader, &stage, &tree(), &plan).await;
        (count.load(Ordering::SeqCst) - before, plan)
    });
    let cases: Vec<(u64, &str)> = (1..=requests)
        .flat_map(|nth| EDITED.map(|name| (nth, name)))
        .step_by(stride)
        .collect();
    let results: Vec<Result<Seen, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let share: Vec<_> = cases.iter().skip(worker).step_by(4).copied().collect();
                let plan = &plan;
                scope.spawn(move || {
                    block_on(
                        stream::iter(share)
                            .map(|(nth, name)| case(plan, nth, name))
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
    let count = |seen: Seen| results.iter().filter(|result| **result == Ok(seen)).count();
    let (shown, after, none) = (
        count(Seen::Shown),
        count(Seen::NotInTheWay),
        count(Seen::NothingToEdit),
    );
    println!(
        "{} edits at {requests} requests: {shown} conflicts shown, {after} not in the way, {none} with nothing to edit, {} lost",
        cases.len() - none,
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{}",
        wrong
            .iter()
            .map(|w| w.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(shown > 50, "only {shown} conflicts");
}

/// What became of an edit; in every case it is there afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A step met it, wrote nothing over it, and says so.
    Shown,
    /// It came before the account was read or after its last step, so all steps were done.
    NotInTheWay,
    /// The account had no whitelabel at that moment.
    NothingToEdit,
}

fn is_shown(plan: &Plan, applied: &Applied, account: &str) -> bool {
    plan.steps
        .iter()
        .zip(&applied.outcomes)
        .any(|(step, outcome)| {
            let is_its =
                matches!(&step.subject, Subject::Account { name, .. } if name.as_str() == account);
            is_its
                && matches!(
                    outcome.result,
                    StepResult::Moved { .. }
                        | StepResult::Unknown { .. }
                        | StepResult::Failed { .. }
                )
        })
}

/// Edits an account right before the nth request is passed on.
async fn case(plan: &Plan, nth: u64, name: &'static str) -> Result<Seen, String> {
    let stage = Arc::new(stage().await);
    let before = crate::faults::everything(&stage);
    let sandbox = port(&stage.sandbox.url());
    let (count, edits) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (counted, edited, world) = (Arc::clone(&count), Arc::clone(&edits), Arc::clone(&stage));
    let server = StandIn::start(move |asked, stream| {
        if !asked.path.contains("_auth") && counted.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            let mut world = world.sandbox.world();
            let id = id(name);
            if world.document(id.as_str()).is_some() {
                world.edit_settings(id.as_str(), |settings| {
                    settings.insert(KEY.to_owned(), json!(nth));
                });
                edited.fetch_add(1, Ordering::SeqCst);
            }
        }
        let (head, body) = relay(sandbox, asked);
        stream.send(&[head.as_bytes(), &body].concat());
    });
    let reader = stage.connect_to(&server.url()).await;
    count.store(0, Ordering::SeqCst);
    let applied = run_as(reader, &stage, &tree(), plan).await;
    let wrong = |what: &str| Err(format!("{name} at request {nth}: {what}\n  {applied:?}"));
    let tree = tree();
    let kept = || {
        stage
            .shown(name)
            .is_some_and(|shown| shown.settings.get(KEY) == Some(&json!(nth)))
    };
    let was_edited = edits.load(Ordering::SeqCst) > 0;
    let is_shown = is_shown(plan, &applied, name);
    if was_edited && !kept() {
        return wrong("the edit is lost");
    }
    if !was_edited && !applied.is_complete() {
        return wrong("a conflict with nobody");
    }
    if let Err(what) = nothing_lost(&stage, &tree, &before) {
        return wrong(&what);
    }
    if !applied.is_complete() && !is_shown {
        return wrong("the conflict is not shown with its account");
    }
    // The next run goes by what is there now; what the tree deletes goes, edited or not.
    let again = stage.plan(&tree).await;
    let second = crate::faults::run(&stage, &tree, &again).await;
    if !second.is_complete() || !stage.plan(&tree).await.steps.is_empty() {
        return wrong("a second run does not converge");
    }
    if was_edited && name != "city" && !kept() {
        return wrong("the second run loses the edit");
    }
    Ok(match (was_edited, is_shown) {
        (false, _) => Seen::NothingToEdit,
        (true, true) => Seen::Shown,
        (true, false) => Seen::NotInTheWay,
    })
}
