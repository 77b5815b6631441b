//! Which files differ between a revision and a tree, without reading those that do not.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{
    Diff, DiffDelta, DiffOptions, IndexEntryExtendedFlag, IndexEntryFlag, ObjectType, Oid,
    Repository,
};

use super::bounds::Bounds;
use super::git::{failed, folder_of, prefix, subtree};
use super::source::SourceError;

/// Name of the files that make Git convert the content of others.
pub(super) const ATTRIBUTES: &str = ".gitattributes";

/// The differences between a revision and a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Full id of the revision's commit.
    pub since: String,
    /// Paths of the differing files, relative to the root of the tree; an untracked folder stands for everything in it.
    pub paths: Vec<Utf8PathBuf>,
}

/// Lists the files that differ between `since` and the tree, which is that of the revision `to`, or the work tree.
///
/// Between two revisions, only folders that differ are traversed. In a work tree, every file is stat-ed, and those that
/// look newer than Git's index are read.
pub fn changes(folder: &Utf8Path, since: &str, to: Option<&str>) -> Result<Changes, SourceError> {
    let repository = Repository::discover(folder).map_err(|error| SourceError::NoRepository {
        path: folder.to_owned(),
        reason: error.message().to_owned(),
    })?;
    let prefix = prefix(&repository, folder)?;
    let (since_tree, commit) = subtree(&repository, &prefix, since)?;
    let commit = commit.to_string();
    let mut paths = Vec::new();
    let Some(to) = to else {
        // libgit2 lists the differences without any limit, so check the size of the commit's tree first.
        let mut since = Between {
            repository: &repository,
            bounds: Bounds::default(),
            paths: Vec::new(),
        };
        since.folders(Some(since_tree), None, Utf8Path::new(""))?;
        let (whole, _) = subtree(&repository, Utf8Path::new(""), &commit)?;
        let whole = repository
            .find_tree(whole)
            .map_err(|error| failed(&error))?;
        let mut options = DiffOptions::new();
        options.include_untracked(true).include_ignored(true);
        if !prefix.as_str().is_empty() {
            options
                .disable_pathspec_match(true)
                .pathspec(prefix.as_str());
        }
        let diff = repository.diff_tree_to_workdir_with_index(Some(&whole), Some(&mut options));
        collect(&diff.map_err(|error| failed(&error))?, &prefix, &mut paths);
        return Ok(Changes {
            since: commit,
            paths,
        });
    };
    let (to_tree, _) = subtree(&repository, &prefix, to)?;
    let mut between = Between {
        repository: &repository,
        bounds: Bounds::default(),
        paths: Vec::new(),
    };
    between.folders(Some(since_tree), Some(to_tree), Utf8Path::new(""))?;
    paths.append(&mut between.paths);
    paths.sort_unstable();
    paths.dedup();
    Ok(Changes {
        since: commit,
        paths,
    })
}

/// Compares the folders of two commits and descends into those that differ, within limits; libgit2 would list a billion
/// files without any.
struct Between<'r> {
    repository: &'r Repository,
    bounds: Bounds,
    paths: Vec<Utf8PathBuf>,
}

/// The entry under one name in each of two folders: object id, mode, and whether it is a folder.
type Sides = [Option<(Oid, i32, bool)>; 2];

impl Between<'_> {
    fn folders(
        &mut self,
        one: Option<Oid>,
        other: Option<Oid>,
        path: &Utf8Path,
    ) -> Result<(), SourceError> {
        let mut names: BTreeMap<String, Sides> = BTreeMap::new();
        for (side, folder) in [one, other].into_iter().enumerate() {
            let Some(folder) = folder else { continue };
            for entry in &folder_of(self.repository, folder)? {
                // A name that is not UTF-8 is never part of a tree.
                let Ok(name) = entry.name() else { continue };
                let is_folder = entry.kind() == Some(ObjectType::Tree);
                let found = Some((entry.id(), entry.filemode(), is_folder));
                names.entry(name.to_owned()).or_default()[side] = found;
            }
        }
        for (name, [one, other]) in names {
            if one == other {
                continue;
            }
            let path = path.join(name);
            self.bounds.take(&path)?;
            let folder = |side: Option<(Oid, i32, bool)>| {
                side.and_then(|(id, _, is_folder)| is_folder.then_some(id))
            };
            let is_file =
                |side: Option<(Oid, i32, bool)>| side.is_some_and(|(_, _, is_folder)| !is_folder);
            if folder(one).is_some() || folder(other).is_some() {
                self.folders(folder(one), folder(other), &path)?;
            }
            if is_file(one) || is_file(other) {
                self.paths.push(path);
            }
        }
        Ok(())
    }
}

/// Collects the paths of a diff that are below a folder. A name that is not UTF-8 is never part of a tree.
fn collect(diff: &Diff<'_>, below: &Utf8Path, into: &mut Vec<Utf8PathBuf>) {
    let both = |delta: DiffDelta<'_>| {
        let files = [delta.old_file(), delta.new_file()];
        files.map(|file| {
            file.path()
                .and_then(Utf8Path::from_path)
                .map(Utf8Path::to_owned)
        })
    };
    let paths = diff.deltas().flat_map(both).flatten();
    into.extend(paths.filter_map(|path| Some(path.strip_prefix(below).ok()?.to_owned())));
    into.sort_unstable();
    into.dedup();
}

/// Returns whether files that Git reports as unchanged have exactly the bytes of the commit. They may not if Git is
/// configured to convert line endings or to run filters, or if files are marked assume-unchanged or skip-worktree.
pub(super) fn is_byte_for_byte(folder: &Utf8Path) -> bool {
    let judged = || -> Result<bool, git2::Error> {
        let repository = Repository::discover(folder)?;
        let config = repository.config()?;
        let converts = config.get_string("core.autocrlf");
        if converts.is_ok_and(|converts| converts != "false")
            || config.get_string("core.attributesfile").is_ok()
            || repository.path().join("info/attributes").exists()
        {
            return Ok(false);
        }
        Ok(repository.index()?.iter().all(|entry| {
            let is_seen = !IndexEntryFlag::from_bits_truncate(entry.flags).is_valid()
                && !IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended)
                    .is_skip_worktree();
            is_seen && !entry.path.ends_with(ATTRIBUTES.as_bytes())
        }))
    };
    judged().unwrap_or(false)
}
