//! The ref with the record of what incomplete runs wrote, here and on the remote.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use git2::Oid;
use jiff::Timestamp;

use super::remote::{GitError, LocalClone, Remote, Swap};
use super::written::{MAX_RECORD, Written};
use crate::diff::{WrittenParts, WrittenTree};
use crate::model::{ClusterName, Shard};
use crate::tree::{Base, Known, Precedence, Selection, precedence, short_commit, written_ref};

/// Maximum number of refs that are read: one, or one per shard.
const MAX_REFS: usize = 256;

/// The refs of one cluster: one, or one per shard.
#[derive(Clone, Debug)]
pub struct WrittenRef {
    folder: Utf8PathBuf,
    cluster: ClusterName,
    /// The ref of runs over the whole cluster; those of shards begin with it.
    start: String,
    clone: LocalClone,
    remote: Option<Remote>,
    /// The values of the refs when they were last read.
    seen: BTreeMap<String, String>,
    /// Their records, as far as they are trusted and refer to the current base.
    known: BTreeMap<String, Written>,
}

/// What is known about runs that did not complete.
#[derive(Clone, Debug, Default)]
pub struct Recalled {
    /// The trees that something was written from, oldest first.
    pub trees: Vec<WrittenTree>,
    /// Why some records are not trusted, in words.
    pub doubts: Vec<String>,
}

/// Where to look for records, and what to compare them with.
#[derive(Clone, Copy)]
pub struct Recall<'a> {
    /// The commit of the current base; a record about another one is obsolete.
    pub base: Option<&'a str>,
    /// The current revision, whose history must contain what was written; `HEAD` when absent.
    pub revision: Option<&'a str>,
    /// The accounts that are read; all when absent.
    pub only: Option<&'a Selection>,
    /// A tree that is already loaded.
    pub known: Option<Known<'a>>,
    /// Whether to ask the remote.
    pub ask: bool,
}

