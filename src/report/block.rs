//! Groups changes that many accounts share, so that each is reported once.

use std::collections::{BTreeMap, BTreeSet};

use super::card::{Card, Subject, Tense};
use super::{Command, ObjectReport, Report, StepReport, Verb};
use crate::diff::{Change, ChangeKey, Side};
use crate::model::{AssetKind, count};
use crate::plan::{Risk, StepId};
use crate::tree::Origin;

/// How many accounts must share a change before it is reported once for all of them.
const SHARED_FROM: usize = 3;

/// A block of the report: a set of accounts and the changes that they share.
pub(super) struct Block<'a> {
    pub(super) objects: Vec<&'a ObjectReport>,
    pub(super) steps: Vec<Part<'a>>,
}

impl<'a> Block<'a> {
    /// Builds the card of the block. For a single brand it is complete, also where other brands share a change; `open`
    /// are differences that no step fixes.
    pub(super) fn card(&self, tense: Tense, open: &[Change]) -> Card {
        let risk = self.steps.iter().map(|part| part.risk).max();
        let risk = risk.filter(|_| tense == Tense::Plan);
        if let [only] = self.objects.as_slice() {
            let subject = Subject {
                title: only.title(),
                id: only.id.as_ref(),
                looks: only.looks.as_ref(),
            };
            let mut card = Card::new(subject, self.changes().chain(open), risk, tense);
            let outlived = only.steps.iter().filter_map(|step| step.old_answers_for);
            if let (Tense::Plan, Some(seconds)) = (tense, outlived.max()) {
                card.outlived(seconds);
            }
            return card;
        }
        let subject = Subject {
            title: "",
            id: None,
            looks: None,
        };
        let mut card = Card::new(subject, self.changes(), risk, tense);
        card.heading = format!("The same on {}", count(self.objects.len(), "brand"));
        card.domain = None;
        card
    }

    /// Iterates over the changes that the card is about.
    pub(super) fn changes(&self) -> Box<dyn Iterator<Item = &Change> + '_> {
        match self.objects.as_slice() {
            [only] => Box::new(only.steps.iter().flat_map(|step| &step.changes)),
            _ => Box::new(self.steps.iter().flat_map(|part| &part.changes)),
        }
    }

    /// Returns the account that has only what the block shares, if there is one, to illustrate it.
    pub(super) fn plainest(&self, blocks: &[Self]) -> Option<&'a ObjectReport> {
        let is_alone = |object: &ObjectReport| {
            !blocks.iter().any(|other| match other.objects.as_slice() {
                [only] => only.title() == object.title(),
                _ => false,
            })
        };
        match self.objects.as_slice() {
            [only] => Some(only),
            objects => objects.first().copied().filter(|first| is_alone(first)),
        }
    }
}

/// A step, or what is left of it once its shared changes are reported elsewhere.
pub(super) struct Part<'a> {
    pub(super) verb: Verb,
    pub(super) asset: Option<AssetKind>,
    pub(super) risk: Risk,
    pub(super) changes: Vec<Change>,
    pub(super) notes: Vec<&'a str>,
    pub(super) waits_for: Vec<&'a str>,
}

/// Identifies equal changes: everything about a change except where the tree declares it.
type Fingerprint = String;

/// Splits the accounts' steps into blocks: first what at least three accounts share, the most accounts first, then one
/// block for each account's own changes.
pub(super) fn blocks<'a>(objects: &[&'a ObjectReport]) -> Vec<Block<'a>> {
    let shared = shared(objects);
    let mut groups: BTreeMap<Vec<usize>, Vec<Part<'a>>> = BTreeMap::new();
    let mut own: Vec<Block<'a>> = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        let mut parts = Vec::new();
        for step in &object.steps {
            let mut rest = part(step);
            for change in &step.changes {
                match shared.get(&fingerprint(step, change)) {
                    None => rest.changes.push(change.clone()),
                    Some(found) if found.members.first() == Some(&index) => {
                        let change = Change {
                            origin: found.origin.clone(),
                            ..change.clone()
                        };
                        add(
                            groups.entry(found.members.clone()).or_default(),
                            step,
                            change,
                        );
                    }
                    Some(_) => {}
                }
            }
            if !rest.changes.is_empty() || !rest.waits_for.is_empty() || !rest.notes.is_empty() {
                parts.push(rest);
            }
        }
        if !parts.is_empty() {
            own.push(Block {
                objects: vec![object],
                steps: parts,
            });
        }
    }
    let mut blocks: Vec<Block<'a>> = groups
        .into_iter()
        .map(|(members, steps)| Block {
            objects: members.iter().map(|index| objects[*index]).collect(),
            steps,
        })
        .collect();
    blocks.sort_by_key(|block| std::cmp::Reverse(block.objects.len()));
    hoist_notes(&mut blocks, &mut own);
    blocks.extend(own);
    blocks
}

