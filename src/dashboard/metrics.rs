//! `/metrics`: the text format of Prometheus. Label values are words of small enums; only what customers see of each brand
//! names its account.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use super::access::Admitted;
use super::state::{Counters, Shared};
use crate::alert::ChannelStatus;
use crate::apply::StepStanding;
use crate::daemon::{
    AlertKind, EventSource, EventStatus, Finding, HealthState, Mode, PlatformEvents, ProbeCount,
    ProbeSummary, Reason, Role, RunResult, State as Stands, Status, Taker,
};

/// The content type of the format.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
) -> Response {
    if !admitted.entry.is_in() && !shared.open_metrics {
        let how = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, how, "show the token\n").into_response();
    }
    let mut text = metrics(&shared.published.status(), &shared.channels.status());
    webhooks(&mut text, &shared.counters);
    if let Some(told) = &shared.events {
        events(&mut text, told, &shared.counters);
    }
    ([(header::CONTENT_TYPE, KIND)], text).into_response()
}

/// One metric being written.
struct Metric<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl Metric<'_> {
    /// Writes one sample. Label values must be escaped, unless they are words of enums.
    fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) -> &mut Self {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let braces = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.text, "{}{braces} {value}", self.name);
        self
    }
}

fn metric<'t>(text: &'t mut String, name: &'static str, kind: &str, help: &str) -> Metric<'t> {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    Metric { text, name }
}

/// Formats the status as metrics.
#[must_use]
pub fn metrics(status: &Status, channels: &[ChannelStatus]) -> String {
    let mut text = String::new();
    daemon(&mut text, status);
    objects(&mut text, status);
    health(&mut text, status);
    dns(&mut text, status);
    brands(&mut text, status);
    effort(&mut text, status);
    runs(&mut text, status);
    incidents(&mut text, status);
    alerts(&mut text, status, channels);
    text
}

fn daemon(text: &mut String, status: &Status) {
    let cluster = &status.cluster;
    let version = env!("CARGO_PKG_VERSION");
    metric(text, "emblazon_build_info", "gauge", "The running version.")
        .sample(&[("version", version)], 1);
    metric(
        text,
        "emblazon_start_time_seconds",
        "gauge",
        "Start time of the daemon, in seconds since 1970.",
    )
    .sample(&[], seconds(cluster.started));
    metric(
        text,
        "emblazon_loop_last_round_timestamp_seconds",
        "gauge",
        "Time of the last completed cycle.",
    )
    .sample(&[], seconds(cluster.beat));
    let leads = matches!(cluster.role, Role::Leader { .. });
    metric(
        text,
        "emblazon_leader",
        "gauge",
        "1 while this daemon holds the lease and may write.",
    )
    .sample(&[], u8::from(leads));
    let lacks = matches!(cluster.role, Role::Leaseless { .. });
    metric(
        text,
        "emblazon_lease_unavailable",
        "gauge",
        "1 while the lease cannot be taken, though nobody is known to hold it.",
    )
    .sample(&[], u8::from(lacks));
    metric(
        text,
        "emblazon_paused",
        "gauge",
        "1 while the daemon is paused.",
    )
    .sample(&[], u8::from(cluster.paused.is_some()));
    metric(
        text,
        "emblazon_running",
        "gauge",
        "1 while a run is in progress.",
    )
    .sample(&[], u8::from(matches!(cluster.mode, Mode::Running(_))));
    metric(
        text,
        "emblazon_platform_up",
        "gauge",
        "1 while the platform can be read.",
    )
    .sample(&[], u8::from(cluster.down_since.is_none()));
    let source = &cluster.source;
    metric(
        text,
        "emblazon_source_in_force",
        "gauge",
        "1 while the latest state of the source is in force.",
    )
    .sample(
        &[],
        u8::from(source.problem.is_none() && source.tree.is_some()),
    );
    if let Some(checked) = source.checked {
        metric(
            text,
            "emblazon_source_last_read_timestamp_seconds",
            "gauge",
            "When the source was last read.",
        )
        .sample(&[], seconds(checked));
    }
}