impl WrittenRef {
    /// Names the ref in the repository that contains a folder; reads nothing yet.
    #[must_use]
    pub fn new(
        folder: &Utf8Path,
        cluster: &ClusterName,
        clone: LocalClone,
        remote: Option<Remote>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            cluster: cluster.clone(),
            start: written_ref(cluster),
            clone,
            remote,
            seen: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    fn reference(&self, shard: Option<Shard>) -> String {
        let start = &self.start;
        shard.map_or_else(
            || start.clone(),
            |shard| format!("{start}-{}-of-{}", shard.index(), shard.count()),
        )
    }

    /// Returns what runs of a shard, or of the whole cluster, have written since a base.
    #[must_use]
    pub fn known(&self, shard: Option<Shard>, base: Option<&str>) -> Written {
        let known = self.known.get(&self.reference(shard));
        known.cloned().unwrap_or_else(|| Written {
            base: base.map(str::to_owned),
            at: Vec::new(),
        })
    }

    /// Returns the id of the record of a shard, or of the whole cluster, as it was last read or written.
    #[must_use]
    pub fn seen(&self, shard: Option<Shard>) -> Option<&str> {
        self.seen.get(&self.reference(shard)).map(String::as_str)
    }

    /// Iterates over the commits that something was written from since the base, with what was written.
    pub fn commits(&self) -> impl Iterator<Item = (&String, &WrittenParts)> {
        self.known
            .values()
            .flat_map(|written| &written.at)
            .map(|(commit, parts)| (commit, parts))
    }

    /// Reads what runs have written since the base. What cannot be read or trusted is reported, and counts as nothing.
    pub async fn recall(&mut self, from: Recall<'_>) -> Recalled {
        let mut recalled = Recalled::default();
        let remote = self.remote.clone().filter(|_| from.ask);
        let found = match &remote {
            Some(remote) => remote.values(&self.start).await,
            None => self.clone.values(&self.start),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                recalled.doubts.push(doubt(&self.start, &error.to_string()));
                return recalled;
            }
        };
        let is_ours = |name: &str| {
            let rest = name.strip_prefix(self.start.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let found = found.into_iter().filter(|(name, _)| is_ours(name));
        let found: BTreeMap<String, String> = found.take(MAX_REFS).collect();
        self.known.clear();
        self.seen.clone_from(&found);
        for (name, id) in found {
            let written = match self.read(&name, &id, remote.as_ref()).await {
                Ok(written) if written.base.as_deref() == from.base => written,
                // A run has completed since, and the base covers all that it wrote.
                Ok(_) => continue,
                Err(why) => {
                    recalled.doubts.push(doubt(&name, &why));
                    continue;
                }
            };
            for (commit, parts) in &written.at {
                match self.load(commit, &from, remote.as_ref()).await {
                    Ok(desired) => recalled.trees.push(WrittenTree {
                        commit: commit.clone(),
                        desired,
                        parts: parts.clone(),
                    }),
                    Err(why) => recalled.doubts.push(doubt(&name, &why)),
                }
            }
            self.known.insert(name, written);
        }
        recalled
    }

    async fn read(&self, name: &str, id: &str, remote: Option<&Remote>) -> Result<Written, String> {
        let text = match remote {
            Some(remote) => remote.text(name, id).await,
            None => self.clone.text(id),
        };
        let text = text.map_err(|error| error.to_string())?;
        let text = text.ok_or("it is not in this clone")?;
        Written::parse(text.as_bytes(), &self.cluster)
    }

    /// Loads the tree of a commit that something was written from. It must be in the history of the current revision:
    /// otherwise anybody who may push a ref could claim what was applied.
    async fn load(
        &self,
        commit: &str,
        from: &Recall<'_>,
        remote: Option<&Remote>,
    ) -> Result<crate::tree::Desired, String> {
        let this = short_commit(commit).to_owned();
        let words = |error: git2::Error| error.message().to_owned();
        let (revision, is_there) = {
            let repository = self.clone.repository().map_err(|error| error.to_string())?;
            let revision = repository
                .revparse_single(from.revision.unwrap_or("HEAD"))
                .and_then(|object| object.peel_to_commit());
            let revision = revision.map_err(words)?.id().to_string();
            let wanted = Oid::from_str(commit).map_err(words)?;
            (revision, repository.find_commit(wanted).is_ok())
        };
        if !is_there && let Some(remote) = remote {
            remote
                .peek(commit)
                .await
                .map_err(|error| error.to_string())?;
        }
        let is_before = || precedence(&self.folder, commit, &revision) == Precedence::Before;
        if commit != revision && !is_before() {
            return Err(format!(
                "commit {this} is not known to be in the history of commit {}",
                short_commit(&revision)
            ));
        }
        let base = Base::load(
            &self.folder,
            &self.cluster,
            commit.to_owned(),
            from.only,
            from.known,
        );
        match base {
            Base::Known { desired, .. } => Ok(*desired),
            other => Err(other.explained()),
        }
    }

    /// Replaces the known record with what was written; an empty one deletes the ref.
    ///
    /// # Errors
    /// When Git cannot move the ref, or somebody else did.
    pub async fn keep(
        &mut self,
        shard: Option<Shard>,
        written: Written,
        now: Timestamp,
        push: bool,
    ) -> Result<(), GitError> {
        self.announce(shard, &written, now, push).await?;
        self.known.insert(self.reference(shard), written);
        Ok(())
    }

    /// Stores on the ref what may be written from now on. The known record stays as it was.
    ///
    /// # Errors
    /// When Git cannot move the ref, or somebody else did.
    pub async fn announce(
        &mut self,
        shard: Option<Shard>,
        written: &Written,
        now: Timestamp,
        push: bool,
    ) -> Result<(), GitError> {
        let reference = self.reference(shard);
        let seen = self.seen.get(&reference).cloned();
        if written.is_empty() {
            if seen.is_some() {
                self.take_away(&reference, push).await?;
            }
            return Ok(());
        }
        let text = written.text(&self.cluster).ok_or_else(|| {
            GitError::Repository(format!("it would be larger than {MAX_RECORD} bytes"))
        })?;
        let id = self.clone.write_text(&text, now)?;
        if let Some(remote) = self.remote.as_ref().filter(|_| push) {
            let swapped = remote.swap(&reference, seen.as_deref(), Some(&id)).await?;
            if swapped == Swap::Moved {
                return Err(GitError::Moved);
            }
        }
        let here = self.clone.value(&reference)?;
        self.clone.swap(&reference, here.as_deref(), &id).await?;
        self.seen.insert(reference, id);
        Ok(())
    }

    /// Deletes the records of the cluster, for all shards, after a commit has become the base: it covers everything. What
    /// another shard has written on top of it since stays.
    ///
    /// # Errors
    /// When Git cannot list or delete a ref.
    pub async fn clear(&mut self, base: &str, push: bool) -> Result<(), GitError> {
        let remote = self.remote.clone().filter(|_| push);
        let mut found = self.clone.values(&self.start)?;
        if let Some(remote) = &remote {
            found.extend(remote.values(&self.start).await?);
        }
        for (reference, id) in found {
            let record = self.read(&reference, &id, remote.as_ref()).await;
            if record.is_ok_and(|record| record.base.as_deref() == Some(base)) {
                continue;
            }
            self.seen.insert(reference.clone(), id);
            self.take_away(&reference, push).await?;
        }
        Ok(())
    }

    async fn take_away(&mut self, reference: &str, push: bool) -> Result<(), GitError> {
        let seen = self.seen.get(reference).cloned();
        if let (Some(remote), Some(seen)) = (self.remote.as_ref().filter(|_| push), &seen) {
            // Whoever moved it needs it.
            remote.swap(reference, Some(seen), None).await?;
        }
        if self.clone.value(reference)?.is_some() {
            self.clone.delete(&[reference.to_owned()]).await?;
        }
        self.seen.remove(reference);
        self.known.remove(reference);
        Ok(())
    }
}

fn doubt(reference: &str, why: &str) -> String {
    format!(
        "what an incomplete run wrote is unknown: {reference} is not trusted: {why}; what it wrote may look like somebody's edit until an apply completes"
    )
}
