//! Writes to a document; after an error or a lost response, reading again decides what happened.

use super::answer;
use super::reading;
use super::step_run::{StepRun, Stop, Write};
use crate::diff::{ChangeKey, Side, settings_in_sync};
use crate::live::{ApiError, Document};
use crate::model::{AccountId, Revision, Settings};
use crate::plan::Step;

/// The effect of a write whose response was inconclusive.
enum WriteEffect {
    /// The document is as wanted, and was not before.
    Landed(Option<Document>),
    /// The document is as it was before.
    Untouched,
    /// The document is neither: somebody else wrote.
    Foreign(Option<Document>),
}

/// Sends a write until its effect is certain, and returns the document as the server answered or showed it.
///
/// `before` is the document that the write replaces, `wanted` the settings after it; `None` means no document.
/// Repeating is safe: the write names the revision that it replaces, and a creation never overwrites (W3, W15).
pub(super) async fn write(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: Option<&Document>,
    wanted: Option<&Settings>,
    write: &Write<'_>,
) -> Result<Option<Document>, Stop> {
    let retries = step_run.context.options.retries;
    let mut doubtful = false;
    let mut sent = 0;
    loop {
        let error = match step_run.send(account, write).await? {
            Ok(document) => return Ok(document),
            Err(error) => error,
        };
        sent += 1;
        doubtful |= answer::may_have_landed(&error);
        let cause = error.cause();
        let effect = match effect(step_run, account, before, wanted).await {
            Ok(effect) => effect,
            Err(unread) if doubtful => {
                return Err(Stop::Unknown(format!(
                    "{cause}; its outcome could not be read: {}; plan again",
                    answer::explain(&unread)
                )));
            }
            Err(_) => return Err(Stop::Failed(answer::given_up(&error, sent))),
        };
        match effect {
            // A 412 although the content is as wanted: an earlier attempt of the same request did land.
            WriteEffect::Landed(document) if doubtful || before.is_some() => {
                step_run.note(format!(
                    "the answer was inconclusive ({cause}), but the write was applied"
                ));
                return Ok(document);
            }
            WriteEffect::Landed(_) => {
                return Err(Stop::Moved(
                    "somebody else created the same whitelabel meanwhile; plan again".to_owned(),
                ));
            }
            WriteEffect::Untouched
                if answer::is_worth_repeating(&error) && sent < retries.writes =>
            {
                retries.pause(sent - 1).await;
            }
            WriteEffect::Foreign(found) if doubtful => {
                return Err(Stop::Unknown(format!(
                    "{cause}; now {}, so somebody else wrote before or after it; plan again",
                    shown(found.as_ref())
                )));
            }
            WriteEffect::Foreign(found) if answer::is_about_the_document(&error) => {
                let expected = before.map(|document| &document.revision);
                return Err(Stop::Moved(moved(step_run.step, expected, found.as_ref())));
            }
            WriteEffect::Untouched | WriteEffect::Foreign(_) => {
                return Err(Stop::Failed(answer::given_up(&error, sent)));
            }
        }
    }
}

async fn effect(
    step_run: &StepRun<'_>,
    account: &AccountId,
    before: Option<&Document>,
    wanted: Option<&Settings>,
) -> Result<WriteEffect, ApiError> {
    let reader = step_run.context.reader();
    let now = reading::until(
        step_run.context.options.retries,
        || reader.whitelabel(account),
        |_| true,
    )
    .await?;
    let is_before = now.as_ref().map(|document| &document.revision)
        == before.map(|document| &document.revision);
    let is_wanted = match (&now, wanted) {
        (Some(document), Some(wanted)) => settings_in_sync(wanted, &document.settings),
        (None, None) => true,
        _ => false,
    };
    Ok(match now {
        _ if is_before => WriteEffect::Untouched,
        now if is_wanted => WriteEffect::Landed(now),
        now => WriteEffect::Foreign(now),
    })
}

fn shown(now: Option<&Document>) -> String {
    match now {
        Some(document) => format!("the whitelabel has revision {}", document.revision),
        None => "the account has no whitelabel".to_owned(),
    }
}

/// Returns the document in the response to an accepted write.
pub(super) fn answered(document: Option<Document>) -> Result<Document, Stop> {
    document.ok_or_else(|| {
        Stop::Unknown(
            "the server accepted it and answered without a document; plan again".to_owned(),
        )
    })
}

/// Checks that an account no longer has a document; a read may lag behind (C3).
pub(super) async fn is_gone(step_run: &StepRun<'_>, account: &AccountId) -> Result<(), Stop> {
    let reader = step_run.context.reader();
    let now = reading::until(
        step_run.context.options.retries,
        || reader.whitelabel(account),
        Option::is_none,
    )
    .await
    .map_err(|error| {
        Stop::Unknown(format!(
            "the server accepted the deletion, but it could not be verified: {}; plan again",
            answer::explain(&error)
        ))
    })?;
    if now.is_none() {
        return Ok(());
    }
    Err(Stop::Unknown(
        "the server accepted the deletion, but shows a whitelabel; somebody may have created it right after; plan again"
            .to_owned(),
    ))
}

/// Describes what changed since the plan, by the settings that the step would have changed.
pub(super) fn moved(step: &Step, expected: Option<&Revision>, found: Option<&Document>) -> String {
    let (expected, found) = match (expected, found) {
        (None, Some(found)) => {
            return format!(
                "somebody created the whitelabel since the plan (revision {}); plan again",
                found.revision
            );
        }
        (Some(_), None) => {
            return "somebody deleted the whitelabel since the plan; plan again".to_owned();
        }
        (None, None) => return "plan again".to_owned(),
        (Some(expected), Some(found)) => (expected, found),
    };
    let keys: Vec<String> = step
        .changes
        .iter()
        .filter_map(|change| match (&change.key, &change.before) {
            (ChangeKey::Setting(key), before) => {
                let now = found.settings.get(key);
                let planned = match before {
                    Side::Value(value) => Some(value),
                    _ => None,
                };
                (now != planned).then(|| match now {
                    Some(now) => format!("{key} is now {now}"),
                    None => format!("{key} is gone"),
                })
            }
            _ => None,
        })
        .collect();
    let what = if keys.is_empty() {
        "none of the settings that this step changes differ".to_owned()
    } else {
        keys.join(", ")
    };
    format!(
        "the whitelabel has revision {} instead of {expected}: {what}; plan again",
        found.revision
    )
}
