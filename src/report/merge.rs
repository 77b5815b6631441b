//! Merges the reports of all shards into one, as if a single run had examined the whole tree.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::model::{ObjectReport, Report, Requests, StepReport, Verb};
use super::{DnsReport, Problem};
use crate::apply::StepResult;
use crate::model::{AssetKind, Digest, Shard, count_of};
use crate::plan::{Level, StepId, number};

/// Why reports cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There is no report.
    #[error(
        "there is no report to merge; name the files that `--shard` runs wrote with --output json=FILE"
    )]
    Nothing,
    /// A report covers the whole tree.
    #[error("{0} is no shard's report; only those of runs with --shard can be merged")]
    Whole(String),
    /// Two reports do not belong to the same run.
    #[error(
        "{one} and {other} do not belong together: {what} is {left} in one and {right} in the other"
    )]
    Differ {
        /// The first file.
        one: String,
        /// The other file.
        other: String,
        /// The property that differs.
        what: &'static str,
        /// Its value in the first file.
        left: String,
        /// Its value in the other file.
        right: String,
    },
    /// Two reports are of the same shard.
    #[error("{one} and {other} are both the report of shard {shard}; leave one out")]
    Twice {
        /// The first file.
        one: String,
        /// The other file.
        other: String,
        /// Their shard.
        shard: Shard,
    },
    /// Reports of these shards are missing.
    #[error("the report of shard {} is missing; --partial merges what is there", list(.0))]
    Missing(Vec<Shard>),
    /// An account is in no report: the shards saw different states of the platform.
    #[error(
        "the shards looked at {}: they saw different states of the platform; run them again",
        count_of(*looked_at, *all, "account")
    )]
    Gap {
        /// How many accounts are in the reports.
        looked_at: usize,
        /// How many the tree has.
        all: usize,
    },
    /// An account is in two reports: the shards saw different states of the platform.
    #[error(
        "{account} is in {one} and in {other}: the shards saw different states of the platform; run them again"
    )]
    Overlap {
        /// The first file.
        one: String,
        /// The other file.
        other: String,
        /// The account.
        account: String,
    },
}

fn list(shards: &[Shard]) -> String {
    let names: Vec<String> = shards.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// A shard's report, and the name of the file that it was read from.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The file.
    pub file: String,
    /// The report.
    pub report: Report,
}

/// Merges the reports of all shards. With `partial`, shards may be missing; a note lists them.
///
/// # Errors
/// When the reports do not belong together.
pub fn merge(mut pieces: Vec<Piece>, partial: bool) -> Result<Report, MergeError> {
    pieces.sort_by_key(|piece| piece.report.shard.as_ref().map(|part| part.shard));
    let missing = check(&pieces)?;
    if !missing.is_empty() && !partial {
        return Err(MergeError::Missing(missing));
    }
    let mut parts = Vec::new();
    let mut reports = Vec::new();
    for piece in pieces {
        let mut report = piece.report;
        parts.extend(report.shard.take());
        reports.push(report);
    }
    let mut numbers = Numbers::default();
    let mut whole: Option<Report> = None;
    for (mut report, part) in reports.into_iter().zip(&parts) {
        numbers.tell_apart(&mut report);
        report.notes.retain(|note| !part.notes.contains(note));
        match &mut whole {
            None => whole = Some(report),
            Some(whole) => take_in(whole, report),
        }
    }
    let mut whole = whole.ok_or(MergeError::Nothing)?;
    whole.accounts.sort_by(|a, b| a.name.cmp(&b.name));
    whole.zones.sort_by(|a, b| a.zone.cmp(&b.zone));
    whole.problems.sort_by(Problem::by_place);
    if let Some(coverage) = &mut whole.coverage {
        coverage.managed = parts.iter().map(|part| part.managed).sum();
        coverage.unread = parts.iter().map(|part| part.unread).sum();
    }
    if !missing.is_empty() {
        whole.notes.push(format!(
            "the report of shard {} is missing: nothing is known of its accounts",
            list(&missing)
        ));
    }
    renumber(&mut whole);
    Ok(whole)
}

