//! Fetches what pictures a report shows, for formats that show any.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::platform::Platform;
use super::progress;
use super::tree::OpenTree;
use super::ui::Ui;
use crate::diff::{ChangeKey, Side};
use crate::live::{Live, ReadClient};
use crate::model::{AccountId, AccountName, AssetKind, Digest};
use crate::report::Report;
use crate::report::gallery::{Gallery, Looks};
use crate::tree::{DesiredAccount, MAX_ASSET_BYTES};

/// How many assets are read at once; more would only make the platform slower (reference, "Speed").
const AT_ONCE: usize = 2;

/// Gathers how each changed account looks, and the bytes of its assets: from the tree, and from the platform only those
/// that change. What cannot be read is said where it would stand.
pub(crate) async fn gather(
    ui: Ui,
    report: &Report,
    tree: &OpenTree,
    live: &Live,
    platform: &Platform,
) -> Gallery {
    let mut gallery = Gallery::default();
    let desired: BTreeMap<&AccountName, &DesiredAccount> = (tree.loaded.desired.accounts.iter())
        .map(|account| (&account.name, account))
        .collect();
    let mut wanted: BTreeMap<Digest, (AccountId, AssetKind)> = BTreeMap::new();
    for object in report.accounts.iter().filter(|object| object.differs()) {
        let Some(name) = &object.name else { continue };
        if let Some(account) = desired.get(name) {
            let document = live.accounts.get(name).map(|account| &account.document);
            gallery.show(name.clone(), Looks::of(account, document));
            read_files(&mut gallery, account, tree);
        }
        for change in &object.changes {
            if let (ChangeKey::Asset(kind), Side::Asset(facts), Some(id)) =
                (&change.key, &change.before, &object.id)
                && !gallery.has(&facts.digest)
            {
                wanted.insert(facts.digest.clone(), (id.clone(), *kind));
            }
        }
    }
    let what = format!("reading {} live pictures", wanted.len());
    let client = platform.reader();
    let reads = stream::iter(wanted)
        .map(|(digest, (id, kind))| async move {
            let read = read_live(client, &id, kind, &digest).await;
            (digest, read)
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    for (digest, read) in progress::during(ui, &what, reads).await {
        match read {
            Ok(bytes) => gallery.add(bytes),
            Err(reason) => gallery.lack(digest, reason),
        }
    }
    gallery
}

/// Reads the declared assets of an account from the tree.
fn read_files(gallery: &mut Gallery, account: &DesiredAccount, tree: &OpenTree) {
    let files = account
        .assets
        .values()
        .filter_map(|declared| declared.value.as_ref());
    for file in files
        .filter(|file| !gallery.has(&file.facts.digest))
        .collect::<Vec<_>>()
    {
        match tree.source.read(&file.path, MAX_ASSET_BYTES) {
            Ok(bytes) if Digest::of(&bytes) == file.facts.digest => gallery.add(bytes),
            Ok(_) => gallery.lack(file.facts.digest.clone(), "the file changed meanwhile"),
            Err(error) => gallery.lack(file.facts.digest.clone(), error.to_string()),
        }
    }
}

/// Reads an asset that must still be the one that was compared.
async fn read_live(
    client: &ReadClient,
    account: &AccountId,
    kind: AssetKind,
    digest: &Digest,
) -> Result<Vec<u8>, String> {
    match client.asset(account, kind).await {
        Ok(Some(asset)) if asset.facts.digest == *digest => Ok(asset.bytes),
        Ok(_) => Err("it changed on the platform meanwhile".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
