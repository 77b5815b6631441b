//! Trees for tests: real folders, real files.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Loaded, Origin, Workdir, load};
use crate::diag::{Diagnostic, Place, SourceMap};

/// The smallest `emblazon.yaml` that names two clusters.
pub(super) const TWO_CLUSTERS: &str = "clusters: {production: {}, staging: {}}\n";

/// A tree in a temporary folder, which is removed on drop.
pub(super) struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    /// Creates a tree with some files, adding `emblazon.yaml` unless it is among them.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        if !files.iter().any(|(path, _)| *path == "emblazon.yaml") {
            tree.write("emblazon.yaml", b"clusters: {production: {}}\n");
        }
        for (path, text) in files {
            tree.write(path, text.as_bytes());
        }
        tree
    }

    pub(super) fn path(&self) -> Utf8PathBuf {
        let path = self
            .folder
            .path()
            .canonicalize()
            .expect("the folder is there");
        Utf8PathBuf::from_path_buf(path).expect("UTF-8")
    }

    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Utf8Path::new(""))).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(super) fn source(&self) -> Workdir {
        Workdir::open(self.path()).expect("a tree")
    }

    pub(super) fn load(&self, cluster: Option<&str>) -> Loaded {
        load(&self.source(), cluster).expect("a tree")
    }
}

/// Renders diagnostics, one per line, as `path:line:column CODE message; help [other places]`.
pub(super) fn lines(loaded: &Loaded) -> String {
    let render = |diagnostic: &Diagnostic| line(&loaded.sources, diagnostic);
    let lines: Vec<String> = loaded.diagnostics.iter().map(render).collect();
    lines.join("\n")
}

pub(super) fn line(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let at = |place: Place| Origin::of(place, sources).to_string();
    let place = diagnostic
        .primary
        .as_ref()
        .map_or_else(String::new, |label| at(label.place));
    let related: Vec<String> = diagnostic
        .related
        .iter()
        .map(|label| at(label.place))
        .collect();
    let related = if related.is_empty() {
        String::new()
    } else {
        format!(" [{}]", related.join(" "))
    };
    format!(
        "{place} {} {}; {}{related}",
        diagnostic.code, diagnostic.message, diagnostic.help
    )
}
