//! Uploads an asset.

use camino::Utf8Path;

use crate::apply::brand::{Brand, Held};
use crate::apply::settle::{self, Goal, Trouble};
use crate::apply::step_run::{StepRun, Stop};
use crate::apply::verify;
use crate::model::{AccountId, AssetFacts, AssetKind};

/// Uploads a file, restores what the upload destroyed, and rolls back when it fails.
pub(super) async fn upload(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: Brand,
    kind: AssetKind,
    path: &Utf8Path,
    facts: &AssetFacts,
) -> Result<Brand, Stop> {
    let asset = file(step_run, path, facts)?;
    let mut wanted = before.clone();
    wanted.assets.insert(kind, asset);
    let goal = Goal {
        wanted: &wanted,
        before: &before,
        tried: None,
    };
    match settle::settle(step_run, account, &goal, Some(before.clone())).await {
        Ok(settled) if settled.recreated => {
            let document = verify::public(step_run, account, settled.brand.document()).await?;
            Ok(settled.brand.updated(document))
        }
        Ok(settled) => Ok(settled.brand),
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Exhausted(failure)) => {
            settle::go_back(step_run, account, &before, &wanted, failure).await
        }
    }
}

/// Reads the file, which must be the planned one.
fn file(step_run: &StepRun<'_>, path: &Utf8Path, facts: &AssetFacts) -> Result<Held, Stop> {
    let bytes = step_run.context.files.bytes(path).map_err(|error| {
        Stop::Failed(format!(
            "{path} could not be read, so nothing was sent: {error}"
        ))
    })?;
    let asset = Held::new(bytes);
    if asset.digest == facts.digest {
        Ok(asset)
    } else {
        Err(Stop::Failed(format!(
            "{path} is not the file that was planned ({} instead of {}); plan again",
            asset.digest.short(),
            facts.digest.short()
        )))
    }
}
