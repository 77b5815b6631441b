//! Creates the whitelabel of an account that has none.

use std::collections::BTreeMap;

use crate::apply::brand::Brand;
use crate::apply::step_run::{StepRun, Stop, Write};
use crate::apply::{document, verify};
use crate::model::{AccountId, Object, Settings};

/// Creates the document. It has no assets, even if an earlier document of the account had some (W7).
pub(super) async fn create(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    settings: &Object,
) -> Result<Brand, Stop> {
    let wanted = Settings::from(settings.clone());
    let write = Write::Create {
        settings: &wanted,
        billing: step_run.context.options.billing,
    };
    let created = document::write(step_run, account, None, Some(&wanted), &write).await?;
    let created = document::answered(created)?;
    let read = verify::read_back(step_run, account, &created.revision, &wanted).await?;
    let read = verify::public(step_run, account, read).await?;
    Ok(Brand {
        revision: read.revision,
        settings: read.settings,
        assets: BTreeMap::new(),
        is_confirmed: true,
    })
}
