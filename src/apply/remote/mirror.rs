//! A branch of a remote, followed without a checkout.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{Repository, RepositoryInitOptions};

use super::super::state_file;
use super::ending::Ending;
use super::local_clone::{GitError, LocalClone, Remote, unreadable, without_credentials};

/// The branch that `HEAD` points to; it is never created, so that every branch can be fetched into.
const NO_BRANCH: &str = "nothing-is-checked-out";
const REMOTE: &str = "origin";
/// The Git configuration key for who else may read the repository …
const SHARED: &str = "core.sharedRepository";
/// … and its value for nobody.
const PRIVATE: &str = "0600";

/// A private repository that follows one branch of a remote; nothing is ever checked out.
#[derive(Clone, Debug)]
pub struct Mirror {
    clone: LocalClone,
    remote: Remote,
    folder: Utf8PathBuf,
    url: String,
    branch: String,
}

impl Mirror {
    /// Opens or creates the repository in a folder, and points it at the remote. `ending` cuts its commands short at
    /// shutdown.
    pub fn open(
        folder: &Utf8Path,
        url: &str,
        branch: &str,
        ending: Option<Ending>,
    ) -> Result<Self, GitError> {
        let failed = |error| GitError::Repository(format!("{folder}: {error}"));
        state_file::make_directory(folder.as_std_path()).map_err(failed)?;
        let mut options = RepositoryInitOptions::new();
        options.initial_head(NO_BRANCH).external_template(false);
        let repository =
            Repository::init_opts(folder, &options).map_err(|error| unreadable(&error))?;
        let mut config = repository.config().map_err(|error| unreadable(&error))?;
        // `git` honors this instead of the umask.
        let is_private = config.get_string(SHARED).is_ok_and(|mode| mode == PRIVATE);
        if !is_private {
            let set = config.set_str(SHARED, PRIVATE);
            set.map_err(|error| unreadable(&error))?;
        }
        let known = repository.find_remote(REMOTE);
        let is_same = known
            .as_ref()
            .is_ok_and(|known| known.url().is_ok_and(|known| known == url));
        if !is_same {
            let set = match known {
                Ok(_) => repository.remote_set_url(REMOTE, url),
                Err(_) => repository.remote(REMOTE, url).map(drop),
            };
            set.map_err(|error| unreadable(&error))?;
        }
        if !is_private || !is_same {
            state_file::make_private(folder.as_std_path()).map_err(failed)?;
        }
        let clone = LocalClone {
            folder: folder.to_owned(),
            environment: BTreeMap::new(),
            ending,
        };
        Ok(Self {
            remote: Remote {
                clone: clone.clone(),
                name: REMOTE.to_owned(),
            },
            clone,
            folder: folder.to_owned(),
            url: url.to_owned(),
            branch: branch.to_owned(),
        })
    }

    /// Fetches the branch, and returns its commit.
    pub async fn fetch(&self) -> Result<String, GitError> {
        let reference = format!("refs/heads/{}", self.branch);
        let brought = self.remote.bring(&reference).await?;
        brought.ok_or_else(|| {
            GitError::Repository(format!(
                "{} has no branch {}; `git ls-remote --heads` lists them",
                self.place(),
                self.branch
            ))
        })
    }

    /// Returns the folder of the repository.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Returns the name of the branch.
    #[must_use]
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// Returns the remote's URL without credentials.
    #[must_use]
    pub fn place(&self) -> String {
        without_credentials(&self.url)
    }

    /// Returns the repository.
    #[must_use]
    pub fn clone_of(&self) -> &LocalClone {
        &self.clone
    }

    /// Returns the remote.
    #[must_use]
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
}
