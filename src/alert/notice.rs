//! Transitions → notices, one for all that changed in the same way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::Transition;
use crate::daemon::{Alert, AlertKind, Intervention, InterventionKind};
use crate::report::text;

/// How many subjects a notice names.
const NAMED: usize = 10;

/// The severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is wrong, and cannot wait.
    Critical,
    /// Something is wrong.
    Problem,
    /// The problem is resolved.
    Resolved,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The version of this format.
    pub version: u32,
    /// Unique id, for a receiver that gets the notice twice.
    pub id: String,
    /// When it was created.
    pub at: Timestamp,
    /// Cluster name.
    pub cluster: String,
    /// Whether the problem began or is resolved.
    pub severity: Severity,
    /// The kind of alert.
    pub kind: AlertKind,
    /// Title of one line.
    pub title: String,
    /// One line per subject, for the first of them.
    pub lines: Vec<String>,
    /// The number of subjects.
    pub subjects: usize,
    /// URL of the dashboard, if the daemon has a public one.
    pub link: Option<String>,
}

/// Groups transitions into notices. What is over tells which of the interventions of people ended it.
#[must_use]
pub fn notices(
    now: Timestamp,
    cluster: &str,
    link: Option<&str>,
    transitions: &[Transition],
    interventions: &[Intervention],
) -> Vec<Notice> {
    let mut groups: BTreeMap<(bool, AlertKind), Vec<&Alert>> = BTreeMap::new();
    for transition in transitions {
        let key = (transition.over, transition.alert.kind);
        groups.entry(key).or_default().push(&transition.alert);
    }
    groups
        .into_iter()
        .map(|((over, kind), alerts)| {
            let severity = match (over, kind.is_urgent()) {
                (true, _) => Severity::Resolved,
                (false, true) => Severity::Critical,
                (false, false) => Severity::Problem,
            };
            Notice {
                version: 1,
                id: format!(
                    "{}-{}-{}",
                    now.as_millisecond(),
                    kind.as_str(),
                    severity.as_str()
                ),
                at: now,
                cluster: cluster.to_owned(),
                severity,
                kind,
                title: visible(&format!("{cluster}: {}", title(kind, over, &alerts))),
                lines: lines(now, over, &alerts, interventions),
                subjects: alerts.len(),
                link: link.map(|link| page(link, kind, &alerts)),
            }
        })
        .collect()
}

impl Severity {
    /// Returns the name in machine formats.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Problem => "problem",
            Self::Resolved => "resolved",
        }
    }
}

impl Notice {
    /// Returns the notice as text of several lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.title.clone();
        for line in &self.lines {
            text.push_str("\n- ");
            text.push_str(line);
        }
        if self.subjects > self.lines.len() {
            let more = self.subjects - self.lines.len();
            text.push_str("\n- and ");
            text.push_str(&more.to_string());
            text.push_str(" more");
        }
        if let Some(link) = &self.link {
            text.push('\n');
            text.push_str(link);
        }
        text
    }
}

/// Returns the page on which somebody does something about some alerts.
fn page(link: &str, kind: AlertKind, alerts: &[&Alert]) -> String {
    let path: &[&str] = match (kind, alerts) {
        (AlertKind::Approval, _) => &["plan"],
        (
            _,
            [
                Alert {
                    account: Some(account),
                    ..
                },
            ],
        ) => &["accounts", account.as_str()],
        _ => return link.to_owned(),
    };
    let Ok(mut page) = Url::parse(link) else {
        return link.to_owned();
    };
    if let Ok(mut segments) = page.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    page.into()
}

