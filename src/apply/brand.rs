//! A live document with all its assets, as a step reads it before it writes and after.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::audit::AuditState;
use crate::live::{ApiError, Document, LiveAsset, ReadClient};
use crate::model::{
    AccountId, AssetKind, AssetType, Digest, DomainName, KeyPath, Revision, Settings,
    canonical_json,
};

/// A whitelabel with the bytes of every asset that it has.
#[derive(Clone, Debug)]
pub(super) struct Brand {
    pub(super) revision: Revision,
    pub(super) settings: Settings,
    pub(super) assets: BTreeMap<AssetKind, Held>,
    /// Whether each missing asset was looked for twice, or is known not to exist.
    pub(super) is_confirmed: bool,
}

/// The content of an asset.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) bytes: Arc<[u8]>,
    pub(super) digest: Digest,
    pub(super) attachment: Option<String>,
}

impl Brand {
    /// The order in which assets are uploaded to a document without any: a lone welcome page would count as the logo
    /// and be deleted by the logo's upload (B11, observed 2).
    pub(super) const SAFE_ORDER: [AssetKind; 3] =
        [AssetKind::Icon, AssetKind::Logo, AssetKind::Welcome];

    /// Reads an account's document with all its assets.
    pub(super) async fn read(
        reader: &ReadClient,
        account: &AccountId,
    ) -> Result<Option<Self>, ApiError> {
        match reader.whitelabel(account).await? {
            Some(document) => Self::complete(reader, account, document, BTreeMap::new())
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    /// Reads what the accepted upload of one asset has made of this state: the document and that asset. Everything is
    /// read when another revision shows that somebody else wrote, or when the upload may have destroyed another asset.
    pub(super) async fn after_upload(
        &self,
        reader: &ReadClient,
        account: &AccountId,
        kind: AssetKind,
        revision: Option<&Revision>,
    ) -> Result<Option<Self>, ApiError> {
        let Some(document) = reader.whitelabel(account).await? else {
            return Ok(None);
        };
        let mut same = BTreeMap::new();
        if revision == Some(&document.revision) && !self.is_endangered_by(kind) {
            let others = AssetKind::ALL.into_iter().filter(|other| *other != kind);
            same.extend(others.map(|other| (other, self.assets.get(&other).cloned())));
        }
        Self::complete(reader, account, document, same)
            .await
            .map(Some)
    }

    /// Returns whether the upload of one asset may destroy another one. The server finds assets by the names of their
    /// attachments, and takes one without a known name, or a welcome page without a logo, for the logo (B11, observed
    /// 2).
    fn is_endangered_by(&self, kind: AssetKind) -> bool {
        let is_named = |(kind, held): (&AssetKind, &Held)| {
            let name = held.attachment.as_deref();
            name.is_some_and(|name| name.starts_with(kind.as_str()))
        };
        kind == AssetKind::Logo && !self.assets.contains_key(&AssetKind::Logo)
            || !self.assets.iter().all(is_named)
    }

    /// Completes a document with its assets: those that are recalled, and all others read.
    pub(super) async fn complete(
        reader: &ReadClient,
        account: &AccountId,
        document: Document,
        mut recalled: BTreeMap<AssetKind, Option<Held>>,
    ) -> Result<Self, ApiError> {
        let mut assets = BTreeMap::new();
        for kind in AssetKind::ALL {
            let held = match recalled.remove(&kind) {
                Some(recalled) => recalled,
                None => Held::read(reader, account, kind).await?,
            };
            if let Some(held) = held {
                assets.insert(kind, held);
            }
        }
        Ok(Self {
            revision: document.revision,
            settings: document.settings,
            assets,
            is_confirmed: false,
        })
    }

    /// Looks once more for the missing assets.
    ///
    /// A read may lag behind (C3). An overlooked asset would be neither in the snapshot nor restored, so a step that
    /// can destroy assets does not rely on a single read.
    pub(super) async fn confirmed(
        mut self,
        reader: &ReadClient,
        account: &AccountId,
    ) -> Result<Self, ApiError> {
        if self.is_confirmed {
            return Ok(self);
        }
        for kind in AssetKind::ALL {
            if !self.assets.contains_key(&kind)
                && let Some(held) = Held::read(reader, account, kind).await?
            {
                self.assets.insert(kind, held);
            }
        }
        self.is_confirmed = true;
        Ok(self)
    }

    /// Returns what there is to know of every kind of asset; `None` for one that does not exist.
    pub(super) fn live_assets(&self) -> BTreeMap<AssetKind, Option<LiveAsset>> {
        let kinds = AssetKind::ALL.into_iter();
        kinds
            .map(|kind| (kind, self.assets.get(&kind).map(Held::live)))
            .collect()
    }

    /// Returns the state for the audit log: one digest over the settings and the digests of the assets.
    pub(super) fn audited(brand: Option<&Self>) -> AuditState {
        let Some(brand) = brand else {
            return AuditState::Absent;
        };
        let assets = brand.assets.iter();
        let assets: BTreeMap<&str, &str> = assets
            .map(|(kind, held)| (kind.as_str(), held.digest.as_str()))
            .collect();
        let state = json!({"settings": brand.settings.as_object(), "assets": assets});
        AuditState::Known(Digest::of(canonical_json(&state).as_bytes()))
    }

    /// Returns the digest of an asset, if it exists.
    pub(super) fn digest(&self, kind: AssetKind) -> Option<&Digest> {
        self.assets.get(&kind).map(|held| &held.digest)
    }

    /// Returns the settings with the revision that they were read at.
    pub(super) fn document(&self) -> Document {
        Document {
            revision: self.revision.clone(),
            settings: self.settings.clone(),
        }
    }

    /// Replaces the settings with newer ones; the assets survive a POST (W5).
    pub(super) fn updated(self, document: Document) -> Self {
        Self {
            revision: document.revision,
            settings: document.settings,
            ..self
        }
    }
}

impl Held {
    /// Creates an asset from the bytes of a file.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self::named(bytes, None)
    }

    /// Creates an asset from its bytes and the name of its attachment.
    pub(super) fn named(bytes: Vec<u8>, attachment: Option<String>) -> Self {
        Self {
            digest: Digest::of(&bytes),
            bytes: bytes.into(),
            attachment,
        }
    }

    fn live(&self) -> LiveAsset {
        LiveAsset::new(&self.bytes, self.attachment.clone())
    }

    async fn read(
        reader: &ReadClient,
        account: &AccountId,
        kind: AssetKind,
    ) -> Result<Option<Self>, ApiError> {
        let Some(content) = reader.asset(account, kind).await? else {
            return Ok(None);
        };
        Ok(Some(Self::named(content.bytes, content.attachment)))
    }

    /// Returns the type detected from the content, if it is a known one.
    pub(super) fn sniffed(&self) -> Option<AssetType> {
        AssetType::sniff(&self.bytes)
    }

    /// Returns the type to upload the asset as: by content, else by the name of its attachment, else one that the
    /// server accepts for the kind. Only the bytes matter; the server never reports the type again (B14).
    pub(super) fn upload_type(&self, kind: AssetKind) -> AssetType {
        let by_name = || {
            let name = self.attachment.as_deref()?.to_ascii_lowercase();
            let extension = name.rsplit_once('.')?.1;
            match extension {
                "png" => Some(AssetType::Png),
                "jpg" | "jpeg" => Some(AssetType::Jpeg),
                "gif" => Some(AssetType::Gif),
                "ico" => Some(AssetType::Ico),
                "html" | "htm" => Some(AssetType::Html),
                _ => None,
            }
        };
        self.sniffed()
            .filter(|by_content| kind.accepts(*by_content))
            .or_else(|| by_name().filter(|by_name| kind.accepts(*by_name)))
            .unwrap_or(match kind {
                AssetKind::Logo => AssetType::Png,
                AssetKind::Icon => AssetType::Ico,
                AssetKind::Welcome => AssetType::Html,
            })
    }
}

/// Returns the domain that settings claim, if it is one that customers can reach.
pub(super) fn domain(settings: &Settings) -> Option<&str> {
    settings
        .get(&KeyPath::from("domain"))?
        .as_str()
        .filter(|text| DomainName::parse(&text.to_ascii_lowercase()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_types() {
        #[track_caller]
        fn check(kind: AssetKind, bytes: &[u8], name: &str, expected: AssetType) {
            let mut held = Held::new(bytes.to_vec());
            held.attachment = Some(name.to_owned());
            assert_eq!(held.upload_type(kind), expected, "{kind} {name}");
        }
        let (logo, icon, welcome) = (AssetKind::Logo, AssetKind::Icon, AssetKind::Welcome);
        check(logo, b"GIF89a", "logo-x.png", AssetType::Gif);
        check(logo, b"<svg/>", "logo-x.jpeg", AssetType::Jpeg);
        check(logo, b"", "logo-x", AssetType::Png);
        check(icon, b"", "icon-x.bin", AssetType::Ico);
        check(welcome, b"hello", "welcome-x.png", AssetType::Html);
    }
}
