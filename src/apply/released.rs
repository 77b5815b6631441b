//! The domain that an account had before a run moved it to the parked name.

use serde_json::Value;

use super::manifest::{Manifest, SnapshotError};
use super::snapshot::SnapshotStore;
use super::{history, journal, parked};
use crate::model::{AccountId, KeyPath, is_parked_domain};
use crate::plan::Subject;

/// Finds the domain that an account had before the last run that released it, before the run of a manifest. `None`
/// when the files of that run are gone.
pub(super) fn former_domain(
    store: &SnapshotStore,
    manifest: &Manifest,
    id: &AccountId,
) -> Result<Option<Value>, SnapshotError> {
    let runs = journal::runs(store.state()).unwrap_or_default();
    for run in runs.iter().rev().filter(|run| **run < manifest.run) {
        let of_account =
            |subject: &Subject| matches!(subject, Subject::Account { id: of, .. } if of == id);
        let plan = history::plan_of(store.state(), run).filter(|plan| {
            let mut steps = plan.steps.iter();
            plan.cluster == manifest.cluster
                && steps.any(|step| of_account(&step.subject) && parked::parks(step))
        });
        let snapshot = plan.and_then(|_| store.manifest(run).ok());
        let document = snapshot.and_then(|mut before| before.accounts.remove(id)?.document);
        let Some(document) = document else { continue };
        let settings = store.settings(&document.settings)?;
        let domain = settings.get(&KeyPath::from("domain"));
        let domain = domain.filter(|it| it.as_str().is_some_and(|it| !is_parked_domain(id, it)));
        if domain.is_some() {
            return Ok(domain.cloned());
        }
    }
    Ok(None)
}
