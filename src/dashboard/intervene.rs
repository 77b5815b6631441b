//! Interventions of people and programs, whichever way they come: who intervenes, and whether it is possible now.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::access::Admitted;
use super::state::Shared;
use crate::daemon::{
    Approval, Author, Decline, Declined, Mode, Part, Pause, Role, Status, Taker, WorkItem,
};
use crate::model::{AccountName, Digest, ObjectName, count, in_a_shell};
use crate::plan::Refusal;

/// The maximum length of a name, in characters.
const LONGEST_NAME: usize = 100;

/// The longest time for which something is put off, in days.
const LONGEST_POSTPONEMENT: i64 = 366;

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
    if minutes == Some(0) {
        let why = "a pause of 0 minutes is none; say for how long, or leave minutes out";
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
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

/// The plan, or one object's part of it, as somebody saw it.
pub(super) struct Seen<'a> {
    /// The digest, or its first 12 digits.
    pub(super) plan: &'a str,
    /// The object, for its part.
    pub(super) object: Option<ObjectName>,
}

impl<'a> Seen<'a> {
    /// Names the part of an account or of the domain template, or else the whole plan.
    pub(super) fn of(plan: &'a str, account: Option<&str>, is_template: bool) -> Self {
        let account = account.map(|name| ObjectName::from(AccountName::new(name)));
        Self {
            plan,
            object: account.or(is_template.then_some(ObjectName::Template)),
        }
    }
}

/// Queues the approval of what somebody saw, and returns how many steps it has. What cannot be carried out now is
/// refused.
pub(super) fn approve(shared: &Shared, seen: Seen<'_>, author: Author) -> Result<usize, Refused> {
    let status = shared.published.status();
    let (plan, steps) = match &seen.object {
        None => {
            obstacle(&status)?;
            (
                same(&status, status.cluster.plan.as_ref(), seen.plan)?,
                status.cluster.offer.steps,
            )
        }
        Some(object) => {
            obstacle_to_part(&status)?;
            let part = part(&status, object)?;
            if !part.is_alone {
                let why = format!(
                    "the changes of {object} cannot be made without those of other accounts; approve the whole plan"
                );
                return Err(Refused::new(StatusCode::CONFLICT, why));
            }
            (same(&status, Some(&part.plan), seen.plan)?, part.steps)
        }
    };
    is_named(&author)?;
    let approval = Approval {
        plan: plan.clone(),
        author: author.clone(),
    };
    // Published at once, however long the loop takes to get to it.
    (shared.published).change(|status| match &seen.object {
        None => status.cluster.approval = Some(approval),
        Some(name) => {
            if let Some(object) = status.object_mut(name) {
                Arc::make_mut(object).approval = Some(approval);
            }
        }
    });
    shared.queue.give(WorkItem::Approve {
        plan,
        object: seen.object,
        author,
    });
    Ok(steps)
}

