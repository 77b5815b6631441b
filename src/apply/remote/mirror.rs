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
/// From how many loose objects on a repository is packed: as many as for Git itself.
const MANY_LOOSE_OBJECTS: usize = 6_700;
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

    /// Fetches the branch, and returns its commit. Packs the repository when it has many loose objects, such as the
    /// commits of renewed leases.
    pub async fn fetch(&self) -> Result<String, GitError> {
        let reference = format!("refs/heads/{}", self.branch);
        let brought = self.remote.bring(&reference).await?;
        if self.has_many_loose_objects() {
            self.clone.pack().await?;
        }
        brought.ok_or_else(|| {
            GitError::Repository(format!(
                "{} has no branch {}; `git ls-remote --heads` lists them",
                self.place(),
                self.branch
            ))
        })
    }

    /// Judges by one of the 256 folders of objects, as `git gc --auto` does.
    fn has_many_loose_objects(&self) -> bool {
        let sample = self.folder.join(".git/objects/17").read_dir_utf8();
        sample.is_ok_and(|objects| objects.count() > MANY_LOOSE_OBJECTS / 256)
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

#[cfg(test)]
mod tests {
    use git2::{ObjectType, Oid, Signature};

    use super::*;

    /// Returns the number of loose objects in the sample folder.
    fn loose(folder: &Utf8Path) -> usize {
        let sample = folder.join(".git/objects/17").read_dir_utf8();
        sample.map_or(0, Iterator::count)
    }

    #[tokio::test]
    async fn many_loose_objects_are_packed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let origin = Repository::init(folder.join("origin")).unwrap();
        let mut tree = origin.treebuilder(None).unwrap();
        let names = (0..).map(|number: u32| number.to_string());
        let in_sample = names.filter(|name| {
            Oid::hash_object(ObjectType::Blob, name.as_bytes())
                .is_ok_and(|id| id.as_bytes()[0] == 0x17)
        });
        for name in in_sample.take(MANY_LOOSE_OBJECTS / 256 + 1) {
            let blob = origin.blob(name.as_bytes()).unwrap();
            tree.insert(name, blob, 0o100_644).unwrap();
        }
        let tree = origin.find_tree(tree.write().unwrap()).unwrap();
        let author = Signature::now("Ann", "ann@example.com").unwrap();
        let commit = origin.commit(
            Some("refs/heads/main"),
            &author,
            &author,
            "many files",
            &tree,
            &[],
        );
        let commit = commit.unwrap().to_string();

        let mirror = Mirror::open(
            &folder.join("mirror"),
            origin.path().to_str().unwrap(),
            "main",
            None,
        );
        let mirror = mirror.unwrap();
        assert_eq!(mirror.fetch().await.unwrap(), commit);
        assert_eq!(loose(mirror.folder()), 0);
        let kept = mirror.clone.repository().unwrap();
        assert_eq!(
            kept.find_tree(tree.id()).unwrap().len(),
            MANY_LOOSE_OBJECTS / 256 + 1
        );
    }
}
