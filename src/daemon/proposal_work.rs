//! Finds out what keeping one account's drift changes in the tree, and proposes it. Runs beside the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::apply::remote::Remote;
use crate::diff::{Change, ChangeKey};
use crate::forge::{Publisher, Target};
use crate::import::{self, Accepted, Existing, Imported, NewCluster, Request, Scope};
use crate::live::{
    self, BrandAsset, BrandDocument, LiveAccount, LiveBrand, LiveDocument, ReadClient, Reading,
    Unmanaged,
};
use crate::model::{AccountId, AccountName, Digest, Identity, KeyPath};
use crate::propose::{Desk, Proposal, Proposed, Withdrawn};
use crate::tree::{self, Loaded, TreeSource};

/// Pause before the second attempt at the forge.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest description where no forge says what it takes.
const LONGEST_TEXT: usize = 60_000;

/// Where proposals go.
#[derive(Clone)]
pub(super) struct ProposalPlace {
    pub(super) remote: Remote,
    /// The branch that they are for; the remote's main one when absent.
    pub(super) into: Option<String>,
    pub(super) forge: Target,
}

/// What is to be done for one account.
pub(super) struct ProposalWork {
    pub(super) name: AccountName,
    /// What it is made from.
    pub(super) made_from: Digest,
    pub(super) loaded: Arc<Loaded>,
    /// Whether the tree was cut to a shard, so that it says nothing of the other accounts.
    pub(super) is_cut: bool,
    /// The drift that is to be kept.
    pub(super) drift: Vec<Change>,
    pub(super) files: Arc<dyn TreeSource + Send>,
    /// What was read last.
    pub(super) accounts: BTreeMap<AccountName, Arc<LiveAccount>>,
    /// Absent when no asset has to be read.
    pub(super) client: Option<ReadClient>,
    /// Where it is proposed, and on top of which commit; absent for the patch alone.
    pub(super) place: Option<(ProposalPlace, String)>,
}

/// The proposal that is withdrawn, because nothing of it is left.
pub(super) struct WithdrawalWork {
    pub(super) name: AccountName,
    pub(super) loaded: Arc<Loaded>,
    pub(super) place: (ProposalPlace, String),
}

/// A piece of work.
pub(super) enum Work {
    Keep(Box<ProposalWork>),
    Withdraw(Box<WithdrawalWork>),
}

impl Work {
    pub(super) async fn run(self) -> WorkResult {
        match self {
            Self::Keep(work) => work.run().await,
            Self::Withdraw(work) => work.run().await,
        }
    }
}

/// What came of the work for one account.
pub(super) enum WorkResult {
    /// A patch was made, and perhaps proposed.
    Made {
        name: AccountName,
        made_from: Digest,
        /// The patch with its remarks, or why there is none.
        kept: Result<Box<KeptPatch>, String>,
        /// What became of the proposal; absent when none was wanted.
        proposed: Option<Result<Proposed, String>>,
    },
    /// A proposal was withdrawn, or not.
    Withdrawn {
        name: AccountName,
        result: Result<Withdrawn, String>,
    },
}

/// A patch with its remarks.
pub(super) struct KeptPatch {
    /// Absent when nothing can be declared.
    pub(super) proposal: Option<Proposal>,
    pub(super) notes: Vec<String>,
}

impl ProposalPlace {
    async fn desk(&self, parent: &str) -> Result<Desk, String> {
        let said = |error: &dyn std::error::Error| error.to_string();
        let into = match &self.into {
            Some(into) => into.clone(),
            None => (self.remote.main_branch().await)
                .map_err(|error| said(&error))?
                .ok_or_else(|| {
                    "the remote names no main branch, for which a pull request would be".to_owned()
                })?,
        };
        let has = self.remote.has_on(&into, parent).await;
        if !has.map_err(|error| said(&error))? {
            return Err(format!(
                "commit {} is not on branch {into} of the remote yet; push it",
                tree::short_commit(parent)
            ));
        }
        let publisher = Publisher::new(self.forge.clone(), PAUSE);
        Ok(Desk {
            remote: self.remote.clone(),
            into,
            publisher: publisher.map_err(|error| said(&error))?,
        })
    }
}

