//! Tree and platform → plan: the first part of `plan`, `drift` and `apply`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use camino::Utf8Path;

use super::args::{BaseArgs, PlatformArgs, ScopeArgs, TreeArgs};
use super::base::GitState;
use super::dns;
use super::failure::Failure;
use super::pictures::{self, Before};
use super::platform::{self, Platform};
use super::progress::{self, Phase};
use super::selection;
use super::shard;
use super::tree::{self, OpenTree};
use super::ui::Ui;
use crate::apply;
use crate::diff::{
    Differences, Direction, ManagedRecords, WrittenTree, ZoneDifference, compare_zones, laid_over,
};
use crate::dns::push::Standings;
use crate::dns::{Checklist, ZoneOptions, declared_template};
use crate::live::Live;
use crate::model::{Digest, count};
use crate::plan::{self, Plan, Planned};
use crate::reconcile::unproven;
use crate::report::gallery::Gallery;
use crate::report::{self, Command, DnsReport, Facts, Report};
use crate::tree::{Base, Desired, short_commit};

/// The purpose of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be shown.
    Show,
    /// To be executed: the objects that it writes are read from the platform, never from the cache.
    Write,
}

/// The platform as it was read, and the plan for it.
pub(crate) struct Survey {
    pub(crate) live: Live,
    pub(crate) planned: Planned,
    pub(crate) digest: Digest,
}

impl Dns {
    /// Interprets `--skip-dns`.
    pub(crate) fn unless(skipped: bool) -> Self {
        if skipped {
            Self::Skipped
        } else {
            Self::Included
        }
    }
}

impl Survey {
    /// Reads the platform and plans; sends no request that writes (invariant 2).
    pub(crate) async fn take(
        ui: Ui,
        (folder, tree): (&Utf8Path, &mut OpenTree),
        platform: &Platform,
        (mut base, written): (Option<&mut Desired>, &[WrittenTree]),
        rules: &plan::Options,
        (purpose, dns): (Purpose, Dns),
    ) -> Result<Self, Failure> {
        let desired = &tree.loaded.desired;
        let phase = platform.reading(ui, desired);
        let elsewhere = tree.elsewhere();
        let writes = purpose == Purpose::Write;
        let reading = platform.collect(desired, elsewhere, base.as_deref(), &phase, writes);
        let mut live = reading.await?;
        drop(phase);
        shard::follow_domains(tree, base.as_deref_mut(), platform, &mut live).await?;
        let (tree, base) = (&*tree, base.as_deref());
        let desired = &tree.loaded.desired;
        let sources = &tree.loaded.sources;
        let rules = &plan::Options {
            part: tree.part(),
            ..rules.clone()
        };
        let is_part = tree.selection().is_some();
        let records = match dns {
            Dns::Included => {
                let mut managed = ManagedRecords::new(desired, base, sources);
                managed.take_written(written);
                ask_primary(ui, (folder, tree), platform, &managed).await
            }
            Dns::Skipped => Records::default(),
        };
        let are_unread = dns == Dns::Skipped
            && (ManagedRecords::are_needed(desired, base)
                || written.iter().any(|tree| !tree.parts.records.is_empty()));
        let make = |live: &Live| {
            let zones = records.zones.clone();
            // What emblazon wrote is no drift, even if no apply has completed since.
            let over = laid_over(base, written, (desired, is_part), live);
            let base = over.as_ref().or(base);
            let mut planned = plan::plan_with_records(desired, base, live, zones, sources, rules);
            tell_written(&mut planned.differences, written);
            planned.plan.scope.records_unread |= are_unread;
            planned.differences.notes.extend(records.note.clone());
            planned
        };
        let mut planned = make(&live);
        if writes {
            let _phase = Phase::asking(ui, "reading again", 0, platform.reader().activity());
            loop {
                let missing = unproven(&planned.plan, &live.fresh);
                if missing.is_empty() {
                    break;
                }
                let read = platform.read_again(desired, base, &missing, &mut live);
                read.await?;
                planned = make(&live);
            }
        }
        let digest = planned.plan.digest();
        Ok(Self {
            live,
            planned,
            digest,
        })
    }

    /// Returns the facts for a report.
    pub(crate) fn facts<'a>(&'a self, command: Command, tree: &'a OpenTree) -> Facts<'a> {
        Facts {
            live: Some(&self.live),
            differences: Some(&self.planned.differences),
            plan: (command != Command::Drift).then_some((&self.planned.plan, &self.digest)),
            ..tree_facts(command, tree)
        }
    }
}

