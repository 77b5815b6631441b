//! What is not read again, and what is.

use std::collections::BTreeSet;

use serde_json::json;

use super::collecting::{account, by_id, by_realm, desired};
use super::*;
use crate::live::{Cache, CollectOptions, Live, LiveDocument, Reading, collect, read_again};
use crate::model::{AccountName, AssetKind, Digest};
use crate::sandbox::Counts;
use crate::tree::Desired;

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// A sandbox with two accounts that have assets, the tree for them, and a folder for the cache.
struct World {
    sandbox: Sandbox,
    tree: Desired,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let sandbox = sandbox().await;
        for digit in ['b', 'd'] {
            let mut world = sandbox.world();
            world.put_attachment(id(digit).as_str(), "logo-x.png", "x/y", PNG);
            world.put_attachment(id(digit).as_str(), "icon-x.ico", "x/y", ICO);
        }
        let tree = desired(vec![
            account("gold", by_id('b'), json!({}), &AssetKind::ALL),
            account("past", by_id('d'), json!({}), &AssetKind::ALL),
            account("empty", by_realm("empty.sip.example.com"), json!({}), &[]),
        ]);
        Self {
            sandbox,
            tree,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Reads all, as a run of its own, and returns what that took.
    async fn read(&self, tree: &Desired) -> (Live, Counts) {
        let client = client(&self.sandbox).await;
        let cache = Cache::open(self.folder.path(), &client, NOW);
        let before = self.sandbox.counts();
        let options = CollectOptions {
            unmanaged: false,
            cache: Some(&cache),
            ..CollectOptions::default()
        };
        let live = collect(&client, tree, &options).await.unwrap();
        (live, since(&before, &self.sandbox.counts()))
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        for cluster in std::fs::read_dir(self.folder.path()).unwrap() {
            let found = std::fs::read_dir(cluster.unwrap().path()).unwrap();
            files.extend(found.map(|file| file.unwrap().path()));
        }
        files
    }
}

fn since(before: &Counts, after: &Counts) -> Counts {
    let mut by_class = after.by_class.clone();
    for (class, count) in &mut by_class {
        *count -= before.by_class.get(class).copied().unwrap_or_default();
    }
    by_class.retain(|_, count| *count > 0);
    Counts {
        total: after.total - before.total,
        mutating: after.mutating - before.mutating,
        not_modified: after.not_modified - before.not_modified,
        body_bytes: after.body_bytes - before.body_bytes,
        busy_micros: 0,
        connections: 0,
        by_class,
    }
}

fn document<'a>(live: &'a Live, name: &str) -> &'a LiveDocument {
    let document = live.accounts[&AccountName::new(name)].document.known();
    document.unwrap().as_ref().unwrap()
}

/// Three accounts, one of them without a whitelabel: nine requests, and then one for each account, two of which are
/// answered with nothing.
#[tokio::test]
async fn a_repeated_read_is_one_conditional_request_an_account() {
    let world = World::new().await;
    let (cold, counts) = world.read(&world.tree).await;
    assert_eq!(counts.of("GET", "whitelabel"), 3);
    assert_eq!(counts.of("GET", "asset"), 6);
    assert_eq!((counts.not_modified, counts.mutating), (0, 0));
    let (warm, counts) = world.read(&world.tree).await;
    assert_eq!(warm.accounts, cold.accounts);
    let all: BTreeSet<AccountName> = cold.accounts.keys().cloned().collect();
    assert_eq!(cold.fresh.documents, all);
    assert_eq!(
        warm.fresh.documents.len(),
        1,
        "the one without a whitelabel"
    );
    assert_eq!(counts.of("GET", "whitelabel"), 3);
    assert_eq!(counts.of("GET", "asset"), 0);
    assert_eq!((counts.not_modified, counts.mutating), (2, 0));
}

/// An account that moved is read anew with its assets, the others are not.
#[tokio::test]
async fn only_what_moved_is_read_again() {
    let world = World::new().await;
    world.read(&world.tree).await;
    let other = b"\x89PNG\r\n\x1a\n-other";
    world
        .sandbox
        .world()
        .put_attachment(gold().as_str(), "logo-x.png", "x/y", other);
    let (live, counts) = world.read(&world.tree).await;
    assert_eq!(counts.of("GET", "asset"), 3);
    assert_eq!(counts.not_modified, 1);
    let Reading::Known(Some(logo)) = &document(&live, "gold").assets[&AssetKind::Logo] else {
        panic!("the logo was not read");
    };
    assert_eq!(logo.facts.digest, Digest::of(other));
    world.sandbox.world().delete_whitelabel(gold().as_str());
    let (live, _) = world.read(&world.tree).await;
    let gold = &live.accounts[&AccountName::new("gold")];
    assert_eq!(gold.document, Reading::Known(None));
}

