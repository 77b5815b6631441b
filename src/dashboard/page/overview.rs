//! The first page: the state of everything.

use maud::{Markup, html};

use super::context::Frame;
use super::filter::{Filter, Selected, Sort, select};
use super::frame::Tab;
use super::words::{
    self, badge, because, counted, health, message_text, path, said, short, shown, time,
};
use super::{brand, form, picture, plan};
use crate::alert::ChannelStatus;
use crate::daemon::{Alert, AlertKind, HealthState, ObjectStatus, RunResult, State};
use crate::model::count_of;

const STATES: [State; 4] = [
    State::Stalled,
    State::Unknown,
    State::Reconciling,
    State::Ready,
];

pub(super) fn page(frame: &Frame<'_>, filter: &Filter, channels: &[ChannelStatus]) -> Markup {
    let found = select(frame.status, filter, Sort::Trouble);
    let body = html! {
        h1.visually-hidden { "Overview" }
        div #tiles data-live { (tiles(frame, filter)) }
        div.columns {
            section.card aria-labelledby="source-title" {
                h2 #source-title { @if frame.status.cluster.source.commit.is_some() { "Current commit" } @else { "Tree" } }
                div #source data-live { (source(frame)) }
            }
            section.card aria-labelledby="runs-title" {
                h2 #runs-title { "Runs" }
                div #runs data-live { (runs(frame)) }
                div.actions {
                    (form::resync(frame, None))
                    @if frame.status.cluster.paused.is_none() { (form::pause(frame)) }
                }
            }
        }
        div #alerts data-live { (alerts(frame)) }
        section.accounts aria-labelledby="accounts-title" {
            h2 #accounts-title { "Accounts" }
            (search(filter))
            div #accounts data-live { (accounts(frame, filter, &found)) }
        }
        div #channels data-live { (told(frame, channels)) }
    };
    frame.page("Overview", Some(Tab::Overview), &body)
}

fn tiles(frame: &Frame<'_>, filter: &Filter) -> Markup {
    let well = HealthState::ALL.map(|state| (state, frame.status.in_health(state)));
    html! {
        h2.of-tiles #sync-title { "Sync: is it as declared?" }
        ul.tiles aria-labelledby="sync-title" {
            @for state in STATES {
                @let count = frame.status.count(state);
                @let (sign, word) = said(state);
                li {
                    a class={ "tile " (state.as_str()) @if count == 0 { " none" } } href={ "/?state=" (state.as_str()) }
                        aria-current=[(filter.state.state() == Some(state)).then_some("true")] {
                        span.number { (count) }
                        span.word { span.sign aria-hidden="true" { (sign) } (word) }
                    }
                }
            }
        }
        h2.of-tiles #health-title { "Health: do customers get it?" }
        ul.tiles.small aria-labelledby="health-title" {
            @for (state, count) in well.into_iter().filter(|(state, count)| *count > 0 || *state == HealthState::Outage) {
                @let (class, sign, word) = words::health_sign(state);
                li {
                    a class={ "tile health " (class) @if count == 0 { " none" } } href={ "/?health=" (state.as_str()) }
                        aria-current=[(filter.health.state() == Some(state)).then_some("true")] {
                        span.number { (count) }
                        span.word { span.sign aria-hidden="true" { (sign) } (word) }
                    }
                }
            }
        }
    }
}

fn source(frame: &Frame<'_>) -> Markup {
    let source = &frame.status.cluster.source;
    html! {
        @match &source.commit {
            Some(commit) => p.commit {
                code { (short(commit)) } " "
                @if let Some(subject) = &source.subject { (shown(subject)) }
            },
            None if source.tree.is_some() => p { "The folder as it is; there is no Git." },
            None => p.empty { "No commit has been loaded yet." },
        }
        dl.facts {
            @if !source.place.is_empty() {
                div { dt { "From" } dd { (shown(&source.place)) @if let Some(branch) = &source.branch { ", " (shown(branch)) } } }
            }
            @if let Some(signer) = &source.signer { div { dt { "Signed by" } dd { (shown(signer)) } } }
            @if let Some(since) = source.since { div { dt { "Since" } dd { (time(since, frame.now)) } } }
            @if let Some(checked) = source.checked { div { dt { "Checked" } dd { (time(checked, frame.now)) } } }
        }
    }
}

