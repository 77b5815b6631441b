//! The base of the three-way difference: the tree of the commit that was applied last.
//!
//! A ref of the repository names it; there is no state file. Where it cannot be had, nothing is
//! guessed: each way in which it can be missing is a value of its own, and counts as "no base".

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use thiserror::Error;

use super::beside::{Known, load_beside};
use super::forget::{ForgetError, Forgotten};
use super::git::{Pointed, point};
use super::refusal::Refusal;
use super::{Desired, DesiredAccount, GitTree, LoadError, Selection, SharedAccount};
use crate::model::{AccountName, ClusterName, Identity, count};

/// Returns the ref that names the commit which was applied last, completely.
#[must_use]
pub fn applied_ref(cluster: &ClusterName) -> String {
    reference(cluster, "applied")
}

/// Returns the ref that holds what runs have written which did not complete; those of shards begin so.
#[must_use]
pub fn written_ref(cluster: &ClusterName) -> String {
    reference(cluster, "written")
}

/// Returns the ref that says who may write to the cluster now.
#[must_use]
pub fn lease_ref(cluster: &ClusterName) -> String {
    reference(cluster, "lease")
}

fn reference(cluster: &ClusterName, leaf: &str) -> String {
    format!("refs/emblazon/{}/{leaf}", plain_name(cluster))
}

