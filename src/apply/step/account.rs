//! What all steps on an account have in common: checking the precondition and taking the snapshot.

use super::{create, delete, records, recreate, release, template, update, upload};
use crate::apply::brand::Brand;
use crate::apply::object_state::ObjectState;
use crate::apply::reading;
use crate::apply::step_run::{StepRun, Stop};
use crate::diff::{ChangeKey, Side};
use crate::live::Document;
use crate::model::{AccountId, AccountName, Revision};
use crate::plan::{Action, Precondition, Step, Subject};

/// Carries out one step, and returns the revision of the document after it.
pub(in crate::apply) async fn carry_out(
    step_run: &mut StepRun<'_>,
    state: &mut ObjectState,
) -> Result<Option<Revision>, Stop> {
    let step = step_run.step;
    let (name, account) = match (&step.subject, &step.action) {
        (Subject::Template, Action::ReplaceTemplate { template }) => {
            template::replace(step_run, template).await?;
            return Ok(None);
        }
        (Subject::Zone(zone), Action::Records { sets }) => {
            records::write(step_run, zone, sets).await?;
            return Ok(None);
        }
        (Subject::Account { name, id }, _) => (name, id),
        (Subject::Template | Subject::Zone(_), _) => return Err(mismatch()),
    };
    let before = begin(step_run, state, name, account).await?;
    let brand = match (&step.action, before) {
        (Action::Create { settings }, None) => {
            Some(create::create(step_run, account, settings).await?)
        }
        (Action::Update { set, remove }, Some(before)) => {
            Some(update::update(step_run, account, before, set, remove).await?)
        }
        (Action::Release { parked }, Some(before)) => {
            Some(release::release(step_run, account, before, parked).await?)
        }
        (Action::Upload { asset, path, facts }, Some(before)) => {
            Some(upload::upload(step_run, account, before, *asset, path, facts).await?)
        }
        (Action::Recreate { without }, Some(before)) => {
            Some(recreate::recreate(step_run, account, before, without).await?)
        }
        (Action::Delete, Some(before)) => {
            delete::delete(step_run, account, &before).await?;
            None
        }
        (Action::ReplaceTemplate { .. } | Action::Records { .. } | Action::Create { .. }, _)
        | (_, None) => {
            return Err(mismatch());
        }
    };
    let revision = brand.as_ref().map(|brand| brand.revision.clone());
    state.left.insert(step.id, revision.clone());
    state.brand = brand;
    Ok(revision)
}

fn mismatch() -> Stop {
    Stop::Failed(
        "the step's action does not fit its subject and precondition; make the plan anew"
            .to_owned(),
    )
}

/// Reads the account, checks the precondition, and takes a snapshot.
async fn begin(
    step_run: &mut StepRun<'_>,
    state: &mut ObjectState,
    name: &AccountName,
    account: &AccountId,
) -> Result<Option<Brand>, Stop> {
    let expected = expected(step_run.step, state)?;
    let document = read(step_run, account, expected.as_ref()).await?;
    if document.as_ref().map(|document| &document.revision) != expected.as_ref() {
        return Err(Stop::Moved(moved(
            step_run.step,
            expected.as_ref(),
            document.as_ref(),
        )));
    }
    let reader = step_run.context.reader();
    let brand = match (document, state.brand.take()) {
        (None, _) => None,
        // An unchanged revision proves that the attachments are unchanged too: they are part of the document.
        (Some(document), Some(known)) if known.revision == document.revision => {
            Some(known.updated(document))
        }
        (Some(document), _) => {
            let read = Brand::complete(reader, account, document).await;
            Some(read.map_err(|error| Stop::unread(&error))?)
        }
    };
    let brand = match brand {
        Some(brand) if can_destroy_assets(&step_run.step.action) => {
            let confirmed = brand.confirmed(reader, account).await;
            Some(confirmed.map_err(|error| Stop::unread(&error))?)
        }
        brand => brand,
    };
    step_run
        .context
        .keep_account(name, account, brand.as_ref())?;
    Ok(brand)
}

/// Returns whether a step can destroy assets that it does not mean to touch, or all of them.
fn can_destroy_assets(action: &Action) -> bool {
    match action {
        Action::Upload { .. } | Action::Recreate { .. } | Action::Delete => true,
        Action::Create { .. }
        | Action::Update { .. }
        | Action::Release { .. }
        | Action::ReplaceTemplate { .. }
        | Action::Records { .. } => false,
    }
}

/// Returns the revision that the document must have; `None` means no document.
fn expected(step: &Step, state: &ObjectState) -> Result<Option<Revision>, Stop> {
    match &step.precondition {
        Precondition::Revision(revision) => Ok(Some(revision.clone())),
        Precondition::NoWhitelabel => Ok(None),
        Precondition::AsLeftBy(earlier) => state.left.get(earlier).cloned().ok_or_else(mismatch),
        Precondition::Template(_) | Precondition::UnservableTemplate | Precondition::Records(_) => {
            Err(mismatch())
        }
    }
}

/// Reads the document, retrying while it is not as expected: a read may lag behind (C3, trap 38).
async fn read(
    step_run: &StepRun<'_>,
    account: &AccountId,
    expected: Option<&Revision>,
) -> Result<Option<Document>, Stop> {
    let reader = step_run.context.reader();
    reading::until(
        step_run.context.options.retries,
        || reader.whitelabel(account),
        |found| found.as_ref().map(|document| &document.revision) == expected,
    )
    .await
    .map_err(|error| Stop::unread(&error))
}

/// Describes what changed since the plan, by the settings that the step would have changed.
fn moved(step: &Step, expected: Option<&Revision>, found: Option<&Document>) -> String {
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
