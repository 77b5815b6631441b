//! The edge: arguments, terminal, clock, environment and exit codes. Everything below takes values.

mod approval;
mod args;
mod base;
mod cache;
mod commands;
mod deadline;
mod dns;
mod execute;
mod exit;
mod failure;
mod file;
mod import;
mod lease;
mod log;
mod output;
mod pictures;
mod platform;
mod primary;
mod progress;
mod recorded;
mod records;
mod recovery;
mod run;
mod saved;
mod screen;
mod services;
mod shard;
mod signature;
mod survey;
mod tree;
mod trust;
mod ui;

pub use args::Cli;
pub use exit::Exit;
pub use run::run;