/// Queues the decision to leave what somebody saw as it is: until a time, or for as long as it stays the same. Returns
/// the number of objects.
pub(super) fn decline(
    shared: &Shared,
    seen: Seen<'_>,
    until: Option<Timestamp>,
    author: Author,
) -> Result<usize, Refused> {
    let status = shared.published.status();
    obstacle_to_part(&status)?;
    let plan = match &seen.object {
        None => same(&status, status.cluster.plan.as_ref(), seen.plan)?,
        Some(object) => same(&status, Some(&part(&status, object)?.plan), seen.plan)?,
    };
    is_named(&author)?;
    let latest = author
        .at
        .checked_add(SignedDuration::from_hours(24 * LONGEST_POSTPONEMENT));
    if until.is_some_and(|until| until <= author.at || latest.is_ok_and(|latest| until > latest)) {
        let why = format!("say until when, within the next {LONGEST_POSTPONEMENT} days");
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    let parts: BTreeMap<ObjectName, Digest> = match &seen.object {
        Some(object) => [(object.clone(), plan.clone())].into(),
        None => open_parts(&status),
    };
    shared.published.change(|status| {
        for (name, plan) in &parts {
            if let Some(object) = status.object_mut(name) {
                Arc::make_mut(object).declined = Some(Declined {
                    plan: plan.clone(),
                    author: author.clone(),
                    until,
                });
            }
        }
    });
    let number = parts.len();
    shared.queue.give(WorkItem::Decline(Decline {
        plan,
        object: seen.object,
        parts,
        until,
        author,
    }));
    Ok(number)
}

/// Queues the proposal of what was changed by hand, as a pull request: of the patch that somebody saw, by its digest, or
/// of whatever it is.
pub(super) fn propose(
    shared: &Shared,
    (account, seen): (AccountName, Option<&str>),
    author: Author,
) -> Result<(), Refused> {
    let status = shared.published.status();
    obstacle_to_part(&status)?;
    is_named(&author)?;
    let conflict = |why: String| Err(Refused::new(StatusCode::CONFLICT, why));
    let Some(object) = status.accounts.get(&account) else {
        let why = format!("the tree has no account {:?}", account.as_str());
        return Err(Refused::new(StatusCode::NOT_FOUND, why));
    };
    if !status.cluster.has_forge {
        return conflict(format!(
            "the daemon's file names no forge; add forge to it, or run `emblazon import --accept {} --pull-request`",
            in_a_shell(account.as_str())
        ));
    }
    if object.policy.ignores_drift() || object.confirmed_drift().next().is_none() {
        return conflict(format!(
            "nothing of {account} was changed by hand, as far as two reads have shown, or heal: off leaves it"
        ));
    }
    let patch = object.keep.as_ref().and_then(|keep| keep.patch.as_ref());
    if let Some(seen) = seen
        && !patch.is_some_and(|patch| patch.is_meant_by(seen))
    {
        return conflict(
            "what is live has changed since; look at its patch again, and propose that".to_owned(),
        );
    }
    shared.queue.give(WorkItem::Propose { account, author });
    Ok(())
}

/// Returns the digest of each part of the plan that nobody has declined.
fn open_parts(status: &Status) -> BTreeMap<ObjectName, Digest> {
    let objects = status.objects().filter(|object| object.declined.is_none());
    let objects = objects.map(|object| (object.name.clone(), object.part.as_ref()));
    let others = status.cluster.others.iter();
    let others = others.map(|other| (ObjectName::from(&other.account), other.part.as_ref()));
    (objects.chain(others))
        .filter_map(|(name, part)| Some((name, part?.plan.clone())))
        .collect()
}

/// Returns an object's part of the plan.
fn part<'s>(status: &'s Status, object: &ObjectName) -> Result<&'s Part, Refused> {
    let Some(found) = status.object(object) else {
        let why = format!("the tree has no account {:?}", object.title());
        return Err(Refused::new(StatusCode::NOT_FOUND, why));
    };
    (found.part.as_ref()).ok_or_else(|| Refused::new(StatusCode::CONFLICT, nothing(status)))
}

/// Returns the digest of what there is to decide about, if it is the one that somebody saw.
fn same(status: &Status, known: Option<&Digest>, seen: &str) -> Result<Digest, Refused> {
    match known {
        Some(known) if known.is_meant_by(seen) => Ok(known.clone()),
        Some(_) => {
            let why = "the plan has changed since; look at it again, and approve that, by the first 12 digits of its digest or all of them";
            Err(Refused::new(StatusCode::CONFLICT, why))
        }
        None => Err(Refused::new(StatusCode::CONFLICT, nothing(status))),
    }
}

/// Refuses a decision for which nobody answers.
fn is_named(author: &Author) -> Result<(), Refused> {
    if author.by.is_some() {
        return Ok(());
    }
    let why = "say who you are in by; the history keeps it";
    Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why))
}

/// Fails with the reason why the approval of the plan cannot be carried out now, and what to do.
pub(super) fn obstacle(status: &Status) -> Result<(), Refused> {
    obstacle_to_part(status)?;
    if let Some(Refusal { message, help, .. }) = status.cluster.offer.refusals.first() {
        let why = format!("a guard refuses the plan: {message}; {help}");
        return Err(Refused::new(StatusCode::CONFLICT, why));
    }
    Ok(())
}

/// Fails with the reason why nothing can be decided now, and what to do. What a guard refuses of the whole plan, it may
/// permit of a part; the run asks it again.
pub(super) fn obstacle_to_part(status: &Status) -> Result<(), Refused> {
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
    Ok(())
}

/// Explains that there is nothing to approve, and what the policy leaves anyway.
fn nothing(status: &Status) -> String {
    let left = status.steps(Taker::Nobody);
    if left == 0 {
        return "there is nothing to approve: nothing differs that an approval would fix"
            .to_owned();
    }
    let declined = status.steps_declined();
    if declined == left {
        return format!(
            "there is nothing to approve at once: {} rejected or put off; approve by account what is wanted after all",
            match declined {
                1 => "1 step is".to_owned(),
                more => format!("{more} steps are"),
            }
        );
    }
    format!(
        "there is nothing to approve: heal: off or apply: off leaves {}; set heal: report or apply: manual under watch in the tree, or run `emblazon apply`",
        count(left - declined, "step")
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
