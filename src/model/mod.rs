//! The domain model: accounts, domains, settings, assets, records. Plain values without I/O.

mod account;
mod asset;
mod count;
mod domain;
mod field;
mod json;
mod key_path;
mod loopback;
mod md5;
mod network;
pub mod record;
mod revision;
mod secret;
mod settings;
mod shard;
mod span;
mod template;
mod visible;

pub use account::{AccountId, AccountIdError, AccountName, ClusterName, Identity, Realm};
pub use asset::{AssetFacts, AssetFile, AssetKind, AssetType, Digest, DigestWriter, Dimensions};
pub use count::{count, count_of, nouns};
pub use domain::{DomainName, DomainNameError};
pub use field::{FIELDS, Field, FieldOrigin, FieldType, HIJACKING_NAMES, field};
pub use json::canonical_json;
pub use key_path::KeyPath;
pub use loopback::is_loopback;
pub use md5::md5_hex;
pub use network::{Network, NetworkError, is_inside};
pub use record::{RecordData, RecordError, RecordErrorKind, RecordName, RecordType};
pub use revision::Revision;
pub use secret::Secret;
pub use settings::{Object, Settings};
pub use shard::{Shard, ShardError};
pub use span::Span;
pub use template::{DomainTemplate, HostEntry, MISSPELT_CNAME, PLACEHOLDER, is_servable_type};
pub use visible::{Visible, is_hidden, visible};