/// Returns the title, without the name of the cluster.
fn title(kind: AlertKind, over: bool, alerts: &[&Alert]) -> String {
    let (of_one, of_many) = match (kind, over) {
        (AlertKind::Approval, false) => return "changes wait for approval".to_owned(),
        (AlertKind::Approval, true) => return "no changes wait for approval any more".to_owned(),
        (AlertKind::Stalled, false) => ("waits for a person", "wait for a person"),
        (AlertKind::Stalled, true) => ("waits no more", "wait no more"),
        (AlertKind::Drift, false) => ("was changed by hand", "were changed by hand"),
        (AlertKind::Drift, true) => ("is as declared again", "are as declared again"),
        (AlertKind::Failing, false) => ("cannot be applied", "cannot be applied"),
        (AlertKind::Failing, true) => ("can be applied again", "can be applied again"),
        (AlertKind::Dns, false) => ("has wrong DNS records", "have wrong DNS records"),
        (AlertKind::Dns, true) => (
            "has the right DNS records again",
            "have the right DNS records again",
        ),
        (AlertKind::Brand, false) => (
            "is not seen by customers as declared",
            "are not seen by customers as declared",
        ),
        (AlertKind::Brand, true) => (
            "is seen by customers as declared again",
            "are seen by customers as declared again",
        ),
        (AlertKind::Certificate, false) => (
            "has a certificate that ends soon",
            "have certificates that end soon",
        ),
        (AlertKind::Certificate, true) => (
            "has a certificate that lasts again",
            "have certificates that last again",
        ),
        (AlertKind::Code, false) => (
            "runs code that somebody put in by hand",
            "run code that somebody put in by hand",
        ),
        (AlertKind::Code, true) => (
            "runs the declared code again",
            "run the declared code again",
        ),
        (AlertKind::BrandsUnreadable, false) => {
            return "no brand can be looked at, so nothing is known of what customers see"
                .to_owned();
        }
        (AlertKind::BrandsUnreadable, true) => return "brands can be looked at again".to_owned(),
        (AlertKind::BadTree, false) => {
            return "the tree has errors, so the last good one stays in force".to_owned();
        }
        (AlertKind::BadTree, true) => return "the tree has no errors any more".to_owned(),
        (AlertKind::UntrustedCommit, false) => {
            return "a commit is not trusted, so the last good one stays in force".to_owned();
        }
        (AlertKind::UntrustedCommit, true) => return "the commit is trusted".to_owned(),
        (AlertKind::SourceUnreadable, false) => return "the tree cannot be read".to_owned(),
        (AlertKind::SourceUnreadable, true) => return "the tree can be read again".to_owned(),
        (AlertKind::PlatformUnreadable, false) => {
            return "the platform cannot be read, so nothing is written".to_owned();
        }
        (AlertKind::PlatformUnreadable, true) => {
            return "the platform can be read again".to_owned();
        }
        (AlertKind::DnsUnreadable, false) => {
            return "DNS cannot be asked, so nothing is known of it".to_owned();
        }
        (AlertKind::DnsUnreadable, true) => return "DNS can be asked again".to_owned(),
        (AlertKind::LeaseLost, false) => {
            return "the lease cannot be taken, so nothing is written".to_owned();
        }
        (AlertKind::LeaseLost, true) => return "the lease can be taken again".to_owned(),
        (AlertKind::BaseLost, false) => {
            return "what was applied last is lost, so what differs waits for somebody".to_owned();
        }
        (AlertKind::BadConfig, false) => {
            return "the daemon's file has mistakes, so the previous configuration stays in force"
                .to_owned();
        }
        (AlertKind::BadConfig, true) => return "the daemon's file is in force".to_owned(),
        (AlertKind::BaseLost, true) => return "what was applied last is known again".to_owned(),
        (AlertKind::StateSpoilt, false) => {
            return "the daemon's state is corrupt".to_owned();
        }
        (AlertKind::StateSpoilt, true) => {
            return "the corrupt state was acknowledged".to_owned();
        }
        (AlertKind::UntrustedBase, false) => {
            return "the base is not trusted, so nothing is removed because of it".to_owned();
        }
        (AlertKind::UntrustedBase, true) => {
            return "the base is trusted again".to_owned();
        }
    };
    match alerts {
        [only] => format!("{} {of_one}", subject(only)),
        many => format!("{} objects {of_many}", many.len()),
    }
}

