//! A loaded tree: the desired state, and everything that was read beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::{Desired, Layer, PushSettings, Selection, SharedAccount, WatchSettings};
use crate::diag::{Diagnostics, SourceMap, Spanned};
use crate::model::{AccountName, Network, RecordName};

/// The result of loading a tree: the desired state as far as it could be read, and the mistakes.
#[derive(Debug)]
pub struct Loaded {
    /// Desired state; act on it only if no diagnostic is an error.
    pub desired: Desired,
    /// Every mistake, sorted by file and place.
    pub diagnostics: Diagnostics,
    /// Warnings that `lint` turns off, in no particular order.
    pub silenced: Diagnostics,
    /// What `lint` did to the diagnostics, with the reasons.
    pub lint_notes: Vec<String>,
    /// Texts of all files that were read, with secrets redacted.
    pub sources: SourceMap,
    /// Layers of every account of the tree, lowest first, including accounts that are not on the cluster;
    /// [`super::explain`] reads them.
    pub layers: BTreeMap<AccountName, Arc<[Arc<Layer>]>>,
    /// Asset files that brands declare, including brands that nobody extends; if only a part of the tree was loaded,
    /// those of the loaded brands.
    pub brand_assets: BTreeSet<Utf8PathBuf>,
    /// How DNS is observed and pushed.
    pub dns: DnsSettings,
    /// What the daemon may do on its own.
    pub watch: WatchSettings,
    /// Selected accounts; absent if the whole tree was loaded.
    pub selection: Option<Selection>,
    /// Number of accounts outside of the selection.
    pub left_out: usize,
    /// Keys that `extra_keys` allows in addition to the known ones.
    pub extra_keys: Vec<String>,
}

/// How DNS is observed and pushed, from `dns` in `emblazon.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsSettings {
    /// Recursive resolvers to query; those of the system when empty.
    pub resolvers: Vec<Spanned<SocketAddr>>,
    /// Where the records of accounts with `dns: manage` are pushed to.
    pub push: Option<PushSettings>,
    /// Servers to query instead of those that a zone names, for hidden primaries and split horizons.
    pub servers: Vec<Spanned<SocketAddr>>,
    /// The same for single zones, by apex.
    pub zones: BTreeMap<RecordName, Vec<Spanned<SocketAddr>>>,
    /// The port of the servers that zones name; 53 when absent.
    pub port: Option<u16>,
    /// Non-public networks whose servers may be queried when a zone names them.
    pub networks: Vec<Network>,
    /// The certificate authorities of the platform, as CAA records name them.
    pub ca: Vec<String>,
    /// How many days before their end DNSSEC signatures are reported.
    pub signature_days: Option<u16>,
}

impl Loaded {
    /// Keeps the chosen accounts of a whole tree; counts the others, and returns them.
    pub fn choose(&mut self, accounts: &Selection) -> Vec<SharedAccount> {
        let mut others = self.desired.accounts.clone();
        self.keep(accounts, &BTreeSet::new());

        others.retain(|account| !accounts.contains(&account.name));
        others
    }

    /// Keeps the accounts that are affected, and counts the others.
    pub(super) fn keep(&mut self, accounts: &Selection, shared: &BTreeSet<Utf8PathBuf>) {
        let mut kept = accounts.clone();
        for account in &self.desired.accounts {
            let files = self.files_of(&account.name);
            let is_built_from =
                |changed: &Utf8PathBuf| files.iter().any(|file| file.starts_with(changed));
            if shared.iter().any(is_built_from) {
                kept.0.insert(account.name.clone());
            }
        }
        let before = self.desired.accounts.len();
        self.desired
            .accounts
            .retain(|account| kept.contains(&account.name));
        self.left_out = before - self.desired.accounts.len();
        self.selection = Some(kept);
    }
}
