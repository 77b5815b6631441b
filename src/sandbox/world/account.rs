//! Accounts of the sandbox.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::digest::sha1_hex;
use super::{Attachments, Document, StoredRevision};
use crate::model::{Digest, Object, md5_hex};

/// A user who may log in with credentials (A3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's id: 32 hexadecimal digits.
    pub id: String,
    /// Lower-case hexadecimal MD5 of `name:password`.
    pub md5: String,
    /// Lower-case hexadecimal SHA-1 of `name:password`.
    pub sha1: String,
}

impl User {
    /// Creates a user of an account; only the two digests of the password are stored.
    #[must_use]
    pub fn new(account: &str, name: &str, password: &str) -> Self {
        let credentials = format!("{name}:{password}");
        Self {
            id: derived_id(&format!("user {account} {name}")),
            md5: md5_hex(credentials.as_bytes()),
            sha1: sha1_hex(credentials.as_bytes()),
        }
    }
}

/// An account, with its own document and its whitelabel.
#[derive(Clone, Debug)]
pub struct Account {
    /// 32 lower-case hexadecimal digits (E4).
    pub id: String,
    /// The display name.
    pub name: String,
    /// The SIP realm.
    pub realm: String,
    /// The ids of its ancestors, the master first.
    pub tree: Vec<String>,
    /// The key for `api_auth`: 64 characters (A2).
    pub api_key: String,
    /// Whether the account was promoted to a reseller.
    pub reseller: bool,
    /// The users who may log in with credentials.
    pub users: Vec<User>,
    /// The revision of the account's own document.
    pub revision: StoredRevision,
    /// When the account was created, in Gregorian seconds (L7).
    pub created: u64,
    /// Further public fields of the account's own document.
    pub extra: Object,
    /// The field `pvt_whitelabel_domain`, the second store of the domain (S2).
    pub reserved_domain: Option<String>,
    /// The whitelabel document.
    pub whitelabel: Option<Document>,
    /// The whitelabel's revision, which continues after a deletion (S1).
    pub whitelabel_revision: StoredRevision,
    /// The whitelabel document before its last change, for stale reads (C3).
    pub previous: Option<Document>,
}

impl Account {
    /// Creates an account without a whitelabel, parents or users.
    #[must_use]
    pub fn new(id: &str, name: &str, realm: &str) -> Self {
        let mut revision = StoredRevision::before_first(id);
        revision.step();
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            realm: realm.to_owned(),
            tree: Vec::new(),
            api_key: derived_key(id),
            reseller: false,
            users: Vec::new(),
            revision,
            created: 0,
            extra: Object::new(),
            reserved_domain: None,
            whitelabel: None,
            whitelabel_revision: StoredRevision::before_first(&format!("{id}/whitelabel")),
            previous: None,
        }
    }

    /// Replaces the API key with a new one.
    pub(crate) fn renew_api_key(&mut self) {
        self.api_key = derived_key(&self.api_key);
        self.revision.step();
    }

    /// Returns the stored fields that list filters can match, including private ones (L3).
    pub(crate) fn document_for_filters(&self) -> Object {
        let mut document = self.public_fields();
        document.insert("pvt_tree".to_owned(), json!(self.tree));
        document.insert("pvt_reseller".to_owned(), json!(self.reseller));
        document.insert("pvt_enabled".to_owned(), json!(true));
        document.insert("pvt_created".to_owned(), json!(self.created));
        document.insert("pvt_modified".to_owned(), json!(self.created));
        if let Some(domain) = &self.reserved_domain {
            document.insert("pvt_whitelabel_domain".to_owned(), json!(domain));
        }
        document
    }

    /// Returns the public fields of the account's own document, with its id.
    pub(crate) fn public_fields(&self) -> Object {
        let mut fields = Object::new();
        fields.insert("timezone".to_owned(), json!("America/Los_Angeles"));
        for name in ["call_restriction", "music_on_hold", "preflow", "ringtones"] {
            fields.insert(name.to_owned(), json!({}));
        }
        fields.extend(self.extra.clone());
        fields.insert("name".to_owned(), json!(self.name));
        fields.insert("realm".to_owned(), json!(self.realm));
        fields.insert("id".to_owned(), json!(self.id));
        fields
    }

    pub(super) fn change_whitelabel(&mut self, change: impl FnOnce(&mut Document)) {
        let document = self.whitelabel.get_or_insert_with(|| Document {
            settings: Object::new(),
            attachments: Attachments::default(),
            revision: self.whitelabel_revision.clone(),
        });
        change(document);
        self.whitelabel_revision.step_to(&document.content());
        document.revision = self.whitelabel_revision.clone();
    }
}

/// Derives 32 hexadecimal digits from a text.
pub(crate) fn derived_id(text: &str) -> String {
    let digest = Digest::of(text.as_bytes());
    let hex = digest.as_str();
    hex.get(..32).unwrap_or(hex).to_owned()
}

/// Derives a 64-character API key from a text.
fn derived_key(text: &str) -> String {
    Digest::of(format!("api key of {text}").as_bytes())
        .as_str()
        .to_owned()
}
