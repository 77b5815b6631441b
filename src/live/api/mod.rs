//! The platform's API, one typed method per call. Readers and writers are different types.

mod blackhole;
mod hooks;
mod listing;
mod read;
mod template;
mod write;
mod write_keys;

pub use blackhole::{BlackholeConnection, BlackholeError, BlackholeEvent};
pub use hooks::{HookClient, StoredHook};
pub use listing::{Filter, everybody};
pub(super) use read::Revalidated;
pub use read::{AccountInfo, AssetContent, Document, DomainTest, HostTest, ReadClient};
pub use template::TemplateWriter;
pub use write::WriteClient;
pub use write_keys::WriteKeys;
