//! Pull requests.

/// A pull request as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullDraft {
    /// The branch with the commits.
    pub branch: String,
    /// The branch that they are for.
    pub into: String,
    /// The title.
    pub title: String,
    /// The description, which begins with a mark.
    pub text: String,
}

/// What became of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullOutcome {
    /// It was opened.
    Opened,
    /// Its title or its description was changed.
    Updated,
    /// It said the same.
    Unchanged,
    /// A person closed it as it is, and it stays closed.
    Declined,
    /// It is somebody else's, and stays as it is.
    Foreign,
}

/// A pull request at the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// What became of it.
    pub outcome: PullOutcome,
    /// Its number.
    pub number: u64,
    /// Where people look at it, if the forge says so.
    pub link: Option<String>,
}
