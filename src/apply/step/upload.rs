//! Puts an asset up.

use camino::Utf8Path;

use crate::apply::brand::{Brand, Held};
use crate::apply::hand::{Hand, Stop};
use crate::apply::settle::{self, Goal, Trouble};
use crate::apply::verify;
use crate::model::{AccountId, AssetFacts, AssetKind};

/// Uploads a file, puts back what that took with it, and goes back when it cannot be done.
pub(super) async fn upload(
    hand: &mut Hand<'_>,
    account: &AccountId,
    before: Brand,
    kind: AssetKind,
    path: &Utf8Path,
    facts: &AssetFacts,
) -> Result<Brand, Stop> {
    let asset = file(hand, path, facts)?;
    let mut wanted = before.clone();
    wanted.assets.insert(kind, asset);
    let goal = Goal {
        wanted: &wanted,
        before: &before,
        tried: None,
    };
    match settle::settle(hand, account, &goal, Some(before.clone())).await {
        Ok(settled) if settled.recreated => {
            let document = verify::public(hand, account, settled.brand.document()).await?;
            Ok(settled.brand.updated(document))
        }
        Ok(settled) => Ok(settled.brand),
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Exhausted(failure)) => {
            settle::go_back(hand, account, &before, &wanted, failure).await
        }
    }
}

/// Reads the file, which must be the one that was planned.
fn file(hand: &Hand<'_>, path: &Utf8Path, facts: &AssetFacts) -> Result<Held, Stop> {
    let bytes = hand.context.files.bytes(path).map_err(|error| {
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
