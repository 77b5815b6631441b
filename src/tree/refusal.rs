//! Reasons for not accepting the commit that a ref points at as the base.

use super::git::short_commit;

/// The reason why the commit that a ref points at is not accepted as the base.
///
/// Branch protection does not cover `refs/emblazon/*`, so the ref alone proves nothing. A commit is accepted only if it
/// is in the history of what is applied and, where signatures are required, is signed: both were decided where commits
/// are reviewed. Signing the record, or authenticating it with a MAC, was considered and rejected: every machine that
/// plans or applies would need the key, including the runner of a pull request, and it would prove no more than history
/// does, namely that somebody may apply.
///
/// Anyone who may push the ref can still make it point at *another commit of that history*: an older one brings back
/// the removal of what was declared once and has been taken over by hand since, and a newer one keeps what should be
/// removed. Rules on the ref prevent that; see the README.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not in the history of this commit.
    Apart {
        /// Commit that is planned or applied.
        this: String,
    },
    /// It comes after this commit, and no accepted branch contains it.
    OffBranch {
        /// Commit that is planned or applied.
        this: String,
    },
    /// Unknown: the history of a shallow clone ends too early.
    CutOff {
        /// Commit that is planned or applied.
        this: String,
        /// Command that fetches the history.
        command: String,
    },
    /// It is not signed by anyone who may sign.
    Unsigned {
        /// Problem with its signature.
        reason: String,
    },
}

impl Refusal {
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Apart { .. } | Self::OffBranch { .. } => "not_in_history",
            Self::CutOff { .. } => "history_cut_off",
            Self::Unsigned { .. } => "not_signed",
        }
    }

    pub(super) fn explained(&self, reference: &str, commit: &str) -> String {
        let commit = short_commit(commit);
        let named = format!("commit {commit}, which {reference} names as applied last,");
        match self {
            Self::Apart { this } => format!(
                "{named} is not in the history of commit {}, so nothing is removed because of it; merge the branch that has it, which `git branch --all --contains {commit}` names, and when none has it, find out who pushed it",
                short_commit(this)
            ),
            Self::OffBranch { this } => {
                let this = short_commit(this);
                format!(
                    "{named} comes after commit {this} and is on no branch that counts, so nothing is removed because of it; to go back, check out the branch that has both and pass `--rev {this}`"
                )
            }
            Self::CutOff { this, command } => format!(
                "this clone is too shallow to determine whether {named} is in the history of commit {}, so nothing is removed because of it; `{command}` gets the history",
                short_commit(this)
            ),
            Self::Unsigned { reason } => format!(
                "{named} is not trusted, so nothing is removed because of it: {reason}; find out who pushed it"
            ),
        }
    }
}
