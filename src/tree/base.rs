//! The base of the three-way diff: the tree of the commit that was applied last.
//!
//! A ref in the repository points at it; there is no state file. If it is unavailable, nothing is guessed: each way in
//! which it can be missing is a variant of its own, and counts as "no base".

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use thiserror::Error;

use super::beside::{Known, load_beside};
use super::forget::{ForgetError, Forgotten};
use super::git::{Pointed, point, short_commit};
use super::refusal::Refusal;
use super::{Desired, DesiredAccount, GitTree, LoadError, Selection, SharedAccount};
use crate::model::{AccountName, ClusterName, Digest, Identity, Shard, count};

/// Returns the ref that points at the last commit that was applied completely.
#[must_use]
pub fn applied_ref(cluster: &ClusterName) -> String {
    reference(cluster, "applied")
}

/// Returns the ref that records what incomplete runs have written; the names of the shards' refs begin with it.
#[must_use]
pub fn written_ref(cluster: &ClusterName) -> String {
    reference(cluster, "written")
}

/// Returns the ref that keeps the heads of the audit logs of a cluster's runs.
#[must_use]
pub fn audit_ref(cluster: &ClusterName) -> String {
    reference(cluster, "audit")
}

/// Returns the ref that records who may currently write to the cluster.
#[must_use]
pub fn lease_ref(cluster: &ClusterName) -> String {
    reference(cluster, "lease")
}

/// Returns the ref that records whether the daemon of a cluster, or of one shard of it, is paused.
#[must_use]
pub fn paused_ref(cluster: &ClusterName, shard: Option<Shard>) -> String {
    let whole = reference(cluster, "paused");
    shard.map_or_else(
        || whole.clone(),
        |shard| format!("{whole}-{}-of-{}", shard.index(), shard.count()),
    )
}

fn reference(cluster: &ClusterName, leaf: &str) -> String {
    format!("refs/emblazon/{}/{leaf}", plain_name(cluster))
}

/// Returns the branch, without `refs/heads/`, on which the live values of some accounts are proposed for the tree; the
/// same for the same accounts.
#[must_use]
pub fn kept_branch(cluster: &ClusterName, accounts: &BTreeSet<AccountName>) -> String {
    let mut names = accounts.iter().map(AccountName::as_str);
    let leaf = if let (Some(only), None) = (names.next(), names.next()) {
        plain(only)
    } else {
        let names: Vec<&str> = accounts.iter().map(AccountName::as_str).collect();
        let digest = Digest::of(names.join("\n").as_bytes());
        format!("{}-accounts-{}", names.len(), digest.short())
    };
    format!("emblazon/{}/keep-{leaf}", plain_name(cluster))
}

/// Returns a cluster's name in a form that fits into the names of refs and files; characters that Git does not allow
/// everywhere in a ref are written as `%XX`.
#[must_use]
pub fn plain_name(cluster: &ClusterName) -> String {
    plain(cluster.as_str())
}

