//! Writes of whitelabel documents and their attachments.

use super::{Attachment, ObjectAction, World};
use crate::model::{AssetKind, Object};

/// The type of the document.
const WHITELABEL: &str = "whitelabel";

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
            let action = match account.whitelabel {
                Some(_) => ObjectAction::Edited,
                None => ObjectAction::Created,
            };
            account.change_whitelabel(|document| document.settings = settings);
            let revision = account.whitelabel_revision.to_string();
            self.changed(id, WHITELABEL, action, revision);
        }
    }

    /// Deletes a document with its attachments; the deletion counts as a write (S1).
    pub(crate) fn delete_document(&mut self, id: &str) {
        if let Some(account) = self.account_mut(id) {
            account.previous = account.whitelabel.take();
            account.whitelabel_revision.step();
            let revision = account.whitelabel_revision.to_string();
            self.changed(id, WHITELABEL, ObjectAction::Deleted, revision);
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
        let sorts = self.settings.sorts_attachments;
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
        let first = account.whitelabel_revision.to_string();
        if end == UploadEnd::AttachmentFails {
            let empty = account
                .whitelabel
                .as_ref()
                .is_some_and(|document| document.attachments.is_empty());
            if empty {
                account.whitelabel = None;
                account.whitelabel_revision.step();
            }
            let revision = account.whitelabel_revision.to_string();
            self.changed(id, WHITELABEL, ObjectAction::Edited, revision);
            return;
        }
        account.change_whitelabel(|document| document.attach(name, attachment, sorts));
        let second = account.whitelabel_revision.to_string();
        // V5: both saves are told.
        if end != UploadEnd::StoredBesideConflict {
            self.changed(id, WHITELABEL, ObjectAction::Edited, first);
        }
        self.changed(id, WHITELABEL, ObjectAction::Edited, second);
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
        let sorts = self.settings.sorts_attachments;
        if let Some(account) = self.account_mut(id) {
            account.previous.clone_from(&account.whitelabel);
            account.change_whitelabel(|document| {
                let attachment = Attachment {
                    content_type: content_type.to_owned(),
                    bytes: bytes.into(),
                };
                document.attach(name, attachment, sorts);
            });
            let revision = account.whitelabel_revision.to_string();
            self.changed(id, WHITELABEL, ObjectAction::Edited, revision);
        }
    }

    /// Removes a document and its domain reservation as another client would, for tests.
    pub fn delete_whitelabel(&mut self, id: &str) {
        self.delete_document(id);
        self.reserve_domain(id, None);
    }
}