fn objects(text: &mut String, status: &Status) {
    let mut objects = metric(
        text,
        "emblazon_objects",
        "gauge",
        "Accounts, and the domain template, by state and reason.",
    );
    for reason in Reason::ALL {
        let count = status
            .objects()
            .filter(|object| object.reason == reason)
            .count();
        let labels = [
            ("state", reason.state().as_str()),
            ("reason", reason.as_str()),
        ];
        objects.sample(&labels, count);
    }
    let drifted = status
        .objects()
        .filter(|object| object.confirmed_drift().next().is_some());
    metric(
        text,
        "emblazon_drifted_objects",
        "gauge",
        "Objects with drift that a second read confirmed.",
    )
    .sample(&[], drifted.count());
    let fields: usize = status
        .objects()
        .map(|object| object.confirmed_drift().count())
        .sum();
    metric(
        text,
        "emblazon_drifted_fields",
        "gauge",
        "Fields with drift that a second read confirmed.",
    )
    .sample(&[], fields);
    metric(
        text,
        "emblazon_planned_steps",
        "gauge",
        "Steps that the next run would take by itself.",
    )
    .sample(&[], status.steps(Taker::NextRun));
    let mut left = metric(
        text,
        "emblazon_steps_left",
        "gauge",
        "Steps that the next run does not take, because they wait for an approval or the policy leaves them.",
    );
    for taker in [Taker::Approval, Taker::Nobody] {
        left.sample(&[("to", taker.as_str())], status.steps(taker));
    }
    let refusals: usize = status.objects().map(|object| object.refusals.len()).sum();
    metric(
        text,
        "emblazon_refusals",
        "gauge",
        "Refusals by guards at the moment.",
    )
    .sample(&[], refusals + status.cluster.refusals.len());
    let oldest = status
        .accounts
        .values()
        .filter(|account| account.state != Stands::Unknown)
        .filter_map(|account| account.checked)
        .min();
    if let Some(oldest) = oldest {
        metric(
            text,
            "emblazon_oldest_read_timestamp_seconds",
            "gauge",
            "Time of the last read of the account that was read longest ago.",
        )
        .sample(&[], seconds(oldest));
    }
}

fn health(text: &mut String, status: &Status) {
    let mut health = metric(
        text,
        "emblazon_brands",
        "gauge",
        "Accounts by health: whether customers get the brand.",
    );
    for state in HealthState::ALL {
        health.sample(&[("health", state.as_str())], status.in_health(state));
    }
}

fn dns(text: &mut String, status: &Status) {
    let mut dns = metric(
        text,
        "emblazon_dns_domains",
        "gauge",
        "Domains by the state of their DNS.",
    );
    for word in ["in_sync", "propagating", "unknown", "confirming", "differs"] {
        let of_it = |object: &&crate::daemon::ObjectStatus| {
            (object.dns.as_ref()).is_some_and(|dns| dns.word() == word)
        };
        dns.sample(
            &[("standing", word)],
            status.objects().filter(of_it).count(),
        );
    }
    metric(
        text,
        "emblazon_dns_questions_total",
        "counter",
        "DNS questions asked since the daemon started.",
    )
    .sample(&[], status.cluster.dns_questions);
}

fn brands(text: &mut String, status: &Status) {
    let seen: Vec<(String, &ProbeSummary)> = (status.accounts.iter())
        .filter_map(|(name, object)| Some((escaped(name.as_str()), object.probe.as_ref()?)))
        .collect();
    if seen.is_empty() {
        return;
    }
    let mut visible = metric(
        text,
        "emblazon_brand_visible",
        "gauge",
        "1 while customers see the declared brand, 0 while they do not; absent while that is unknown.",
    );
    for (account, probe) in &seen {
        if let Some(is_declared) = probe.view.is_declared() {
            visible.sample(&[("account", account)], u8::from(is_declared));
        }
    }
    let mut probes = metric(
        text,
        "emblazon_brand_probes_total",
        "counter",
        "Probes of a brand by what customers saw: declared, other or unknown.",
    );
    for (account, probe) in &seen {
        let ProbeCount {
            declared,
            other,
            unknown,
        } = probe.count;
        for (word, number) in [
            ("declared", declared),
            ("other", other),
            ("unknown", unknown),
        ] {
            probes.sample(&[("account", account), ("seen", word)], number);
        }
    }
    let mut ends = metric(
        text,
        "emblazon_brand_certificate_end_timestamp_seconds",
        "gauge",
        "When the first certificate between customers and their brand ends.",
    );
    for (account, probe) in &seen {
        if let Some(certificate) = &probe.certificate {
            ends.sample(&[("account", account)], seconds(certificate.at));
        }
    }
}

