//! Removes assets, which requires deleting and re-creating the document.

use crate::apply::brand::Brand;
use crate::apply::settle::{self, Goal, Trouble};
use crate::apply::step_run::{StepRun, Stop, Write};
use crate::apply::{document, verify};
use crate::model::{AccountId, AssetKind};

/// Deletes the document, creates it again and uploads the assets that stay (B18); restores everything when that fails
/// halfway.
pub(super) async fn recreate(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: Brand,
    without: &[AssetKind],
) -> Result<Brand, Stop> {
    let mut wanted = before.clone();
    wanted.assets.retain(|kind, _| !without.contains(kind));
    let write = Write::Delete {
        if_match: &before.revision,
    };
    document::write(step_run, account, Some(&before.document()), None, &write).await?;
    let goal = Goal {
        wanted: &wanted,
        before: &before,
        tried: None,
    };
    match settle::settle(step_run, account, &goal, None).await {
        Ok(settled) => {
            let document = verify::public(step_run, account, settled.brand.document()).await?;
            Ok(settled.brand.updated(document))
        }
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Exhausted(failure)) => {
            settle::go_back(step_run, account, &before, &wanted, failure).await
        }
    }
}
