//! Snapshot → changes that restore records. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Manifest;
use crate::diff::{Cause, SetDifference, ZoneDifference};
use crate::dns::Question;
use crate::dns::push::{SetChange, Standings};
use crate::model::{AccountName, RecordName};
use crate::plan::PlannedSet;

/// The changes that restore the records that a run changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordsBack {
    /// The differences to apply, zone by zone.
    pub zones: Vec<ZoneDifference>,
    /// Zones that somebody else changed after the run, with the evidence; those sets are left out of `zones`.
    pub moved: BTreeMap<RecordName, String>,
}

impl RecordsBack {
    /// Returns the sets to read: those that a run changed for the named accounts, or for all when none is named.
    #[must_use]
    pub fn questions(manifest: &Manifest, only: &BTreeSet<AccountName>) -> BTreeSet<Question> {
        let sets = manifest.zones.values().flatten();
        sets.filter(|set| concerns(set, only))
            .map(|set| set.change.question.clone())
            .collect()
    }

    /// Compares the current records with those before the run. A name whose records are not as the run left them is
    /// left out, unless `over` allows overwriting it.
    #[must_use]
    pub fn new(
        manifest: &Manifest,
        only: &BTreeSet<AccountName>,
        standings: &Standings,
        over: bool,
    ) -> Self {
        let mut back = Self::default();
        for (zone, sets) in &manifest.zones {
            let mut difference = ZoneDifference::new(zone.clone());
            let mut moved = BTreeMap::new();
            for set in sets.iter().filter(|set| concerns(set, only)) {
                let change = &set.change;
                let standing = match standings.zones.get(zone) {
                    Some(Ok(found)) => found.get(&change.question),
                    Some(Err(reason)) => {
                        difference.add_unknown(reason);
                        continue;
                    }
                    None => None,
                };
                let Some(now) = standing else {
                    difference.add_unknown(&format!("{} could not be read", change.question));
                    continue;
                };
                if now.records != change.after && now.records != change.before && !over {
                    let name = change.question.name.clone();
                    moved.insert(name, change.question.to_string());
                }
                if now.records != change.before {
                    let back = SetChange {
                        question: change.question.clone(),
                        before: now.records.clone(),
                        after: change.before.clone(),
                        ttl: now.ttl.unwrap_or(change.ttl),
                    };
                    let accounts = set.accounts.clone();
                    difference
                        .sets
                        .push(SetDifference::new(back, Cause::Differs, accounts));
                }
            }
            difference
                .sets
                .retain(|set| !moved.contains_key(&set.set.question.name));
            if !moved.is_empty() {
                let sets: Vec<String> = moved.into_values().collect();
                let reason = format!("{} is not as the run left it", sets.join(", "));
                back.moved.insert(zone.clone(), reason);
            }
            if !difference.sets.is_empty() || !difference.unknown.is_empty() {
                back.zones.push(difference);
            }
        }
        back
    }
}

fn concerns(set: &PlannedSet, only: &BTreeSet<AccountName>) -> bool {
    only.is_empty() || set.accounts.iter().any(|name| only.contains(name))
}
