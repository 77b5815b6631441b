//! The arguments of the command line.

mod address;
mod again;
mod apply;
mod command_line;
mod comment;
mod dns;
mod drift;
mod duration;
mod events;
mod fmt;
mod git;
mod global;
mod history;
mod import;
mod output;
mod plan;
mod platform;
mod probe;
mod records;
mod report;
mod scope;
mod status;
mod tools;
mod tree;
mod trial;
mod validate;
mod watch;

pub(crate) use again::{history_command, validate_command};
pub(crate) use apply::{ApplyArgs, PlanOptions};
pub use command_line::Cli;
pub(crate) use command_line::Command;
pub(crate) use comment::{CommentArgs, StatusName};
pub(crate) use dns::{DnsCheckArgs, DnsCommand};
pub(crate) use drift::DriftArgs;
pub(crate) use events::{EventsCommand, EventsHookArgs};
pub(crate) use fmt::FmtArgs;
pub(crate) use git::{BaseArgs, LeaseArgs, RemoteArgs};
pub(crate) use global::{ColourChoice, Common};
pub(crate) use history::{HistoryArgs, HistoryCommand, HistoryShowArgs, RestoreArgs, ShowArgs};
pub(crate) use import::ImportArgs;
pub(crate) use output::{Format, ListFormat, OutputArgs};
pub(crate) use plan::PlanArgs;
pub(crate) use platform::PlatformArgs;
pub(crate) use probe::{ProbeArgs, ProbeFormat};
pub(crate) use records::{DnsExportArgs, DnsLetterArgs, ExportFormat, LetterFormat};
pub(crate) use report::{ReportCommand, ReportMergeArgs};
pub(crate) use scope::ScopeArgs;
pub(crate) use status::StatusArgs;
pub(crate) use tools::{
    CompletionsArgs, ExplainArgs, InitArgs, ManArgs, ProfileName, SandboxArgs, SchemaArgs,
};
pub(crate) use tree::{Several, TreeArgs, TreeChoice};
pub(crate) use trial::Trial;
pub(crate) use validate::ValidateArgs;
pub(crate) use watch::WatchArgs;