impl WithdrawalWork {
    /// Closes the pull request, and deletes the branch.
    async fn run(self) -> WorkResult {
        let (place, parent) = &self.place;
        let only = BTreeSet::from([self.name.clone()]);
        let cluster = &self.loaded.desired.cluster.name;
        let withdraw = async {
            let desk = place.desk(parent).await?;
            let withdrawn = desk.withdraw(cluster, &only, parent).await;
            withdrawn.map_err(|error| error.to_string())
        };
        WorkResult::Withdrawn {
            result: withdraw.await,
            name: self.name,
        }
    }
}

impl ProposalWork {
    /// Makes the patch, and proposes it.
    async fn run(self) -> WorkResult {
        let (name, made_from) = (self.name.clone(), self.made_from.clone());
        let place = self.place.clone();
        let kept = self.keep().await.map(Box::new);
        let proposed = match (&kept, place) {
            (Ok(kept), Some((place, parent))) => match &kept.proposal {
                Some(proposal) => Some(propose(proposal, &place, &parent).await),
                None => None,
            },
            _ => None,
        };
        WorkResult::Made {
            name,
            made_from,
            kept,
            proposed,
        }
    }

    async fn keep(&self) -> Result<KeptPatch, String> {
        let brand = self.brand().await?;
        self.accept(brand)
    }

    /// Returns the live brand; only where an asset differs, with the bytes of its assets.
    async fn brand(&self) -> Result<LiveBrand, String> {
        let everybody = self.everybody();
        let known = everybody.iter().find(|(name, _)| *name == self.name);
        let Some((_, account)) = known else {
            return Err("the account is not known on the platform".to_owned());
        };
        let Some(client) = &self.client else {
            let live = self.accounts.get(&self.name);
            return live
                .map(|live| without_bytes(account, live))
                .ok_or_else(|| "the account was not read".to_owned());
        };
        let only = std::slice::from_ref(account);
        let read = live::inventory(client, only, &|_| {}).await;
        let mut read = read.map_err(|error| error.explained())?;
        read.pop()
            .ok_or_else(|| "the account was not read".to_owned())
    }

    /// Returns the tree's accounts as the platform lists them, as far as they were read.
    fn everybody(&self) -> Vec<(AccountName, Unmanaged)> {
        let accounts = self.loaded.desired.accounts.iter();
        let listed = accounts.filter_map(|account| {
            let id = self.accounts.get(&account.name)?.id.known()?.clone();
            let realm = match &account.identity.value {
                Identity::Realm(realm) => realm.to_string(),
                Identity::Id(_) => String::new(),
            };
            let name = account.name.to_string();
            Some((account.name.clone(), Unmanaged { id, name, realm }))
        });
        listed.collect()
    }

    fn accept(&self, brand: LiveBrand) -> Result<KeptPatch, String> {
        let cluster = &self.loaded.desired.cluster.name;
        let whole = if self.is_cut {
            let whole = tree::load(&*self.files, Some(cluster.as_str()));
            Some(whole.map_err(|error| error.to_string())?)
        } else {
            None
        };
        let loaded = whole.as_ref().unwrap_or(&self.loaded);
        let everybody = self.everybody();
        let listed: Vec<Unmanaged> = everybody.iter().map(|(_, it)| it.clone()).collect();
        // Only what was made by hand: a change of the tree that is not live yet is nothing to keep.
        let addresses = self.drift.iter().filter_map(|change| address(&change.key));
        let accepted: Vec<Accepted> = addresses
            .map(|address| Accepted {
                account: self.name.clone(),
                address: Some(address),
            })
            .collect();
        if accepted.is_empty() {
            return Err("the tree cannot declare what is live; put it right".to_owned());
        }
        let scope = Scope::Accept(accepted);
        let several = tree::clusters(&*self.files).map_or(true, |clusters| clusters.len() > 1);
        let new_cluster = NewCluster {
            name: cluster.clone(),
            api: None,
            root: None,
        };
        let brands = [brand];
        let mut request = Request {
            existing: Some(Existing {
                source: &*self.files,
                loaded,
                several_clusters: several,
            }),
            folder: None,
            cluster: &new_cluster,
            everybody: &listed,
            brands: &brands,
            others: &[],
            template: None,
            factor: false,
            scope: &scope,
        };
        let mut imported = import::import(&request).map_err(|error| error.to_string())?;
        let others = self.others(&everybody, &imported.wanted);
        if !others.is_empty() {
            request.others = &others;
            imported = import::import(&request).map_err(|error| error.to_string())?;
        }
        if imported.unread > 0 {
            return Err("not everything of the account could be read".to_owned());
        }
        Ok(self.kept(loaded, &imported))
    }

