//! How commits follow one another: which came first, and whether one is in the history of another.

use camino::Utf8Path;
use git2::{Error, Oid, Repository};

/// How two commits follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The one is in the other's history.
    Before,
    /// It is not.
    NotBefore,
    /// It may be: a shallow clone has cut the history off where it would stand.
    CutOff,
}

/// Tells whether a commit comes before another in history, and is not the same.
///
/// A shallow clone knows little history, so there dates count too: what was committed later, or has the other
/// for a parent, does not come before it. Anything that is not a commit of this repository comes before nothing.
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
        // Where a shallow clone ends it hides a commit's parents; the commit's own header names them.
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

/// How the commit that a ref calls the one that was applied last stands to the commit in hand.
///
/// Whoever may push to that ref can name any commit, also one that was never on a branch. What decides deletions is
/// therefore only a commit that somebody put into the history of what is applied now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the commit in hand, or in its history.
    InHistory,
    /// It comes after the commit in hand.
    After,
    /// A shallow clone ends before that can be told.
    CutOff,
    /// It is neither.
    Apart,
}

/// Tells how a commit stands to the one that a revision leads to. Dates, which anybody can set, count for nothing here.
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
        // Where a shallow clone ends it hides a commit's parents; the commit's own header names them.
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
    // What cannot be found out proves nothing.
    find().unwrap_or(Standing::Apart)
}

/// Tells whether one of some branches holds a commit; those that are not there hold none.
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
