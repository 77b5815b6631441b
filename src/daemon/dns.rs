//! What DNS says of the accounts' domains, asked now and then beside the turns: whoever does not answer delays nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::controller::Controller;
use super::domain_state::DomainState;
use super::history_log::Detected;
use super::schedule::{Name, Schedule, back_off, later};
use super::selection::is_same_template;
use super::source::SourceRevision;
use super::status::{DnsSummary, Finding};
use crate::dns::{Checklist, DomainCheck, Standing, ZoneOptions, declared_template};
use crate::model::{AccountName, DomainName};
use crate::tree::{DesiredTemplate, DnsMode, DnsWatch};

/// How many domains are asked for at a time.
const BATCH: usize = 50;
/// How often in a row nothing at all could be found out before somebody is told.
const SILENCES: u32 = 2;

/// The domains, when each is asked for, and what was found.
pub(super) struct Names {
    schedule: Schedule,
    interval: SignedDuration,
    seed: u64,
    opinions: BTreeMap<AccountName, DomainState>,
    /// The template that they are about.
    template: Option<DesiredTemplate>,
    asking: JoinSet<Answers>,
    questions: u64,
}

/// What came back.
#[derive(Default)]
pub(super) struct Answers {
    checks: Vec<(AccountName, DomainCheck)>,
    questions: u64,
}

impl Names {
    pub(super) fn new(interval: SignedDuration, seed: u64) -> Self {
        Self {
            schedule: Schedule::new(interval, seed),
            interval,
            seed,
            opinions: BTreeMap::new(),
            template: None,
            asking: JoinSet::new(),
            questions: 0,
        }
    }

    /// Takes over another interval.
    pub(super) fn set_interval(&mut self, interval: SignedDuration, now: Timestamp) {
        self.interval = interval;
        self.schedule.set_interval(interval, now);
    }

    /// Asks for the domains of a tree from now on, and for no others. What was known of a touched one counts no more.
    pub(super) fn follow(
        &mut self,
        snapshot: &SourceRevision,
        touched: &BTreeSet<Name>,
        now: Timestamp,
    ) {
        let asked = asked_for(snapshot);
        let names: BTreeSet<Name> = asked.iter().cloned().map(Some).collect();
        let is_new = |name: &&AccountName| !self.opinions.contains_key(*name);
        // A large tree begins with a few, and comes to the others in the course of the interval.
        let later_ones: Vec<Name> = (asked.iter().filter(is_new).skip(BATCH))
            .cloned()
            .map(Some)
            .collect();
        self.schedule.follow(&names, now);
        for name in &later_ones {
            self.schedule.read(name, now);
        }
        self.opinions.retain(|name, _| asked.contains(name));
        let template = snapshot.template();
        let is_all = !is_same_template(self.template.as_ref(), template);
        self.template = template.cloned();
        for name in asked {
            let domain_state = self.opinions.entry(name.clone()).or_default();
            let name = Some(name);
            if is_all || touched.contains(&name) {
                *domain_state = DomainState::default();
                if !later_ones.contains(&name) {
                    self.schedule.requeue(&name, now);
                }
            }
        }
    }

    /// Tells whether an account's domain is asked for, and something is known of it.
    pub(super) fn knows(&self, name: &Name) -> bool {
        let domain_state = (name.as_ref()).and_then(|name| self.opinions.get(name));
        domain_state.is_some_and(|domain_state| *domain_state != DomainState::default())
    }

    /// Asks for an account's domain soon.
    pub(super) fn requeue(&mut self, name: &Name, at: Timestamp) {
        self.schedule.requeue(name, at);
    }

    /// Makes up for a clock that was set back.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        self.schedule.set_back(now);
    }

    /// Asks for all domains soon.
    pub(super) fn requeue_all(&mut self, now: Timestamp) {
        self.schedule.requeue_all(now);
    }

    /// Returns when there is something to ask; while answers are awaited, nothing is.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.schedule.next().filter(|_| self.asking.is_empty())
    }

    /// Tells whether answers are awaited.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// Tells whether a difference was seen once and is to be confirmed.
    pub(super) fn is_confirming(&self) -> bool {
        self.opinions.values().any(DomainState::is_confirming)
    }

    /// Waits for answers; for ever when there is no question.
    pub(super) async fn arrive(&mut self) -> Answers {
        match self.asking.join_next().await {
            Some(answers) => answers.unwrap_or_default(),
            None => pending().await,
        }
    }

    /// Returns why DNS is taken for unreachable: of no domain anything could be found out, again and again.
    fn silence(&self) -> Option<String> {
        let mut silent = self
            .opinions
            .values()
            .map(|domain_state| domain_state.silences);
        let is_silent = !self.opinions.is_empty() && silent.all(|times| times >= SILENCES);
        is_silent.then(|| {
            "no domain's DNS can be asked; look at the resolvers (dns.resolvers in emblazon.yaml) and at the way to them"
                .to_owned()
        })
    }

    /// Plans when to ask again: what is to be confirmed soon, old answers when they end, and what did not answer after
    /// a pause that grows.
    fn plan_ahead(&mut self, name: &AccountName, confirm_after: SignedDuration, now: Timestamp) {
        let Some(domain_state) = self.opinions.get(name) else {
            return;
        };
        let name = Some(name.clone());
        if domain_state.is_confirming() {
            self.schedule.requeue(&name, later(now, confirm_after));
        } else if domain_state.silences > 0 {
            let pause = back_off(domain_state.silences, &name, self.seed).max(confirm_after);
            self.schedule
                .put_off(&name, later(now, pause.min(self.interval)));
        } else if let Some(old_for) = domain_state.old_for {
            let old_for = SignedDuration::from_secs(i64::from(old_for)).max(confirm_after);
            self.schedule.requeue(&name, later(now, old_for));
        }
    }
}

