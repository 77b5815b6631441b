//! Connects to the primary of the zones of accounts with `dns: manage`.

use anyhow::anyhow;
use camino::Utf8Path;

use super::failure::Failure;
use super::platform::Platform;
use super::tree::OpenTree;
use crate::apply::primary;
use crate::dns::push::{PrimaryReader, PrimaryWriter};
use crate::plan::{Plan, Step, Subject};

/// Creates the writer for the records of a plan; `None` for a plan without records.
pub(crate) async fn for_plan(
    folder: &Utf8Path,
    tree: &OpenTree,
    platform: &Platform,
    plan: &Plan,
) -> Result<Option<PrimaryWriter>, Failure> {
    let is_zone = |step: &Step| matches!(step.subject, Subject::Zone(_));
    if !plan.steps.iter().any(is_zone) {
        return Ok(None);
    }
    let reader = of_tree(folder, tree, platform).await?;
    Ok(Some(PrimaryWriter::new(reader)))
}

/// Creates the reader of the primary that the tree names.
pub(crate) async fn of_tree(
    folder: &Utf8Path,
    tree: &OpenTree,
    platform: &Platform,
) -> Result<PrimaryReader, Failure> {
    let settings = tree.loaded.dns.push.as_ref().ok_or_else(|| {
        let message = "there are records to change, and emblazon.yaml does not say where; add dns: { push: … }";
        Failure::Usage(message.to_owned())
    })?;
    let reader = primary(folder, settings, platform.sandbox_primaries().as_ref()).await;
    reader.map_err(|reason| Failure::Failed(anyhow!(reason)))
}
