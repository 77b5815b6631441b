//! Replaces the system's domain template.

use crate::apply::answer;
use crate::apply::hand::{Hand, Stop};
use crate::apply::reading;
use crate::live::ApiError;
use crate::model::DomainTemplate;
use crate::plan::{Precondition, check_template};

/// Replaces the template, when it is still the one that was planned for.
///
/// The server keeps no revision of it and the last writer wins (D7, trap 42), so it is read right
/// before and right after.
pub(super) async fn replace(hand: &mut Hand<'_>, wanted: &DomainTemplate) -> Result<(), Stop> {
    let Precondition::Template(expected) = &hand.step.precondition else {
        return Err(Stop::Failed(
            "the step names no template to replace; make the plan anew".to_owned(),
        ));
    };
    if let Some(refusal) = check_template(wanted).first() {
        return Err(Stop::Failed(format!(
            "{}, so nothing was sent; {}",
            refusal.message, refusal.help
        )));
    }
    let patience = hand.context.options.patience;
    let reader = hand.context.reader();
    let before = reading::until(
        patience,
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
    hand.context.keep_template(&before)?;
    let mut doubtful = false;
    let mut sent = 0;
    loop {
        let error = match hand.send_template(wanted).await? {
            Ok(()) => return read_back(hand, wanted).await,
            Err(error) => error,
        };
        sent += 1;
        doubtful |= answer::may_have_landed(&error);
        let cause = error.cause();
        let now = reading::until(patience, || reader.template(), |_| true).await;
        match now {
            Ok(now) if doubtful && now == *wanted => {
                hand.note(format!(
                    "the answer was no help ({cause}), but the template is there"
                ));
                return Ok(());
            }
            Ok(now) if now == before => {
                if !answer::is_worth_repeating(&error) || sent >= patience.writes {
                    return Err(Stop::Failed(answer::given_up(&error, sent)));
                }
                patience.pause(sent - 1).await;
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

async fn read_back(hand: &Hand<'_>, wanted: &DomainTemplate) -> Result<(), Stop> {
    let reader = hand.context.reader();
    let now = reading::until(
        hand.context.options.patience,
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
        "{told}; what became of it could not be read: {}; plan again",
        answer::explain(unread)
    ))
}