/// Lists the accounts whose domain is asked for.
fn asked_for(snapshot: &SourceRevision) -> BTreeSet<AccountName> {
    let Some(list) = checklist(snapshot, |name| {
        snapshot.loaded.watch.of(Some(name)).dns != DnsWatch::Off
    }) else {
        return BTreeSet::new();
    };
    list.domains.into_iter().map(|(name, _)| name).collect()
}

fn checklist(
    snapshot: &SourceRevision,
    is_wanted: impl Fn(&AccountName) -> bool,
) -> Option<Checklist> {
    let template = declared_template(snapshot.template()?);
    Some(Checklist::new(
        &snapshot.loaded.desired,
        template,
        is_wanted,
    ))
}

impl Controller {
    /// Asks for the domains that are due, and does not wait for the answers.
    pub(super) fn ask_dns(&mut self, now: Timestamp) {
        if self.names.is_asking() || self.names.next().is_none_or(|next| next > now) {
            return;
        }
        let Some(revision) = &self.revision else {
            return;
        };
        let due: BTreeSet<AccountName> = (self.names.schedule.due(now).into_iter().flatten())
            .take(BATCH)
            .collect();
        for name in &due {
            self.names.schedule.read(&Some(name.clone()), now);
        }
        let sandbox = self.setup.sandbox.as_ref();
        let options = match sandbox {
            Some(sandbox) => Ok(sandbox.resolver.map(ZoneOptions::at)),
            None => ZoneOptions::declared(&revision.loaded.dns).map(Some),
        };
        let options = match options {
            Ok(Some(options)) => options,
            // A sandbox without DNS has none to compare with.
            Ok(None) => return,
            Err(error) => {
                self.conditions.dns = Some(error.to_string());
                return;
            }
        };
        if let Some(list) = checklist(revision, |name| due.contains(name)) {
            self.names.asking.spawn(async move {
                let (checks, questions) = list.check(&options, &|_| ()).await;
                Answers { checks, questions }
            });
        }
    }

    /// Asks for all domains that are due, and waits for the answers.
    pub(super) async fn ask_dns_and_wait(&mut self, stop: &CancellationToken) {
        loop {
            self.ask_dns(Timestamp::now());
            if !self.names.is_asking() {
                return self.publish(Timestamp::now());
            }
            tokio::select! {
                answers = self.names.arrive() => self.take_answers(answers),
                () = stop.cancelled() => return,
            }
        }
    }

    /// Says who writes an account's records that the tree manages and this daemon leaves to somebody else.
    fn writer_elsewhere(&self, name: &AccountName) -> Option<&'static str> {
        let loaded = &self.revision.as_ref()?.loaded;
        let account = loaded.desired.account(name)?;
        if account.dns != DnsMode::Manage {
            None
        } else if loaded.watch.of(Some(name)).dns != DnsWatch::Push {
            Some(
                "the tree manages these records; `emblazon apply` writes them, and the daemon does with watch: {dns: push}",
            )
        } else {
            None
        }
    }

    /// Takes in what DNS answered.
    pub(super) fn take_answers(&mut self, answers: Answers) {
        let now = Timestamp::now();
        self.names.questions += answers.questions;
        let mut told: Vec<(AccountName, DnsSummary)> = Vec::new();
        // The tree may have moved in the meantime.
        let answered: BTreeSet<&AccountName> =
            answers.checks.iter().map(|(name, _)| name).collect();
        let now_asked: BTreeMap<AccountName, DomainName> = (self.revision.as_ref())
            .and_then(|revision| checklist(revision, |name| answered.contains(name)))
            .map(|list| list.domains.into_iter().collect())
            .unwrap_or_default();
        for (name, check) in answers.checks {
            let is_asked = now_asked.get(&name) == Some(&check.domain);
            let Some(domain_state) = self.names.opinions.get_mut(&name).filter(|_| is_asked) else {
                continue;
            };
            let before = domain_state.asked_well;
            let mut summary = domain_state.take_in(&name, check, now);
            if summary.standing == Standing::Differs
                && let Some(writer) = self.writer_elsewhere(&name)
            {
                summary.lines.push(writer.to_owned());
            }
            self.write_down(&name, &summary, before, now);
            self.names.plan_ahead(&name, self.setup.confirm_after, now);
            told.push((name, summary));
        }
        self.conditions.dns = self.names.silence();
        let questions = self.names.questions;
        self.published.change(|status| {
            status.cluster.dns_questions = questions;
            for (name, summary) in told {
                if let Some(object) = status.accounts.get_mut(&name) {
                    Arc::make_mut(object).dns = Some(summary);
                }
            }
        });
    }

    /// Writes down what began, and what is over.
    fn write_down(
        &mut self,
        name: &AccountName,
        summary: &DnsSummary,
        begun: Option<Timestamp>,
        now: Timestamp,
    ) {
        let object = Some(name.clone());
        if let Some(seen) = summary.seen.filter(|_| summary.confirmed.is_some()) {
            self.history_log.begin(Detected {
                finding: Finding::Dns,
                name: object,
                keys: Vec::new(),
                message: format!("{name}: {}", summary.headline()),
                commit: None,
                begun: begun.filter(|begun| *begun < seen),
                detected: seen,
            });
        } else if matches!(summary.standing, Standing::InSync | Standing::Propagating) {
            self.history_log
                .end(Finding::Dns, &object, now, "it is as the template has it");
        }
    }
}
