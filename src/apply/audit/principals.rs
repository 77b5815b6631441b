//! Who stands behind a run.

/// The longest name that a line of the audit log keeps, in characters.
const LONGEST: usize = 200;

/// Who stands behind a run, as far as it is known; for the audit log, and for no decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principals {
    /// The commit that is applied; absent for files that are not committed, and where no tree is applied.
    pub commit: Option<String>,
    /// The author of that commit, unverified.
    pub author: Option<String>,
    /// Who approved the run, and how; absent where a policy lets it go on without anybody.
    pub approver: Option<String>,
}

impl Principals {
    /// Shortens what comes from outside to what a line may hold.
    pub(super) fn bounded(&self) -> Self {
        let bounded = |text: &Option<String>| {
            let text = text.as_ref()?;
            Some(text.chars().take(LONGEST).collect())
        };
        Self {
            commit: bounded(&self.commit),
            author: bounded(&self.author),
            approver: bounded(&self.approver),
        }
    }
}
