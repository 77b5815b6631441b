//! A Git remote, accessed with the user's own `git`, so that ssh, agents, credential helpers and proxies work as usual.
//!
//! A ref is moved only by compare-and-swap; of two concurrent attempts one succeeds, which the remote itself decides.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{ErrorCode, Oid, Repository};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::ending::Ending;
use super::group::Group;

/// The timeout of one command.
const LIMIT: Duration = Duration::from_mins(2);
/// How much of a command's output is read at most, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;
/// Environment variables of `git` that would lead it to another repository.
const MISLEADING: [&str; 9] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_WORK_TREE",
];
/// Environment variables with the platform's credentials, which no other program that is started may see.
pub const SECRETS: [&str; 2] = ["EMBLAZON_API_KEY", "EMBLAZON_TOKEN"];

/// Why `git` failed. No message contains a credential of a remote's URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GitError {
    /// `git` could not be started.
    #[error("git could not be started: {0}; install it, or use --no-fetch and --no-push")]
    NotStarted(String),
    /// It took too long.
    #[error("git {command} did not end in {} seconds", LIMIT.as_secs())]
    TimedOut {
        /// The subcommand of `git`.
        command: String,
    },
    /// The program is shutting down, and did not wait for it.
    #[error("git {command} was cut short: the program is about to end")]
    Cut {
        /// The subcommand of `git`.
        command: String,
    },
    /// It reported a failure.
    #[error("git {command} failed: {reason}")]
    Failed {
        /// The subcommand of `git`.
        command: String,
        /// What it reported.
        reason: String,
    },
    /// The repository that contains the tree cannot be read.
    #[error("the Git repository cannot be read: {0}")]
    Repository(String),
    /// Somebody else wrote a record in the meantime.
    #[error("another run wrote it in the meantime")]
    Moved,
    /// The requested remote is not configured.
    #[error("there is no remote {0}; `git remote` lists them")]
    NoRemote(String),
}

/// The result of an attempt to move a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// It was moved.
    Done,
    /// It did not have the expected value; nothing was done.
    Moved,
}

/// The repository that contains a tree, and how `git` works on it.
#[derive(Clone, Debug)]
pub struct LocalClone {
    pub(super) folder: Utf8PathBuf,
    pub(super) environment: BTreeMap<String, String>,
    /// Ends commands early; absent for a program that somebody waits for at a terminal.
    pub(super) ending: Option<Ending>,
}

