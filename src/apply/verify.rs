//! Verification after a write: the document as it is stored, and as the public lookup shows it.

use super::answer;
use super::brand::domain;
use super::reading;
use super::step_run::{StepRun, Stop, Write};
use crate::diff::settings_in_sync;
use crate::live::Document;
use crate::model::{AccountId, KeyPath, Revision, Settings};

/// Reads a document back until it shows what was written; reads may lag behind (C3, trap 38).
pub(super) async fn read_back(
    step_run: &StepRun<'_>,
    account: &AccountId,
    written: &Revision,
    wanted: &Settings,
) -> Result<Document, Stop> {
    let reader = step_run.context.reader();
    let last = reading::until(
        step_run.context.options.retries,
        || reader.whitelabel(account),
        |found| {
            found.as_ref().is_some_and(|document| {
                document.revision == *written && settings_in_sync(wanted, &document.settings)
            })
        },
    )
    .await
    .map_err(|error| {
        Stop::Unknown(format!(
            "the server accepted it as revision {written}, but it could not be read back: {}; plan again",
            answer::explain(&error)
        ))
    })?;
    match last {
        // With another revision, somebody wrote the same again, or the response's revision was not the last one (trap
        // 14).
        Some(document) if settings_in_sync(wanted, &document.settings) => Ok(document),
        Some(document) if document.revision == *written => Err(Stop::Failed(format!(
            "the server accepted it as revision {written}, but stored something else: {}; plan again",
            differing(wanted, &document.settings)
        ))),
        Some(document) => Err(Stop::Unknown(format!(
            "the server accepted it as revision {written}, but revision {} shows something else: {}; \
             somebody may have changed it right after; plan again",
            document.revision,
            differing(wanted, &document.settings)
        ))),
        None => Err(Stop::Unknown(format!(
            "the server accepted it as revision {written}, but the account shows no whitelabel; \
             somebody may have deleted it right after; plan again"
        ))),
    }
}

/// Checks that the public lookup by domain shows the document, and writes it once more if not, because the account's
/// side of the write may have failed silently (W21, trap 11).
///
/// Returns the document, whose revision changes with that second write.
pub(super) async fn public(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    document: Document,
) -> Result<Document, Stop> {
    let Some(domain) = domain(&document.settings).map(str::to_owned) else {
        return Ok(document);
    };
    if sees(step_run, &domain, &document.settings).await?.is_none() {
        return Ok(document);
    }
    step_run.repair(format!(
        "the public lookup of {domain} did not show the document, so it was written once more"
    ))?;
    let again = Write::Update {
        settings: &document.settings,
        if_match: &document.revision,
    };
    let revision = match step_run.send(account, &again).await? {
        Ok(Some(answer)) => answer.revision,
        Ok(None) => document.revision.clone(),
        Err(error) => {
            step_run.note(format!("writing it once more: {}", error.cause()));
            document.revision.clone()
        }
    };
    let document = read_back(step_run, account, &revision, &document.settings).await?;
    match sees(step_run, &domain, &document.settings).await? {
        None => Ok(document),
        Some(what) => Err(Stop::Failed(format!(
            "the document is stored, but the public lookup of {domain} {what}; find out which other \
             account holds that domain, or ask the platform to repair the account document"
        ))),
    }
}

/// Returns what the public lookup shows instead of the wanted settings; `None` when it shows them.
async fn sees(
    step_run: &StepRun<'_>,
    domain: &str,
    wanted: &Settings,
) -> Result<Option<String>, Stop> {
    let reader = step_run.context.reader();
    let shows = |seen: &Option<Settings>| {
        seen.as_ref()
            .is_some_and(|settings| settings_in_sync(wanted, settings))
    };
    let seen = reading::until(
        step_run.context.options.retries,
        || reader.public_whitelabel(domain),
        shows,
    )
    .await
    .map_err(|error| {
        Stop::Unknown(format!(
            "the document is stored, but the public lookup of {domain} could not be made: {}; plan again",
            answer::explain(&error)
        ))
    })?;
    if shows(&seen) {
        return Ok(None);
    }
    Ok(Some(match seen {
        Some(settings) => format!("shows something else: {}", differing(wanted, &settings)),
        None => "finds nothing".to_owned(),
    }))
}

/// Names the differing keys, at most three.
pub(super) fn differing(wanted: &Settings, found: &Settings) -> String {
    let (wanted, found) = (wanted.leaves(), found.leaves());
    let mut keys: Vec<&str> = wanted
        .keys()
        .chain(found.keys())
        .filter(|key| wanted.get(*key) != found.get(*key))
        .map(KeyPath::as_str)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    match keys.as_slice() {
        [] => "the same keys in another form".to_owned(),
        [one] => format!("{one} differs"),
        [one, two] => format!("{one} and {two} differ"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more differ", rest.len()),
    }
}
