//! Releases a domain for another account.

use super::update;
use crate::apply::brand::Brand;
use crate::apply::step_run::{StepRun, Stop};
use crate::model::AccountId;
use crate::model::KeyPath;

/// Moves the document to a parked domain: omitting the domain would keep it reserved (W22), and a swap needs an
/// intermediate name (W23).
pub(super) async fn release(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: Brand,
    parked: &str,
) -> Result<Brand, Stop> {
    let mut wanted = before.settings.clone();
    wanted.set(&KeyPath::from("domain"), parked.into());
    update::replace(step_run, account, before, &wanted).await
}