fn plain(text: &str) -> String {
    use std::fmt::Write as _;
    let mut name = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// Returns the command that fetches a ref from a remote.
#[must_use]
pub fn fetch_command(remote: &str, reference: &str, is_shallow: bool) -> String {
    // In a full clone `--depth` would truncate the history.
    let depth = if is_shallow { "--depth=1 " } else { "" };
    format!("git fetch {depth}{remote} +{reference}:{reference}")
}

/// Whether the remote was asked for its ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// There is no remote.
    NoRemote,
    /// This remote was not asked.
    No(&'a str),
    /// This remote was asked, and its ref was fetched.
    Yes(&'a str),
}

/// The tree that was applied last, or the reason why it is unknown.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// The tree is known.
    Known {
        /// Full id of the commit; absent for a sandbox that is kept, which remembers the tree itself.
        commit: Option<String>,
        /// Desired state that it declares for the cluster.
        desired: Box<Desired>,
    },
    /// There is no ref: nothing was applied yet, or nobody fetched the ref.
    NoRef {
        /// Name of the ref.
        reference: String,
        /// Command that would fetch it, if a remote may have it.
        command: Option<String>,
    },
    /// The clone is shallow, and does not have the commit.
    ShallowMissing {
        /// Command that fetches it.
        command: String,
    },
    /// The commit no longer loads: an older version wrote it, or the clone lacks some of it.
    NoLongerParses {
        /// Full id of the commit.
        commit: String,
        /// Number of errors.
        errors: usize,
        /// Message of the first error.
        first: String,
    },
    /// The tree is not in a Git repository.
    NotAGitRepository,
    /// Git could not read the repository.
    Unreadable {
        /// Error message of Git.
        reason: String,
    },
    /// The remote could not be asked, so the local ref may be out of date.
    NotFetched {
        /// Error message of Git.
        reason: String,
    },
    /// The platform is not that of the cluster, so what was applied to the cluster is irrelevant.
    OtherPlatform,
    /// The ref points at a commit that is not trusted, so nothing is removed because of it.
    Refused {
        /// Name of the ref.
        reference: String,
        /// Full id of the commit.
        commit: String,
        /// Reason why it is not trusted.
        why: Refusal,
    },
}

impl Base {
    /// All values that [`Self::state`] returns.
    pub const STATES: [&'static str; 11] = [
        "known",
        "no_ref",
        "shallow_missing",
        "no_longer_parses",
        "not_a_git_repository",
        "unreadable",
        "not_fetched",
        "other_platform",
        "not_in_history",
        "history_cut_off",
        "not_signed",
    ];

    /// Finds the commit that a cluster's ref points at, in the repository that contains the folder.
    ///
    /// # Errors
    /// If there is no commit; returns the resulting base.
    pub fn named(
        folder: &Utf8Path,
        cluster: &ClusterName,
        asked: Asked<'_>,
    ) -> Result<String, Self> {
        let reference = applied_ref(cluster);
        let remote = match asked {
            Asked::NoRemote => None,
            Asked::No(remote) | Asked::Yes(remote) => Some(remote),
        };
        Err(match point(folder, &reference) {
            Pointed::NoRepository => Self::NotAGitRepository,
            Pointed::Unreadable(reason) => Self::Unreadable { reason },
            Pointed::NoRef { is_shallow: true } if !matches!(asked, Asked::Yes(_)) => {
                let remote = remote.unwrap_or("origin");
                let command = fetch_command(remote, &reference, true);
                Self::ShallowMissing { command }
            }
            Pointed::NoRef { is_shallow } => {
                let command = match asked {
                    Asked::No(remote) => Some(fetch_command(remote, &reference, is_shallow)),
                    Asked::NoRemote | Asked::Yes(_) => None,
                };
                Self::NoRef { reference, command }
            }
            Pointed::NoCommit { is_shallow } => {
                let remote = remote.unwrap_or("origin");
                let command = fetch_command(remote, &reference, is_shallow);
                Self::ShallowMissing { command }
            }
            Pointed::Commit(commit) => return Ok(commit),
        })
    }

    /// Loads what a commit declares for a cluster; the caller must have verified the commit.
    ///
    /// With a selection, only its accounts are read; with a known tree, only what differs from it.
    #[must_use]
    pub fn load(
        folder: &Utf8Path,
        cluster: &ClusterName,
        commit: String,
        only: Option<&Selection>,
        known: Option<Known<'_>>,
    ) -> Self {
        let there = GitTree::open(folder, &commit)
            .map_err(LoadError::from)
            .and_then(|source| load_beside((&source, &commit), folder, cluster, only, known));
        match there {
            Ok(there) if there.has_errors() => {
                let errors: Vec<_> = there.errors().collect();
                let first = errors.first().map(|error| error.message.clone());
                Self::NoLongerParses {
                    commit,
                    errors: errors.len(),
                    first: first.unwrap_or_default(),
                }
            }
            Ok(there) => Self::Known {
                commit: Some(commit),
                desired: Box::new(there.desired),
            },
            Err(error) => Self::NoLongerParses {
                commit,
                errors: 1,
                first: error.to_string(),
            },
        }
    }

    /// Returns the desired state that was applied last, if it is known.
    #[must_use]
    pub fn desired(&self) -> Option<&Desired> {
        match self {
            Self::Known { desired, .. } => Some(desired),
            _ => None,
        }
    }

    /// Returns the id of the commit that the ref points at, even if it cannot be used.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Known { commit, .. } => commit.as_deref(),
            Self::NoLongerParses { commit, .. } | Self::Refused { commit, .. } => Some(commit),
            _ => None,
        }
    }

    /// Returns the id of the commit that was applied last; `None` if the commit that the ref points at is not trusted.
    #[must_use]
    pub fn proven(&self) -> Option<&str> {
        self.commit().filter(|_| self.refusal().is_none())
    }

    /// Returns why the commit that the ref points at is not trusted, if that is so.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        matches!(self, Self::Refused { .. }).then(|| self.explained())
    }

    /// Returns the machine-readable state.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self {
            Self::Known { .. } => "known",
            Self::NoRef { .. } => "no_ref",
            Self::ShallowMissing { .. } => "shallow_missing",
            Self::NoLongerParses { .. } => "no_longer_parses",
            Self::NotAGitRepository => "not_a_git_repository",
            Self::Unreadable { .. } => "unreadable",
            Self::NotFetched { .. } => "not_fetched",
            Self::OtherPlatform => "other_platform",
            Self::Refused { why, .. } => why.state(),
        }
    }

    /// Describes the state of the base, and what to do about it.
    #[must_use]
    pub fn explained(&self) -> String {
        match self {
            Self::Known {
                commit: Some(commit),
                ..
            } => format!("commit {} was applied last", short_commit(commit)),
            Self::Known { commit: None, .. } => {
                "what was applied last to this sandbox is kept beside it".to_owned()
            }
            Self::NoRef {
                reference,
                command: None,
            } => format!("no commit was applied yet: there is no {reference}"),
            Self::NoRef {
                reference,
                command: Some(command),
            } => format!(
                "no commit is known to have been applied: there is no {reference} here; `{command}` gets it, when there is one"
            ),
            Self::ShallowMissing { command } => format!(
                "the commit that was applied last is not in this shallow clone; `{command}` gets it"
            ),
            Self::NoLongerParses {
                commit,
                errors,
                first,
            } => format!(
                "commit {}, which was applied last, cannot be used: it has {}, the first: {first}; the next complete apply puts another in its place",
                short_commit(commit),
                count(*errors, "error")
            ),
            Self::NotAGitRepository => "the tree is not in a Git repository".to_owned(),
            Self::Unreadable { reason } => format!("the Git repository cannot be read: {reason}"),
            Self::NotFetched { reason } => format!(
                "the remote could not be asked for the last applied commit: {reason}; `--no-fetch` relies on what this clone has"
            ),
            Self::OtherPlatform => {
                "--api names another platform than the tree, which no commit was applied to"
                    .to_owned()
            }
            Self::Refused {
                reference,
                commit,
                why,
            } => why.explained(reference, commit),
        }
    }

    /// Forgets something that the base declares and the tree does not, so that it is kept instead of removed: a whole
    /// account, or one of its keys. `only` is the selection that both were read with.
    pub fn forget(
        &mut self,
        what: &Forgotten,
        tree: &Desired,
        only: Option<&Selection>,
    ) -> Result<(), ForgetError> {
        let account = AccountName::new(what.account.as_str());
        if only.is_some_and(|only| !only.contains(&account)) {
            return Err(ForgetError::LeftOut(what.account.clone()));
        }
        let Self::Known { desired: base, .. } = self else {
            return Err(ForgetError::NoBase(self.explained()));
        };
        let none = || ForgetError::NotThere(what.account.clone());
        let is_it = |account: &SharedAccount| account.name.as_str() == what.account;
        let index = base.accounts.iter().position(is_it).ok_or_else(none)?;
        let account = base.accounts.get_mut(index).ok_or_else(none)?;
        let still = tree
            .accounts
            .iter()
            .find(|account| account.name.as_str() == what.account);
        let Some(key) = &what.key else {
            if still.is_some_and(|still| still.identity.value == account.identity.value) {
                return Err(ForgetError::Declared(what.account.clone()));
            }
            base.accounts.remove(index);
            return Ok(());
        };
        let account = account.make_mut();
        let is_declared = still.is_some_and(|still| key.is_declared(still));
        if is_declared || !key.take_from(account) {
            return Err(ForgetError::Key {
                account: what.account.clone(),
                is_declared,
            });
        }
        Ok(())
    }
}

