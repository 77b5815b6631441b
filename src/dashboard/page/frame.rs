//! The frame around every page.

use maud::{DOCTYPE, Markup, html};

use super::context::Frame;
use super::still::{SCRIPT, STYLE};
use super::words::{counted, shown};
use crate::daemon::{HealthState, Mode, Role, State};
use crate::model::count_of;

/// A tab of the dashboard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Plan,
    History,
}

const TABS: [(Tab, &str, &str); 3] = [
    (Tab::Overview, "/", "Overview"),
    (Tab::Plan, "/plan", "Next run"),
    (Tab::History, "/history", "History"),
];

impl Frame<'_> {
    /// Draws a whole page.
    pub(super) fn page(&self, title: &str, tab: Option<Tab>, body: &Markup) -> Markup {
        let cluster = self.cluster();
        let content = html! {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                a.mark href="/" { "emblazon" }
                span.cluster { (shown(cluster)) }
                nav aria-label="Pages" {
                    @for (this, path, word) in TABS {
                        a href=(path) aria-current=[(tab == Some(this)).then_some("page")] { (word) }
                    }
                }
                div.side {
                    span #stream hidden data-version=(self.status.version) { "live" }
                    @if self.has_session {
                        form method="post" action="/logout" {
                            input type="hidden" name="form" value=(self.form);
                            button.quiet type="submit" { "Log out" }
                        }
                    }
                }
            }
            p #gone role="alert" hidden { strong { "The daemon does not answer" } " since " span {} ". This page shows what was known then." }
            main #main tabindex="-1" {
                @if let Some(done) = self.done {
                    p.done role="status" { (done) }
                }
                div #banners data-live { (self.banners()) }
                (body)
            }
            footer {
                p #age data-live { (self.age()) }
            }
            p #announce .visually-hidden role="status" aria-live="polite" data-counts=(self.counts()) {}
        };
        document(&format!("{title} · {cluster}"), true, &content)
    }

    /// Returns the name of the cluster, for people.
    pub(super) fn cluster(&self) -> &str {
        let name = self.status.cluster.name.as_ref();
        name.map_or("no cluster yet", |name| name.as_str())
    }

    /// Describes in a sentence how many objects are in each state.
    fn counts(&self) -> String {
        let count = |state| self.status.count(state);
        format!(
            "{}, {} out of sync, {} unknown, {} syncing, {} in sync",
            counted(
                self.status.in_health(HealthState::Outage),
                "outage",
                "outages"
            ),
            count(State::Stalled),
            count(State::Unknown),
            count(State::Reconciling),
            count(State::Ready),
        )
    }

    fn age(&self) -> Markup {
        let cluster = &self.status.cluster;
        let mode = match &cluster.mode {
            Mode::Idle => "waiting".to_owned(),
            Mode::Running(run) if run.steps > 0 => {
                format!("applying, {} done", count_of(run.done, run.steps, "step"))
            }
            Mode::Running(run) => format!("reading {}", counted(run.objects, "object", "objects")),
            Mode::Stopping => "stopping".to_owned(),
        };
        html! {
            "emblazon " (env!("CARGO_PKG_VERSION")) " · " (mode) " · last cycle "
            (super::words::time(cluster.beat, self.now))
        }
    }

    /// Draws what everybody must know first.
    fn banners(&self) -> Markup {
        let cluster = &self.status.cluster;
        let ago = |then| super::words::time(then, self.now);
        html! {
            @if let Role::Leaseless { reason, since } = &cluster.role {
                div.banner.warn { p { strong { "No lease." } " " (shown(reason)) ", since " (ago(*since)) ". This daemon reads and writes nothing." } }
            }
            @if let Role::Standby { holder, since } = &cluster.role {
                div.banner.info { p { strong { "Standing by." } " " (shown(holder)) ", since " (ago(*since)) ". This daemon reads and writes nothing." } }
            }
            @if let Some(pause) = &cluster.paused {
                div.banner.warn {
                    p {
                        strong { "Paused." } " " (shown(&pause.reason))
                        " – " (shown(pause.by.as_deref().unwrap_or("somebody who gave no name")))
                        ", " (ago(pause.since))
                        @match pause.until {
                            Some(until) => { ". Ends " (ago(until)) "." },
                            None => ". Until somebody resumes.",
                        }
                    }
                    (super::form::resume(self))
                }
            }
            @if let Some(approval) = &cluster.approval {
                div.banner.info {
                    p {
                        strong { "Approved." } " " (shown(approval.author.named())) " approved plan "
                        code { (approval.plan.short()) } ", " (ago(approval.author.at))
                        @if let Some(reason) = &approval.author.reason { ": " (shown(reason)) }
                        ". It is read once more, and carried out when it is still what there is to do."
                    }
                }
            }
            @if let Some(since) = cluster.down_since {
                div.banner.bad { p { strong { "The platform cannot be read" } " since " (ago(since)) ". Nothing is written until it can." } }
            }
            @if let Some(problem) = &cluster.source.problem {
                div.banner.bad {
                    p {
                        strong { "The last commit is not in use." } " " (shown(problem)) "."
                        @if let Some(commit) = &cluster.source.rejected {
                            br;
                            "Commit " code { (super::words::short(&commit.id)) } " by " (shown(&commit.author)) ": " (shown(&commit.subject))
                        }
                    }
                    @if !cluster.source.mistakes.is_empty() {
                        ul.mistakes {
                            @for mistake in cluster.source.mistakes.iter().take(20) {
                                li {
                                    code { (mistake.code) } " "
                                    @if let Some(file) = &mistake.file {
                                        code.place { (shown(file.as_str())) @if let Some(line) = mistake.line { ":" (line) } }
                                        " "
                                    }
                                    (super::words::message_text(&mistake.message)) ". " span.faint { (super::words::message_text(&mistake.help)) }
                                }
                            }
                            @if cluster.source.mistakes.len() > 20 {
                                li { "and " (cluster.source.mistakes.len() - 20) " more" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Draws an HTML document.
pub(super) fn document(title: &str, is_live: bool, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (crate::report::text::visible(title)) }
                link rel="icon" href="/static/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href={ "/static/style.css?" (STYLE.tag()) };
                @if is_live { script src={ "/static/page.js?" (SCRIPT.tag()) } defer {} }
            }
            body { (content) }
        }
    }
}
