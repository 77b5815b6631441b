//! What was read last: from the platform and from the primary of managed records.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;

use super::observe::ObservedPlatform;
use super::setup::Setup;
use super::zones::ManagedZones;
use crate::diff::{Comparison, Differences};
use crate::model::ObjectName;
use crate::plan;
use crate::tree::{Desired, Loaded};

/// What was read last, and how to read it again.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) platform: ObservedPlatform,
    pub(super) zones: ManagedZones,
    /// Whether the next cycle reads the accounts that left the tree.
    pub(super) look_for_departed: bool,
    /// Cached comparisons, so that only changed objects are compared again.
    comparison: Comparison,
}

impl Observed {
    /// Forgets everything but the comparisons, so the accounts that left the tree are to be read too.
    pub(super) fn forget(&mut self) {
        self.platform = ObservedPlatform::default();
        self.zones = ManagedZones::default();
        self.look_for_departed = true;
    }

    /// Drops the clients, with their secrets: the next read logs in again.
    pub(super) fn disconnect(&mut self) {
        self.platform.disconnect();
        self.zones.disconnect();
    }

    /// Reads the records of some accounts from their primary.
    pub(super) async fn read_zones(
        &mut self,
        (loaded, base): (&Loaded, Option<&Desired>),
        names: &BTreeSet<ObjectName>,
        folder: &Utf8Path,
        setup: &Setup,
    ) {
        let sandbox = (setup.sandbox.as_ref()).map(|sandbox| &sandbox.primaries);
        self.zones
            .read((loaded, base), names, folder, sandbox)
            .await;
    }

    /// Compares the tree with what was read last.
    pub(super) fn differences(&mut self, loaded: &Loaded, base: Option<&Desired>) -> Differences {
        let (desired, live) = (&loaded.desired, &self.platform.live);
        let compared = (self.comparison).compare(desired, base, live, &loaded.sources);
        let mut differences = compared;
        let view = self.zones.view(loaded, base);
        differences.zones = view.zones;
        if !view.unread.is_empty() {
            for account in &mut differences.accounts {
                if let Some(reason) = view.unread.get(&account.name) {
                    Arc::make_mut(account).unknown.push(reason.clone());
                }
            }
        }
        plan::keep(&mut differences, live, desired, false);
        differences
    }

    /// Returns how many objects were compared.
    pub(super) fn compared(&self) -> u64 {
        self.comparison.compared()
    }
}
