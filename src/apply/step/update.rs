//! Changes keys of a document and keeps all others.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::apply::brand::Brand;
use crate::apply::step_run::{StepRun, Stop, Write};
use crate::apply::{document, verify};
use crate::model::{AccountId, KeyPath, Settings};

/// Sets and removes keys in the document that was just read, and sends all of it: a POST drops every key that it leaves
/// out, nested ones too (W4, W8, trap 1).
pub(super) async fn update(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: Brand,
    set: &BTreeMap<KeyPath, Value>,
    remove: &[KeyPath],
) -> Result<Brand, Stop> {
    let mut wanted = before.settings.clone();
    for key in remove {
        wanted.remove(key);
    }
    for (key, value) in set {
        wanted.set(key, value.clone());
    }
    replace(step_run, account, before, &wanted).await
}

/// Replaces a document's settings.
pub(super) async fn replace(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: Brand,
    wanted: &Settings,
) -> Result<Brand, Stop> {
    if wanted.as_object().is_empty() {
        return Err(Stop::Failed(
            "no key would be left, and an empty document wipes the brand (W6); \
             keep a key, or declare `whitelabel: null` to delete it"
                .to_owned(),
        ));
    }
    let document = before.document();
    let write = Write::Update {
        settings: wanted,
        if_match: &document.revision,
    };
    let answer = document::write(step_run, account, Some(&document), Some(wanted), &write).await?;
    let answer = document::answered(answer)?;
    let read = verify::read_back(step_run, account, &answer.revision, wanted).await?;
    let read = verify::public(step_run, account, read).await?;
    Ok(before.updated(read))
}