/// Returns a cluster's name as a part of a ref's name or a file's; what Git allows in no ref, or only in some places, is
/// written as `%XX`.
#[must_use]
pub fn plain_name(cluster: &ClusterName) -> String {
    use std::fmt::Write as _;
    let mut name = String::new();
    for byte in cluster.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// Returns the command that brings a ref from a remote into a clone.
#[must_use]
pub fn fetch_command(remote: &str, reference: &str, is_shallow: bool) -> String {
    // In a whole clone `--depth` would cut history off.
    let depth = if is_shallow { "--depth=1 " } else { "" };
    format!("git fetch {depth}{remote} +{reference}:{reference}")
}

/// Says what is known of the remote's ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// There is no remote.
    NoRemote,
    /// This remote was not asked.
    No(&'a str),
    /// This remote was asked, and what it has is here.
    Yes(&'a str),
}

/// The tree that was applied last, or why it is not known.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// It is known.
    Known {
        /// The commit's full id.
        commit: String,
        /// What it declares for the cluster.
        desired: Box<Desired>,
    },
    /// No ref names it: nothing was applied yet, or nobody fetched the ref.
    NoRef {
        /// The ref.
        reference: String,
        /// What would get it, when a remote may have it.
        command: Option<String>,
    },
    /// The clone is shallow, and does not have it.
    ShallowMissing {
        /// What gets it.
        command: String,
    },
    /// The ref names it, and its content does not load any more: an older version wrote it, or the
    /// clone lacks some of it.
    NoLongerParses {
        /// The commit's full id.
        commit: String,
        /// How many errors it has.
        errors: usize,
        /// The first of them.
        first: String,
    },
    /// The tree lies in no Git repository.
    NotAGitRepository,
    /// Git could not read the repository.
    Unreadable {
        /// Git's reason.
        reason: String,
    },
    /// The remote could not be asked, so the ref that is here may be out of date.
    NotFetched {
        /// Git's reason.
        reason: String,
    },
    /// The platform is not the cluster's, so what was applied to the cluster says nothing.
    OtherPlatform,
    /// A ref names a commit, and nothing vouches for it: it decides nothing, and nothing is removed on its word.
    Refused {
        /// The ref.
        reference: String,
        /// The commit's full id.
        commit: String,
        /// What speaks against it.
        why: Refusal,
    },
}

impl Base {
    /// Every word that [`Self::state`] returns.
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

    /// Finds the commit that the ref of a cluster names in the repository that the folder lies in.
    ///
    /// # Errors
    /// The base that follows from there being none.
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

    /// Reads what a commit declares for a cluster, once something vouches for the commit.
    ///
    /// With a selection, only its accounts are read; of what is known, only what differs.
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
                commit,
                desired: Box::new(there.desired),
            },
            Err(error) => Self::NoLongerParses {
                commit,
                errors: 1,
                first: error.to_string(),
            },
        }
    }

    /// Returns what was applied last, when it is known.
    #[must_use]
    pub fn desired(&self) -> Option<&Desired> {
        match self {
            Self::Known { desired, .. } => Some(desired),
            _ => None,
        }
    }

    /// Returns the id of the commit that the ref names, also when that is of no use.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Known { commit, .. }
            | Self::NoLongerParses { commit, .. }
            | Self::Refused { commit, .. } => Some(commit),
            _ => None,
        }
    }

    /// Returns the id of the commit that was applied last; none when nothing vouches for the one that the ref names.
    #[must_use]
    pub fn proven(&self) -> Option<&str> {
        self.commit().filter(|_| self.refusal().is_none())
    }

    /// Says why nothing is removed on the word of the commit that the ref names, when that is so.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        matches!(self, Self::Refused { .. }).then(|| self.explained())
    }

    /// Returns the word for machines.
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

    /// Says in words how the base stands, and what to do about it.
    #[must_use]
    pub fn explained(&self) -> String {
        match self {
            Self::Known { commit, .. } => {
                format!("commit {} was applied last", short_commit(commit))
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
            Self::NotAGitRepository => "the tree lies in no Git repository".to_owned(),
            Self::Unreadable { reason } => format!("the Git repository cannot be read: {reason}"),
            Self::NotFetched { reason } => format!(
                "the remote could not be asked which commit was applied last: {reason}; `--no-fetch` goes by what this clone has"
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

    /// Lets go of something that the base declares and the tree does not, so that it is kept instead
    /// of removed: the whole account, or one key of it. `only` is the selection that the two were read with.
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

/// Returns the commit whose tree is exactly what was loaded: the revision, or `HEAD`. With a selection, only its accounts
/// were loaded, and are compared.
///
/// # Errors
/// Says why no commit is.
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

/// Says why what was applied is no commit's tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotCommitted {
    /// There is no repository.
    #[error("the tree lies in no Git repository")]
    NotAGitRepository,
    /// The repository has no commit yet.
    #[error("the repository has no commit yet; commit the tree")]
    NoCommit,
    /// The commit does not hold the tree.
    #[error("the tree is not committed yet; commit it")]
    NotInIt,
    /// The work tree is not as the commit has it.
    #[error("the tree is not as commit {0} has it; commit the changes")]
    Differs(String),
    /// Git failed.
    #[error("the Git repository cannot be read: {0}")]
    Unreadable(String),
}

/// The accounts of the tree that was applied last, to be found by those of this one.
pub struct BaseAccounts<'a> {
    accounts: &'a [SharedAccount],
    /// Where the next is expected: who asks goes through a tree that is sorted alike.
    next: Cell<usize>,
    by_name: OnceCell<BTreeMap<&'a AccountName, usize>>,
    by_identity: OnceCell<BTreeMap<&'a Identity, &'a SharedAccount>>,
}

impl<'a> BaseAccounts<'a> {
    /// Lines the accounts up.
    #[must_use]
    pub fn new(base: &'a Desired) -> Self {
        Self {
            accounts: &base.accounts,
            next: Cell::new(0),
            by_name: OnceCell::new(),
            by_identity: OnceCell::new(),
        }
    }

    /// Finds an account by its identity, or by its name when one tree names it by id and the other
    /// by realm.
    #[must_use]
    pub fn find(&self, account: &DesiredAccount) -> Option<&'a SharedAccount> {
        let identity = &account.identity.value;
        let namesake = self.namesake(&account.name);
        // Two accounts never have one identity, so most need no look at the others.
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

/// Returns the accounts of the base that the tree does not have any more.
///
/// One that moved to another folder *and* is named by realm in one tree and by id in the other is
/// among these too; only the live ids tell that it is still there.
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

/// Shortens a commit's id for people.
#[must_use]
pub fn short_commit(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