impl LocalClone {
    /// Finds the repository that contains a folder; absent when there is none.
    pub fn find(folder: &Utf8Path) -> Result<Option<Self>, GitError> {
        match Repository::discover(folder) {
            Ok(_) => Ok(Some(Self {
                folder: folder.to_owned(),
                environment: BTreeMap::new(),
                ending: None,
            })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Sets variables for every `git` process, in addition to the inherited ones.
    #[must_use]
    pub fn with_environment(self, environment: BTreeMap<String, String>) -> Self {
        Self {
            environment,
            ..self
        }
    }

    /// Ends every `git` process, and what it started itself, when the program shuts down. Not for a program at a
    /// terminal: `ssh` can prompt only from the terminal's own process group.
    #[must_use]
    pub fn with_ending(self, ending: Ending) -> Self {
        Self {
            ending: Some(ending),
            ..self
        }
    }

    /// Finds a remote by name or, without a name, `origin` if it exists.
    pub fn remote(&self, name: Option<&str>) -> Result<Option<Remote>, GitError> {
        let repository = self.repository()?;
        let wanted = name.unwrap_or("origin");
        match (repository.find_remote(wanted), name) {
            (Ok(_), _) => Ok(Some(Remote {
                clone: self.clone(),
                name: wanted.to_owned(),
            })),
            (Err(_), None) => Ok(None),
            (Err(_), Some(name)) => Err(GitError::NoRemote(name.to_owned())),
        }
    }

    /// Moves a ref of this clone by compare-and-swap.
    pub async fn swap(
        &self,
        reference: &str,
        old: Option<&str>,
        new: &str,
    ) -> Result<Swap, GitError> {
        // Zeros mean "must not exist".
        let zeros = "0".repeat(new.len());
        let expected = old.unwrap_or(&zeros);
        let moved = self
            .git("update-ref", &["--", reference, new, expected])
            .await;
        match moved {
            Ok(_) => Ok(Swap::Done),
            Err(error) => match self.value(reference)? {
                Some(now) if now == new => Ok(Swap::Done),
                now if now.as_deref() == old => Err(error),
                _ => Ok(Swap::Moved),
            },
        }
    }

    /// Returns the id that a ref of this clone points to.
    pub fn value(&self, reference: &str) -> Result<Option<String>, GitError> {
        match self.repository()?.refname_to_id(reference) {
            Ok(id) => Ok(Some(id.to_string())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Lists the refs of this clone with a name prefix, and the ids that they point to.
    pub fn values(&self, start: &str) -> Result<BTreeMap<String, String>, GitError> {
        let repository = self.repository()?;
        let found = repository.references_glob(&format!("{start}*"));
        let mut values = BTreeMap::new();
        for reference in found.map_err(|error| unreadable(&error))? {
            let reference = reference.map_err(|error| unreadable(&error))?;
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                values.insert(name.to_owned(), id.to_string());
            }
        }
        Ok(values)
    }

    /// Deletes refs of this clone, whatever they point to.
    pub async fn delete(&self, references: &[String]) -> Result<(), GitError> {
        for reference in references {
            self.git("update-ref", &["-d", "--", reference]).await?;
        }
        Ok(())
    }

    /// Returns who signed a commit, if that is somebody in a file of allowed signers as `ssh-keygen` reads it. Only an
    /// SSH signature counts, whatever else `git` would trust.
    pub async fn signer(&self, commit: &str, signers: &Utf8Path) -> Result<String, GitError> {
        let signature = {
            let repository = self.repository()?;
            let id = Oid::from_str(commit).map_err(|error| unreadable(&error))?;
            repository.extract_signature(&id, None)
        };
        let refused = |reason: &str| GitError::Repository(reason.to_owned());
        let signature = signature.map_err(|_| refused("it has no signature"))?;
        if !signature.0.starts_with(b"-----BEGIN SSH SIGNATURE-----") {
            return Err(refused("its signature is not an SSH signature"));
        }
        let mut git = self.clone();
        git.environment.extend(
            [
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "gpg.ssh.allowedSignersFile"),
                ("GIT_CONFIG_VALUE_0", signers.as_str()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        git.git("verify-commit", &["--", commit]).await?;
        let told = git
            .git("show", &["--no-patch", "--format=%GS", commit, "--"])
            .await?;
        Ok(told.trim().to_owned())
    }

    /// Packs all objects, and deletes those that nothing has needed for a day: a run may still read a commit that its
    /// branch has left.
    pub(super) async fn pack(&self) -> Result<(), GitError> {
        let packed = self.git("gc", &["--quiet", "--prune=1.day.ago"]).await;
        packed.map(drop)
    }

    pub(in crate::apply) fn repository(&self) -> Result<Repository, GitError> {
        Repository::discover(&self.folder).map_err(|error| unreadable(&error))
    }

    pub(super) fn has_commit(&self, id: &str) -> Result<bool, GitError> {
        let repository = self.repository()?;
        let found = Oid::from_str(id).and_then(|id| repository.find_commit(id)?.tree());
        Ok(found.is_ok())
    }

    /// Runs `git` and returns what it printed.
    async fn git(&self, command: &str, arguments: &[&str]) -> Result<String, GitError> {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(&self.folder)
            .args(["-c", "protocol.ext.allow=never"])
            .args(["-c", "core.fsmonitor=false"])
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"])
            .args(["-c", "push.followTags=false", "-c", "push.gpgSign=false"])
            .args(["-c", "submodule.recurse=false"])
            .arg(command)
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GCM_INTERACTIVE", "never")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in MISLEADING.iter().chain(&SECRETS) {
            git.env_remove(name);
        }
        git.envs(&self.environment);
        #[cfg(unix)]
        if self.ending.is_some() {
            git.process_group(0);
        }
        let mut child = git
            .spawn()
            .map_err(|error| GitError::NotStarted(error.to_string()))?;
        let mut group = Group::of(&child, self.ending.is_some());
        let (output, talk) = (child.stdout.take(), child.stderr.take());
        let run = async { tokio::join!(child.wait(), read(output), read(talk)) };
        let writes = matches!(command, "push" | "update-ref");
        let (status, output, talk) = tokio::select! {
            run = run => run,
            () = tokio::time::sleep(LIMIT) => {
                let command = command.to_owned();
                return Err(GitError::TimedOut { command });
            }
            () = ends(self.ending.as_ref(), writes) => {
                let command = command.to_owned();
                return Err(GitError::Cut { command });
            }
        };
        group.ended();
        match status {
            Ok(status) if status.success() => Ok(output),
            Ok(_) => Err(GitError::Failed {
                command: command.to_owned(),
                reason: reason(&talk, &output),
            }),
            Err(error) => Err(GitError::NotStarted(error.to_string())),
        }
    }
}

async fn ends(ending: Option<&Ending>, writes: bool) {
    match ending {
        Some(ending) => ending.comes(writes).await,
        None => std::future::pending().await,
    }
}

pub(super) fn unreadable(error: &git2::Error) -> GitError {
    GitError::Repository(error.message().to_owned())
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // Output that cannot be read is ignored; the exit status decides.
        let _ = stream.take(MAX_OUTPUT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the error that `git` reported, in one line.
fn reason(talk: &str, output: &str) -> String {
    let important = |line: &&str| {
        ["fatal:", "error:", "remote:", "!"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let lines = || talk.lines().chain(output.lines()).map(str::trim);
    let mut said: Vec<&str> = lines().filter(important).take(4).collect();
    if said.is_empty() {
        said.extend(lines().filter(|line| !line.is_empty()).take(2));
    }
    without_credentials(&said.join("; "))
}

/// Masks the user and the password of each URL.
pub(super) fn without_credentials(text: &str) -> String {
    let mut rest = text;
    let mut clean = String::new();
    while let Some((before, after)) = rest.split_once("://") {
        clean.push_str(before);
        clean.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"'))
            .unwrap_or(after.len());
        let (authority, further) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                clean.push_str("***@");
                clean.push_str(host);
            }
            None => clean.push_str(authority),
        }
        rest = further;
    }
    clean + rest
}

/// A remote of a repository.
#[derive(Clone, Debug)]
pub struct Remote {
    pub(super) clone: LocalClone,
    pub(super) name: String,
}

impl Remote {
    /// Returns the name of the remote.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clone_of(&self) -> &LocalClone {
        &self.clone
    }

    /// Asks the remote for the id that a ref points to.
    pub async fn value(&self, reference: &str) -> Result<Option<String>, GitError> {
        let arguments = ["--quiet", "--refs", "--", &self.name, reference];
        let listed = self.clone.git("ls-remote", &arguments).await?;
        let found = listed.lines().find_map(|line| {
            let (id, name) = line.split_once('\t')?;
            (name == reference).then(|| id.to_owned())
        });
        Ok(found)
    }

    /// Asks the remote for all refs with a name prefix, and the ids that they point to.
    pub async fn values(&self, start: &str) -> Result<BTreeMap<String, String>, GitError> {
        let pattern = format!("{start}*");
        let arguments = ["--quiet", "--refs", "--", &self.name, &pattern];
        let listed = self.clone.git("ls-remote", &arguments).await?;
        let refs = listed.lines().filter_map(|line| line.split_once('\t'));
        let ours = refs.filter(|(_, name)| name.starts_with(start));
        Ok(ours
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect())
    }

    /// Asks the remote for its main branch; absent when it names none.
    pub async fn main_branch(&self) -> Result<Option<String>, GitError> {
        let arguments = ["--quiet", "--symref", "--", &self.name, "HEAD"];
        let listed = self.clone.git("ls-remote", &arguments).await?;
        let found = listed.lines().find_map(|line| {
            let (target, name) = line.strip_prefix("ref: refs/heads/")?.split_once('\t')?;
            (name == "HEAD").then(|| target.to_owned())
        });
        Ok(found)
    }

    /// Deletes refs of the remote, whatever they point to.
    pub async fn delete(&self, references: &[String]) -> Result<(), GitError> {
        if references.is_empty() {
            return Ok(());
        }
        let refspecs: Vec<String> = references.iter().map(|name| format!(":{name}")).collect();
        let mut arguments = vec![
            "--quiet",
            "--no-verify",
            "--no-recurse-submodules",
            "--",
            &self.name,
        ];
        arguments.extend(refspecs.iter().map(String::as_str));
        self.clone.git("push", &arguments).await?;
        Ok(())
    }

    /// Updates a ref of this clone to its value on the remote, and fetches the commit that it points to.
    pub async fn bring(&self, reference: &str) -> Result<Option<String>, GitError> {
        let Some(id) = self.value(reference).await? else {
            return Ok(None);
        };
        let here = self.clone.value(reference)?;
        if self.clone.has_commit(&id)? {
            if here.as_deref() != Some(&id) {
                self.clone
                    .git("update-ref", &["--", reference, &id])
                    .await?;
            }
            return Ok(Some(id));
        }
        let refspec = format!("+{reference}:{reference}");
        self.fetch(&refspec).await?;
        self.clone.value(reference)
    }

    /// Fetches the objects behind a ref without creating a ref for them.
    pub(in crate::apply) async fn peek(&self, reference: &str) -> Result<(), GitError> {
        self.fetch(reference).await
    }

    /// Fetches the history that a shallow clone lacks.
    pub(in crate::apply) async fn complete_history(&self, reference: &str) -> Result<(), GitError> {
        self.fetch_with(Some("--unshallow"), reference).await
    }

    async fn fetch(&self, refspec: &str) -> Result<(), GitError> {
        // In a complete clone, a depth would cut the history off.
        let is_shallow = self.clone.repository()?.is_shallow();
        self.fetch_with(is_shallow.then_some("--depth=1"), refspec)
            .await
    }

    async fn fetch_with(&self, depth: Option<&str>, refspec: &str) -> Result<(), GitError> {
        let mut arguments = vec![
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
        ];
        arguments.extend(depth);
        arguments.extend(["--", &self.name, refspec]);
        self.clone.git("fetch", &arguments).await?;
        Ok(())
    }

    /// Moves a ref of the remote by compare-and-swap; without a new value it is deleted.
    pub async fn swap(
        &self,
        reference: &str,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Result<Swap, GitError> {
        let lease = format!("--force-with-lease={reference}:{}", old.unwrap_or(""));
        let refspec = format!("{}:{reference}", new.unwrap_or(""));
        let arguments = [
            "--quiet",
            "--no-verify",
            "--no-recurse-submodules",
            &lease,
            "--",
            &self.name,
            &refspec,
        ];
        let Err(error) = self.clone.git("push", &arguments).await else {
            return Ok(Swap::Done);
        };
        // A push whose response was lost may have succeeded, and a rejected one may have lost a race.
        let now = self.value(reference).await.map_err(|_| error.clone())?;
        if now.as_deref() == new {
            Ok(Swap::Done)
        } else if now.as_deref() == old {
            Err(error)
        } else {
            Ok(Swap::Moved)
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// A remote that never responds, as `ssh` sees it: it starts a process of its own, and reports both ids.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_hung_remote_ends_with_the_program_and_so_does_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        Repository::init(path).unwrap();
        let pids = path.join("pids");
        let script = format!("sleep 1000 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait");
        let token = CancellationToken::new();
        let clone = LocalClone::find(path).unwrap().unwrap();
        let clone = clone
            .with_environment(BTreeMap::from([
                ("GIT_SSH_COMMAND".to_owned(), format!("sh -c '{script}' --")),
                ("GIT_SSH_VARIANT".to_owned(), "simple".to_owned()),
            ]))
            .with_ending(Ending::with(token.clone()));
        let list = clone.git("ls-remote", &["--", "ssh://git.example.com/x.git"]);
        let begun = async {
            while !pids.exists() {
                tokio::task::yield_now().await;
            }
            token.cancel();
        };
        let (listed, ()) = tokio::join!(list, begun);
        let command = "ls-remote".to_owned();
        assert_eq!(listed, Err(GitError::Cut { command }));
        for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
            // It may not have been reaped yet, but it no longer runs.
            let is_over = || {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
            };
            for _ in 0..1_000_000 {
                if is_over() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            assert!(is_over(), "{pid} goes on");
        }
        // A command that begins after that is cut short, too.
        let again = clone
            .git("ls-remote", &["--", "ssh://git.example.com/x.git"])
            .await;
        assert!(matches!(again, Err(GitError::Cut { .. })), "{again:?}");
    }

    #[test]
    fn credentials_are_blotted_out() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(without_credentials(text), expected);
        }
        check("no URL", "no URL");
        check(
            "fatal: unable to access 'https://me:secret@git.example.com/x.git/': no",
            "fatal: unable to access 'https://***@git.example.com/x.git/': no",
        );
        check(
            "ssh://git@a/b and https://c/d",
            "ssh://***@a/b and https://c/d",
        );
        check("https://me:p@ss@a", "https://***@a");
    }

    #[test]
    fn reasons_are_what_matters() {
        #[track_caller]
        fn check(talk: &str, output: &str, expected: &str) {
            assert_eq!(reason(talk, output), expected);
        }
        check(
            "warning: x\nfatal: no such host\n",
            "",
            "fatal: no such host",
        );
        check("something\n", "", "something");
        check("", "", "");
    }
}
