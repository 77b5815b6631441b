//! `comment`

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum, ValueHint};

use super::forge::ForgeArgs;

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
    #[command(flatten)]
    pub(crate) forge: ForgeArgs,
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
