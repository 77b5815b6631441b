//! What is found in the state folder: journals, manifests and stored contents that something spoilt.

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

use camino::Utf8PathBuf;
use emblazon::apply::{
    RunId, SnapshotStore, interrupted, interrupted_runs, read_journal, record, records,
};
use emblazon::model::{ClusterName, Digest};

const RUN: &str = "20261123T210514042Z-64879f7d";

/// A folder for all inputs, one after the other.
fn folder() -> &'static Mutex<Utf8PathBuf> {
    static FOLDER: OnceLock<Mutex<Utf8PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let name = format!("emblazon-fuzz-{}", std::process::id());
        let top = Utf8PathBuf::from_path_buf(std::env::temp_dir()).expect("a path in UTF-8");
        let folder = top.join(name);
        for part in ["journal", "snapshots/runs"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        Mutex::new(folder)
    })
}

/// A journal and a manifest, in any state: a stored content counts only when it is what its name says.
pub(crate) fn state(data: &[u8]) {
    let folder = folder().lock().unwrap_or_else(PoisonError::into_inner);
    let write = |path: &str| fs::write(folder.join(path), data).expect("room on the disk");
    write(&format!("journal/{RUN}.jsonl"));
    // A manifest is lines, and was one document in version 1; where there are lines, only they count.
    let lines = format!("snapshots/runs/{RUN}.jsonl");
    if data.starts_with(b"{") {
        let _ = fs::remove_file(folder.join(&lines));
        write(&format!("snapshots/runs/{RUN}.json"));
    } else {
        write(&lines);
    }
    let run = RunId::parse(RUN).expect("a name");
    if let Ok(entries) = read_journal(&folder, &run) {
        let _ = (record(&entries), interrupted(&entries));
    }
    let _ = records(&folder);
    let cluster = ClusterName::new("production");
    let _ = interrupted_runs(&folder, &cluster, None);
    let store = SnapshotStore::new(&folder);
    if let Ok(manifest) = store.manifest(&run) {
        let documents = manifest
            .accounts
            .values()
            .flat_map(|account| &account.document);
        for document in documents {
            for asset in document.assets.values() {
                if let Ok(bytes) = store.get(&asset.digest) {
                    assert_eq!(Digest::of(&bytes), asset.digest);
                }
            }
        }
    }
}
