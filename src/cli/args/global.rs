//! Options of every command.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration::duration;

/// Options about output and limits.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Print more; repeat it for even more
    #[arg(short, long, global = true, help_heading = "Talk", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print only results and errors
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Talk",
        conflicts_with = "verbose"
    )]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        help_heading = "Talk",
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    #[arg(help = "When to use colours: auto, always, never")]
    pub(crate) color: ColourChoice,
    /// End after this time, such as 10m; writes in flight are finished first. Default: 1h; `watch` and `sandbox` have
    /// no deadline
    #[arg(long, global = true, help_heading = "Limits", value_name = "DURATION", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