/// What nobody asked for yet is not known; it is read once, with the revision that did not move.
#[tokio::test]
async fn kinds_that_were_never_read_are_read() {
    let world = World::new().await;
    let few = desired(vec![account(
        "gold",
        by_id('b'),
        json!({}),
        &[AssetKind::Logo],
    )]);
    let (_, counts) = world.read(&few).await;
    assert_eq!(counts.of("GET", "asset"), 1);
    let (live, counts) = world.read(&world.tree).await;
    assert_eq!(counts.of("GET", "asset"), 2 + 3);
    assert_eq!(document(&live, "gold").assets.len(), 3);
    let (_, counts) = world.read(&world.tree).await;
    assert_eq!(counts.of("GET", "asset"), 0);
}

/// Invariant 6: what could not be read is not remembered as anything.
#[tokio::test]
async fn what_is_unknown_is_not_kept() {
    let world = World::new().await;
    let cut = fault("GET", "/v2/accounts/*/whitelabel/logo", FaultKind::CutBody);
    world.sandbox.set_faults(vec![cut.times(9)]);
    let (live, _) = world.read(&world.tree).await;
    let logo = &document(&live, "gold").assets[&AssetKind::Logo];
    assert!(matches!(logo, Reading::Unknown(_)), "{logo:?}");
    world.sandbox.set_faults(Vec::new());
    let (live, counts) = world.read(&world.tree).await;
    assert_eq!(counts.of("GET", "asset"), 2);
    let logo = &document(&live, "gold").assets[&AssetKind::Logo];
    assert!(matches!(logo, Reading::Known(Some(_))), "{logo:?}");
}

/// Damage of each file costs what a first read costs, and nothing else.
#[tokio::test]
async fn damage_costs_time_only() {
    let world = World::new().await;
    let (cold, first) = world.read(&world.tree).await;
    for file in world.files() {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("company_name", "company_nine")).unwrap();
    }
    let (again, counts) = world.read(&world.tree).await;
    assert_eq!(again, cold);
    assert_eq!(counts.total, first.total);
    let (_, counts) = world.read(&world.tree).await;
    assert_eq!(counts.not_modified, 2, "the files are whole again");
}

/// A cache that holds something else for the very revision is found out when the account is read again.
#[tokio::test]
async fn a_lie_does_not_survive_reading_again() {
    let world = World::new().await;
    let (truth, _) = world.read(&world.tree).await;
    world.lie().await;
    let (mut live, _) = world.read(&world.tree).await;
    assert_ne!(live, truth, "the lie is well told");
    let client = client(&world.sandbox).await;
    let cache = Cache::open(world.folder.path(), &client, NOW);
    let options = CollectOptions {
        cache: Some(&cache),
        ..CollectOptions::default()
    };
    let names = [AccountName::new("gold"), AccountName::new("past")].into();
    read_again(&client, &world.tree, &options, &names, &mut live)
        .await
        .unwrap();
    assert_eq!(live, truth);
    let (live, counts) = world.read(&world.tree).await;
    assert_eq!(live.accounts, truth.accounts, "the truth is kept");
    assert_eq!(counts.not_modified, 2);
}

impl World {
    /// Puts another document under the revisions that the cache holds, with checksums that fit.
    async fn lie(&self) {
        let client = client(&self.sandbox).await;
        let cache = Cache::open(self.folder.path(), &client, NOW);
        for digit in ['b', 'd'] {
            let mut entry = cache.get(&id(digit)).unwrap();
            entry.settings = settings(json!({ "company_name": "Somebody else" }));
            entry.assets.insert(AssetKind::Logo, None);
            cache.put(&entry);
        }
        cache.save();
    }
}

/// A cache on the way may answer for another revision; that is no answer.
#[tokio::test]
async fn another_revision_unchanged_is_unknown() {
    let answer = "HTTP/1.1 304 Not Modified\r\nconnection: close\r\netag: \"9-f\"\r\n\r\n";
    let client = given_token(&stranger(answer.as_bytes().to_vec()).await).await;
    let known = crate::model::Revision::new("1-a");
    let found = client.whitelabel_unless(&gold(), &known).await;
    let error = found.unwrap_err().to_string();
    assert!(error.contains("another revision"), "{error}");
}
