//! Changes records of a zone on its primary server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::apply::audit::AuditState;
use crate::apply::reading;
use crate::apply::step_run::{StepRun, Stop};
use crate::dns::Question;
use crate::dns::push::{PrimaryWriter, PushError, SetChange, Standing, ZoneChange, digest};
use crate::model::{Digest, RecordName};
use crate::plan::{PlannedSet, Precondition};

/// Writes all sets of a step in one message, if they are as they were when planned.
///
/// The primary checks this again as prerequisites of the message; after a lost response, reading again decides.
pub(super) async fn write(
    step_run: &mut StepRun<'_>,
    zone: &RecordName,
    sets: &[PlannedSet],
) -> Result<(), Stop> {
    let Some(primary) = step_run.context.options.primary.clone() else {
        return Err(Stop::Failed(
            "this run has no way to the primary of the zone; declare it as dns: push in emblazon.yaml"
                .to_owned(),
        ));
    };
    let change = ZoneChange {
        zone: zone.clone(),
        sets: sets.iter().map(|set| set.change.clone()).collect(),
    };
    if step_run.step.precondition != Precondition::Records(digest(&change.sets)) {
        return Err(Stop::Failed(
            "the step's sets are not those of its precondition; make the plan anew".to_owned(),
        ));
    }
    let before = read(step_run, &primary, &change, |set| &set.before).await?;
    if let Some(set) = differing(&change, &before, |set| &set.before) {
        return Err(Stop::Moved(format!(
            "{}; plan again",
            instead(set, &before, &set.before)
        )));
    }
    step_run.before = audited(&change, |set| &set.before);
    step_run.after = audited(&change, |set| &set.after);
    step_run.context.keep_records(zone, sets)?;
    let retries = step_run.context.options.retries;
    let mut sent = 0;
    loop {
        let error = match step_run.send_records(&primary, &change).await? {
            Ok(()) => return read_back(step_run, &primary, &change).await,
            Err(error) => error,
        };
        sent += 1;
        match error {
            // After a lost response, a failed prerequisite can be the effect of the earlier attempt.
            PushError::Moved { .. } if sent == 1 => return Err(Stop::Moved(error.to_string())),
            // A lost or unsigned response proves nothing about what the primary did.
            PushError::Lost { .. } | PushError::NotSigned { .. } | PushError::Moved { .. } => {
                let now = read(step_run, &primary, &change, |set| &set.after).await;
                let now = now.map_err(|_| Stop::Unknown(error.to_string()))?;
                if differing(&change, &now, |set| &set.after).is_none() {
                    step_run.note(format!(
                        "the answer was inconclusive ({error}), but the records were written"
                    ));
                    return Ok(());
                }
                if differing(&change, &now, |set| &set.before).is_some() {
                    return Err(Stop::Unknown(format!(
                        "{error}; now the records are neither the old nor the new ones, so the primary applied a part or somebody else wrote them; plan again"
                    )));
                }
                if sent >= retries.writes {
                    return Err(Stop::Failed(error.to_string()));
                }
                retries.pause(sent - 1).await;
            }
            PushError::Emptied { .. } => return Err(Stop::Unknown(error.to_string())),
            other => return Err(Stop::Failed(other.to_string())),
        }
    }
}

type Standings = BTreeMap<Question, Standing>;
type Side = fn(&SetChange) -> &BTreeSet<crate::model::RecordData>;

/// Reads the sets of a change, retrying while they are not as expected: a server may answer from an older copy.
async fn read(
    step_run: &StepRun<'_>,
    primary: &PrimaryWriter,
    change: &ZoneChange,
    expected: Side,
) -> Result<Standings, Stop> {
    let questions = change.sets.iter().map(|set| set.question.clone()).collect();
    let read = reading::until(
        step_run.context.options.retries,
        async || primary.read().read(&change.zone, &questions).await,
        |found| differing(change, found, expected).is_none(),
    );
    read.await.map_err(|error| {
        Stop::Failed(format!(
            "the zone could not be read, so nothing was written: {error}"
        ))
    })
}

async fn read_back(
    step_run: &StepRun<'_>,
    primary: &PrimaryWriter,
    change: &ZoneChange,
) -> Result<(), Stop> {
    let now = read(step_run, primary, change, |set| &set.after).await;
    let now = now.map_err(|_| {
        Stop::Unknown(
            "the primary accepted it, but could not be read afterwards; plan again".to_owned(),
        )
    })?;
    match differing(change, &now, |set| &set.after) {
        None => Ok(()),
        Some(set) => Err(Stop::Unknown(format!(
            "the primary accepted it, but {}; look for other writers, or a name that cannot have this type",
            instead(set, &now, &set.after)
        ))),
    }
}

/// Returns one side of a change for the audit log; sets without records are none.
fn audited(change: &ZoneChange, side: Side) -> AuditState {
    let mut text = String::new();
    for set in &change.sets {
        for record in side(set) {
            let _ = writeln!(text, "{} {record}", set.question);
        }
    }
    if text.is_empty() {
        AuditState::Absent
    } else {
        AuditState::Known(Digest::of(text.as_bytes()))
    }
}

/// Finds a set that differs from one side of a change.
fn differing<'a>(change: &'a ZoneChange, found: &Standings, side: Side) -> Option<&'a SetChange> {
    change.sets.iter().find(|set| {
        let standing = found.get(&set.question);
        standing.is_none_or(|standing| standing.records != *side(set))
    })
}

fn instead(
    set: &SetChange,
    found: &Standings,
    expected: &BTreeSet<crate::model::RecordData>,
) -> String {
    let list = |records: &BTreeSet<crate::model::RecordData>| {
        let texts: Vec<String> = records.iter().map(ToString::to_string).collect();
        if texts.is_empty() {
            "nothing".to_owned()
        } else {
            texts.join(", ")
        }
    };
    let now = found.get(&set.question).map_or_else(
        || "something that cannot be understood".to_owned(),
        |standing| list(&standing.records),
    );
    format!(
        "{} is now {now} instead of {}",
        set.question,
        list(expected)
    )
}
