//! Whitelabel documents and their attachments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::{Account, StoredRevision, World};
use crate::model::{AssetKind, Digest, Object};

/// A stored file of a whitelabel document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The stored content type.
    pub content_type: String,
    /// The bytes, exactly as received (S6).
    pub bytes: Arc<[u8]>,
}

/// A whitelabel document: its public keys and its attachments, under one revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The public keys.
    pub settings: Object,
    /// The attachments by name; the order of names determines which one is the logo (observed 2).
    pub attachments: BTreeMap<String, Attachment>,
    /// The revision.
    pub revision: StoredRevision,
}

impl Document {
    /// Returns the attachment that serves as an asset (B11 as corrected by observed 2).
    ///
    /// Attachments are searched in the order of their names, and the first whose name starts with the asset's name is
    /// returned. For the logo, the last attachment matches whatever its name, unless that starts with `icon`.
    #[must_use]
    pub fn asset(&self, kind: AssetKind) -> Option<(&str, &Attachment)> {
        let last = self.attachments.len().checked_sub(1)?;
        self.attachments
            .iter()
            .enumerate()
            .find(|(index, (name, _))| {
                name.starts_with(kind.as_str())
                    || kind == AssetKind::Logo && *index == last && !name.starts_with("icon")
            })
            .map(|(_, (name, attachment))| (name.as_str(), attachment))
    }

    /// Returns a digest of the stored content.
    fn content(&self) -> Digest {
        let mut text = json!(self.settings).to_string();
        for (name, attachment) in &self.attachments {
            let digest = Digest::of(&attachment.bytes);
            let _ = write!(text, "\n{name} {} {digest}", attachment.content_type);
        }
        Digest::of(text.as_bytes())
    }

    /// Returns the document as it appears in responses: the public keys and the id (E17).
    #[must_use]
    pub fn public(&self) -> Object {
        let mut data = self.settings.clone();
        data.insert("id".to_owned(), json!("whitelabel"));
        data
    }
}

/// The outcome of the writes of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadEnd {
    /// Both writes succeed.
    Stored,
    /// The attachment write fails (B12, observed 3).
    AttachmentFails,
    /// The first save runs into a conflict, but the file is stored next to the old one anyway (B12).
    StoredBesideConflict,
}

impl World {
    /// Saves new public keys and keeps the attachments; creates the document if there is none.
    pub(crate) fn save_settings(&mut self, id: &str, settings: Object) {
        if let Some(account) = self.account_mut(id) {
            account.previous.clone_from(&account.whitelabel);
            account.change_whitelabel(|document| document.settings = settings);
        }
    }

    /// Deletes a document with its attachments; the deletion counts as a write (S1).
    pub(crate) fn delete_document(&mut self, id: &str) {
        if let Some(account) = self.account_mut(id) {
            account.previous = account.whitelabel.take();
            account.whitelabel_revision.step();
        }
    }

    /// Stores an upload: one write that drops the old attachment of that asset, one that adds the
    /// new one (B9).
    pub(crate) fn upload(
        &mut self,
        id: &str,
        kind: AssetKind,
        name: &str,
        attachment: Attachment,
        end: UploadEnd,
    ) {
        let Some(account) = self.account_mut(id) else {
            return;
        };
        account.previous.clone_from(&account.whitelabel);
        if end != UploadEnd::StoredBesideConflict {
            account.change_whitelabel(|document| {
                let old = document.asset(kind).map(|(name, _)| name.to_owned());
                if let Some(old) = old {
                    document.attachments.remove(&old);
                }
            });
        }
        if end == UploadEnd::AttachmentFails {
            let empty = account
                .whitelabel
                .as_ref()
                .is_some_and(|document| document.attachments.is_empty());
            if empty {
                account.whitelabel = None;
                account.whitelabel_revision.step();
            }
            return;
        }
        account.change_whitelabel(|document| {
            document.attachments.insert(name.to_owned(), attachment);
        });
    }

    /// Changes a document's settings as another client would, for tests; creates the document if there is none, and
    /// keeps the account in sync (W21).
    pub fn edit_settings(&mut self, id: &str, change: impl FnOnce(&mut Object)) {
        let mut settings = self
            .document(id)
            .map(|document| document.settings.clone())
            .unwrap_or_default();
        change(&mut settings);
        let domain = settings
            .get("domain")
            .and_then(|domain| domain.as_str())
            .map(str::to_owned);
        self.save_settings(id, settings);
        if let Some(domain) = domain {
            self.reserve_domain(id, Some(&domain));
        }
    }

    /// Stores an attachment under exactly this name as another client would, for tests; attachments with other names
    /// stay.
    pub fn put_attachment(&mut self, id: &str, name: &str, content_type: &str, bytes: &[u8]) {
        if let Some(account) = self.account_mut(id) {
            account.previous.clone_from(&account.whitelabel);
            account.change_whitelabel(|document| {
                document.attachments.insert(
                    name.to_owned(),
                    Attachment {
                        content_type: content_type.to_owned(),
                        bytes: bytes.into(),
                    },
                );
            });
        }
    }

    /// Removes a document and its domain reservation as another client would, for tests.
    pub fn delete_whitelabel(&mut self, id: &str) {
        self.delete_document(id);
        self.reserve_domain(id, None);
    }
}

impl Account {
    fn change_whitelabel(&mut self, change: impl FnOnce(&mut Document)) {
        let document = self.whitelabel.get_or_insert_with(|| Document {
            settings: Object::new(),
            attachments: BTreeMap::new(),
            revision: self.whitelabel_revision.clone(),
        });
        change(document);
        self.whitelabel_revision.step_to(&document.content());
        document.revision = self.whitelabel_revision.clone();
    }
}
