//! The state of the sandbox: accounts, whitelabel documents with attachments, the template.
//!
//! As in Kazoo, the domain is stored twice (S2): in the whitelabel document of an account, and in the field
//! `pvt_whitelabel_domain` of the account itself, which alone determines uniqueness and public lookup. Everything here
//! is a plain value; the HTTP side is in `api`.

mod account;
mod attachments;
mod document;
mod hook;
mod hooks;
mod listing;
mod platform;
mod revision;
mod settings;
mod storage;
mod template;
mod token;
mod write;

pub(crate) use account::derived_id;
pub use account::{Account, User};

pub use attachments::{Attachment, Attachments};
pub use document::Document;
pub(crate) use hook::Delivery;
pub use hook::{Hook, ObjectAction, ObjectChange};
pub(crate) use listing::{PageRequest, Relation};
pub use platform::World;
pub use revision::StoredRevision;
pub use settings::ServerSettings;
pub(crate) use storage::Store;
pub(crate) use template::{ProblemInTemplate, default_template, expand, test_results};
pub(crate) use token::{TokenState, issue, owner, read};
pub(crate) use write::UploadEnd;
