//! How far a commit was applied, for its status on the forge.

use crate::daemon::{Reason, Status};
use crate::model;

/// Maximum length of a description in characters; GitHub accepts no more.
const LONGEST: usize = 140;

/// How far a commit was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is being applied, or waits for approval.
    Pending,
    /// All of it is applied.
    Applied,
    /// It was rejected, or something prevents it from being applied.
    Failed,
}

/// The standing of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStanding {
    /// The commit.
    pub commit: String,
    /// How far it was applied.
    pub progress: Progress,
    /// A description for people.
    pub description: String,
}

/// Returns the standing of the last commit; `None` without Git, and while nothing is known about it.
#[must_use]
pub fn standing(status: &Status) -> Option<CommitStanding> {
    let source = &status.cluster.source;
    let said = |commit: &String, progress, description: &str| {
        let description = crate::report::text::visible(description);
        Some(CommitStanding {
            commit: commit.clone(),
            progress,
            description: description.chars().take(LONGEST).collect(),
        })
    };
    if let (Some(seen), Some(problem)) = (&source.seen, &source.problem)
        && source.commit.as_ref() != Some(seen)
    {
        return said(seen, Progress::Failed, problem);
    }
    let commit = source.commit.as_ref()?;
    let count = |holds: &dyn Fn(Reason) -> bool| {
        let objects = status.objects();
        objects.filter(|object| holds(object.reason)).count()
    };
    let stopped = count(&|reason| matches!(reason, Reason::Refused | Reason::KeepsChanging));
    if stopped > 0 {
        return said(commit, Progress::Failed, &waits(stopped, "a person"));
    }
    let all = status.objects().count();
    let applied = status
        .objects()
        .filter(|object| object.commit.as_ref() == Some(commit))
        .count();
    if applied == all {
        return said(
            commit,
            Progress::Applied,
            &format!("applied to {}", model::count(all, "object")),
        );
    }
    let waiting = count(&|reason| reason == Reason::AwaitingApproval);
    let words = if waiting > 0 {
        waits(waiting, "approval")
    } else {
        format!("applied to {}", model::count_of(applied, all, "object"))
    };
    said(commit, Progress::Pending, &words)
}

/// Describes how many objects wait, and for what.
fn waits(number: usize, what: &str) -> String {
    let verb = if number == 1 { "waits" } else { "wait" };
    format!("{} {verb} for {what}", model::count(number, "object"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::daemon::ObjectStatus;
    use crate::model::AccountName;

    #[test]
    fn a_commit_goes_from_pending_to_applied_or_fails() {
        #[track_caller]
        fn check(status: &Status, commit: &str, progress: Progress, description: &str) {
            let expected = CommitStanding {
                commit: commit.to_owned(),
                progress,
                description: description.to_owned(),
            };
            assert_eq!(standing(status), Some(expected));
        }
        let now = Timestamp::UNIX_EPOCH;
        let mut status = Status::new(now);
        assert_eq!(standing(&status), None);
        status.cluster.source.commit = Some("new".to_owned());
        status.cluster.source.seen = Some("new".to_owned());
        for (name, commit, reason) in [
            ("acme", "new", Reason::InSync),
            ("bell", "old", Reason::Applying),
        ] {
            let name = AccountName::new(name);
            let mut object = ObjectStatus::unread((&name).into(), now);
            object.put(reason, "", now);
            object.commit = Some(commit.to_owned());
            status.accounts.insert(name, Arc::new(object));
        }
        check(
            &status,
            "new",
            Progress::Pending,
            "applied to 1 of 2 objects",
        );
        let bell = |status: &mut Status, change: &dyn Fn(&mut ObjectStatus)| {
            change(Arc::make_mut(
                status.accounts.get_mut(&AccountName::new("bell")).unwrap(),
            ));
        };
        bell(&mut status, &|object| {
            object.put(Reason::AwaitingApproval, "", now);
        });
        check(
            &status,
            "new",
            Progress::Pending,
            "1 object waits for approval",
        );
        bell(&mut status, &|object| object.put(Reason::Refused, "", now));
        check(
            &status,
            "new",
            Progress::Failed,
            "1 object waits for a person",
        );
        bell(&mut status, &|object| {
            object.put(Reason::InSync, "", now);
            object.commit = Some("new".to_owned());
        });
        check(&status, "new", Progress::Applied, "applied to 2 objects");
        status.cluster.source.seen = Some("bad".to_owned());
        status.cluster.source.problem = Some("2 errors\u{1b}".to_owned());
        check(&status, "bad", Progress::Failed, "2 errors\\u{1b}");
    }
}