/// Returns the commit whose tree is exactly what was loaded: the revision, or `HEAD`. With a selection, only its
/// accounts are compared.
///
/// # Errors
/// If there is no such commit; returns the reason.
pub fn committed(folder: &Utf8Path, known: Known<'_>) -> Result<String, NotCommitted> {
    let Known { loaded, revision } = known;
    let commit = match point(folder, revision.unwrap_or("HEAD")) {
        Pointed::NoRepository => return Err(NotCommitted::NotAGitRepository),
        Pointed::Unreadable(reason) => return Err(NotCommitted::Unreadable(reason)),
        Pointed::NoRef { .. } | Pointed::NoCommit { .. } => return Err(NotCommitted::NoCommit),
        Pointed::Commit(commit) => commit,
    };
    let desired = &loaded.desired;
    let only = loaded.selection.as_ref();
    let source = GitTree::open(folder, &commit).map_err(|_| NotCommitted::NotInIt)?;
    let cluster = &desired.cluster.name;
    let there = load_beside((&source, &commit), folder, cluster, only, Some(known));
    match there {
        Ok(there) if !there.has_errors() && there.desired.digest() == desired.digest() => {
            Ok(commit)
        }
        Ok(_) => Err(NotCommitted::Differs(short_commit(&commit).to_owned())),
        Err(_) => Err(NotCommitted::NotInIt),
    }
}

