//! An import that was ended in the middle.

use std::process::Stdio;

use camino::Utf8PathBuf;
use emblazon::import::{self, NewCluster, Request, Scope};
use emblazon::live::{ClientConfig, Credential, ReadClient, Reading, everybody, inventory};
use emblazon::model::{ClusterName, Secret};
use emblazon::sandbox::{Fault, FaultKind};

use super::platform::{Platform, generated};
use crate::cli::{check_exit, emblazon};

/// Whatever file was the last one, the next run ends with the bytes of a run that was not ended.
#[test]
fn an_import_goes_on_where_it_ended() {
    #[track_caller]
    fn check(platform: &Platform, factor: bool) {
        let whole = if factor { "whole-factored" } else { "whole" };
        let flags: &[&str] = if factor { &["--factor"] } else { &[] };
        let import =
            |tree: &str| platform.run_to(0, &[&["import", "--tree", tree], flags].concat());
        import(whole);
        let expected = platform.files(whole);
        let changes = order(platform, factor);
        assert_eq!(changes.len(), expected.len());
        for end in [1, 2, 7, changes.len() / 2, changes.len() - 1] {
            let tree = format!("ended-{factor}-{end}");
            for (path, bytes) in &changes[..end] {
                platform.write(&tree, path.as_str(), bytes);
            }
            // The file in hand is not there, or lies beside under a hidden name.
            platform.write(&tree, "accounts/.import-x1y2z3", b"half");
            import(&tree);
            let mut files = platform.files(&tree);
            files.remove("accounts/.import-x1y2z3");
            for (path, bytes) in &expected {
                let got = files.remove(path).unwrap_or_default();
                assert_eq!(
                    String::from_utf8_lossy(&got),
                    String::from_utf8_lossy(bytes),
                    "{path} after {end} files"
                );
            }
            assert!(files.is_empty(), "{:?}", files.keys());
        }
    }
    let platform = Platform::new(generated(40));
    check(&platform, false);
    check(&platform, true);
    assert_eq!(platform.counts().mutating, 0);
    platform.stop();
}

/// The real process, killed while it reads: there is no tree, not half a tree.
#[test]
fn a_killed_import_leaves_no_half_tree() {
    let platform = Platform::new(generated(20));
    platform.sandbox.set_faults(vec![Fault {
        nth: 12,
        ..Fault::new("GET", "*/whitelabel", FaultKind::Hang)
    }]);
    let mut child = emblazon(platform.folder.path())
        .args(["import", "--tree", "tree"])
        .env("EMBLAZON_API", platform.sandbox.url())
        .env("EMBLAZON_API_KEY", platform.sandbox.api_key())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while platform.counts().of("GET", "whitelabel") < 12 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!platform.folder.path().join("tree/emblazon.yaml").exists());
    platform.sandbox.set_faults(Vec::new());
    check_exit(&platform.run(&["import", "--tree", "tree"]), 0);
    platform.plans_empty("tree");
    platform.stop();
}

/// The files of an import, in the order in which they are written.
fn order(platform: &Platform, factor: bool) -> Vec<(Utf8PathBuf, Vec<u8>)> {
    let (everybody, brands, template) = platform.block_on(async {
        let key = Credential::ApiKey(Secret::new(platform.sandbox.api_key()));
        let config = ClientConfig::new(platform.sandbox.url(), key);
        let client = ReadClient::connect(config).await.unwrap();
        let all = everybody(&client, client.root()).await.unwrap();
        let brands = inventory(&client, &all, &|_| {}).await.unwrap();
        (all, brands, client.template().await.unwrap())
    });
    let request = Request {
        existing: None,
        folder: None,
        cluster: &NewCluster {
            name: ClusterName::new("production"),
            api: Some(platform.sandbox.url()),
            root: None,
        },
        everybody: &everybody,
        brands: &brands,
        others: &[],
        template: Some(&Reading::Known(template)),
        factor,
        scope: &Scope::Everything,
    };
    let imported = import::import(&request).unwrap();
    let changes = imported.changes.into_iter();
    changes.map(|change| (change.path, change.after)).collect()
}