/// Adds a note to each account that differs and was brought to another commit since the base, completely or partly.
fn tell_written(differences: &mut Differences, written: &[WrittenTree]) {
    for account in &mut differences.accounts {
        let name = &account.name;
        let of_it = written.iter().rev().find(|tree| tree.parts.covers(name));
        let Some(tree) = of_it.filter(|_| !account.changes.is_empty()) else {
            continue;
        };
        let what = if tree.parts.accounts.contains(name) {
            "it was brought"
        } else if tree.parts.keys.contains_key(name) {
            "some of it was brought"
        } else {
            "some of it may have been brought"
        };
        let note = format!(
            "from Git, partly applied: {what} to commit {}, which was not applied completely",
            short_commit(&tree.commit)
        );
        Arc::make_mut(account).notes.push(note);
    }
}

/// The result of reading the records of managed accounts.
#[derive(Default)]
struct Records {
    zones: Vec<ZoneDifference>,
    note: Option<String>,
}

/// Compares the records of managed accounts with those at the primary; sends nothing that writes. An unreachable
/// primary stops nothing else.
async fn ask_primary(
    ui: Ui,
    (folder, tree): (&Utf8Path, &OpenTree),
    platform: &Platform,
    managed: &ManagedRecords,
) -> Records {
    if managed.is_empty() {
        return Records::default();
    }
    let Some(settings) = &tree.loaded.dns.push else {
        let note = "dns: manage has no effect until dns: push in emblazon.yaml names the primary; `dns export` writes the records for other tools";
        return Records {
            zones: Vec::new(),
            note: Some(note.to_owned()),
        };
    };
    let questions = managed.questions();
    let standings =
        match apply::primary(folder, settings, platform.sandbox_primaries().as_ref()).await {
            Ok(reader) => {
                let title = format!("asking for {}", count(questions.len(), "set of records"));
                progress::during(ui, &title, reader.standings(&questions)).await
            }
            Err(reason) => Standings::unknown(&questions, &reason),
        };
    let zones = compare_zones(managed, &standings, apply::push_policy(settings));
    Records { zones, note: None }
}

/// Returns the facts for a report on a tree that was not compared with anything.
pub(crate) fn tree_facts(command: Command, tree: &OpenTree) -> Facts<'_> {
    let loaded = &tree.loaded;
    Facts {
        desired: Some(&loaded.desired),
        lint: &loaded.lint_notes,
        ..Facts::new(command, &loaded.diagnostics, &loaded.sources)
    }
}

/// Whether DNS is compared too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dns {
    /// DNS is compared.
    Included,
    /// DNS is not compared.
    Skipped,
}

/// The questions about public DNS: they follow from the tree alone.
struct DnsQuestions {
    list: Checklist,
    options: ZoneOptions,
    /// How many domains were checked before the phase was shown.
    checked: AtomicUsize,
    /// Shown once nothing else is: two bars would overwrite each other.
    phase: OnceLock<Phase>,
}

impl DnsQuestions {
    /// Returns what to compare with the template that the tree declares; nothing for a tree without a template and for
    /// a sandbox without DNS.
    fn of(tree: &OpenTree, platform: &Platform) -> Result<Option<Self>, Failure> {
        let desired = &tree.loaded.desired;
        let resolver = platform.sandbox_resolver();
        let Some(template) = &desired.template else {
            return Ok(None);
        };
        if platform.is_sandbox() && resolver.is_none() {
            return Ok(None);
        }
        let list = Checklist::new(desired, declared_template(template), |_| true);
        if list.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            options: dns::whom_to_ask(tree, resolver)?,
            list,
            checked: AtomicUsize::new(0),
            phase: OnceLock::new(),
        }))
    }

    async fn ask(&self) -> DnsReport {
        let seen = || match self.phase.get() {
            Some(phase) => {
                phase.step();
            }
            None => {
                self.checked.fetch_add(1, Ordering::Relaxed);
            }
        };
        dns::check(&self.list, &self.options, &seen).await
    }

    /// Shows from now on how far the answers are.
    fn show(&self, ui: Ui) {
        let phase = Phase::begin(ui, "asking DNS", self.list.domains.len());
        let checked = self.checked.load(Ordering::Relaxed);
        phase.counter().store(checked, Ordering::Relaxed);
        let _ = self.phase.set(phase);
    }
}