/// Checks that reports belong together, and returns the shards that are missing.
fn check(pieces: &[Piece]) -> Result<Vec<Shard>, MergeError> {
    let Some(first) = pieces.first() else {
        return Err(MergeError::Nothing);
    };
    let mut seen: BTreeMap<Shard, &str> = BTreeMap::new();
    let mut count = 0;
    let mut accounts: BTreeMap<&str, (&str, &ObjectReport)> = BTreeMap::new();
    let (mut looked_at, mut all) = (0, 0);
    for piece in pieces {
        let Some(part) = &piece.report.shard else {
            return Err(MergeError::Whole(piece.file.clone()));
        };
        for ((what, left), (_, right)) in traits(first).into_iter().zip(traits(piece)) {
            if left != right {
                return Err(MergeError::Differ {
                    one: first.file.clone(),
                    other: piece.file.clone(),
                    what,
                    left,
                    right,
                });
            }
        }
        count = part.shard.count();
        if let Some(other) = seen.insert(part.shard, &piece.file) {
            return Err(MergeError::Twice {
                one: other.to_owned(),
                other: piece.file.clone(),
                shard: part.shard,
            });
        }
        looked_at += part.looked_at;
        all = part.accounts;
        for account in &piece.report.accounts {
            let seen = accounts.insert(account.title(), (&piece.file, account));
            if let Some((other, _)) = seen.filter(|(_, it)| *it != account) {
                return Err(MergeError::Overlap {
                    one: other.to_owned(),
                    other: piece.file.clone(),
                    account: account.title().to_owned(),
                });
            }
        }
    }
    let missing: Vec<Shard> = Shard::all(count)
        .filter(|it| !seen.contains_key(it))
        .collect();
    let has_errors = first.report.summary().errors > 0;
    if missing.is_empty() && looked_at != all && !has_errors {
        return Err(MergeError::Gap { looked_at, all });
    }
    Ok(missing)
}

