//! Interventions of people and programs, whichever way they come: who intervenes, and whether it is possible now.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::access::Admitted;
use super::state::Shared;
use crate::daemon::{Approval, Author, Mode, Pause, Role, Status, Taker, WorkItem};
use crate::model::AccountName;
use crate::model::count;
use crate::plan::Refusal;

/// The maximum length of a name, in characters.
const LONGEST_NAME: usize = 100;

/// The maximum length of a reason, in characters.
const LONGEST_REASON: usize = 500;

/// Why an intervention is refused: the HTTP status, and a message with what to do.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

impl Refused {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { status, why }
    }
}

/// Returns who intervenes, and why. Empty values count as not given.
pub(super) fn author(
    admitted: Admitted,
    by: Option<&str>,
    reason: Option<&str>,
) -> Result<Author, Refused> {
    let short = |text: Option<&str>, most: usize, key: &str| {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        match text {
            Some(text) if text.chars().count() > most => Err(Refused::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("{key} has more than {most} characters; say it in fewer"),
            )),
            text => Ok(text.map(str::to_owned)),
        }
    };
    Ok(Author {
        at: Timestamp::now(),
        by: short(by, LONGEST_NAME, "by")?,
        reason: short(reason, LONGEST_REASON, "reason")?,
        via: Some(format!(
            "{}, from {}",
            admitted.entry.as_str(),
            admitted.client
        )),
    })
}

/// Queues a check of some accounts, or of all when none is named.
pub(super) fn resync(
    shared: &Shared,
    accounts: Vec<AccountName>,
    author: Author,
) -> Result<(), Refused> {
    let status = shared.published.status();
    leads(&status)?;
    let unknown = |name: &&AccountName| !status.accounts.contains_key(*name);
    if let Some(unknown) = accounts.iter().find(unknown) {
        let why = format!("the tree has no account {:?}", unknown.as_str());
        return Err(Refused::new(StatusCode::NOT_FOUND, why));
    }
    shared.queue.give(WorkItem::Resync { accounts, author });
    Ok(())
}

/// Queues a pause of this many minutes, or until somebody resumes.
pub(super) fn pause(shared: &Shared, minutes: Option<u32>, author: Author) -> Result<(), Refused> {
    let status = shared.published.status();
    leads(&status)?;
    let Some(reason) = author.reason else {
        let why = format!("say why in reason, in {LONGEST_REASON} characters at most");
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    };
    let span = minutes.map(|minutes| SignedDuration::from_mins(i64::from(minutes)));
    let until = span.map(|span| author.at.checked_add(span));
    let Ok(until) = until.transpose() else {
        let why = "say in minutes for how long, or leave it out";
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    };
    shared.queue.give(WorkItem::Pause(Pause {
        reason,
        by: author.by,
        via: author.via,
        since: author.at,
        until,
    }));
    Ok(())
}

/// Queues the end of a pause.
pub(super) fn resume(shared: &Shared, author: Author) -> Result<(), Refused> {
    leads(&shared.published.status())?;
    shared.queue.give(WorkItem::Resume { author });
    Ok(())
}

/// Queues the approval of a plan, and returns how many steps it has. A plan that cannot be carried out now is refused.
pub(super) fn approve(shared: &Shared, plan: &str, author: Author) -> Result<usize, Refused> {
    let status = shared.published.status();
    obstacle(&status)?;
    let plan = match &status.cluster.plan {
        Some(known) if known.is_meant_by(plan) => known.clone(),
        Some(_) => {
            let why = "the plan has changed since; look at it again, and approve that, by the first 12 digits of its digest or all of them";
            return Err(Refused::new(StatusCode::CONFLICT, why));
        }
        None => return Err(Refused::new(StatusCode::CONFLICT, nothing(&status))),
    };
    let approval = Approval {
        plan: plan.clone(),
        author: author.clone(),
    };
    // Published at once, however long the loop takes to get to it.
    (shared.published).change(|status| status.cluster.approval = Some(approval));
    shared.queue.give(WorkItem::Approve {
        plan: plan.clone(),
        author,
    });
    Ok(status.cluster.offer.steps)
}

/// Fails with the reason why an approval cannot be carried out now, and what to do.
pub(super) fn obstacle(status: &Status) -> Result<(), Refused> {
    leads(status)?;
    let cluster = &status.cluster;
    if let Some(pause) = &cluster.paused {
        let by = (pause.by.as_ref()).map_or_else(String::new, |by| format!(" by {by}"));
        let why = format!(
            "the daemon is paused{by} ({}), and nothing is written; resume it, then look at the plan again and approve it",
            pause.reason
        );
        return Err(Refused::new(StatusCode::CONFLICT, why));
    }
    if let Some(since) = cluster.down_since {
        let why = format!(
            "the platform cannot be read since {since}, and nothing is written; approve the plan when it can"
        );
        return Err(Refused::new(StatusCode::CONFLICT, why));
    }
    if let Some(Refusal { message, help, .. }) = cluster.offer.refusals.first() {
        let why = format!("a guard refuses the plan: {message}; {help}");
        return Err(Refused::new(StatusCode::CONFLICT, why));
    }
    Ok(())
}

/// Explains that there is nothing to approve, and what the policy leaves anyway.
fn nothing(status: &Status) -> String {
    let left = status.steps(Taker::Nobody);
    if left == 0 {
        return "there is nothing to approve: nothing differs that an approval would fix"
            .to_owned();
    }
    format!(
        "there is nothing to approve: heal: off or apply: off leaves {}; set heal: report or apply: manual under watch in the tree, or run `emblazon apply`",
        count(left, "step")
    )
}

/// Refuses what only another daemon can do.
fn leads(status: &Status) -> Result<(), Refused> {
    let cluster = &status.cluster;
    if cluster.mode == Mode::Stopping {
        let why = "the daemon is about to end; ask the next one";
        return Err(Refused::new(StatusCode::CONFLICT, why));
    }
    match &cluster.role {
        Role::Starting | Role::Leader { .. } => Ok(()),
        Role::Standby { holder, .. } => {
            let why = format!(
                "this daemon stands by and writes nothing; ask the one that leads: {holder}"
            );
            Err(Refused::new(StatusCode::CONFLICT, why))
        }
        Role::Leaseless { reason, .. } => {
            let why = format!("this daemon has no lease and writes nothing: {reason}");
            Err(Refused::new(StatusCode::CONFLICT, why))
        }
    }
}
