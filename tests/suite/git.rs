//! Real Git repositories for tests, untouched by the configuration of whoever runs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use emblazon::apply::remote::{LocalClone, Remote};

/// A bare repository, as a server has it, and clones of it.
pub(crate) struct Server {
    folder: tempfile::TempDir,
}

/// Returns what keeps `git` from reading anybody's configuration.
pub(crate) fn environment(home: &Path) -> BTreeMap<String, String> {
    let home = home.to_str().unwrap();
    let fixed = [
        ("HOME", home),
        ("XDG_CONFIG_HOME", home),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
    ];
    fixed
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Runs `git` in a folder and returns what it printed.
#[track_caller]
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let (succeeded, output) = try_git(folder, arguments);
    assert!(succeeded, "git {arguments:?}: {output}");
    output.trim().to_owned()
}

pub(crate) fn try_git(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .args(["-c", "init.defaultBranch=main", "-C"])
        .arg(folder)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(environment(folder))
        .output()
        .unwrap();
    let text = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

impl Server {
    /// Makes a bare repository with one empty commit.
    pub(crate) fn new() -> Self {
        // Nothing here has to survive a crash.
        let in_memory = Path::new("/dev/shm");
        let folder = if in_memory.is_dir() {
            tempfile::tempdir_in(in_memory)
        } else {
            tempfile::tempdir()
        };
        let server = Self {
            folder: folder.unwrap(),
        };
        git(
            server.folder.path(),
            &["init", "--quiet", "--bare", "server.git"],
        );
        let seed = server.clone_as("seed");
        git(
            &seed,
            &["commit", "--quiet", "--allow-empty", "-m", "begin"],
        );
        git(&seed, &["push", "--quiet", "origin", "HEAD:main"]);
        server
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("server.git")
    }

    /// Makes a clone of a name.
    pub(crate) fn clone_as(&self, name: &str) -> PathBuf {
        git(
            self.folder.path(),
            &["clone", "--quiet", self.path().to_str().unwrap(), name],
        );
        self.folder.path().join(name)
    }

    /// Makes a clone that shares no file with the server.
    pub(crate) fn copy_as(&self, name: &str) -> PathBuf {
        let url = format!("file://{}", self.path().display());
        git(self.folder.path(), &["clone", "--quiet", &url, name]);
        self.folder.path().join(name)
    }

    /// Makes a clone as CI makes it: the last commit of the branch, and nothing else.
    pub(crate) fn shallow_clone_as(&self, name: &str) -> PathBuf {
        let url = format!("file://{}", self.path().display());
        git(
            self.folder.path(),
            &["clone", "--quiet", "--depth=1", &url, name],
        );
        self.folder.path().join(name)
    }

    /// Lists the refs of the server that begin so.
    pub(crate) fn refs(&self, start: &str) -> Vec<String> {
        let listed = git(
            &self.path(),
            &["for-each-ref", "--format=%(refname)", start],
        );
        listed.lines().map(str::to_owned).collect()
    }

    /// Returns the id that a ref of the server names.
    pub(crate) fn value(&self, reference: &str) -> Option<String> {
        let (found, id) = try_git(
            &self.path(),
            &["rev-parse", "--verify", "--quiet", reference],
        );
        found.then(|| id.trim().to_owned())
    }
}

/// Returns the remote of a clone, for the library.
pub(crate) fn remote(clone: &Path) -> Remote {
    let folder = Utf8Path::from_path(clone).unwrap();
    let clone_of = LocalClone::find(folder).unwrap().unwrap();
    let clone_of = clone_of.with_environment(environment(clone));
    clone_of.remote(None).unwrap().unwrap()
}

/// Writes a file, with its folders.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> Utf8PathBuf {
    let path = Utf8PathBuf::from_path_buf(folder.join(name)).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}