/// Escapes a label value.
fn escaped(value: &str) -> String {
    let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
    escaped.replace('\n', r"\n")
}

fn hooks(text: &mut String, events: &EventStatus) {
    metric(
        text,
        "emblazon_platform_hooks",
        "gauge",
        "Webhooks that the daemon keeps on the platform.",
    )
    .sample(&[], events.hooks);
    metric(
        text,
        "emblazon_platform_hooks_working",
        "gauge",
        "1 while the platform is told to tell of changes, as far as the daemon knows.",
    )
    .sample(&[], u8::from(events.problem.is_none()));
    metric(
        text,
        "emblazon_platform_hooks_restored_total",
        "counter",
        "How often a webhook was found disabled or gone.",
    )
    .sample(&[], events.restored);
}

fn blackhole(text: &mut String, events: &EventStatus) {
    metric(
        text,
        "emblazon_platform_subscriptions",
        "gauge",
        "Accounts that the platform's Blackhole tells of.",
    )
    .sample(&[], events.subscriptions);
    metric(
        text,
        "emblazon_platform_blackhole_working",
        "gauge",
        "1 while Blackhole tells of changes of all accounts, as far as the daemon knows.",
    )
    .sample(&[], u8::from(events.problem.is_none()));
    metric(
        text,
        "emblazon_platform_blackhole_reconnections_total",
        "counter",
        "How often the connection to Blackhole broke.",
    )
    .sample(&[], events.restored);
    let mut heard = metric(
        text,
        "emblazon_platform_events_total",
        "counter",
        "Events of the platform by outcome.",
    );
    heard.sample(&[("outcome", "heard")], events.heard);
    last_event(text, events.last);
}

fn last_event(text: &mut String, last: Option<Timestamp>) {
    if let Some(last) = last {
        metric(
            text,
            "emblazon_platform_event_last_timestamp_seconds",
            "gauge",
            "When the platform last told of a change of an account of the tree.",
        )
        .sample(&[], seconds(last));
    }
}

fn effort(text: &mut String, status: &Status) {
    match &status.cluster.events {
        Some(events) if events.by == EventSource::Blackhole => blackhole(text, events),
        Some(events) => hooks(text, events),
        None => {}
    }
    metric(
        text,
        "emblazon_accounts_compared_total",
        "counter",
        "Accounts compared with the tree since the daemon started.",
    )
    .sample(&[], status.cluster.compared);
    metric(
        text,
        "emblazon_plans_total",
        "counter",
        "Plans computed since the daemon started.",
    )
    .sample(&[], status.cluster.planned);
}

fn runs(text: &mut String, status: &Status) {
    let Some(run) = &status.cluster.last_run else {
        return;
    };
    metric(
        text,
        "emblazon_runs_total",
        "counter",
        "Runs since the daemon started.",
    )
    .sample(&[], run.number);
    metric(
        text,
        "emblazon_last_run_timestamp_seconds",
        "gauge",
        "When the last run ended.",
    )
    .sample(&[], seconds(run.ended));
    let lasted = run.ended.duration_since(run.started).as_secs_f64();
    metric(
        text,
        "emblazon_last_run_duration_seconds",
        "gauge",
        "How long the last run took.",
    )
    .sample(&[], lasted);
    let mut result = metric(
        text,
        "emblazon_last_run_result",
        "gauge",
        "1 for the result of the last run.",
    );
    for word in [
        RunResult::InSync,
        RunResult::Applied,
        RunResult::Open,
        RunResult::Failed,
        RunResult::Unknown,
    ] {
        result.sample(&[("result", word.as_str())], u8::from(word == run.result));
    }
    let mut steps = metric(
        text,
        "emblazon_last_run_steps",
        "gauge",
        "Steps of the last run.",
    );
    for standing in StepStanding::ALL {
        let number = run.count.get(standing);
        steps.sample(&[("outcome", standing.as_str())], number);
    }
}

