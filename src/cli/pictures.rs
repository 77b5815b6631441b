//! Fetches the pictures of a report, for formats that show any.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::progress::Phase;
use super::tree::OpenTree;
use super::ui::Ui;
use crate::diff::{ChangeKey, Side};
use crate::live::ReadClient;
use crate::model::{AccountId, AccountName, AssetKind, Digest};
use crate::report::Report;
use crate::report::gallery::Gallery;
use crate::tree::{Desired, DesiredAccount, MAX_ASSET_BYTES, TreeSource};

/// Assets read concurrently; more would slow the platform down (reference, "Speed").
const AT_ONCE: usize = 2;

/// The source of the pictures before a change.
pub(crate) enum Before<'a> {
    /// The platform.
    Live(&'a ReadClient),
    /// The commit that was applied last.
    Recorded {
        /// The commit's files.
        source: Box<dyn TreeSource + Send>,
        /// The file of each digest.
        files: BTreeMap<Digest, Utf8PathBuf>,
    },
}

impl Before<'_> {
    /// Creates the source from the commit that was applied last.
    pub(crate) fn recorded(source: Box<dyn TreeSource + Send>, base: &Desired) -> Self {
        let assets = base
            .accounts
            .iter()
            .flat_map(|account| account.assets.values());
        let files = assets
            .filter_map(|declared| declared.value.as_ref())
            .map(|file| (file.facts.digest.clone(), file.path.clone()))
            .collect();
        Self::Recorded { source, files }
    }
}

/// Gathers the bytes of the assets of each changed account: all from the tree, and from the platform only those that
/// change. The reason for a missing picture appears in its place.
pub(crate) async fn gather(
    ui: Ui,
    report: &Report,
    tree: &OpenTree,
    before: &Before<'_>,
) -> Gallery {
    let mut gallery = Gallery::default();
    let desired: BTreeMap<&AccountName, &DesiredAccount> = (tree.loaded.desired.accounts.iter())
        .map(|account| (&account.name, &**account))
        .collect();
    let mut wanted: BTreeMap<Digest, (Option<AccountId>, AssetKind)> = BTreeMap::new();
    for object in report.accounts.iter().filter(|object| object.differs()) {
        let Some(name) = &object.name else { continue };
        if let Some(account) = desired.get(name) {
            read_files(&mut gallery, account, tree);
        }
        for change in &object.changes {
            if let (ChangeKey::Asset(kind), Side::Asset(facts)) = (&change.key, &change.before)
                && !gallery.has(&facts.digest)
            {
                wanted.insert(facts.digest.clone(), (object.id.clone(), *kind));
            }
        }
    }
    let phase = match before {
        Before::Live(client) => {
            Phase::asking(ui, "reading pictures", wanted.len(), client.activity())
        }
        Before::Recorded { .. } => Phase::begin(ui, "reading pictures", wanted.len()),
    };
    let phase = &phase;
    let reads = stream::iter(wanted)
        .map(|(digest, (id, kind))| async move {
            let read = match (before, id) {
                (Before::Live(client), Some(id)) => read_live(client, &id, kind, &digest).await,
                (Before::Live(_), None) => Err("the account is not known".to_owned()),
                (Before::Recorded { source, files }, _) => read_recorded(&**source, files, &digest),
            };
            phase.step();
            (digest, read)
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    for (digest, read) in reads.await {
        match read {
            Ok(bytes) => gallery.add(bytes),
            Err(reason) => gallery.lack(digest, reason),
        }
    }
    gallery
}

/// Gathers the declared pictures of some accounts.
pub(crate) fn declared<'a>(
    accounts: impl Iterator<Item = &'a DesiredAccount>,
    tree: &OpenTree,
) -> Gallery {
    let mut gallery = Gallery::default();
    for account in accounts {
        read_files(&mut gallery, account, tree);
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

/// Reads an asset of the commit that was applied last.
fn read_recorded(
    source: &dyn TreeSource,
    files: &BTreeMap<Digest, Utf8PathBuf>,
    digest: &Digest,
) -> Result<Vec<u8>, String> {
    let path = files.get(digest).ok_or("it is in no commit")?;
    let bytes = source.read(path, MAX_ASSET_BYTES);
    bytes.map_err(|error| error.to_string())
}

/// Reads an asset, and checks that it is still the compared one.
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