/// The reason why the applied tree is not that of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotCommitted {
    /// There is no repository.
    #[error("the tree is not in a Git repository")]
    NotAGitRepository,
    /// The repository has no commit yet.
    #[error("the repository has no commit yet; commit the tree")]
    NoCommit,
    /// The commit does not contain the tree.
    #[error("the tree is not committed yet; commit it")]
    NotInIt,
    /// The work tree differs from the commit.
    #[error("the tree is not as commit {0} has it; commit the changes")]
    Differs(String),
    /// Git failed.
    #[error("the Git repository cannot be read: {0}")]
    Unreadable(String),
}

/// An index of the base's accounts, to look them up by accounts of the tree.
pub struct BaseAccounts<'a> {
    accounts: &'a [SharedAccount],
    /// Index of the next expected account: callers usually iterate over a tree in the same order.
    next: Cell<usize>,
    by_name: OnceCell<BTreeMap<&'a AccountName, usize>>,
    by_identity: OnceCell<BTreeMap<&'a Identity, &'a SharedAccount>>,
}

impl<'a> BaseAccounts<'a> {
    /// Creates the index.
    #[must_use]
    pub fn new(base: &'a Desired) -> Self {
        Self {
            accounts: &base.accounts,
            next: Cell::new(0),
            by_name: OnceCell::new(),
            by_identity: OnceCell::new(),
        }
    }

    /// Finds an account by its identity, or by its name if one tree identifies it by id and the other by realm.
    #[must_use]
    pub fn find(&self, account: &DesiredAccount) -> Option<&'a SharedAccount> {
        let identity = &account.identity.value;
        let namesake = self.namesake(&account.name);
        // Identities are unique, so most lookups end here.
        if let Some(same) = namesake.filter(|other| other.identity.value == *identity) {
            return Some(same);
        }
        let renamed = |other: &&SharedAccount| {
            matches!(
                (&other.identity.value, identity),
                (Identity::Id(_), Identity::Realm(_)) | (Identity::Realm(_), Identity::Id(_))
            )
        };
        let found = self.by_identity().get(identity).copied();
        found.or_else(|| namesake.filter(renamed))
    }

    fn namesake(&self, name: &AccountName) -> Option<&'a SharedAccount> {
        let index = self.next.get();
        let is_next = (self.accounts.get(index)).is_some_and(|account| account.name == *name);
        let index = if is_next {
            index
        } else {
            let by_name = self.by_name.get_or_init(|| {
                let accounts = self.accounts.iter().enumerate();
                accounts
                    .map(|(index, account)| (&account.name, index))
                    .collect()
            });
            *by_name.get(name)?
        };
        self.next.set(index + 1);
        self.accounts.get(index)
    }

    fn by_identity(&self) -> &BTreeMap<&'a Identity, &'a SharedAccount> {
        self.by_identity.get_or_init(|| {
            let accounts = self.accounts.iter();
            accounts
                .map(|account| (&account.identity.value, account))
                .collect()
        })
    }
}

/// Returns the accounts of the base that are no longer in the tree.
///
/// These include an account that moved to another folder *and* is identified by realm in one tree and by id in the
/// other; only the live ids reveal that it still exists.
#[must_use]
pub fn departed<'a>(tree: &Desired, base: &'a Desired) -> Vec<&'a SharedAccount> {
    let is_as_before = |(one, other): (&SharedAccount, &SharedAccount)| {
        one.is(other) || (one.name == other.name && one.identity.value == other.identity.value)
    };
    if tree.accounts.len() == base.accounts.len()
        && tree.accounts.iter().zip(&base.accounts).all(is_as_before)
    {
        return Vec::new();
    }
    let accounts = BaseAccounts::new(base);
    let still: BTreeSet<&AccountName> = (tree.accounts.iter())
        .filter_map(|account| accounts.find(account))
        .map(|account| &account.name)
        .collect();
    (base.accounts.iter())
        .filter(|account| !still.contains(&account.name))
        .collect()
}
