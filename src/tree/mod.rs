//! Reads the files of a tree into the desired state. Every step returns a value and its diagnostics, so that one run
//! shows every mistake.
//!
//! Read the modules in this order: `source` provides bytes (from `workdir` or `git`), `yaml` parses them into nodes,
//! `decode` turns nodes into typed layers, `layers` merges the layers, and `load` combines all of it. `check` and
//! `assets` validate single values.

mod account;
pub mod assets;
mod base;
mod beside;
mod blot;
mod bounds;
mod cache_folder;
mod changes;
pub mod check;
mod cluster;
mod decode;
mod desired;
mod digest;
pub mod edit;
mod files;
mod forget;
mod format;
mod git;
pub mod init;
mod layer;
mod layers;
mod layout;
mod lineage;
mod lint;
mod load;
mod loaded;
mod node;
mod object_size;
mod origin;
mod parallel;
mod picture_cache;
mod plain_file;
mod policy;
mod push;
mod refusal;
mod resolve;
mod rule;
pub mod schema;
mod selection;
mod shared;
mod shorten;
mod signature;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unclosed;
mod watch;
mod whole;
mod workdir;
mod yaml;

pub use account::{AccountMode, AccountPolicy, Declared, DesiredAccount, DnsMode, Ownership};
pub(crate) use assets::{Tag, elements};
pub use base::{
    Asked, Base, BaseAccounts, NotCommitted, applied_ref, audit_ref, committed, departed,
    fetch_command, kept_branch, lease_ref, paused_ref, plain_name, written_ref,
};
pub use beside::{Known, load_next};
pub use cache_folder::CacheFolder;
pub use changes::{Changes, changes};
pub use cluster::LoadError;
pub(crate) use decode::layer::{is_address, meant_address};
pub use desired::{
    AuthConfig, ClusterConfig, DeclaredUi, Desired, DesiredTemplate, ResellerKey, SecretSource,
    Target, UserAccount,
};
pub use forget::{ForgetError, Forgotten};
pub use format::{Formatted, format};
pub use git::{CommitFacts, GitTree, commit_facts, commit_id, short_commit};
pub use layer::{Item, Layer, LayerName};
pub use layers::{Provenance, explain, labels};
pub use lineage::{Precedence, Standing, is_on_branch, precedence, standing};
pub use lint::{LintLevel, LintRule};
pub use load::{clusters, load, load_some, load_touched};
pub use loaded::{DnsSettings, Loaded};
pub(crate) use object_size::object_size;
pub use origin::Origin;
pub use picture_cache::PictureCache;
pub use plain_file::{FileError, MAX_CA_BYTES, PlainFile, read_authorities, read_plain};
pub use policy::{
    BillingPolicy, CodePolicy, Freeze, Policy, Removable, RemovalPolicy, RemovalRule, Retention,
};
pub use push::{DEFAULT_TTL, KeyAlgorithm, PushMethod, PushSettings};
pub use refusal::Refusal;
pub use rule::{CHANGE_MEMBERS, HouseRule, RULE_DATA, RuleText};
pub use selection::{Selection, Touched};
pub use shared::SharedAccount;
pub use signature::Signature;
pub use source::{
    Listed, ListedKind, Listing, MAX_ASSET_BYTES, ReadError, SourceError, TreeSource,
};
pub use watch::{ApplyMode, DnsWatch, HealMode, WatchPolicy, WatchSettings};
pub use workdir::Workdir;