/// Returns the last decision of a person about what an alert is about, since it was raised.
fn decision<'i>(alert: &Alert, interventions: &'i [Intervention]) -> Option<&'i Intervention> {
    let is_decision = |one: &&Intervention| {
        let is_about = match (&alert.account, &one.object) {
            (_, None) => true,
            (Some(account), Some(object)) => object.account() == Some(account),
            (None, Some(_)) => alert.kind == AlertKind::Approval,
        };
        is_about
            && one.author.at >= alert.since
            && matches!(
                one.kind,
                InterventionKind::Approve | InterventionKind::Reject | InterventionKind::PutOff
            )
    };
    let kinds = [AlertKind::Approval, AlertKind::Stalled, AlertKind::Drift];
    if !kinds.contains(&alert.kind) {
        return None;
    }
    interventions.iter().rev().find(is_decision)
}

fn lines(
    now: Timestamp,
    over: bool,
    alerts: &[&Alert],
    interventions: &[Intervention],
) -> Vec<String> {
    let named = alerts.iter().take(NAMED);
    named
        .map(|alert| {
            let line = if over {
                let lasted = lasted(alert.since, now);
                let decision = decision(alert, interventions);
                let who = decision.map_or_else(String::new, |one| format!("; {}", one.sentence()));
                format!("{}: after {lasted}{who}", subject(alert))
            } else {
                let subject = subject(alert);
                let message = alert.message.strip_prefix(name(alert));
                let message = message.and_then(|message| message.strip_prefix(": "));
                format!("{subject}: {}", message.unwrap_or(&alert.message))
            };
            visible(&line)
        })
        .collect()
}

/// Returns the name of the subject of an alert, for people: the brand, and the account's name in the tree.
fn subject(alert: &Alert) -> Cow<'_, str> {
    if let (Some(account), Some(brand)) = (&alert.account, &alert.brand)
        && brand != account.as_str()
    {
        return format!("{brand} ({account})").into();
    }
    name(alert).into()
}

fn name(alert: &Alert) -> &str {
    match (&alert.account, alert.kind) {
        (Some(account), _) => account.as_str(),
        (
            None,
            AlertKind::Stalled
            | AlertKind::Drift
            | AlertKind::Failing
            | AlertKind::Dns
            | AlertKind::Brand
            | AlertKind::Certificate
            | AlertKind::Code,
        ) => "domain template",
        (None, AlertKind::BadTree | AlertKind::UntrustedCommit | AlertKind::SourceUnreadable) => {
            "tree"
        }
        (None, AlertKind::Approval) => "plan",
        (None, AlertKind::PlatformUnreadable) => "platform",
        (None, AlertKind::DnsUnreadable) => "DNS",
        (None, AlertKind::BrandsUnreadable) => "brands",
        (
            None,
            AlertKind::LeaseLost
            | AlertKind::BaseLost
            | AlertKind::UntrustedBase
            | AlertKind::BadConfig
            | AlertKind::StateSpoilt,
        ) => "daemon",
    }
}