fn runs(frame: &Frame<'_>) -> Markup {
    let cluster = &frame.status.cluster;
    html! {
        dl.facts {
            div {
                dt { "Last" }
                dd {
                    @match &cluster.last_run {
                        None => span.faint { "none yet" },
                        Some(run) => {
                            (time(run.ended, frame.now)) ": " (ended(run.result))
                            @if run.steps > 0 { ", " (count_of(run.count.done, run.steps, "step")) " done" }
                            @for (standing, number) in run.count.left() { ", " strong { (number) " " (standing.word()) } }
                        },
                    }
                }
            }
            @if let Some(events) = &cluster.events {
                div {
                    dt { "Platform" }
                    dd {
                        @match (&events.problem, events.last) {
                            (Some(problem), _) => { "does not tell of changes: " (shown(problem)) },
                            (None, Some(last)) => { "told of a change " (time(last, frame.now)) },
                            (None, None) => "has told of no change yet",
                        }
                    }
                }
            }
            div {
                dt { "Next" }
                dd {
                    @match cluster.next_run {
                        Some(next) => (time(next, frame.now)),
                        None => span.faint { "not planned" },
                    }
                    ": "
                    a href="/plan" { (plan::sentence(frame)) }
                }
            }
        }
    }
}

fn ended(result: RunResult) -> &'static str {
    match result {
        RunResult::InSync => "all in sync",
        RunResult::Applied => "applied",
        RunResult::Open => "differences found, or being read again",
        RunResult::Failed => "some of it did not succeed",
        RunResult::Unknown => "not everything could be read",
    }
}

fn alerts(frame: &Frame<'_>) -> Markup {
    let alerts = &frame.status.cluster.alerts;
    html! {
        @if !alerts.is_empty() {
            section.card.alerts {
                h2 { (counted(alerts.len(), "open alert", "open alerts")) }
                ul {
                    @for alert in alerts.iter().take(10) {
                        li {
                            strong { (kind(alert.kind)) } " "
                            @if let Some(account) = &alert.account {
                                a href=(path(account.as_str())) { (shown(alert.brand.as_deref().unwrap_or(account.as_str()))) } " "
                            } @else if alert.kind == AlertKind::Approval {
                                a href="/plan" { "Decide" } " "
                            }
                            (message_text(message(alert))) " " span.faint { (time(alert.since, frame.now)) }
                        }
                    }
                    @if alerts.len() > 10 { li.faint { "and " (alerts.len() - 10) " more" } }
                }
            }
        }
    }
}

/// Returns the message of an alert without the account that it begins with.
fn message(alert: &Alert) -> &str {
    let account = alert.account.as_ref();
    let rest = account.and_then(|account| alert.message.strip_prefix(account.as_str()));
    rest.and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(&alert.message)
}

fn kind(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::BadTree => "Errors in the tree.",
        AlertKind::UntrustedCommit => "Commit not trusted.",
        AlertKind::SourceUnreadable => "Tree unreadable.",
        AlertKind::PlatformUnreadable => "Platform unreadable.",
        AlertKind::Approval => "Waiting for approval.",
        AlertKind::Stalled => "Needs a person.",
        AlertKind::Drift => "Changed by hand.",
        AlertKind::Failing => "Does not succeed.",
        AlertKind::Dns => "DNS is wrong.",
        AlertKind::DnsUnreadable => "DNS unreadable.",
        AlertKind::Brand => "Not seen by customers.",
        AlertKind::Certificate => "Certificate ends.",
        AlertKind::BrandsUnreadable => "Brands cannot be looked at.",
        AlertKind::Code => "Code put in by hand.",
        AlertKind::LeaseLost => "No lease.",
        AlertKind::BadConfig => "The daemon's file has mistakes.",
        AlertKind::BaseLost => "What was applied last is lost.",
        AlertKind::StateSpoilt => "The daemon's state is corrupt.",
        AlertKind::UntrustedBase => "The base is not trusted.",
    }
}

fn search(filter: &Filter) -> Markup {
    html! {
        form.search method="get" action="/" role="search" {
            div.field.grow {
                label for="q" { "Name, company, domain or id" }
                input #q type="search" name="q" value=(filter.q) autocomplete="off";
            }
            div.field {
                label for="state" { "Sync" }
                select #state name="state" {
                    option value="" selected[filter.state.state().is_none()] { "all" }
                    @for state in STATES {
                        option value=(state.as_str()) selected[filter.state.state() == Some(state)] { (said(state).1) }
                    }
                }
            }
            div.field {
                label for="health" { "Health" }
                select #health name="health" {
                    option value="" selected[filter.health.state().is_none()] { "all" }
                    @for state in HealthState::ALL {
                        option value=(state.as_str()) selected[filter.health.state() == Some(state)] { (words::health_sign(state).2) }
                    }
                }
            }
            div.field {
                label for="sort" { "Order" }
                select #sort name="sort" {
                    option value="" selected[filter.sort.0.is_none()] { "what wants attention" }
                    @for (sort, title) in Sort::COLUMNS {
                        option value=(sort.as_str()) selected[filter.sort.0 == Some(sort)] { (title) }
                    }
                }
            }
            button type="submit" #filter { "Filter" }
            @if filter.is_on() { a.button.quiet href="/" #clear { "Show all" } }
        }
    }
}

