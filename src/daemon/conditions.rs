//! Alerts that follow from the conditions and the status. Pure.

use jiff::Timestamp;

use super::status::{Alert, AlertKind, DnsSummary, ObjectStatus, Reason, State, Status};
use crate::diff::Change;
use crate::model::{AccountId, count, in_a_shell};
use crate::report::card::{Card, Subject, Tense, running_code};
use crate::tree::HealMode;

/// How many accounts and sentences an alert names.
const NAMED: usize = 3;
/// Consecutive failures of an object before an alert is raised.
const FAILURES: u32 = 3;

/// Conditions that the status of no object shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    /// What is wrong with the source.
    pub(super) source: Option<(AlertKind, String)>,
    /// Why the platform cannot be read.
    pub(super) platform: Option<String>,
    /// Why the lease cannot be taken.
    pub(super) lease: Option<String>,
    /// Why the daemon's file was not adopted.
    pub(super) config: Option<String>,
    /// Why the base was lost.
    pub(super) base: Option<String>,
    /// Why the commit that the applied ref names is not accepted as the base.
    pub(super) untrusted_base: Option<String>,
    /// Why DNS cannot be queried.
    pub(super) dns: Option<String>,
    /// Why no brand can be looked at.
    pub(super) brands: Option<String>,
    /// Why it is unknown whether a pause holds.
    pub(super) pause: Option<String>,
    /// Why what an interrupted run left could not be looked at.
    pub(super) recovery: Option<String>,
    /// Which part of the history log was lost.
    pub(super) history: Option<String>,
}

/// An outage: the platform cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) since: Timestamp,
    pub(super) failures: u32,
    pub(super) retry_at: Timestamp,
}

/// Returns the alerts that hold now; one that held before keeps its start time.
pub(super) fn alerts(status: &Status, conditions: &Conditions, now: Timestamp) -> Vec<Alert> {
    let raise = |kind, account: Option<&ObjectStatus>, message: &str| Alert {
        kind,
        account: account.and_then(|object| object.name.account().cloned()),
        brand: account.map(|object| object.brand().to_owned()),
        message: message.to_owned(),
        since: now,
    };
    let mut alerts = Vec::new();
    if let Some((kind, message)) = &conditions.source {
        alerts.push(raise(*kind, None, message));
    }
    if let Some(message) = &conditions.platform {
        alerts.push(raise(AlertKind::PlatformUnreadable, None, message));
    }
    if let Some(message) = &conditions.lease {
        alerts.push(raise(AlertKind::LeaseLost, None, message));
    }
    if let Some(message) = &conditions.config {
        alerts.push(raise(AlertKind::BadConfig, None, message));
    }
    if let Some(message) = &conditions.base {
        alerts.push(raise(AlertKind::BaseLost, None, message));
    }
    if let Some(message) = &conditions.untrusted_base {
        alerts.push(raise(AlertKind::UntrustedBase, None, message));
    }
    if let Some(message) = &conditions.dns {
        alerts.push(raise(AlertKind::DnsUnreadable, None, message));
    }
    if let Some(message) = &conditions.brands {
        alerts.push(raise(AlertKind::BrandsUnreadable, None, message));
    }
    let state = [&conditions.pause, &conditions.history, &conditions.recovery]
        .map(|reason| reason.as_deref());
    let state: Vec<&str> = state.into_iter().flatten().collect();
    if !state.is_empty() {
        alerts.push(raise(AlertKind::StateSpoilt, None, &state.join("; ")));
    }
    // What harms customers comes first.
    let mut unwell: Vec<(&ObjectStatus, &DnsSummary)> = (status.objects())
        .filter_map(|object| Some((object, object.dns.as_ref()?)))
        .filter(|(_, dns)| dns.confirmed.is_some())
        .collect();
    unwell.sort_by_key(|(_, dns)| dns.outages.is_empty());
    for (object, dns) in unwell {
        let message = format!("{}: {}", object.title(), dns_words(dns));
        alerts.push(raise(AlertKind::Dns, Some(object), &message));
    }
    if let Some(message) = waiting(status) {
        alerts.push(raise(AlertKind::Approval, None, &message));
    }
    for object in status.objects() {
        for (kind, message) in seen(object).into_iter().chain(code(object)) {
            let message = format!("{}: {message}", object.title());
            alerts.push(raise(kind, Some(object), &message));
        }
        let kind = match (object.reason, object.state) {
            (Reason::DriftReported, _) => Some(AlertKind::Drift),
            // These are intended; and what waits for one approval is one alert.
            (Reason::Paused | Reason::Rejected | Reason::PutOff | Reason::AwaitingApproval, _) => {
                None
            }
            (_, State::Stalled) => Some(AlertKind::Stalled),
            _ if object.failures >= FAILURES => Some(AlertKind::Failing),
            _ => None,
        };
        if let Some(kind) = kind {
            let told = match kind {
                AlertKind::Drift => drift_words(object),
                _ => object.message.clone(),
            };
            let message = format!("{}: {told}", object.title());
            alerts.push(raise(kind, Some(object), &message));
        }
    }
    for alert in &mut alerts {
        let before = &status.cluster.alerts;
        if let Some(known) = before.iter().find(|known| known.is_same(alert)) {
            alert.since = known.since;
        }
    }
    alerts
}