fn incidents(text: &mut String, status: &Status) {
    const FINDINGS: [Finding; 6] = [
        Finding::Change,
        Finding::Drift,
        Finding::BadTree,
        Finding::Outage,
        Finding::Dns,
        Finding::Brand,
    ];
    let history = &status.history.incidents;
    let mut open = metric(
        text,
        "emblazon_open_incidents",
        "gauge",
        "Open incidents by finding.",
    );
    for finding in FINDINGS {
        let of_it = history
            .iter()
            .filter(|incident| incident.finding == finding && incident.repaired.is_none());
        open.sample(&[("finding", finding.as_str())], of_it.count());
    }
    for (name, help, is_repair) in [
        (
            "emblazon_last_time_to_detect_seconds",
            "Longest time that the last incident can have been undetected.",
            false,
        ),
        (
            "emblazon_last_time_to_repair_seconds",
            "Time from detection to repair of the last repaired incident.",
            true,
        ),
    ] {
        let mut lasted = metric(text, name, "gauge", help);
        for finding in FINDINGS {
            let time = |incident: &crate::daemon::Incident| {
                if is_repair {
                    incident.time_to_repair()
                } else {
                    incident.time_to_detect()
                }
            };
            let last = history
                .iter()
                .rev()
                .filter(|incident| incident.finding == finding)
                .find_map(time);
            if let Some(last) = last {
                lasted.sample(&[("finding", finding.as_str())], last.as_secs_f64());
            }
        }
    }
}

fn alerts(text: &mut String, status: &Status, channels: &[ChannelStatus]) {
    let mut alerts = metric(text, "emblazon_alerts", "gauge", "Open alerts by kind.");
    for kind in AlertKind::ALL {
        let of_it = status
            .cluster
            .alerts
            .iter()
            .filter(|alert| alert.kind == kind);
        alerts.sample(&[("kind", kind.as_str())], of_it.count());
    }
    let mut sent = metric(
        text,
        "emblazon_notices_total",
        "counter",
        "Messages to people and machines, by kind of channel and outcome.",
    );
    for kind in ChannelStatus::KINDS {
        let of_it = || channels.iter().filter(|channel| channel.kind == kind);
        let done: u64 = of_it().map(|channel| channel.sent).sum();
        let failed: u64 = of_it().map(|channel| channel.failed).sum();
        sent.sample(&[("channel", kind), ("outcome", "sent")], done)
            .sample(&[("channel", kind), ("outcome", "failed")], failed);
    }
}

fn webhooks(text: &mut String, counters: &Counters) {
    let mut heard = metric(
        text,
        "emblazon_webhooks_total",
        "counter",
        "Requests to the webhook by outcome.",
    );
    for (word, counter) in [
        ("push", &counters.pushes),
        ("ignored", &counters.ignored),
        ("repeated", &counters.repeated),
        ("rejected", &counters.rejected),
        ("cut", &counters.cut),
    ] {
        heard.sample(&[("outcome", word)], counter.load(Ordering::Relaxed));
    }
}

fn events(text: &mut String, told: &PlatformEvents, counters: &Counters) {
    let mut heard = metric(
        text,
        "emblazon_platform_events_total",
        "counter",
        "Events of the platform by outcome; standby: they came to a daemon that does not lead.",
    );
    for (word, counter) in [
        ("heard", &counters.events),
        ("ignored", &counters.ignored_events),
        ("forged", &counters.forged_events),
        ("standby", &counters.unheard_events),
    ] {
        heard.sample(&[("outcome", word)], counter.load(Ordering::Relaxed));
    }
    let (_, last) = told.heard();
    last_event(text, last);
}

fn seconds(time: Timestamp) -> String {
    let millis = time.as_millisecond();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}
