//! What changed between two statuses, as lines for logs and stdout. Pure.

use jiff::Timestamp;
use serde::Serialize;

use super::status::{DnsSummary, ObjectStatus, ProbeSummary, Reason, Role, Status};
use crate::dns::Standing;
use crate::model::count_of;
use crate::tree::short_commit;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When it was seen.
    pub at: Timestamp,
    /// The kind: `role`, `commit`, `problem`, `platform`, `pause`, `order`, `run`, `dns`, `brand`, or the new state of an
    /// object.
    pub event: &'static str,
    /// The account; absent for the template and for what concerns the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The object's name for people; absent for what concerns the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The reason, as a word for machines.
    pub reason: String,
    /// The reason in words. May contain any character.
    pub message: String,
}

/// Returns the changes: those of the cluster first, then those of its objects.
#[must_use]
#[allow(
    clippy::too_many_lines,
    reason = "one list, in the order in which it is told"
)]
pub fn events(before: &Status, after: &Status) -> Vec<Event> {
    let mut events = Vec::new();
    let mut tell = |event, reason: &str, message: String| {
        events.push(Event {
            at: after.cluster.beat,
            event,
            account: None,
            object: None,
            reason: reason.to_owned(),
            message,
        });
    };
    let (was, is) = (&before.cluster, &after.cluster);
    if std::mem::discriminant(&was.role) != std::mem::discriminant(&is.role) {
        match &is.role {
            Role::Starting => {}
            Role::Leader { .. } => tell("role", "leader", "leading".to_owned()),
            Role::Leaseless { reason, .. } => tell("role", "leaseless", reason.clone()),
            Role::Standby { holder, .. } => {
                tell("role", "standby", format!("standing by: {holder}"));
            }
        }
    }
    if was.source.problem != is.source.problem
        && let Some(problem) = &is.source.problem
    {
        tell("problem", "source", problem.clone());
    }
    if was.source.tree != is.source.tree || was.source.commit != is.source.commit {
        let commit = is.source.commit.as_deref();
        let subject = is.source.subject.as_deref().unwrap_or_default();
        let message = commit.map_or_else(
            || "another tree is in force".to_owned(),
            |commit| format!("commit {} is in force: {subject}", short_commit(commit)),
        );
        tell("commit", commit.unwrap_or("none"), message);
    }
    match (was.down_since, is.down_since) {
        (None, Some(_)) => tell("platform", "down", "the platform cannot be read".to_owned()),
        (Some(_), None) => tell(
            "platform",
            "up",
            "the platform can be read again".to_owned(),
        ),
        _ => {}
    }
    match (&was.paused, &is.paused) {
        (before, Some(pause)) if before.as_ref() != Some(pause) => {
            // A pause that outlives the process that began it holds, but is no news.
            let still = if pause.since < is.started {
                "still "
            } else {
                ""
            };
            tell(
                "pause",
                "paused",
                format!("{still}paused: {}", pause.reason),
            );
        }
        (Some(_), None) => tell("pause", "resumed", "resumed".to_owned()),
        _ => {}
    }
    let last = before.history.interventions.last();
    let known = last.map_or(after.history.inherited, |last| last.id);
    let interventions = after.history.interventions.iter().rev();
    let new: Vec<_> = interventions.take_while(|one| one.id > known).collect();
    for one in new.into_iter().rev() {
        tell("order", one.kind.as_str(), one.sentence());
    }
    if was.last_run != is.last_run
        && let Some(run) = is.last_run.as_ref().filter(|run| run.steps > 0)
    {
        let done = count_of(run.count.done, run.steps, "step");
        let message = format!("{done} done{}", run.count.told_left(", "));
        tell("run", run.result.as_str(), message);
    }
    for (earlier, object) in pairs(before, after) {
        // Both statuses share an unchanged object.
        if earlier.is_some_and(|earlier| std::ptr::eq(earlier, object)) {
            continue;
        }
        let was = earlier.map_or(Reason::NotReadYet, |earlier| earlier.reason);
        if was != object.reason {
            events.push(Event {
                at: object.since,
                event: object.state.as_str(),
                account: object.name.account().map(ToString::to_string),
                object: Some(object.title().to_owned()),
                reason: object.reason.as_str().to_owned(),
                message: object.message.clone(),
            });
        }
        let word = |object: &ObjectStatus| object.dns.as_ref().map(DnsSummary::word);
        if let Some(dns) = &object.dns
            && earlier.and_then(word) != Some(dns.word())
        {
            events.push(Event {
                at: dns.asked,
                event: "dns",
                account: object.name.account().map(ToString::to_string),
                object: Some(object.title().to_owned()),
                reason: dns.word().to_owned(),
                message: match dns.standing {
                    Standing::InSync => "DNS is as the template has it".to_owned(),
                    _ => dns.headline().to_owned(),
                },
            });
        }
        let word = |object: &ObjectStatus| object.probe.as_ref().map(ProbeSummary::word);
        if let Some(probe) = &object.probe
            && earlier.and_then(word) != Some(probe.word())
        {
            events.push(Event {
                at: probe.asked,
                event: "brand",
                account: object.name.account().map(ToString::to_string),
                object: Some(object.title().to_owned()),
                reason: probe.word().to_owned(),
                message: probe.headline(),
            });
        }
    }
    events
}

