//! What each account costs, in counts that no machine changes: files opened, bytes read, requests sent. A change that
//! makes one of them grow fails here, and says by how much.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use emblazon::sandbox::{Counts, Options, Sandbox, Seed};
use emblazon::tree::{
    Listed, Listing, ReadError, Selection, SourceError, TreeSource, Workdir, load,
};

use crate::cli::{check_exit, emblazon, write};
use crate::git::git;

/// A tree of some accounts with three assets each and a platform where all is as the tree wants it.
struct World {
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl World {
    fn new(accounts: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        write(
            top,
            "brands/gold.yaml",
            "whitelabel: { hide_powered: true }\n",
        );
        let mut seed = "accounts:\n  - name: Master\n".to_owned();
        for number in 1..=accounts {
            let at = format!("accounts/n{number:03}");
            let settings = format!("company_name: N{number}, domain: n{number}.example.com");
            let account = format!(
                "account: {number:032x}\nextends: [gold]\nwhitelabel: {{ {settings} }}\n\
                 assets: {{ logo: logo.gif, icon: icon.gif, welcome: welcome.html }}\n"
            );
            write(top, &format!("{at}/account.yaml"), &account);
            write(
                top,
                &format!("{at}/welcome.html"),
                &format!("<p>Welcome to {number}</p>\n"),
            );
            for asset in ["logo.gif", "icon.gif"] {
                fs::write(top.join(&at).join(asset), GIF).unwrap();
            }
            let _ = write!(
                seed,
                "  - name: N{number}\n    id: {number:032x}\n    whitelabel: {{ {settings}, hide_powered: true }}\n    \
                 assets: {{ logo: {at}/logo.gif, icon: {at}/icon.gif, welcome: {at}/welcome.html }}\n"
            );
        }
        let seed = Seed::parse(&seed, top).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(Options::seeded(seed)))
            .unwrap();
        let clusters = format!(
            "clusters: {{ production: {{ api: \"{}\" }} }}\n",
            sandbox.url()
        );
        write(top, "emblazon.yaml", &clusters);
        Self {
            runtime,
            sandbox,
            folder,
        }
    }

    /// Plans, and returns what the platform was asked.
    fn plan(&self) -> Counts {
        self.counts(&["plan"], 0)
    }

    /// Runs a command, and returns what the platform was asked.
    fn counts(&self, arguments: &[&str], exit: i32) -> Counts {
        let before = self.sandbox.counts();
        let output = emblazon(self.folder.path())
            .args(arguments)
            .env("EMBLAZON_API_KEY", self.sandbox.api_key())
            .output()
            .unwrap();
        check_exit(&output, exit);
        let mut counts = self.sandbox.counts();
        counts.total -= before.total;
        counts.mutating -= before.mutating;
        counts.not_modified -= before.not_modified;
        counts.body_bytes -= before.body_bytes;
        for (class, count) in &mut counts.by_class {
            *count -= before.by_class.get(class).copied().unwrap_or_default();
        }
        counts
    }

    /// Changes a key of all accounts, in one commit.
    fn change(&self, value: &str) {
        let top = self.folder.path();
        let layer = format!("whitelabel: {{ hide_powered: {value} }}\n");
        write(top, "brands/gold.yaml", &layer);
        self.commit();
    }

    fn commit(&self) {
        let top = self.folder.path();
        if !top.join(".git").exists() {
            git(top, &["init", "--quiet"]);
        }
        git(top, &["add", "."]);
        git(top, &["commit", "--quiet", "-m", "change"]);
    }

    fn stop(self) {
        self.runtime.block_on(self.sandbox.stop());
    }
}

/// A picture of one pixel.
const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Counts how often each file is read, and the bytes of all.
struct Counted<'a> {
    inner: &'a dyn TreeSource,
    read: Mutex<BTreeMap<Utf8PathBuf, u64>>,
    bytes: Mutex<u64>,
}

impl TreeSource for Counted<'_> {
    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        self.inner.list()
    }

    fn list_some(&self, only: &Selection) -> Result<Listing, SourceError> {
        self.inner.list_some(only)
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.inner.read(path, limit)?;
        *self
            .read
            .lock()
            .unwrap()
            .entry(path.to_owned())
            .or_default() += 1;
        *self.bytes.lock().unwrap() += bytes.len() as u64;
        Ok(bytes)
    }

    fn folder(&self) -> Utf8PathBuf {
        self.inner.folder()
    }
}

