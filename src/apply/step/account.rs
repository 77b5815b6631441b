//! What all steps on an account have in common: checking the precondition and taking the snapshot.

use super::{create, delete, records, recreate, release, template, update, upload};
use crate::apply::brand::Brand;
use crate::apply::object_state::ObjectState;
use crate::apply::step_run::{StepRun, Stop};
use crate::apply::{document, reading};
use crate::live::{Document, Reading};
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
    step_run.after = Brand::audited(brand.as_ref());
    state.left.insert(step.id, revision.clone());
    // The assets are what they were only if nobody wrote after the run did.
    if let Some(brand) = &brand
        && step_run.accepted.as_ref() == Some(&brand.revision)
    {
        step_run.context.remember(account, brand);
    }
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
    if let Err(reason) = step_run.context.writer.key_of(account) {
        return Err(Stop::Failed(format!("nothing was sent: {reason}")));
    }
    let expected = expected(step_run.step, state)?;
    let document = read(step_run, (name, account), expected.as_ref()).await?;
    if document.as_ref().map(|document| &document.revision) != expected.as_ref() {
        return Err(Stop::Moved(document::moved(
            step_run.step,
            expected.as_ref(),
            document.as_ref(),
        )));
    }
    let brand = match (document, state.brand.take()) {
        (None, _) => None,
        // An unchanged revision proves that the attachments are unchanged too: they are part of the document.
        (Some(document), Some(known)) if known.revision == document.revision => {
            Some(known.updated(document))
        }
        (Some(document), _) => {
            let read = step_run.context.complete(account, document).await;
            Some(read.map_err(|error| Stop::unread(&error))?)
        }
    };
    let brand = match brand {
        Some(brand) if can_destroy_assets(&step_run.step.action) => {
            let reader = step_run.context.reader();
            let confirmed = brand.confirmed(reader, account).await;
            Some(confirmed.map_err(|error| Stop::unread(&error))?)
        }
        brand => brand,
    };
    step_run.before = Brand::audited(brand.as_ref());
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

/// Reads the document, retrying while it is not as expected: a read may lag behind (C3, trap 38). One that was read
/// just before the run, as expected, is not read again, since the write names its revision.
async fn read(
    step_run: &StepRun<'_>,
    (name, account): (&AccountName, &AccountId),
    expected: Option<&Revision>,
) -> Result<Option<Document>, Stop> {
    let known = step_run.context.known(name, account).await;
    if let Reading::Known(known) = known
        && known.as_ref().map(|document| &document.revision) == expected
    {
        return Ok(known);
    }
    let reader = step_run.context.reader();
    reading::until(
        step_run.context.options.retries,
        || reader.whitelabel(account),
        |found| found.as_ref().map(|document| &document.revision) == expected,
    )
    .await
    .map_err(|error| Stop::unread(&error))
}