/// Moves a note to the shared block when every account of the block has it.
fn hoist_notes<'a>(blocks: &mut [Block<'a>], own: &mut Vec<Block<'a>>) {
    for block in blocks {
        let names: BTreeSet<&str> = block.objects.iter().map(|object| object.title()).collect();
        for step in &mut block.steps {
            let Some(first) = block.objects.first() else {
                continue;
            };
            let notes = first
                .steps
                .iter()
                .filter(|own| own.verb == step.verb && own.asset == step.asset)
                .flat_map(|own| &own.notes);
            for note in notes {
                let everywhere = block.objects.iter().all(|object| {
                    object.steps.iter().any(|own| {
                        own.verb == step.verb && own.asset == step.asset && own.notes.contains(note)
                    })
                });
                if everywhere {
                    step.notes.push(note);
                }
            }
            for other in own.iter_mut().filter(|other| {
                other
                    .objects
                    .first()
                    .is_some_and(|object| names.contains(object.title()))
            }) {
                for part in &mut other.steps {
                    if part.verb == step.verb && part.asset == step.asset {
                        part.notes.retain(|note| !step.notes.contains(note));
                    }
                }
            }
        }
    }
    for block in own.iter_mut() {
        block.steps.retain(|part| {
            !part.changes.is_empty() || !part.waits_for.is_empty() || !part.notes.is_empty()
        });
    }
    own.retain(|block| !block.steps.is_empty());
}

/// The accounts that share a change.
struct Shared {
    members: Vec<usize>,
    /// Where the tree declares it, if that is the same place for all of them.
    origin: Option<Origin>,
}

fn shared(objects: &[&ObjectReport]) -> BTreeMap<Fingerprint, Shared> {
    let mut found: BTreeMap<Fingerprint, Shared> = BTreeMap::new();
    for (index, object) in objects.iter().enumerate() {
        for step in &object.steps {
            for change in &step.changes {
                let shared = found
                    .entry(fingerprint(step, change))
                    .or_insert_with(|| Shared {
                        members: Vec::new(),
                        origin: change.origin.clone(),
                    });
                if shared.origin != change.origin {
                    shared.origin = None;
                }
                if shared.members.last() != Some(&index) {
                    shared.members.push(index);
                }
            }
        }
    }
    found.retain(|_, shared| shared.members.len() >= SHARED_FROM);
    found
}

fn fingerprint(step: &StepReport, change: &Change) -> Fingerprint {
    let change = Change {
        origin: None,
        ..change.clone()
    };
    format!("{:?} {:?} {change:?}", step.verb, step.asset)
}

fn part(step: &StepReport) -> Part<'_> {
    Part {
        verb: step.verb,
        asset: step.asset,
        risk: step.risk,
        changes: Vec::new(),
        notes: step.notes.iter().map(String::as_str).collect(),
        waits_for: step.waits_for.iter().map(String::as_str).collect(),
    }
}

fn add<'a>(parts: &mut Vec<Part<'a>>, step: &'a StepReport, change: Change) {
    let fits = |part: &&mut Part<'_>| part.verb == step.verb && part.asset == step.asset;
    match parts.iter_mut().find(fits) {
        Some(part) => {
            part.risk = part.risk.max(step.risk);
            part.changes.push(change);
        }
        None => parts.push(Part {
            changes: vec![change],
            notes: Vec::new(),
            waits_for: Vec::new(),
            ..part(step)
        }),
    }
}

/// Returns the objects that a report groups: with their steps, or with what was found where there are none.
pub(super) fn listed(report: &Report) -> Vec<ObjectReport> {
    match report.command {
        Command::Validate | Command::Dns => Vec::new(),
        Command::Drift | Command::Diff => report.objects().map(as_found).collect(),
        Command::Plan | Command::Apply => report.objects().cloned().collect(),
    }
}

/// Turns all differences of an object into one step, so that drift is grouped like a plan. Where the whole whitelabel is
/// gone, nothing is said of its parts.
pub(super) fn as_found(object: &ObjectReport) -> ObjectReport {
    let is_gone = |change: &&Change| {
        change.key == ChangeKey::Whitelabel
            && change.before == Side::Absent
            && change.after == Side::Present
    };
    let changes = match object.changes.iter().find(is_gone) {
        Some(gone) => vec![gone.clone()],
        None => object.changes.clone(),
    };
    let step = StepReport {
        id: StepId(0),
        verb: Verb::Update,
        asset: None,
        changes,
        risk: Risk::Reversible,
        waits_for: Vec::new(),
        old_answers_for: None,
        notes: Vec::new(),
        result: None,
        result_notes: Vec::new(),
    };
    ObjectReport {
        steps: vec![step],
        ..object.clone()
    }
}
