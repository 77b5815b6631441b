//! Places in the tree, for formats that point into files.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::diag::SourceMap;
use crate::dns::Question;
use crate::model::record::RecordName;
use crate::model::{AccountName, KeyPath, PLACEHOLDER};
use crate::tree::{Desired, Origin, Target};

/// Places in the tree; empty when there is only a saved plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Places {
    /// The path of the tree in its repository; empty if it is the repository root.
    pub folder: Utf8PathBuf,
    /// The text of each file, by its path relative to the tree root.
    pub texts: BTreeMap<Utf8PathBuf, Arc<str>>,
    /// Where each account declares its identity.
    pub accounts: BTreeMap<AccountName, Origin>,
    /// Where each account declares its domain.
    pub domains: BTreeMap<AccountName, Origin>,
    /// Where each host of the domain template is declared.
    #[serde(with = "pairs")]
    pub hosts: BTreeMap<Target, Origin>,
}

/// Serialises a map whose keys are not strings as a list of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'a, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'a> + Ord,
        V: Deserialize<'a>,
        D: Deserializer<'a>,
    {
        let pairs = Vec::<(K, V)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

impl Places {
    /// Collects the places of a desired state.
    #[must_use]
    pub fn of(desired: Option<&Desired>, sources: &SourceMap) -> Self {
        let mut places = Self {
            folder: sources.folder().to_owned(),
            texts: sources
                .iter()
                .map(|(_, file)| (file.path.clone(), file.text.clone()))
                .collect(),
            ..Self::default()
        };
        let Some(desired) = desired else {
            return places;
        };
        let domain = KeyPath::from("domain");
        for account in &desired.accounts {
            let origin = Origin::of(account.identity.place, sources);
            places.accounts.insert(account.name.clone(), origin);
            if let Some(declared) = account.settings.get(&domain) {
                let origin = Origin::of(declared.place, sources);
                places.domains.insert(account.name.clone(), origin);
            }
        }
        for (target, declared) in desired.template.iter().flat_map(|found| &found.hosts) {
            let origin = Origin::of(declared.place, sources);
            places.hosts.insert(target.clone(), origin);
        }
        places
    }

    /// Returns a file's path relative to the repository root.
    #[must_use]
    pub fn in_repository(&self, file: &Utf8Path) -> Utf8PathBuf {
        self.folder.join(file)
    }

    /// Returns where the template declares the host that a DNS question about a domain comes from.
    #[must_use]
    pub fn host(&self, question: &Question, domain: &str) -> Option<&Origin> {
        let found = self.hosts.iter().find(|(target, _)| {
            target.record_type == question.record_type.as_str()
                && RecordName::observed(&target.host.replace(PLACEHOLDER, domain)) == question.name
        });
        found.map(|(_, origin)| origin)
    }
}