/// Returns the properties that all parts of one report must share.
fn traits(piece: &Piece) -> [(&'static str, String); 6] {
    let report = &piece.report;
    let text = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let base = report.base.as_ref();
    let part = report.shard.as_ref();
    [
        ("the command", report.command.as_str().to_owned()),
        (
            "the cluster",
            text(report.cluster.as_ref().map(ToString::to_string)),
        ),
        (
            "the number of shards",
            text(part.map(|part| part.shard.count().to_string())),
        ),
        (
            "the tree",
            text(report.tree.as_ref().map(Digest::to_string)),
        ),
        (
            "the number of accounts",
            text(part.map(|part| part.accounts.to_string())),
        ),
        (
            "the commit that was applied last",
            text(base.and_then(|base| base.commit.clone())),
        ),
    ]
}

/// Adds a part to the merged report.
fn take_in(whole: &mut Report, part: Report) {
    whole.plan = match (&whole.plan, &part.plan) {
        (Some(one), Some(other)) => Some(Digest::of(format!("{one} {other}").as_bytes())),
        _ => None,
    };
    let known = |problem: &Problem| whole.problems.contains(problem);
    let news: Vec<Problem> = part.problems.into_iter().filter(|it| !known(it)).collect();
    whole.problems.extend(news);
    let known: BTreeSet<String> = (whole.accounts.iter())
        .map(|account| account.title().to_owned())
        .collect();
    let news = part.accounts.into_iter();
    (whole.accounts).extend(news.filter(|account| !known.contains(account.title())));
    whole.template = whole.template.take().or(part.template);
    for zone in part.zones {
        match whole.zones.iter_mut().find(|it| it.zone == zone.zone) {
            Some(known) => join_zone(known, zone),
            None => whole.zones.push(zone),
        }
    }
    add_new(&mut whole.refusals, part.refusals);
    add_new(&mut whole.notes, part.notes);
    whole.coverage = whole.coverage.take().or(part.coverage);
    whole.requests = match (whole.requests, part.requests) {
        (Some(one), Some(other)) => Some(Requests {
            reading: one.reading + other.reading,
            writing: one.writing + other.writing,
        }),
        _ => None,
    };
    whole.dns = match (whole.dns.take(), part.dns) {
        (Some(one), Some(other)) => Some(join_dns(one, other)),
        (one, other) => one.or(other),
    };
    whole.places.texts.extend(part.places.texts);
    whole.places.accounts.extend(part.places.accounts);
    whole.places.domains.extend(part.places.domains);
    whole.places.hosts.extend(part.places.hosts);
}

fn add_new<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

fn join_dns(mut one: DnsReport, other: DnsReport) -> DnsReport {
    one.accounts.extend(other.accounts);
    one.accounts.sort_by(|a, b| a.name.cmp(&b.name));
    one.skipped.extend(other.skipped);
    one.skipped.sort();
    one.questions += other.questions;
    one.rounds = one.rounds.max(other.rounds);
    one
}

/// Merges the reports of a zone in which several shards manage records.
fn join_zone(known: &mut ObjectReport, part: ObjectReport) {
    known.changes.extend(part.changes);
    known.changes.sort_by(|a, b| a.key.cmp(&b.key));
    add_new(&mut known.unknown, part.unknown);
    add_new(&mut known.refusals, part.refusals);
    add_new(&mut known.notes, part.notes);
    for step in part.steps {
        match known.steps.iter_mut().find(|it| it.result == step.result) {
            Some(known) => join_step(known, step),
            None => known.steps.push(step),
        }
    }
    known.status = known.verdict();
}

fn join_step(known: &mut StepReport, step: StepReport) {
    if step.verb == Verb::SetRecords {
        known.verb = step.verb;
    }
    known.risk = known.risk.max(step.risk);
    known.changes.extend(step.changes);
    known.changes.sort_by(|a, b| a.key.cmp(&b.key));
    known.waits_for.extend(step.waits_for);
    known.waits_for.sort();
    known.waits_for.dedup();
    add_new(&mut known.notes, step.notes);
    add_new(&mut known.result_notes, step.result_notes);
}

/// Renumbers steps so that ids are unique across all parts.
#[derive(Default)]
struct Numbers {
    next: u32,
}

impl Numbers {
    fn tell_apart(&mut self, report: &mut Report) {
        let mut own = BTreeMap::new();
        let mut steps: Vec<&mut StepReport> =
            objects(report).flat_map(|it| &mut it.steps).collect();
        for step in &mut steps {
            own.insert(step.id, StepId(self.next));
            step.id = StepId(self.next);
            self.next += 1;
        }
        for step in steps {
            if let Some(StepResult::Skipped { because }) = &mut step.result
                && let Some(id) = own.get(because)
            {
                *because = *id;
            }
        }
    }
}

fn renumber(whole: &mut Report) {
    let mut levels = BTreeMap::new();
    let mut edges = BTreeSet::new();
    let mut ids = BTreeMap::new();
    let mut frees: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    // The order of a plan: accounts, then the template, then zones.
    let order: Vec<&ObjectReport> = (whole.accounts.iter())
        .chain(&whole.template)
        .chain(&whole.zones)
        .collect();
    for (index, object) in order.iter().enumerate() {
        for (place, step) in object.steps.iter().enumerate() {
            levels.insert((index, place), level(step));
            ids.insert(step.id, (index, place));
            if let Some(previous) = place.checked_sub(1) {
                edges.insert(((index, previous), (index, place)));
            }
            if level(step) <= Level::Write {
                frees
                    .entry(object.title().to_owned())
                    .or_insert((index, place));
            }
        }
    }
    for (index, object) in order.iter().enumerate() {
        for (place, step) in object.steps.iter().enumerate() {
            let before = step.waits_for.iter().filter_map(|title| frees.get(title));
            edges.extend(before.map(|before| (*before, (index, place))));
        }
    }
    let numbers = number(&levels, &edges);
    let new = |id: StepId| ids.get(&id).and_then(|slot| numbers.get(slot)).copied();
    for step in objects(whole).flat_map(|object| &mut object.steps) {
        step.id = new(step.id).unwrap_or(step.id);
        if let Some(StepResult::Skipped { because }) = &mut step.result {
            *because = new(*because).unwrap_or(*because);
        }
    }
}

fn objects(report: &mut Report) -> impl Iterator<Item = &mut ObjectReport> {
    (report.accounts.iter_mut())
        .chain(&mut report.template)
        .chain(&mut report.zones)
}

fn level(step: &StepReport) -> Level {
    match (step.verb, step.asset) {
        (Verb::Release, _) => Level::Release,
        (Verb::Delete | Verb::Recreate, _) => Level::Delete,
        (Verb::Create | Verb::Update, _) => Level::Write,
        (Verb::Upload, Some(AssetKind::Icon)) => Level::Icon,
        (Verb::Upload, Some(AssetKind::Logo)) => Level::Logo,
        (Verb::Upload, Some(AssetKind::Welcome) | None) => Level::Welcome,
        (Verb::Replace, _) => Level::Template,
        (Verb::SetRecords | Verb::RemoveRecords, _) => Level::Records,
    }
}
