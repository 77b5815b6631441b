//! Commit statuses.

use super::{ForgeKind, Mark, State};

/// The text before the digest in a description.
const DIGEST: &str = "; digest ";

/// The result of a check of a commit, or that it is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The check, or what it shows, is still to be carried out.
    Pending,
    /// The check succeeded.
    Success,
    /// The check failed.
    Failure,
}

impl Progress {
    /// Returns the forge's word.
    pub(super) fn word(self, kind: ForgeKind) -> &'static str {
        match (self, kind) {
            (Self::Pending, _) => "pending",
            (Self::Success, _) => "success",
            (Self::Failure, ForgeKind::Gitlab) => "failed",
            (Self::Failure, ForgeKind::Github | ForgeKind::Gitea) => "failure",
        }
    }
}

/// A commit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// What distinguishes it from other statuses: the command and the cluster.
    pub context: String,
    /// The result of the check.
    pub progress: Progress,
    /// The result in words, with the digest of the plan.
    pub description: String,
}

impl CommitStatus {
    /// Returns the status of a report. A plan with changes is a success: the merge is what carries them out.
    #[must_use]
    pub fn of(mark: &Mark) -> Self {
        let is_plan = mark.command == "plan";
        let (progress, words) = match mark.state {
            State::Clean => (Progress::Success, "nothing to do"),
            State::Differs if is_plan => (Progress::Success, "changes are pending"),
            State::Differs => (Progress::Failure, "the platform differs from the tree"),
            State::Failed => (Progress::Failure, "it needs attention; see the report"),
            State::Unknown => (Progress::Failure, "not everything could be read"),
        };
        Self::new(mark, progress, words)
    }

    /// Returns the status of a report whose changes are still to be carried out.
    #[must_use]
    pub fn pending(mark: &Mark) -> Self {
        Self::new(mark, Progress::Pending, "not carried out yet")
    }

    fn new(mark: &Mark, progress: Progress, words: &str) -> Self {
        // The whole digest: the status confirms the comment, and a plan that collides in the first digits would be
        // approved with it.
        let digest = mark.digest.as_ref();
        let digest = digest.map_or_else(String::new, |it| format!("{DIGEST}{it}"));
        Self {
            context: Self::context(mark),
            progress,
            description: format!("{words}{digest}"),
        }
    }

    /// Returns the context of the status for a mark's subject.
    pub(super) fn context(mark: &Mark) -> String {
        format!("emblazon/{}/{}", mark.command, mark.cluster)
    }

    /// Returns the digest that a description ends with.
    pub(super) fn digest_in(description: &str) -> Option<&str> {
        description.rsplit_once(DIGEST).map(|(_, digest)| digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        #[track_caller]
        fn check(mark: &str, expected: (Progress, &str)) {
            let mark = Mark::of(mark).unwrap();
            let status = CommitStatus::of(&mark);
            assert_eq!((status.progress, status.description.as_str()), expected);
        }
        let digest = "64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525";
        check(
            &format!("<!-- emblazon plan production differs {digest} -->"),
            (
                Progress::Success,
                &format!("changes are pending; digest {digest}"),
            ),
        );
        check(
            &format!("<!-- emblazon plan production failed {digest} -->"),
            (
                Progress::Failure,
                &format!("it needs attention; see the report; digest {digest}"),
            ),
        );
        check(
            "<!-- emblazon plan production unknown -->",
            (Progress::Failure, "not everything could be read"),
        );
        check(
            "<!-- emblazon drift production differs -->",
            (Progress::Failure, "the platform differs from the tree"),
        );
        check(
            "<!-- emblazon apply production clean -->",
            (Progress::Success, "nothing to do"),
        );
    }
}
