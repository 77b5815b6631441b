//! A platform that turns hostile in the middle of an apply (issue 17): every read and every write, answered in every mode,
//! after it was carried out or instead. Nothing is lost, nothing is written that is not planned, and the next run ends
//! where this one was to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use emblazon::apply::StepResult;
use emblazon::plan::Plan;
use futures_util::{StreamExt as _, stream};

use super::modes::{MOST, Mode, modes};
use crate::effort::Effort;
use crate::faults::{block_on, everything, is_true, nothing_lost, run, run_as, stage, tree};
use crate::stage::Stage;
use crate::stand_in::{StandIn, port, relay};

/// Of all cases, one of twice so many is tried in full number: all of them take an hour.
const FULL: u64 = 4;
/// How many threads share the cases.
const WORKERS: usize = 4;

/// Where the platform turns hostile, and how.
#[derive(Clone, Copy)]
struct Case<'a> {
    mode: &'a Mode,
    /// Which request, from 0; the login aside.
    nth: u64,
    /// Whether the request is carried out before it is answered so.
    is_carried_out: bool,
}

/// Stands between the client and the sandbox, and answers one request in its own way.
struct Between {
    server: StandIn,
    /// How many requests came, the login aside.
    asked: Arc<AtomicU64>,
    /// The most bytes that were taken of a hostile answer.
    taken: Arc<Mutex<u64>>,
}

fn between(stage: &Stage, case: Option<(Arc<Vec<Mode>>, usize, u64, bool)>) -> Between {
    let sandbox = port(&stage.sandbox.url());
    let asked = Arc::new(AtomicU64::new(0));
    let taken = Arc::new(Mutex::new(0));
    let (count, most) = (Arc::clone(&asked), Arc::clone(&taken));
    let server = StandIn::start(move |request, stream| {
        let is_login = request.path.contains("_auth");
        let number = if is_login {
            None
        } else {
            Some(count.fetch_add(1, Ordering::SeqCst))
        };
        let hostile = case.as_ref().filter(|(_, _, nth, _)| number == Some(*nth));
        let Some((modes, place, _, is_carried_out)) = hostile else {
            let (head, body) = relay(sandbox, request);
            stream.send(&[head.into_bytes(), body].concat());
            return;
        };
        let (status, body) = if *is_carried_out {
            let (head, body) = relay(sandbox, request);
            let status = head.split("\r\n").next().unwrap_or_default();
            (status.get(9..).unwrap_or("200 OK").to_owned(), body)
        } else {
            ("200 OK".to_owned(), Vec::new())
        };
        let before = stream.taken();
        modes[*place].answer((&status, &body), stream);
        let mut most = most.lock().unwrap();
        *most = (*most).max(stream.taken() - before);
    });
    Between {
        server,
        asked,
        taken,
    }
}

/// A sample in each run of the tests: each mode and each request meet once or twice.
#[test]
fn every_hostile_mode_at_every_request_of_an_apply() {
    sweep(Effort::Sampled);
}

#[test]
#[ignore = "takes many minutes; run `cargo test --test suite -- --ignored in_large_number`"]
fn every_hostile_mode_at_every_request_of_an_apply_in_large_number() {
    sweep(Effort::Full);
}

fn sweep(effort: Effort) {
    let modes = Arc::new(modes());
    let (plan, requests) = block_on(async {
        let stage = stage().await;
        let tree = tree();
        let plan = stage.plan(&tree).await;
        let between = between(&stage, None);
        let client = stage.connect_to(&between.server.url()).await;
        let applied = run_as(client, &stage, &tree, &plan).await;
        assert!(applied.is_complete(), "{applied:?}");
        (plan, between.asked.load(Ordering::SeqCst))
    });
    let all = (0..modes.len()).flat_map(|place| {
        (0..requests).flat_map(move |nth| [true, false].map(|carried| (place, nth, carried)))
    });
    let count = modes.len() as u64;
    let cases: Vec<_> = all
        .filter(|(place, nth, carried)| {
            let met = (nth + *place as u64).is_multiple_of(match effort {
                Effort::Full => FULL,
                Effort::Sampled => count,
            });
            met && *carried == (nth / 2 + *place as u64).is_multiple_of(2)
        })
        .collect();
    assert!(requests > 60, "only {requests} requests");
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let share: Vec<_> = cases
                    .iter()
                    .skip(worker)
                    .step_by(WORKERS)
                    .copied()
                    .collect();
                let (plan, modes) = (&plan, &modes);
                scope.spawn(move || block_on(work_through(plan, modes, share)))
            })
            .collect();
        let ended = workers.into_iter().map(|worker| worker.join().unwrap());
        ended.flatten().collect()
    });
    println!(
        "{} modes at {requests} requests: {} cases, {} wrong",
        modes.len(),
        cases.len(),
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

async fn work_through(
    plan: &Plan,
    modes: &Arc<Vec<Mode>>,
    cases: Vec<(usize, u64, bool)>,
) -> Vec<String> {
    stream::iter(cases)
        .map(|(place, nth, is_carried_out)| async move {
            let case = Case {
                mode: &modes[place],
                nth,
                is_carried_out,
            };
            let result = check(plan, modes, place, case).await;
            result.map_err(|what| {
                let how = if is_carried_out {
                    "after"
                } else {
                    "instead of"
                };
                format!("{} {how} request {nth}: {what}", case.mode.name)
            })
        })
        .buffer_unordered(4)
        .filter_map(|result| async { result.err() })
        .collect()
        .await
}

/// Applies once with the hostile answer, then without, and says what is wrong.
async fn check(
    plan: &Plan,
    modes: &Arc<Vec<Mode>>,
    place: usize,
    case: Case<'_>,
) -> Result<(), String> {
    let stage = stage().await;
    let tree = tree();
    let before = everything(&stage);
    let script = (Arc::clone(modes), place, case.nth, case.is_carried_out);
    let between = between(&stage, Some(script));
    let client = stage
        .connect_with(&between.server.url(), |config| {
            config.limits.document_bytes = MOST;
            config.limits.asset_bytes = MOST;
            if case.mode.hangs() {
                config.limits.read = Duration::from_secs(1);
                config.limits.write = Duration::from_secs(1);
            }
        })
        .await;
    let first = run_as(client, &stage, &tree, plan).await;
    if !case.mode.is_plausible() {
        is_true(&stage, &tree, plan, &first, &before)
            .map_err(|what| format!("first run: {what}\n  {first:?}"))?;
    }
    nothing_lost(&stage, &tree, &before)
        .map_err(|what| format!("after the first run: {what}\n  {first:?}"))?;
    // What lies in the buffers of sockets counts as taken; they grow to some MiB.
    let taken = *between.taken.lock().unwrap();
    if !case.mode.hangs() && taken > (MOST as u64) + (16 << 20) {
        return Err(format!("{taken} bytes of one answer were taken"));
    }
    let plan = stage.plan(&tree).await;
    let second = run(&stage, &tree, &plan).await;
    for outcome in &second.outcomes {
        if !matches!(outcome.result, StepResult::Done { .. }) {
            return Err(format!("second run: {outcome:?}"));
        }
    }
    nothing_lost(&stage, &tree, &before).map_err(|what| format!("after the second run: {what}"))?;
    let rest = stage.plan(&tree).await.steps;
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("a third plan has steps: {rest:?}"))
    }
}