/// Formats a duration in its two largest units.
fn lasted(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let span = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => (seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => (seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    };
    match span {
        (large, unit, 0, _) => format!("{large} {unit}"),
        (large, unit, small, smaller) => format!("{large} {unit} {small} {smaller}"),
    }
}

fn visible(line: &str) -> String {
    text::visible(line).into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::daemon::Author;
    use crate::model::AccountName;

    /// Returns a notice about drift with this title.
    pub(in crate::alert) fn notice(title: &str) -> Notice {
        let drift = transition(AlertKind::Drift, Some("acme"), "company_name", false);
        let mut notices = notices(at(1_003_725), "production", None, &[drift], &[]);
        let mut notice = notices.remove(0);
        title.clone_into(&mut notice.title);
        notice.lines.clear();
        notice
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn transition(kind: AlertKind, account: Option<&str>, message: &str, over: bool) -> Transition {
        Transition {
            alert: Alert {
                kind,
                account: account.map(AccountName::new),
                brand: None,
                message: message.to_owned(),
                since: at(1_000_000),
            },
            over,
        }
    }

    fn texts(transitions: &[Transition]) -> String {
        let notices = notices(
            at(1_003_725),
            "production",
            Some("https://watch.example.com"),
            transitions,
            &[],
        );
        let texts: Vec<String> = notices.iter().map(Notice::text).collect();
        texts.join("\n\n")
    }

    #[test]
    fn what_changed_in_the_same_way_is_one_message() {
        let drift =
            |name: &str| transition(AlertKind::Drift, Some(name), "company_name differs", false);
        let mut all: Vec<Transition> = (0..12)
            .map(|number| drift(&format!("brand-{number}")))
            .collect();
        all.push(transition(
            AlertKind::PlatformUnreadable,
            None,
            "503 from the API",
            true,
        ));
        all.push(transition(
            AlertKind::BadTree,
            None,
            "EB0201 in accounts/acme/account.yaml:4:3",
            false,
        ));
        insta::assert_snapshot!(texts(&all), @r"
        production: the tree has errors, so the last good one stays in force
        - tree: EB0201 in accounts/acme/account.yaml:4:3
        https://watch.example.com

        production: 12 objects were changed by hand
        - brand-0: company_name differs
        - brand-1: company_name differs
        - brand-2: company_name differs
        - brand-3: company_name differs
        - brand-4: company_name differs
        - brand-5: company_name differs
        - brand-6: company_name differs
        - brand-7: company_name differs
        - brand-8: company_name differs
        - brand-9: company_name differs
        - and 2 more
        https://watch.example.com

        production: the platform can be read again
        - platform: after 1 h 2 min
        https://watch.example.com
        ");
    }

    #[test]
    fn what_is_over_tells_who_decided() {
        let over = |kind, account| transition(kind, account, "", true);
        let author = Author {
            by: Some("Ada".to_owned()),
            reason: Some("as agreed".to_owned()),
            ..Author::unnamed(at(1_000_100))
        };
        let decided = Intervention {
            object: Some(AccountName::new("acme").into()),
            ..Intervention::new(InterventionKind::Approve, author)
        };
        let all = [
            over(AlertKind::Approval, None),
            over(AlertKind::Drift, Some("acme")),
            over(AlertKind::Drift, Some("beta")),
        ];
        let notices = notices(at(1_003_725), "production", None, &all, &[decided]);
        let texts: Vec<String> = notices.iter().map(Notice::text).collect();
        insta::assert_snapshot!(texts.join("\n\n"), @r"
        production: no changes wait for approval any more
        - plan: after 1 h 2 min; Ada approved acme: as agreed

        production: 2 objects are as declared again
        - acme: after 1 h 2 min; Ada approved acme: as agreed
        - beta: after 1 h 2 min
        ");
    }

    #[test]
    fn names_cannot_steer_a_message() {
        let hostile = transition(
            AlertKind::Drift,
            Some("acme\u{202e}\nproduction: all is well"),
            "\u{1b}[2J",
            false,
        );
        insta::assert_snapshot!(texts(&[hostile]), @r"
        production: acme\u{202e}\nproduction: all is well was changed by hand
        - acme\u{202e}\nproduction: all is well: \u{1b}[2J
        https://watch.example.com/accounts/acme%E2%80%AEproduction:%20all%20is%20well
        ");
    }

    #[test]
    fn spans_are_told_in_their_two_largest_units() {
        #[track_caller]
        fn check(seconds: i64, expected: &str) {
            assert_eq!(lasted(at(0), at(seconds)), expected);
        }
        check(-5, "0 s");
        check(59, "59 s");
        check(60, "1 min");
        check(3599, "59 min 59 s");
        check(3660, "1 h 1 min");
        check(86_400 * 3, "3 d");
        check(86_400 + 7200, "1 d 2 h");
    }
}