fn accounts(frame: &Frame<'_>, filter: &Filter, found: &Selected<'_>) -> Markup {
    html! {
        @if found.accounts.is_empty() {
            p.empty {
                @if filter.is_on() { "No account matches the filter." } @else { "The tree has no accounts." }
            }
        } @else {
            table.list {
                caption.visually-hidden { (order(filter)) }
                thead { tr {
                    th scope="col" { span.visually-hidden { "Picture" } }
                    @for (sort, title) in Sort::COLUMNS {
                        th scope="col" aria-sort=[(filter.sort.0 == Some(sort)).then_some(direction(sort))] {
                            a href=(filter.sorted(sort)) { (title) }
                        }
                    }
                } }
                tbody {
                    @if let Some(template) = frame.status.template.as_deref().filter(|_| !filter.is_on() && found.page == 1) {
                        (row(frame, template))
                    }
                    @for account in &found.accounts { (row(frame, account)) }
                }
            }
            (pager(filter, found))
        }
    }
}

/// Returns the caption of the list.
fn order(filter: &Filter) -> String {
    let columns = Sort::COLUMNS.into_iter();
    let mut sorted = columns.filter(|(sort, _)| filter.sort.0 == Some(*sort));
    sorted.next().map_or_else(
        || "Accounts, what wants attention first".to_owned(),
        |(_, title)| format!("Accounts, sorted by {}", title.to_lowercase()),
    )
}

fn direction(sort: Sort) -> &'static str {
    match sort {
        Sort::Name | Sort::Checked => "ascending",
        Sort::Trouble | Sort::Sync | Sort::Differences | Sort::Health => "descending",
    }
}

fn row(frame: &Frame<'_>, object: &ObjectStatus) -> Markup {
    let address = match object.name.account() {
        Some(name) => path(name.as_str()),
        None => "/template".to_owned(),
    };
    let drift = object.confirmed_drift().count();
    let seen = object.drift.len() - drift;
    let pending = object.pending.len();
    html! {
        tr {
            td.picture { (picture::thumbnail(object)) }
            th scope="row" {
                a href=(address) { (shown(brand::heading(object))) }
                div.faint {
                    @if object.name.account().is_none() { "for all accounts" } @else { (brand::line(object)) }
                }
            }
            td data-label="Sync" {
                (badge(object.state))
                @if object.state != State::Ready {
                    div.faint { (because(object.reason)) ", " (time(object.since, frame.now)) }
                }
            }
            td data-label="Differences" {
                @if drift > 0 { div { strong { (drift) } " by hand" } }
                @if seen > 0 { div.faint { (seen) " to confirm" } }
                @if pending > 0 { div { strong { (pending) } " in the tree" } }
                @if drift + seen + pending == 0 {
                    @if object.state == State::Unknown { span.faint { "not known" } } @else { span.faint { "none" } }
                }
            }
            td data-label="Health" {
                @let found = object.health();
                @if object.name.account().is_some() { (health(found.state())) }
                @if let Some(cause) = found.causes().first() { div.faint { (shown(&cause.what)) } }
            }
            td data-label="Last checked" {
                @match object.checked {
                    Some(checked) => (time(checked, frame.now)),
                    None => span.faint { "never" },
                }
            }
        }
    }
}

fn pager(filter: &Filter, found: &Selected<'_>) -> Markup {
    html! {
        nav.pager aria-label="Pages of accounts" {
            span { (counted(found.total, "account", "accounts")) @if found.pages > 1 { ", page " (found.page) " of " (found.pages) } }
            @if found.page > 1 { a.button rel="prev" href=(filter.query(found.page - 1)) { "Previous" } }
            @if found.page < found.pages { a.button rel="next" href=(filter.query(found.page + 1)) { "Next" } }
        }
    }
}

fn told(frame: &Frame<'_>, channels: &[ChannelStatus]) -> Markup {
    html! {
        @if !channels.is_empty() {
            section.card {
                h2 { "Notifications" }
                ul.lines {
                    @for channel in channels {
                        li {
                            (shown(&channel.name)) ": " (counted(usize::try_from(channel.sent).unwrap_or(usize::MAX), "message", "messages")) " taken"
                            @if let Some(last) = channel.last_sent { ", the last " (time(last, frame.now)) }
                            @if channel.failed > 0 { ", " strong { (channel.failed) " given up" } }
                            @if let Some(problem) = &channel.problem { ". " strong { "Now: " } (shown(problem)) }
                        }
                    }
                }
            }
        }
    }
}
