//! Whitelabel documents and their attachments.

use std::fmt::Write as _;

use serde_json::json;

use super::{Attachment, Attachments, StoredRevision};
use crate::model::{AssetKind, Digest, Object};

/// A whitelabel document: its public keys and its attachments, under one revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The public keys.
    pub settings: Object,
    /// The attachments; their order determines which one is the logo (observed 2).
    pub attachments: Attachments,
    /// The revision.
    pub revision: StoredRevision,
}

impl Document {
    /// Returns the attachment that serves as an asset (B11 as corrected by observed 2).
    ///
    /// Attachments are searched in order, and the first whose name starts with the asset's name is returned. For the
    /// logo, the last attachment matches whatever its name, unless that starts with `icon`.
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
            .map(|(_, found)| found)
    }

    /// Stores an attachment; `sorts` says whether the store keeps attachments in the order of their names.
    pub(super) fn attach(&mut self, name: &str, attachment: Attachment, sorts: bool) {
        self.attachments.insert(name.to_owned(), attachment);
        if sorts {
            self.attachments.sort_by_name();
        }
    }

    /// Returns a digest of the stored content.
    pub(super) fn content(&self) -> Digest {
        let mut text = json!(self.settings).to_string();
        for (name, attachment) in self.attachments.iter() {
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
