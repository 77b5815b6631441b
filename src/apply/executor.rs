//! Carries out the steps of a plan: each after its dependencies, those of one object in sequence, those of different
//! objects concurrently.

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::approved_plan::ApprovedPlan;
use super::context::Context;
use super::error::ApplyError;
use super::journal::JournalEvent;
use super::options::{AssetSource, Event, Options};
use super::outcome::{Applied, Halt, StepOutcome, StepResult};
use super::rollout::RolloutState;
use super::schedule::{Next, Queue, Schedule};
use super::step;
use super::step_run::StepRun;
use crate::live::{TemplateWriter, WriteClient};
use crate::plan::Step;

/// Carries out a plan, and returns the outcome of each step.
///
/// The guards are checked before the first step, and the freezes before each. A failure of one object never stops the
/// steps of another. The template's steps need a [`TemplateWriter`]; without one they fail.
///
/// # Errors
/// When the run could not begin. Later failures are in the outcomes.
pub async fn run(
    approved: ApprovedPlan<'_>,
    writer: &WriteClient,
    template: Option<&TemplateWriter>,
    files: &dyn AssetSource,
    options: &Options,
    progress: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Applied, ApplyError> {
    let plan = approved.plan;
    approved.check((options.now)())?;
    options.rollout.check(plan, approved.desired)?;
    if plan.steps.is_empty() {
        return Ok(Applied::default());
    }
    options.guard.begin_writing();
    let context = Context::start(plan, writer, template, files, options)?;
    let mut schedule = Schedule::new(plan);
    let is_checked = options.canary_check.is_some();
    let mut rollout_state = RolloutState::new(plan, &options.rollout, is_checked);
    // Boxed, so that the compiler can prove that the whole future is `Send`.
    let mut in_flight: FuturesUnordered<BoxFuture<'_, _>> = FuturesUnordered::new();
    loop {
        look_at_canary(options, &mut rollout_state).await;
        note_end(&context, &rollout_state);
        while in_flight.len() < options.concurrency.get() && !options.guard.is_stopped() {
            if let Some(reason) = approved.frozen(&*options.now) {
                rollout_state.end(Halt::Freeze, reason);
                note_end(&context, &rollout_state);
                break;
            }
            match schedule.next(|step| rollout_state.admits(step)) {
                Next::Ready(queue, step) if options.withheld.contains_key(&step.id) => {
                    let reason = options.withheld[&step.id].clone();
                    let outcome = ended(step, StepResult::Moved { reason });
                    schedule.give_back(queue);
                    rollout_state.note(step, &outcome);
                    note_end(&context, &rollout_state);
                    conclude(&context, &mut schedule, progress, step, outcome);
                }
                Next::Ready(queue, step) => {
                    progress(Event::Begun(step));
                    let is_released = rollout_state.has_released(&step.subject);
                    let step_run = StepRun::new(&context, step, is_released);
                    in_flight.push(work(step_run, queue, step).boxed());
                }
                Next::Blocked(step, because) => {
                    let outcome = ended(step, StepResult::Skipped { because });
                    rollout_state.note(step, &outcome);
                    note_end(&context, &rollout_state);
                    conclude(&context, &mut schedule, progress, step, outcome);
                }
                Next::Waiting => break,
            }
        }
        let Some((queue, step, outcome)) = in_flight.next().await else {
            break;
        };
        schedule.give_back(queue);
        rollout_state.note(step, &outcome);
        note_end(&context, &rollout_state);
        conclude(&context, &mut schedule, progress, step, outcome);
    }
    let (halt, reason) = (rollout_state.ended().cloned()).unwrap_or_else(|| halted(options));
    for step in schedule.rest() {
        let reason = reason.clone();
        let outcome = ended(step, StepResult::NotBegun { halt, reason });
        conclude(&context, &mut schedule, progress, step, outcome);
    }
    Ok(finish(&context, schedule))
}

/// Looks at what went first, once it has ended well.
async fn look_at_canary(options: &Options, rollout_state: &mut RolloutState) {
    let Some(check) = &options.canary_check else {
        return;
    };
    if !rollout_state.awaits_check() {
        return;
    }
    tokio::select! {
        seen = check() => rollout_state.check(seen),
        // Nothing else begins then.
        () = options.guard.stopping().cancelled() => {}
    }
}

/// Signals the steps in flight that the run has ended: those that have not sent anything yet send nothing.
fn note_end(context: &Context<'_>, rollout_state: &RolloutState) {
    if let Some(why) = rollout_state.ended() {
        context.end(why);
    }
}

/// Returns why steps are left over when the rollout did not end the run.
fn halted(options: &Options) -> (Halt, String) {
    if !options.guard.holds() {
        let reason = "the lease was lost, and somebody else may write now; plan again";
        (Halt::Lease, reason.to_owned())
    } else if options.guard.is_stopped() {
        let why = (options.guard.reason()).unwrap_or("the run was interrupted");
        (Halt::Interrupted, format!("{why}; plan again"))
    } else {
        let reason = "the steps wait for each other; make the plan anew";
        (Halt::Knot, reason.to_owned())
    }
}

/// Carries out one step of an object.
async fn work<'p>(
    mut step_run: StepRun<'_>,
    mut queue: Queue<'p>,
    step: &'p Step,
) -> (Queue<'p>, &'p Step, StepOutcome) {
    let result = match step::carry_out(&mut step_run, &mut queue.state).await {
        Ok(revision) => StepResult::Done { revision },
        Err(ended) => ended.result(),
    };
    step_run.end(&result);
    let outcome = StepOutcome {
        notes: step_run.notes,
        ..ended(step, result)
    };
    (queue, step, outcome)
}

fn ended(step: &Step, result: StepResult) -> StepOutcome {
    StepOutcome {
        step: step.id,
        result,
        notes: Vec::new(),
    }
}

/// Records an outcome in the journal, reports it as progress, and keeps it for the report.
fn conclude(
    context: &Context<'_>,
    schedule: &mut Schedule<'_>,
    progress: &(dyn Fn(Event<'_>) + Sync),
    step: &Step,
    mut outcome: StepOutcome,
) {
    outcome.notes.extend(schedule.parked(step, &outcome.result));
    let written = context.journal(JournalEvent::Outcome {
        step: outcome.step,
        result: outcome.result.clone(),
        notes: outcome.notes.clone(),
    });
    if let Err(error) = written {
        outcome.notes.push(error.to_string());
    }
    progress(Event::Ended(step, &outcome));
    schedule.conclude(outcome);
}

fn finish(context: &Context<'_>, schedule: Schedule<'_>) -> Applied {
    let applied = Applied {
        outcomes: schedule.into_outcomes(),
    };
    let done = applied.count().done;
    if let Err(error) = context.journal(JournalEvent::RunFinished { done }) {
        // Every step has ended; without the last line of its journal, the next run only checks again.
        tracing::warn!(%error, "the journal's last line could not be written");
    }
    applied
}
