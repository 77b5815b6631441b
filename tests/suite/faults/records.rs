//! The records of the sweeps' zone: what the primary has, and what it must have after a run.

use std::collections::{BTreeMap, BTreeSet};

use emblazon::apply::{self, Applied, JournalEvent, StepResult};
use emblazon::dns::Question;
use emblazon::model::{RecordData, RecordName, RecordType};
use emblazon::plan::{Action, Plan, PlannedSet, Step, Subject};
use emblazon::sandbox::dns::DnsServer;

use crate::stage::Stage;

/// The zone of all domains.
pub(crate) const ZONE: &str = "example.com";

/// What the primary has, the zone's own records aside.
pub(crate) type Records = BTreeMap<Question, BTreeSet<RecordData>>;

pub(crate) fn records(dns: &DnsServer) -> Records {
    let mut records = Records::new();
    for line in dns.records(ZONE) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let [name, _, record_type, data] = words[..] else {
            panic!("no record: {line}");
        };
        let Some(record_type) = RecordType::parse(record_type) else {
            continue;
        };
        let question = Question {
            name: RecordName::observed(name),
            record_type,
        };
        let data = RecordData::parse(record_type, data.trim_end_matches('.')).unwrap();
        records.entry(question).or_default().insert(data);
    }
    records
}

/// Says what is gone that the plan did not mean to take away.
pub(crate) fn lost(
    before: &Records,
    now: &Records,
    mut may_go: impl FnMut(&str) -> bool,
) -> Vec<String> {
    let mut lost = Vec::new();
    for (question, records) in before {
        let still = now.get(question);
        for data in records {
            let text = format!("{question} {data}");
            if still.is_none_or(|still| !still.contains(data)) && !may_go(&text) {
                lost.push(text);
            }
        }
    }
    lost
}

/// Checks that every set is as the outcome of its step says, and every other one as it was.
pub(crate) fn is_true(
    stage: &Stage,
    plan: &Plan,
    applied: &Applied,
    before: &Records,
) -> Result<(), String> {
    let now = records(stage.dns());
    let mut model = before.clone();
    for (step, outcome) in plan.steps.iter().zip(&applied.outcomes) {
        let Action::Records { sets } = &step.action else {
            continue;
        };
        match &outcome.result {
            StepResult::Done { .. } => execute_plan(&mut model, sets),
            StepResult::Unknown { .. } => all_or_nothing(&mut model, &now, sets)?,
            StepResult::Moved { .. }
            | StepResult::Failed { .. }
            | StepResult::Skipped { .. }
            | StepResult::NotBegun { .. } => {}
        }
    }
    if now == model {
        Ok(())
    } else {
        Err(format!("the zone has {now:?} instead of {model:?}"))
    }
}

fn execute_plan(model: &mut Records, sets: &[PlannedSet]) {
    for set in sets {
        let set = &set.change;
        if set.after.is_empty() {
            model.remove(&set.question);
        } else {
            model.insert(set.question.clone(), set.after.clone());
        }
    }
}

/// What is not known is one of two: one message is carried out as a whole or not at all.
fn all_or_nothing(model: &mut Records, now: &Records, sets: &[PlannedSet]) -> Result<(), String> {
    let mut done = model.clone();
    execute_plan(&mut done, sets);
    let is = |model: &Records| {
        let questions = sets.iter().map(|set| &set.change.question);
        questions.into_iter().all(|it| model.get(it) == now.get(it))
    };
    if is(&done) {
        *model = done;
    } else if !is(model) {
        return Err("a message was carried out in part".to_owned());
    }
    Ok(())
}

/// Checks that the journals tell of as many changes as the primary has made.
pub(crate) fn is_in_journal(stage: &Stage) -> Result<(), String> {
    let mut zone_steps = BTreeSet::new();
    let (mut sent, mut accepted) = (0, 0);
    for run in apply::runs(&stage.state).unwrap() {
        zone_steps.clear();
        for entry in apply::read_journal(&stage.state, &run).unwrap() {
            match entry.event {
                JournalEvent::Intent {
                    step,
                    subject: Subject::Zone(_),
                    ..
                } => {
                    zone_steps.insert(step);
                    sent += 1;
                }
                JournalEvent::Answer { step, answer, .. } if zone_steps.contains(&step) => {
                    accepted += u32::from(answer == "accepted");
                }
                _ => {}
            }
        }
    }
    // A zone begins with the serial 1.
    let made = stage.dns().serial(ZONE).unwrap() - 1;
    if accepted <= made && made <= sent {
        Ok(())
    } else {
        Err(format!(
            "the primary made {made} changes; the journal has {sent} messages, {accepted} of them accepted"
        ))
    }
}

/// Counts the steps of zones.
pub(crate) fn zone_steps(plan: &Plan) -> usize {
    let is_zone = |step: &&Step| matches!(step.subject, Subject::Zone(_));
    plan.steps.iter().filter(is_zone).count()
}
