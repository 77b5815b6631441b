//! A folder to follow recipes in, and what stands around it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use emblazon::forge::ForgeKind;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::base::World;
use crate::cli::check_exit;
use crate::forge::server::Server;
use crate::git::{environment, git};
use crate::source_text::top;

/// What a command ended with.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Where recipes are followed.
pub(crate) struct Desk {
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    /// The files of the examples, which nobody may change.
    before: BTreeMap<PathBuf, Vec<u8>>,
    /// What must not go before the desk does.
    _around: Around,
}

enum Around {
    Alone {
        _folder: TempDir,
    },
    Forge {
        _world: Box<World>,
        _forge: Server,
        _runtime: Runtime,
    },
}

impl Desk {
    /// A folder with a copy of the examples, as a clone of this repository has it.
    pub(crate) fn with_examples() -> Self {
        let all = tempfile::tempdir().unwrap();
        let folder = all.path().to_owned();
        copy(&top().join("examples"), &folder.join("examples"));
        copy(&top().join("schemas"), &folder.join("schemas"));
        Self {
            environment: usual(&folder.join("home")),
            before: files(&folder.join("examples")),
            folder,
            _around: Around::Alone { _folder: all },
        }
    }

    /// A clone of a tree that was applied, with a change that was pushed as pull request 12, its platform, and a forge.
    pub(crate) fn in_ci() -> Self {
        let world = World::new();
        check_exit(&world.run(&["apply", "--yes"]), 0);
        let runtime = Runtime::new().unwrap();
        let forge = runtime.block_on(Server::start(ForgeKind::Github));
        world.account(
            "acme",
            crate::base::ACME,
            "company_name: Acme Group, brandColor: red",
        );
        let folder = world.clone.clone();
        git(&folder, &["add", "--all"]);
        git(&folder, &["commit", "--quiet", "-m", "change"]);
        git(
            &folder,
            &["push", "--quiet", "origin", "HEAD:refs/pull/12/head"],
        );
        git(&folder, &["fetch", "--quiet", "origin"]);
        forge.world().head = world.head();
        let mut environment = usual(&folder.with_file_name("home"));
        for (name, value) in [
            ("EMBLAZON_API", world.sandbox.url()),
            ("EMBLAZON_API_KEY", world.sandbox.api_key().to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_API_URL", forge.url()),
            ("GITHUB_REPOSITORY", "acme/brands".to_owned()),
            ("GITHUB_EVENT_NAME", "pull_request".to_owned()),
            ("GITHUB_REF", "refs/pull/12/merge".to_owned()),
            ("GITHUB_TOKEN", "canary-token".to_owned()),
            ("SHA", world.head()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        Self {
            folder,
            environment,
            before: BTreeMap::new(),
            _around: Around::Forge {
                _world: Box::new(world),
                _forge: forge,
                _runtime: runtime,
            },
        }
    }

    fn bash(&self, command: &str) -> Command {
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", command])
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
        bash
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, command: &str) -> Done {
        let output = self.bash(command).output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Begins what goes on, waits until it says something, and ends it.
    pub(crate) fn begin(&self, command: &str) {
        // The port of a page may be somebody's.
        let command = command.replace("127.0.0.1:8642", "127.0.0.1:0");
        let mut child = self
            .bash(&format!("exec {command}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!line.trim().is_empty(), "{command} said nothing");
    }

    /// Whoever tries an example finds it as it was afterwards.
    #[track_caller]
    pub(crate) fn is_as_it_was(&self) {
        if !self.before.is_empty() {
            let after = files(&self.folder.join("examples"));
            let names =
                |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&after), names(&self.before));
            assert!(after == self.before, "an example was changed");
        }
    }
}

/// A user's environment: the program on the path, a home, Git without the tester's settings.
fn usual(home: &Path) -> BTreeMap<String, String> {
    fs::create_dir_all(home).unwrap();
    let mut all = environment(home);
    let program = Path::new(env!("CARGO_BIN_EXE_emblazon")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    all.insert("PATH".to_owned(), format!("{}:{path}", program.display()));
    all
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        // What somebody tried in the repository is not part of it.
        if entry.file_name() == ".emblazon" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}
