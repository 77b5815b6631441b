//! Replaces the system's domain template.

use crate::apply::answer;
use crate::apply::audit::AuditState;
use crate::apply::reading;
use crate::apply::step_run::{StepRun, Stop};
use crate::live::ApiError;
use crate::model::{Digest, DomainTemplate};
use crate::plan::{Precondition, check_template};

/// Replaces the template if it is still the one that the plan saw.
///
/// The server keeps no revision of it and the last writer wins (D7, trap 42), so it is read right before and right
/// after. A template that the server cannot serve is replaced only while it still cannot (observed 7).
pub(super) async fn replace(
    step_run: &mut StepRun<'_>,
    wanted: &DomainTemplate,
) -> Result<(), Stop> {
    let expected = match &step_run.step.precondition {
        Precondition::Template(expected) => Some(expected),
        Precondition::UnservableTemplate => None,
        _ => {
            return Err(Stop::Failed(
                "the step names no template to replace; make the plan anew".to_owned(),
            ));
        }
    };
    if let Some(refusal) = check_template(wanted).first() {
        return Err(Stop::Failed(format!(
            "{}, so nothing was sent; {}",
            refusal.message, refusal.help
        )));
    }
    let before = match expected {
        Some(expected) => Some(as_planned(step_run, expected).await?),
        None => unservable(step_run).await?,
    };
    step_run.after = AuditState::Known(wanted.digest());
    if let Some(before) = &before {
        step_run.before = AuditState::Known(before.digest());
        step_run.context.keep_template(before)?;
    } else {
        step_run.context.keep_unread_template()?;
        step_run.note("what was there could not be read, so there is no snapshot of it");
    }
    let retries = step_run.context.options.retries;
    let reader = step_run.context.reader();
    let mut doubtful = false;
    let mut sent = 0;
    loop {
        let error = match step_run.send_template(wanted).await? {
            Ok(()) => return read_back(step_run, wanted).await,
            Err(error) => error,
        };
        sent += 1;
        doubtful |= answer::may_have_landed(&error);
        let cause = error.cause();
        let now = reading::until(retries, || reader.template(), |_| true).await;
        let is_as_before = match (&before, &now) {
            (Some(before), Ok(now)) => now == before,
            (None, Err(unread)) => *unread == ApiError::InitFailed,
            (Some(_), Err(_)) | (None, Ok(_)) => false,
        };
        match now {
            Ok(now) if doubtful && now == *wanted => {
                step_run.note(format!(
                    "the answer was inconclusive ({cause}), but the template was written"
                ));
                return Ok(());
            }
            _ if is_as_before => {
                if !answer::is_worth_repeating(&error) || sent >= retries.writes {
                    return Err(Stop::Failed(answer::given_up(&error, sent)));
                }
                retries.pause(sent - 1).await;
            }
            Ok(_) => {
                return Err(Stop::Unknown(format!(
                    "{cause}; now the template is neither the old nor the new one, so somebody else wrote it; plan again"
                )));
            }
            Err(unread) if doubtful => return Err(unknown(&cause.to_string(), &unread)),
            Err(_) => return Err(Stop::Failed(answer::given_up(&error, sent))),
        }
    }
}

/// Reads the template, which must be the one that the plan saw.
async fn as_planned(step_run: &StepRun<'_>, expected: &Digest) -> Result<DomainTemplate, Stop> {
    let reader = step_run.context.reader();
    let before = reading::until(
        step_run.context.options.retries,
        || reader.template(),
        |found| found.digest() == *expected,
    )
    .await
    .map_err(|error| Stop::unread(&error))?;
    if before.digest() != *expected {
        return Err(Stop::Moved(
            "somebody changed the template since the plan; plan again".to_owned(),
        ));
    }
    Ok(before)
}

/// Checks that the server still cannot serve the template.
async fn unservable(step_run: &StepRun<'_>) -> Result<Option<DomainTemplate>, Stop> {
    match step_run.context.reader().template().await {
        Err(ApiError::InitFailed) => Ok(None),
        Err(error) => Err(Stop::unread(&error)),
        Ok(_) => Err(Stop::Moved(
            "the server can serve the template again, so somebody changed it since the plan; plan again"
                .to_owned(),
        )),
    }
}

async fn read_back(step_run: &StepRun<'_>, wanted: &DomainTemplate) -> Result<(), Stop> {
    let reader = step_run.context.reader();
    let now = reading::until(
        step_run.context.options.retries,
        || reader.template(),
        |found| found == wanted,
    )
    .await
    .map_err(|error| unknown("the server accepted it", &error))?;
    if now == *wanted {
        return Ok(());
    }
    Err(Stop::Unknown(
        "the server accepted it, but shows another template; somebody may have changed it right after; plan again"
            .to_owned(),
    ))
}

fn unknown(told: &str, unread: &ApiError) -> Stop {
    Stop::Unknown(format!(
        "{told}; its outcome could not be read: {}; plan again",
        answer::explain(unread)
    ))
}