/// Returns what customers see that they should not.
fn seen(object: &ObjectStatus) -> Vec<(AlertKind, String)> {
    let Some(probe) = &object.probe else {
        return Vec::new();
    };
    // What the platform holds and the tree does not declare has alerts of its own.
    let is_told = probe.is_only_stored && object.state != State::Ready;
    let mut found = Vec::new();
    if probe.confirmed.is_some() && !is_told {
        found.push((AlertKind::Brand, probe.headline()));
    }
    if let Some(certificate) = probe.certificate.as_ref().filter(|it| it.is_near) {
        found.push((AlertKind::Certificate, certificate.sentence.clone()));
    }
    found
}

/// Returns what somebody changed that runs code in the browsers of customers. One read is enough to tell of it.
fn code(object: &ObjectStatus) -> Option<(AlertKind, String)> {
    let drift = (object.drift.iter()).filter(|_| object.policy.heal != HealMode::Off);
    let mut sentences = drift.filter_map(|drift| running_code(&drift.change));
    let first = sentences.next()?;
    let more = match sentences.count() {
        0 => String::new(),
        more => format!(" {} more.", count(more, "such change")),
    };
    let title = in_a_shell(object.title());
    let message = format!(
        "{first}{more} Put it right (`emblazon apply --account {title}`), and find out who can sign in there; {}",
        object.message
    );
    Some((AlertKind::Code, message))
}

/// Returns what customers notice or the headline, how many more record sets differ, and the first remedy.
fn dns_words(dns: &DnsSummary) -> String {
    let mut words = match (dns.outages.first(), dns.tally.differing()) {
        (Some(outage), _) => outage.clone(),
        (None, 0 | 1) => dns.headline().to_owned(),
        (None, several) => format!("{}; {} more", dns.headline(), several - 1),
    };
    if let Some(remedy) = dns.remedies.first() {
        words.push_str("; ");
        words.push_str(remedy);
    }
    words
}

/// Describes in sentences what somebody changed by hand, with both values.
fn drift_words(object: &ObjectStatus) -> String {
    let changes = object.confirmed_drift().map(|drift| &drift.change);
    let words = sentences((object.brand(), object.id.as_ref()), changes, Tense::Drift);
    if words.is_empty() {
        return object.message.clone();
    }
    let by = object
        .changed_by
        .as_ref()
        .map_or_else(String::new, |author| {
            format!(" Changed by {author}, the platform says.")
        });
    format!("{words}{by} Put it right, keep it, or leave it for a while")
}

/// Describes in sentences what waits for approval, and on which accounts.
fn waiting(status: &Status) -> Option<String> {
    let waiting: Vec<&ObjectStatus> = (status.objects())
        .filter(|object| object.reason == Reason::AwaitingApproval)
        .collect();
    let first = waiting.first()?;
    let plan = (status.cluster.plan.as_ref())
        .map_or_else(String::new, |plan| format!(" (plan {})", plan.short()));
    let words = sentences(
        (first.brand(), first.id.as_ref()),
        &first.pending,
        Tense::Plan,
    );
    let first = match words.as_str() {
        "" => first.brand().to_owned(),
        words => format!("{}: {words}", first.brand()),
    };
    let others: Vec<&str> = (waiting.iter().skip(1).take(NAMED))
        .map(|object| object.brand())
        .collect();
    let named = match (others.as_slice(), waiting.len()) {
        ([], _) => first,
        (others, all) if all > others.len() + 1 => {
            let more = all - others.len() - 1;
            format!("{first} Also {} and {more} more", others.join(", "))
        }
        (others, _) => format!("{first} Also {}", others.join(", ")),
    };
    Some(format!("{}{plan}: {named}", count(waiting.len(), "object")))
}

/// Returns the first sentences of an object's card.
pub(super) fn sentences<'c>(
    (title, id): (&str, Option<&AccountId>),
    changes: impl IntoIterator<Item = &'c Change>,
    tense: Tense,
) -> String {
    let subject = Subject {
        title,
        id,
        looks: None,
    };
    let card = Card::new(subject, changes, None, tense);
    let all = card.outcomes.len();
    let mut sentences: Vec<String> = (card.outcomes.into_iter().take(NAMED))
        .map(|outcome| outcome.sentence)
        .collect();
    if all > sentences.len() {
        sentences.push(format!("{} more.", all - sentences.len()));
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::AccountName;

    #[test]
    fn trouble_is_raised_once_and_keeps_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut status = Status::new(at(0));
        for (name, reason, failures) in [
            ("drifted", Reason::DriftReported, 0),
            ("failing", Reason::BackingOff, 3),
            ("fine", Reason::InSync, 0),
            ("paused", Reason::Paused, 0),
            ("stuck", Reason::Refused, 0),
            ("trying", Reason::BackingOff, 2),
        ] {
            let name = AccountName::new(name);
            let mut object = ObjectStatus::unread((&name).into(), at(0));
            object.put(reason, "so it is", at(0));
            object.failures = failures;
            status.accounts.insert(name, Arc::new(object));
        }
        let conditions = Conditions {
            source: Some((AlertKind::BadTree, "it has errors".to_owned())),
            ..Conditions::default()
        };
        status.cluster.alerts = alerts(&status, &Conditions::default(), at(1));
        let raised: Vec<String> = (alerts(&status, &conditions, at(9)).iter())
            .map(|alert| {
                let since = alert.since.as_second();
                format!("{} {} since {since}", alert.kind.as_str(), alert.message)
            })
            .collect();
        insta::assert_snapshot!(raised.join("\n"), @r"
        bad_tree it has errors since 9
        drift drifted: so it is since 1
        failing failing: so it is since 1
        stalled stuck: so it is since 1
        ");
    }
}
