//! Reads and writes the live state of the platform.
//!
//! [`ReadClient`] has no method that could change anything; [`WriteClient`] and [`TemplateWriter`] are created from it
//! by an explicit call. [`collect`] reads everything that a plan needs.

mod account;
mod activity;
mod api;
mod attachment;
mod cache;
mod classify;
mod client;
mod collect;
mod config;
mod deadline;
mod declared;
mod error;
mod facts;
mod failure;
mod holders;
mod inventory;
mod known;
mod no_answer;
mod pace;
mod redact;
mod refused;
mod request;
mod retry;
mod secret_config;
mod secret_source;
mod session;
mod silence;
mod state;
mod subject;
mod trust;

pub use activity::{Activity, Waiting};
pub use api::{
    AccountInfo, AssetContent, BlackholeConnection, BlackholeError, BlackholeEvent, Document,
    DomainTest, Filter, HookClient, HostTest, ReadClient, StoredHook, TemplateWriter, WriteClient,
    WriteKeys, everybody,
};
pub use cache::Cache;
pub use collect::{CollectOptions, collect, read_again};
pub use config::{ClientConfig, Credential, DividedKeys, Limits};
pub use deadline::{Deadline, Late, in_words};
pub use declared::{ReachError, declared, elsewhere};
pub use error::{ApiError, Violation, WriteError};
pub(crate) use holders::claims;
pub use inventory::{BrandAsset, BrandDocument, LiveBrand, inventory};
pub use known::Known;
pub use request::RequestId;
pub use retry::RetryPolicy;
pub use secret_config::SecretConfig;
pub use secret_source::{SecretError, credential, resolve};
pub use state::{Fresh, Live, LiveAccount, LiveAsset, LiveDocument, Outside, Reading, Unmanaged};
pub use trust::{Claim, Commands, Entry, Reach, Trust, TrustConfig};

#[cfg(test)]
mod tests;
