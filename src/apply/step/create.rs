//! Gives an account without a whitelabel one.

use std::collections::BTreeMap;

use crate::apply::brand::Brand;
use crate::apply::hand::{Hand, Stop, Write};
use crate::apply::{document, verify};
use crate::model::{AccountId, Object, Settings};

/// Creates the document; it has no assets, whatever an earlier one of the account had (W7).
pub(super) async fn create(
    hand: &mut Hand<'_>,
    account: &AccountId,
    settings: &Object,
) -> Result<Brand, Stop> {
    let wanted = Settings::from(settings.clone());
    let write = Write::Create {
        settings: &wanted,
        billing: hand.context.options.billing,
    };
    let created = document::write(hand, account, None, Some(&wanted), &write).await?;
    let created = document::answered(created)?;
    let read = verify::read_back(hand, account, &created.revision, &wanted).await?;
    let read = verify::public(hand, account, read).await?;
    Ok(Brand {
        revision: read.revision,
        settings: read.settings,
        assets: BTreeMap::new(),
        is_confirmed: true,
    })
}
