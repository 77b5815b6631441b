//! What the daemon finds as the base of an earlier process.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

use camino::Utf8PathBuf;
use emblazon::daemon::{BaseFile, KeptBase, RefValues};
use emblazon::model::DigestWriter;
use emblazon::tree::{Desired, Workdir, load};

const PLATFORM: &str = "https://api.example.com/v2";

/// The tree in hand, which gives a base its cluster and its policy.
fn tree() -> &'static Desired {
    static TREE: OnceLock<Desired> = OnceLock::new();
    TREE.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/");
        let top = folder.strip_suffix("tests/fuzz/").unwrap_or(folder);
        let source = Workdir::open(format!("{top}examples/quickstart")).expect("a folder");
        load(&source, Some("production")).expect("a tree").desired
    })
}

/// Two files for all inputs, one after the other.
fn files() -> &'static Mutex<[BaseFile; 2]> {
    static FILES: OnceLock<Mutex<[BaseFile; 2]>> = OnceLock::new();
    FILES.get_or_init(|| {
        let top = Utf8PathBuf::from_path_buf(std::env::temp_dir()).expect("a path in UTF-8");
        let process = std::process::id();
        Mutex::new(["read", "written"].map(|name| {
            let folder = top.join(format!("emblazon-fuzz-{process}-{name}"));
            let file = BaseFile::new(&folder, &tree().cluster.name, PLATFORM.to_owned());
            fs::create_dir_all(file.path().parent().expect("a folder")).expect("a folder");
            file
        }))
    })
}

/// How the writer begins a file: the line with the length of the file, and the head, which starts with its digest.
fn beginning() -> &'static (Vec<u8>, Vec<u8>) {
    static BEGINNING: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    BEGINNING.get_or_init(|| {
        let [read, _] = &mut *files().lock().unwrap_or_else(PoisonError::into_inner);
        (read.write(RefValues::default(), tree(), &BTreeSet::new())).expect("space on the disk");
        let text = fs::read(read.path()).expect("what was just written");
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let mut next = || lines.next().expect("a line").to_vec();
        (next(), next())
    })
}

/// The lines of a base as its writer chains them; bytes that begin as the file does are taken as they are.
fn text(data: &[u8]) -> Vec<u8> {
    if data.starts_with(b"0000") {
        return data.to_vec();
    }
    let (length, head) = beginning();
    let mut before = head
        .split(|byte| *byte == b' ')
        .next()
        .unwrap_or_default()
        .to_vec();
    let mut lines = head.clone();
    for json in data.split(|byte| *byte == b'\n') {
        let mut digest = DigestWriter::default();
        digest.bytes(&before);
        digest.bytes(json);
        let digest = digest.digest();
        lines.extend([digest.as_str().as_bytes(), b" ", json, b"\n"].concat());
        before = digest.as_str().into();
    }
    let (whole, digits) = (length.len() + lines.len(), length.len() - 1);
    [format!("{whole:0digits$}\n").into_bytes(), lines].concat()
}

/// Reads a base, and returns it when it is believed.
fn read(data: &[u8]) -> Option<KeptBase> {
    let text = text(data);
    let [read, _] = &mut *files().lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(read.path(), text).expect("space on the disk");
    read.read(tree()).ok().flatten()
}

/// Whether the reader believes a base, so that the corpus gets behind the checksum.
pub(crate) fn is_believed(data: &[u8]) -> bool {
    read(data).is_some()
}

/// A base in any state: what is believed can be written again, and says the same.
pub(crate) fn base(data: &[u8]) {
    let Some(kept) = read(data) else {
        return;
    };
    let [_, written] = &mut *files().lock().unwrap_or_else(PoisonError::into_inner);
    written
        .write(
            RefValues {
                commit: kept.commit.as_deref(),
                recorded: kept.recorded.as_deref(),
            },
            &kept.desired,
            &kept.without_base,
        )
        .expect("space on the disk");
    let again = written.read(tree()).expect("what was just written");
    let again = again.expect("what was just written");
    assert_eq!(again.desired.digest(), kept.desired.digest());
    assert_eq!(again.commit, kept.commit);
    assert_eq!(again.without_base, kept.without_base);
}
