//! `comment`

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum, ValueHint};

use crate::forge::ForgeKind;

/// Post a report on GitHub, GitLab or Gitea: one comment or issue that is kept up to date, or a commit status
///
/// Finds the comment or issue of an earlier run by a hidden marker, and writes only if something differs. In CI, the
/// forge, the repository and the pull request are taken from the environment.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon plan --output markdown=plan.md; emblazon comment plan.md
  emblazon drift --output markdown=drift.md; emblazon comment --issue drift.md
  emblazon comment --status --commit $(git rev-parse HEAD) plan.md
  emblazon apply --yes --expect $(emblazon comment --approved plan.md)

The token comes from EMBLAZON_FORGE_TOKEN, else from GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN.
With --issue, an issue is opened or updated while there are differences, and closed once there are none;
what could not be checked does neither. A plan with changes has the status success; errors, refusals
and what could not be read have failure, and so has drift.

Exit codes: 0 done, or nothing to say; 1 failed; 5 with --approved: nobody was shown this plan.")]
pub(crate) struct CommentArgs {
    /// A report in Markdown, as `--output markdown=FILE` writes it
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Utf8PathBuf,
    /// Keep an issue instead of a comment on the pull request
    #[arg(long)]
    pub(crate) issue: bool,
    /// Set the status of the commit instead; with =pending, that the plan is still to be executed
    #[arg(
        long,
        value_name = "STATE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "auto",
        hide_possible_values = true,
        conflicts_with_all = ["issue", "number"]
    )]
    pub(crate) status: Option<StatusName>,
    /// Post nothing; print the plan's digest, if the comment on the commit's pull request shows exactly this plan
    #[arg(long, conflicts_with_all = ["issue", "status"])]
    pub(crate) approved: bool,
    /// The issue's title
    #[arg(long, requires = "issue", value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Which forge: github, gitlab or gitea
    #[arg(long, value_name = "FORGE", hide_possible_values = true)]
    pub(crate) forge: Option<ForgeName>,
    /// The URL of the forge's API
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// The repository: owner/name, or GitLab's project
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// The number of the pull request
    #[arg(long, value_name = "N", conflicts_with = "issue")]
    pub(crate) number: Option<u64>,
    /// The commit, for --status and --approved
    #[arg(long, value_name = "SHA", conflicts_with = "issue")]
    pub(crate) commit: Option<String>,
}

/// The status to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusName {
    /// What the report says
    Auto,
    /// Still to be executed
    Pending,
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
