//! Deletes a whitelabel with its assets.

use crate::apply::brand::Brand;
use crate::apply::document;
use crate::apply::step_run::{StepRun, Stop, Write};
use crate::model::AccountId;

/// Deletes the document that was just read and is in the snapshot; assets and domain go with it (W7, trap 18).
pub(super) async fn delete(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: &Brand,
) -> Result<(), Stop> {
    let write = Write::Delete {
        if_match: &before.revision,
    };
    document::write(step_run, account, Some(&before.document()), None, &write).await?;
    document::is_gone(step_run, account).await
}
