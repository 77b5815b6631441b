//! The daemon's own file: where it runs, where it listens, and who is alerted. What it may do is in the tree, and is
//! reviewed.

mod file;
mod mistakes;

pub use file::{
    ConfigError, EventsConfig, ForgeConfig, LeaseConfig, SourceConfig, WatchConfig, read_trust,
};
pub use mistakes::ConfigMistake;
