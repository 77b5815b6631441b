//! Why a commit that a ref names decides nothing.

use super::base::short_commit;

/// Says why the commit that a ref names is no base.
///
/// Branch protection does not cover `refs/emblazon/*`, so the ref alone proves nothing. A commit counts that is in the
/// history of what is applied and, where signatures are asked for, is signed: both were decided where commits are
/// reviewed. A record that is signed or carries a MAC by what applied was weighed and left out: each machine that
/// plans or applies would need the key, a pull request's runner among them, and it would prove no more than history
/// does, that somebody may apply. What is left to whoever may push the ref is to name *another commit of that history*:
/// an older one brings back the removal of what was declared once and taken over by hand since, a newer one
/// keeps what should be removed. Rules on the ref prevent that; README says how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not in the history of this commit.
    Apart {
        /// The commit that is looked at or applied.
        this: String,
    },
    /// It comes after this commit, and no branch that counts holds it.
    OffBranch {
        /// The commit that is looked at or applied.
        this: String,
    },
    /// A shallow clone ends before that can be told.
    CutOff {
        /// The commit that is looked at or applied.
        this: String,
        /// What gets the history.
        command: String,
    },
    /// Nobody signed it who may.
    Unsigned {
        /// What is wrong with its signature.
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
                "{named} is not in the history of commit {}, so nothing is removed on its word; merge the branch that has it, which `git branch --all --contains {commit}` names, and when none has it, find out who pushed it",
                short_commit(this)
            ),
            Self::OffBranch { this } => {
                let this = short_commit(this);
                format!(
                    "{named} comes after commit {this} and is on no branch that counts, so nothing is removed on its word; to go back, check out the branch that has both and say `--rev {this}`"
                )
            }
            Self::CutOff { this, command } => format!(
                "this shallow clone ends before it can be told whether {named} is in the history of commit {}, so nothing is removed on its word; `{command}` gets the history",
                short_commit(this)
            ),
            Self::Unsigned { reason } => format!(
                "{named} is not to be trusted, so nothing is removed on its word: {reason}; find out who pushed it"
            ),
        }
    }
}