/// Pairs each object with its earlier status. Accounts are sorted by name on both sides, so a merge suffices.
fn pairs<'a>(
    before: &'a Status,
    after: &'a Status,
) -> impl Iterator<Item = (Option<&'a ObjectStatus>, &'a ObjectStatus)> {
    let template = after.template.as_deref();
    let template = template.map(|template| (before.template.as_deref(), template));
    let mut earlier = before.accounts.iter().peekable();
    let accounts = after.accounts.iter().map(move |(name, object)| {
        while earlier.next_if(|(other, _)| *other < name).is_some() {}
        let was = earlier.next_if(|(other, _)| *other == name);
        (was.map(|(_, was)| &**was), &**object)
    });
    template.into_iter().chain(accounts)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::daemon::status::{Author, History, Intervention, InterventionKind, Pause};
    use crate::model::AccountName;

    /// Renders events, one per line.
    fn told(before: &Status, after: &Status) -> String {
        let told: Vec<String> = (events(before, after).iter())
            .map(|event| {
                let account = event.account.as_deref().unwrap_or("-");
                format!(
                    "{} {account} {}: {}",
                    event.event, event.reason, event.message
                )
            })
            .collect();
        told.join("\n")
    }

    /// After a restart, what people asked of an earlier process is in the history, and no event.
    #[test]
    fn what_happened_before_this_process_began_is_no_event() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let pause = |id, by: &str| Intervention {
            id,
            ..Intervention::new(
                InterventionKind::Pause,
                Author {
                    by: Some(by.to_owned()),
                    ..Author::unnamed(at(0))
                },
            )
        };
        let before = Status::new(at(10));
        let mut after = before.clone();
        let mut history = History {
            interventions: vec![pause(1, "Bob"), pause(2, "Eve")],
            inherited: 2,
            ..History::default()
        };
        after.history = Arc::new(history.clone());
        after.cluster.paused = Some(Pause {
            reason: "the proxies move".to_owned(),
            by: None,
            via: None,
            since: at(0),
            until: None,
        });
        insta::assert_snapshot!(told(&before, &after), @"pause - paused: still paused: the proxies move");
        history.interventions.push(pause(3, "Ada"));
        after.history = Arc::new(history);
        let told = told(&before, &after);
        insta::assert_snapshot!(told, @r#"
    pause - paused: still paused: the proxies move
    order - pause: Ada paused
    "#);
    }

    #[test]
    fn each_change_is_told_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let before = Status::new(at(0));
        let mut after = before.clone();
        after.cluster.role = Role::Leader { since: at(1) };
        after.cluster.source.problem = Some("it has errors".to_owned());
        after.cluster.down_since = Some(at(1));
        let name = AccountName::new("acme");
        let mut object = ObjectStatus::unread((&name).into(), at(1));
        object.put(Reason::InSync, "in sync", at(2));
        after.accounts.insert(name, Arc::new(object));
        insta::assert_snapshot!(told(&before, &after), @r"
        role - leader: leading
        problem - source: it has errors
        platform - down: the platform cannot be read
        ready acme in_sync: in sync
        ");
        assert_eq!(events(&after, &after), []);
    }
}