    /// Returns the accounts that share a layer, as they were read.
    fn others(&self, everybody: &[(AccountName, Unmanaged)], ids: &[AccountId]) -> Vec<LiveBrand> {
        let wanted = everybody.iter().filter(|(_, it)| ids.contains(&it.id));
        wanted
            .filter_map(|(name, it)| Some(without_bytes(it, self.accounts.get(name)?)))
            .collect()
    }

    fn kept(&self, loaded: &Loaded, imported: &Imported) -> KeptPatch {
        let only = BTreeSet::from([self.name.clone()]);
        let limit = (self.place.as_ref()).map_or(LONGEST_TEXT, |(place, _)| {
            place.forge.kind.longest_comment()
        });
        let folder = self.files.folder();
        let notes = imported.notes.iter().map(|note| {
            let about = note.about.as_deref().unwrap_or_default();
            let left = if note.left { "left out: " } else { "" };
            format!(
                "{left}{about}: {}; {}",
                note.reason.message, note.reason.help
            )
        });
        KeptPatch {
            proposal: Proposal::new(loaded, &folder, &only, imported, limit),
            notes: notes.collect(),
        }
    }
}

async fn propose(
    proposal: &Proposal,
    place: &ProposalPlace,
    parent: &str,
) -> Result<Proposed, String> {
    let desk = place.desk(parent).await?;
    let proposed = desk.propose(proposal, parent, Timestamp::now()).await;
    proposed.map_err(|error| error.to_string())
}

/// Returns where the tree declares what a change is about.
fn address(key: &ChangeKey) -> Option<KeyPath> {
    match key {
        ChangeKey::Setting(path) => Some(KeyPath::parse(&format!("whitelabel.{path}"))),
        ChangeKey::Asset(kind) => Some(KeyPath::from_segments(["assets", kind.as_str()])),
        ChangeKey::Whitelabel
        | ChangeKey::Host(_)
        | ChangeKey::RecordType(_)
        | ChangeKey::Records(_) => None,
    }
}

/// Returns a brand without the bytes of its assets, which must not be written anywhere.
fn without_bytes(account: &Unmanaged, live: &LiveAccount) -> LiveBrand {
    let document = |document: &LiveDocument| BrandDocument {
        revision: document.revision.clone(),
        settings: document.settings.clone(),
        assets: (document.assets.iter())
            .map(|(kind, asset)| {
                let asset = match asset {
                    Reading::Known(asset) => {
                        Reading::Known(asset.as_ref().map(|asset| BrandAsset {
                            bytes: Arc::from([]),
                            facts: asset.facts.clone(),
                            attachment: asset.attachment.clone(),
                        }))
                    }
                    Reading::Unknown(reason) => Reading::Unknown(reason.clone()),
                };
                (*kind, asset)
            })
            .collect(),
    };
    LiveBrand {
        account: account.clone(),
        document: match &live.document {
            Reading::Known(live) => Reading::Known(live.as_ref().map(document)),
            Reading::Unknown(reason) => Reading::Unknown(reason.clone()),
        },
    }
}
