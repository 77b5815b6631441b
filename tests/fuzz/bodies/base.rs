//! What the daemon finds as the base of an earlier process.

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

use camino::Utf8PathBuf;
use emblazon::daemon::BaseFile;
use emblazon::model::{Digest, DigestWriter};
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

/// The lines of a base as its writer chains them; bytes that begin as the file does are taken as they are.
fn text(data: &[u8]) -> Vec<u8> {
    if data.starts_with(b"0000") {
        return data.to_vec();
    }
    let head = format!("{{\"version\":2,\"platform\":\"{PLATFORM}\"}}");
    let mut before: Option<Digest> = None;
    let mut lines = Vec::new();
    for json in [head.as_bytes()]
        .into_iter()
        .chain(data.split(|byte| *byte == b'\n'))
    {
        let mut digest = DigestWriter::default();
        digest.bytes(before.as_ref().map_or("", Digest::as_str).as_bytes());
        digest.bytes(json);
        let digest = digest.digest();
        lines.extend([digest.as_str().as_bytes(), b" ", json, b"\n"].concat());
        before = Some(digest);
    }
    let length = lines.len() + 21;
    [format!("{length:020}\n").into_bytes(), lines].concat()
}

/// A base in any state: what is believed can be written again, and says the same.
pub(crate) fn base(data: &[u8]) {
    let mut files = files().lock().unwrap_or_else(PoisonError::into_inner);
    let [read, written] = &mut *files;
    fs::write(read.path(), text(data)).expect("space on the disk");
    let Ok(Some(kept)) = read.read(tree()) else {
        return;
    };
    written
        .write(kept.commit.as_deref(), &kept.desired, &kept.without_base)
        .expect("space on the disk");
    let again = written.read(tree()).expect("what was just written");
    let again = again.expect("what was just written");
    assert_eq!(again.desired.digest(), kept.desired.digest());
    assert_eq!(again.commit, kept.commit);
    assert_eq!(again.without_base, kept.without_base);
}
