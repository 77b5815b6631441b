//! What the audit log says of runs of the command line.

use std::env;

use camino::Utf8Path;

use super::approval::DigestPrefix;
use super::args::{PlatformArgs, RemoteArgs};
use super::base;
use crate::apply::Principals;
use crate::reconcile::AuditTrail;
use crate::tree::{ClusterConfig, commit_facts};

/// Variables that name the person for whom a CI job runs, before the user of this machine.
const PERSONS: [&str; 4] = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "USERNAME"];

/// How a run was approved.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Approving<'a> {
    /// By the digest of its plan.
    Digest(&'a DigestPrefix),
    /// By a saved plan, which was read and named.
    SavedPlan,
    /// By the signature of a saved plan.
    Signature(&'a str),
    /// By `--yes`.
    Yes,
    /// On a sandbox, which needs no approval.
    Sandbox,
    /// By an answer at the terminal.
    Terminal,
}

impl<'a> Approving<'a> {
    /// Returns how a run is approved that needs no file.
    pub(crate) fn of(
        expect: Option<&'a DigestPrefix>,
        is_yes: bool,
        platform: &PlatformArgs,
    ) -> Self {
        match expect {
            Some(digest) => Self::Digest(digest),
            None if platform.sandbox.is_wanted() => Self::Sandbox,
            None if is_yes => Self::Yes,
            None => Self::Terminal,
        }
    }

    /// Returns who approved the run, and how.
    fn told(self) -> String {
        let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
        let person = PERSONS.iter().find_map(set);
        let person = person.unwrap_or_else(|| "somebody".to_owned());
        match self {
            Self::Digest(digest) => format!("{person}, with --expect {digest}"),
            Self::SavedPlan => format!("{person}, with a saved plan"),
            Self::Signature(signer) => format!("{signer}, who signed the plan"),
            Self::Yes => format!("{person}, with --yes"),
            Self::Sandbox => format!("{person}, on a sandbox"),
            Self::Terminal => format!("{person}, at the terminal"),
        }
    }
}

/// The place of a run: the tree, its cluster, and how Git is used.
#[derive(Clone, Copy)]
pub(crate) struct RunPlace<'a> {
    pub(crate) folder: &'a Utf8Path,
    pub(crate) cluster: &'a ClusterConfig,
    pub(crate) platform: &'a PlatformArgs,
    pub(crate) remote: &'a RemoteArgs,
    /// Whether the refs of the remote are moved too.
    pub(crate) push: bool,
}

/// Returns what the audit log says of a run; `commit` is the one that it applies, if any.
pub(crate) fn audit_trail(
    place: RunPlace<'_>,
    commit: Option<&str>,
    approving: Approving<'_>,
) -> AuditTrail {
    let author = commit.and_then(|commit| Some(commit_facts(place.folder, commit)?.author));
    AuditTrail {
        principals: Principals {
            commit: commit.map(str::to_owned),
            author,
            approver: Some(approving.told()),
        },
        kept_in: base::audit_ref(
            place.folder,
            place.cluster,
            place.platform,
            (place.remote, place.push),
        ),
    }
}