/// Each file of the tree is opened once, whoever it is for; nothing else is.
#[test]
fn loading_opens_each_file_once() {
    let world = World::new(20);
    let top = Utf8Path::from_path(world.folder.path()).unwrap();
    let inner = Workdir::open(top).unwrap();
    let counted = Counted {
        inner: &inner,
        read: Mutex::default(),
        bytes: Mutex::default(),
    };
    let loaded = load(&counted, None).unwrap();
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let read = counted.read.into_inner().unwrap();
    assert_eq!(read.len(), 20 * 4 + 2);
    assert!(read.values().all(|times| *times == 1), "{read:?}");
    let size = |path: &Utf8PathBuf| fs::metadata(top.join(path)).unwrap().len();
    let bytes: u64 = read.keys().map(size).sum();
    assert_eq!(counted.bytes.into_inner().unwrap(), bytes);
    world.stop();
}

/// Cold, an account costs one request for its document and one for each asset; warm, one that is answered with nothing.
#[test]
fn an_account_costs_four_requests_and_then_one() {
    /// The login, the list of accounts, and the root's own document.
    const ALL_THE_SAME: u64 = 3;
    for accounts in [20, 40] {
        let world = World::new(accounts);
        let cold = world.plan();
        assert_eq!(cold.total, 4 * accounts + ALL_THE_SAME, "{cold:?}");
        let warm = world.plan();
        assert_eq!(warm.total, accounts + ALL_THE_SAME, "{warm:?}");
        assert_eq!(warm.not_modified, accounts);
        assert_eq!(warm.mutating, 0);
        world.stop();
    }
}

/// What a repeated look is sent does not grow with the accounts, but for their line in the list of all.
#[test]
fn a_warm_plan_reads_no_documents() {
    let bytes = [20, 40].map(|accounts| {
        let world = World::new(accounts);
        world.plan();
        let warm = world.plan();
        world.stop();
        warm.body_bytes
    });
    let each = (bytes[1] - bytes[0]) / 20;
    assert!(each < 160, "{each} bytes for each account more");
}

/// Whoever changes one key of an account asks four times: for the document, to write it, to read it back, and as the
/// public. The assets are read for the first snapshot only, and the next plan asks once.
#[test]
fn a_changed_key_costs_four_requests() {
    /// The login, the list of accounts, and the root's own document.
    const ALL_THE_SAME: u64 = 3;
    /// Whether the server heeds the revision that a write names.
    const ONCE: u64 = 1;
    const APPLY: &[&str] = &["apply", "--yes", "--no-push"];
    for accounts in [10, 20] {
        let world = World::new(accounts);
        world.commit();
        world.counts(APPLY, 0);
        world.change("false");
        // The accounts share a logo and an icon, which the first of them have read for all.
        let first = world.counts(APPLY, 0);
        assert!(
            first.total <= 7 * accounts + ALL_THE_SAME + ONCE,
            "{first:?}"
        );
        let next = world.plan();
        assert_eq!(next.total, accounts + ALL_THE_SAME, "{next:?}");
        assert_eq!(next.not_modified, accounts);
        world.change("true");
        let second = world.counts(APPLY, 0);
        assert_eq!(
            second.total,
            4 * accounts + ALL_THE_SAME + ONCE,
            "{second:?}"
        );
        assert_eq!(second.mutating, accounts);
        world.change("false");
        let planned = world.counts(&["plan", "--out", "saved.plan"], 2);
        assert_eq!(planned.total, accounts + ALL_THE_SAME, "{planned:?}");
        let saved = world.counts(&["apply", "saved.plan", "--yes", "--no-push"], 0);
        assert_eq!(saved.total, 4 * accounts + ALL_THE_SAME + ONCE, "{saved:?}");
        let next = world.plan();
        assert_eq!(next.total, accounts + ALL_THE_SAME, "{next:?}");
        assert_eq!(next.not_modified, accounts);
        world.stop();
    }
}

/// An upload costs its own request, and two to read the document and the asset back.
#[test]
fn an_upload_costs_three_requests_more() {
    /// As above; then the document and the three assets, which an upload may destroy, whatever is cached of them.
    const BEFORE: u64 = 3 + 1 + 4;
    let world = World::new(3);
    world.commit();
    world.counts(&["apply", "--yes", "--no-push"], 0);
    let others = 2;
    let welcome = "accounts/n001/welcome.html";
    write(world.folder.path(), welcome, "<p>Hello</p>\n");
    world.commit();
    let one = world.counts(&["apply", "--yes", "--no-push"], 0);
    assert_eq!(one.total, BEFORE + others + 3, "{one:?}");
    let next = world.plan();
    assert_eq!(next.not_modified, 3);
    assert_eq!(next.of("GET", "asset"), 0);
    world.stop();
}
