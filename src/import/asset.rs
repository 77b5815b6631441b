//! Determines where assets are stored: equal ones once, with an extension that matches their content.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::overlay::Overlay;
use super::request::ImportError;
use crate::live::BrandAsset;
use crate::model::{AccountName, AssetKind, AssetType, Digest};
use crate::tree::TreeSource as _;

/// The folder of assets that several accounts share.
const SHARED: &str = "brands/shared";

/// The assets that several accounts share, and those that already exist in `brands/`.
#[derive(Debug, Default)]
pub(super) struct Shared {
    several: BTreeSet<Digest>,
    there: BTreeMap<Digest, Utf8PathBuf>,
}

impl Shared {
    /// Collects the assets to be stored that occur several times, and those that exist in `brands/`.
    pub(super) fn of<'a>(
        assets: impl Iterator<Item = &'a BrandAsset>,
        tree: &Overlay<'_>,
    ) -> Result<Self, ImportError> {
        let mut shared = Self::default();
        let mut seen = BTreeSet::new();
        for asset in assets {
            if !seen.insert(&asset.facts.digest) {
                shared.several.insert(asset.facts.digest.clone());
            }
        }
        for listed in tree.list().map_err(crate::tree::LoadError::from)? {
            if listed.path.starts_with("brands")
                && listed.path.extension() != Some("yaml")
                && let Some(bytes) = tree.bytes(&listed.path)?
            {
                shared
                    .there
                    .entry(Digest::of(&bytes))
                    .or_insert(listed.path);
            }
        }
        Ok(shared)
    }

    /// Stores an asset of an account in the tree, unless it exists already, and returns its path.
    pub(super) fn place(
        &self,
        tree: &mut Overlay<'_>,
        account: &AccountName,
        kind: AssetKind,
        asset: &BrandAsset,
    ) -> Result<Utf8PathBuf, ImportError> {
        let digest = &asset.facts.digest;
        if let Some(path) = self.there.get(digest) {
            return Ok(path.clone());
        }
        if self.several.contains(digest) {
            return place_shared(tree, kind, asset);
        }
        place_in(tree, &own_folder(account), kind.as_str(), asset)
    }
}

/// Stores an asset in the folder of shared assets, unless it exists there already.
pub(super) fn place_shared(
    tree: &mut Overlay<'_>,
    kind: AssetKind,
    asset: &BrandAsset,
) -> Result<Utf8PathBuf, ImportError> {
    // The same picture may be the logo of one account and the icon of another.
    for other in AssetKind::ALL {
        let path = Utf8Path::new(SHARED).join(format!(
            "{other}-{}.{}",
            asset.facts.digest.short(),
            extension(asset)
        ));
        if tree
            .bytes(&path)?
            .is_some_and(|bytes| *bytes == *asset.bytes)
        {
            return Ok(path);
        }
    }
    let stem = format!("{kind}-{}", asset.facts.digest.short());
    place_in(tree, Utf8Path::new(SHARED), &stem, asset)
}

/// Returns the folder of an account.
pub(super) fn own_folder(account: &AccountName) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("accounts/{account}"))
}

/// Stores an asset in a folder, under a name that is not taken by other content.
pub(super) fn place_in(
    tree: &mut Overlay<'_>,
    folder: &Utf8Path,
    stem: &str,
    asset: &BrandAsset,
) -> Result<Utf8PathBuf, ImportError> {
    let extension = extension(asset);
    let digest = &asset.facts.digest;
    let names = [
        format!("{stem}.{extension}"),
        format!("{stem}-{}.{extension}", digest.short()),
        format!("{stem}-{digest}.{extension}"),
    ];
    let mut path = folder.join(&names[2]);
    for name in &names {
        let candidate = folder.join(name);
        match tree.bytes(&candidate)? {
            Some(bytes) if *bytes != *asset.bytes => {}
            _ => {
                path = candidate;
                break;
            }
        }
    }
    tree.write(path.clone(), asset.bytes.to_vec());
    Ok(path)
}

fn extension(asset: &BrandAsset) -> &'static str {
    asset.facts.asset_type.map_or("bin", AssetType::extension)
}

/// Returns a path relative to `folder`.
pub(super) fn relative(folder: &Utf8Path, path: &Utf8Path) -> String {
    let mut from: Vec<&str> = folder.components().map(|part| part.as_str()).collect();
    let mut to: Vec<&str> = path.components().map(|part| part.as_str()).collect();
    while let (Some(left), Some(right)) = (from.first(), to.first())
        && left == right
        && to.len() > 1
    {
        from.remove(0);
        to.remove(0);
    }
    let up = from.iter().map(|_| "..");
    up.chain(to).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_folders() {
        #[track_caller]
        fn check(folder: &str, path: &str, expected: &str) {
            assert_eq!(relative(folder.into(), path.into()), expected);
        }
        check("accounts/acme", "accounts/acme/logo.png", "logo.png");
        check(
            "accounts/acme",
            "brands/shared/x.png",
            "../../brands/shared/x.png",
        );
        check("brands", "brands/shared/x.png", "shared/x.png");
        check("", "brands/shared/x.png", "brands/shared/x.png");
        check("accounts/acme", "accounts/beta/x.png", "../beta/x.png");
    }
}