/// Awaits `reading`, and meanwhile asks DNS; a failure of the reading ends both.
async fn beside<T>(
    ui: Ui,
    questions: Option<DnsQuestions>,
    reading: impl Future<Output = Result<T, Failure>>,
) -> Result<(T, Option<DnsReport>), Failure> {
    let Some(questions) = questions else {
        return Ok((reading.await?, None));
    };
    let reading = async {
        let read = reading.await?;
        questions.show(ui);
        Ok::<T, Failure>(read)
    };
    let asking = async { Ok(questions.ask().await) };
    let (read, answers) = tokio::try_join!(reading, asking)?;
    Ok((read, Some(answers)))
}

/// What `plan` and `drift` compare, and how.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) command: Command,
    pub(crate) tree: &'a TreeArgs,
    pub(crate) platform: &'a PlatformArgs,
    pub(crate) base: &'a BaseArgs,
    pub(crate) scope: &'a ScopeArgs,
    pub(crate) purpose: Purpose,
    pub(crate) rules: &'a plan::Options,
    /// Show only the changes of this side.
    pub(crate) only: Option<Direction>,
    /// Whether public DNS is queried.
    pub(crate) dns: Dns,
    /// Whether the primary of managed accounts is queried.
    pub(crate) records: Dns,
    /// Whether pictures are shown, for which their bytes must be read.
    pub(crate) pictures: bool,
}

/// The result of `plan` and `drift`.
pub(crate) struct Seen {
    pub(crate) report: Report,
    pub(crate) gallery: Gallery,
    /// The plan; absent when the tree has errors.
    pub(crate) plan: Option<Plan>,
}

/// Compares a tree with a platform, and reports. A tree with errors is not compared.
pub(crate) async fn look(ui: Ui, look: Look<'_>) -> Result<Seen, Failure> {
    let Look { command, base, .. } = look;
    let folder = &look.tree.tree;
    let choice = &look.tree.choice;
    let mut tree = tree::open_touched(ui, folder, choice, look.platform.several(), look.scope)?;
    let asked = &look.scope.selection;
    selection::narrow(ui, (folder, &mut tree), asked, look.platform).await?;
    if tree.loaded.has_errors() {
        let shard = look.scope.shard.map(|shard| tree.part_facts(shard));
        let facts = Facts {
            shard: shard.as_ref(),
            ..tree_facts(command, &tree)
        };
        return Ok(Seen {
            report: report::report(&facts),
            gallery: Gallery::default(),
            plan: None,
        });
    }
    let revision = choice.rev.as_deref();
    let mut git = GitState::find(ui, folder, &tree, revision, look.platform, base).await?;
    if let Some(shard) = look.scope.shard {
        shard::divide(&mut tree, git.desired_mut(), shard);
    }
    let platform = platform::connect(ui, folder, &tree, look.platform).await?;
    let platform = platform.with_scope(look.scope);
    // Which accounts a shard has is known only once they are read.
    let is_known = tree.shard.is_none();
    let questions = match look.dns {
        Dns::Included if is_known => DnsQuestions::of(&tree, &platform)?,
        Dns::Included | Dns::Skipped => None,
    };
    let reading = Survey::take(
        ui,
        (folder, &mut tree),
        &platform,
        git.before_mut(),
        look.rules,
        (look.purpose, look.records),
    );
    // The answers of slow servers are waited for while the platform is read.
    let (mut survey, mut found) = Box::pin(beside(ui, questions, reading)).await?;
    if look.dns == Dns::Included && !is_known {
        let questions = DnsQuestions::of(&tree, &platform)?;
        ((), found) = beside(ui, questions, async { Ok(()) }).await?;
    }
    let mut notes = Vec::new();
    if let Some(only) = look.only {
        if git.desired().is_some() || !git.written().is_empty() {
            survey.planned.differences.only(only);
        } else {
            notes.push("--only has no effect: no applied commit is known, so which side changed cannot be determined".to_owned());
        }
    }
    notes.extend(git.told());
    notes.extend(git.older(folder));
    notes.extend(tree.left_out());
    let shard = tree.shard_facts();
    let mut facts = survey.facts(command, &tree);
    facts.base = git.base.as_ref();
    facts.shard = shard.as_ref();
    facts.notes = &notes;
    facts.requests = platform.requests();
    facts.dns = found.as_ref();
    let report = report::report(&facts);
    let gallery = if look.pictures {
        pictures::gather(ui, &report, &tree, &Before::Live(platform.reader())).await
    } else {
        Gallery::default()
    };
    platform.stop().await;
    let mut plan = survey.planned.plan;
    plan.base = (git.base.as_ref().and_then(Base::commit)).map(str::to_owned);
    plan.forgotten = base.forget.iter().map(ToString::to_string).collect();
    Ok(Seen {
        report,
        gallery,
        plan: Some(plan),
    })
}
