//! A webhook, and the changes of objects that it and Blackhole tell of.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::StoredRevision;
use crate::model::Object;
use crate::sandbox::Profile;

/// A webhook of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The id of the account that it belongs to.
    pub account: String,
    /// The public fields, defaults included.
    pub fields: Object,
    /// The revision.
    pub revision: StoredRevision,
    /// Why the server disabled it, if it did.
    pub disabled_because: Option<String>,
    /// When the last deliveries failed, in milliseconds since 1970.
    #[serde(skip)]
    pub(crate) failures: VecDeque<u64>,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectAction {
    /// It was created.
    Created,
    /// It was changed; each save counts.
    Edited,
    /// It was deleted.
    Deleted,
}

/// A change of an object, as the platform's message bus has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// The account's id.
    pub account: String,
    /// The type of the document.
    pub object: &'static str,
    /// What happened.
    pub action: ObjectAction,
    /// The revision that it led to. Blackhole tells it, a webhook does not (V3, B1).
    pub revision: String,
    /// The account and the user of the token that did it, as far as there are any.
    pub author: Option<(String, Option<String>)>,
}

/// A request that a hook makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) hook: String,
    pub(crate) owner: String,
    /// The account that changed.
    pub(crate) account: String,
    pub(crate) uri: String,
    pub(crate) verb: String,
    pub(crate) is_json: bool,
    pub(crate) retries: u64,
    pub(crate) body: Object,
}

impl ObjectAction {
    /// Returns the name in events.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "doc_created",
            Self::Edited => "doc_edited",
            Self::Deleted => "doc_deleted",
        }
    }
}

impl ObjectChange {
    /// Returns the id of the document.
    pub(crate) fn id(&self) -> &str {
        match self.object {
            "account" => &self.account,
            object => object,
        }
    }
}

impl Hook {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or("")
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// Returns whether it tells of a change (V1, V2): the account's own, or that of one below; `custom_data` is compared
    /// literally.
    pub(super) fn tells_of(
        &self,
        change: &ObjectChange,
        tree: &[String],
        profile: Profile,
    ) -> bool {
        let is_own = self.account == change.account;
        let is_below = self.is("include_subaccounts") && tree.contains(&self.account);
        let custom = |name: &str| {
            let custom = self.fields.get("custom_data");
            custom.and_then(|custom| custom.get(name)?.as_str())
        };
        let action = custom("action");
        self.is("enabled")
            && self.text("hook") == "object"
            && (is_own || is_below)
            && custom("type") == Some(change.object)
            && (action == Some(change.action.as_str())
                || action == Some("all") && profile.hooks_know_all())
    }

    /// Returns the request that tells of a change (V3); `custom_data` replaces members of the same name.
    pub(super) fn delivery(&self, change: &ObjectChange, profile: Profile) -> Delivery {
        let mut body = Object::new();
        for (name, value) in [
            ("id", change.id()),
            ("account_id", &change.account),
            ("action", change.action.as_str()),
            ("type", change.object),
            ("cluster_id", "sandbox"),
        ] {
            body.insert(name.to_owned(), json!(value));
        }
        if let Some((account, user)) = change
            .author
            .as_ref()
            .filter(|_| profile.hooks_name_authors())
        {
            body.insert("auth_account_id".to_owned(), json!(account));
            if let Some(user) = user {
                body.insert("auth_user_id".to_owned(), json!(user));
            }
        }
        if let Some(Value::Object(custom)) = self.fields.get("custom_data") {
            body.extend(custom.clone());
        }
        Delivery {
            hook: self.id.clone(),
            owner: self.account.clone(),
            account: change.account.clone(),
            uri: self.text("uri").to_owned(),
            verb: self.text("http_verb").to_uppercase(),
            is_json: self.text("format") == "json",
            retries: self
                .fields
                .get("retries")
                .and_then(Value::as_u64)
                .unwrap_or(2),
            body,
        }
    }
}
