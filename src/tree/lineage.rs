//! Ancestry of commits: which came first, and whether one is in the history of another.

use camino::Utf8Path;
use git2::{Error, Oid, Repository};

/// Whether one commit precedes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The first commit is in the history of the second.
    Before,
    /// The first commit is not in the history of the second.
    NotBefore,
    /// Unknown: the history of a shallow clone ends too early.
    CutOff,
}

/// Returns whether a commit comes before another in history, and is not the same.
///
/// A shallow clone has little history, so dates count too: a commit that is newer than the other, or a child of it,
/// does not come before it. Anything that is not a commit of this repository comes before nothing.
#[must_use]
pub fn precedence(folder: &Utf8Path, earlier: &str, later: &str) -> Precedence {
    let find = || -> Result<Precedence, Error> {
        let repository = Repository::discover(folder)?;
        let (earlier, later) = (Oid::from_str(earlier)?, Oid::from_str(later)?);
        if repository.graph_descendant_of(later, earlier)? {
            return Ok(Precedence::Before);
        }
        let is_whole = !repository.is_shallow();
        if is_whole || earlier == later || repository.graph_descendant_of(earlier, later)? {
            return Ok(Precedence::NotBefore);
        }
        let (earlier, applied) = (
            repository.find_commit(earlier)?,
            repository.find_commit(later)?,
        );
        // At the boundary of a shallow clone a commit's parents are hidden, but its raw header still names them.
        let parent = format!("parent {later}");
        let header = String::from_utf8_lossy(earlier.raw_header_bytes()).into_owned();
        let is_after = header.lines().any(|line| line == parent)
            || earlier.time().seconds() > applied.time().seconds();
        Ok(if is_after {
            Precedence::NotBefore
        } else {
            Precedence::CutOff
        })
    };
    find().unwrap_or(Precedence::NotBefore)
}

/// The relation of the commit that a ref records as applied last to the current commit.
///
/// Anyone who may push to that ref can make it point at any commit, even one that was never on a branch. Deletions are
/// therefore decided only by a commit that is in the history of what is applied now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the current commit, or in its history.
    InHistory,
    /// It comes after the current commit.
    After,
    /// Unknown: the history of a shallow clone ends too early.
    CutOff,
    /// It is neither before nor after the current commit.
    Apart,
}

/// Returns the relation of a commit to the one that a revision resolves to. Dates are ignored, because anyone can set
/// them.
#[must_use]
pub fn standing(folder: &Utf8Path, applied: &str, hand: &str) -> Standing {
    let find = || -> Result<Standing, Error> {
        let repository = Repository::discover(folder)?;
        let applied = Oid::from_str(applied)?;
        let hand = repository.revparse_single(hand)?.peel_to_commit()?;
        if is_in_history(&repository, applied, hand.id())? {
            return Ok(Standing::InHistory);
        }
        if repository.graph_descendant_of(applied, hand.id())? {
            return Ok(Standing::After);
        }
        // At the boundary of a shallow clone a commit's parents are hidden, but its raw header still names them.
        let parent = format!("parent {applied}");
        let header = String::from_utf8_lossy(hand.raw_header_bytes()).into_owned();
        Ok(if header.lines().any(|line| line == parent) {
            Standing::InHistory
        } else if repository.is_shallow() {
            Standing::CutOff
        } else {
            Standing::Apart
        })
    };
    // A failed lookup proves nothing.
    find().unwrap_or(Standing::Apart)
}

/// Returns whether any of the branches contains a commit; missing branches contain none.
#[must_use]
pub fn is_on_branch(folder: &Utf8Path, commit: &str, branches: &[String]) -> bool {
    let find = || -> Result<bool, Error> {
        let repository = Repository::discover(folder)?;
        let commit = Oid::from_str(commit)?;
        let mut tips = branches.iter().filter_map(|branch| {
            let tip = repository.revparse_single(branch).ok()?;
            tip.peel_to_commit().ok()
        });
        Ok(tips.any(|tip| is_in_history(&repository, commit, tip.id()).unwrap_or(false)))
    };
    find().unwrap_or(false)
}

fn is_in_history(repository: &Repository, commit: Oid, tip: Oid) -> Result<bool, Error> {
    Ok(commit == tip || repository.graph_descendant_of(tip, commit)?)
}
