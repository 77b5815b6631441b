//! Which tree, cluster and revision.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

/// Which tree.
#[derive(Args, Debug)]
pub(crate) struct TreeArgs {
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
}

/// Which cluster and which revision of the tree.
#[derive(Args, Debug)]
pub(crate) struct TreeChoice {
    /// The cluster; required only when emblazon.yaml has several
    #[arg(
        long,
        value_name = "NAME",
        env = "EMBLAZON_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    /// Read the tree from this Git revision instead of from the files
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
}

/// What to do with a tree of several clusters when none was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Several {
    /// Require a choice.
    Refuse,
    /// Take the first: for commands that only read the tree, or use a sandbox, which can stand in for any cluster.
    First,
}
