//! Which forge, and which repository on it.

use clap::{Args, ValueEnum, ValueHint};

use crate::forge::{Environment, ForgeError, ForgeKind, Target};

/// Options about the forge; in CI, the environment says what they leave open.
#[derive(Args, Clone, Debug)]
pub(crate) struct ForgeArgs {
    /// Which forge: github, gitlab or gitea
    #[arg(long, value_name = "FORGE", hide_possible_values = true)]
    forge: Option<ForgeName>,
    /// The URL of the forge's API
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    url: Option<String>,
    /// The repository: owner/name, or GitLab's project
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
}

impl ForgeArgs {
    /// Combines the options with the environment.
    pub(crate) fn target(
        &self,
        place: (Option<u64>, Option<&str>),
        environment: Environment<'_>,
    ) -> Result<Target, ForgeError> {
        Target::find(
            self.forge.map(Into::into),
            self.url.as_deref(),
            self.repository.as_deref(),
            place,
            environment,
        )
    }
}

/// The forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForgeName {
    /// GitHub
    Github,
    /// GitLab
    Gitlab,
    /// Gitea, Forgejo
    Gitea,
}

impl From<ForgeName> for ForgeKind {
    fn from(name: ForgeName) -> Self {
        match name {
            ForgeName::Github => Self::Github,
            ForgeName::Gitlab => Self::Gitlab,
            ForgeName::Gitea => Self::Gitea,
        }
    }
}
