//! The brands that differ: one card each, and one for what several share. A card shows what customers see on both
//! sides, then what changes in sentences; keys and files are folded.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use maud::{Markup, html};

use super::parts::Parts;
use super::section::Section;
use super::sides::Sides;
use super::store::Store;
use super::{change, sketch};
use crate::diff::{Change, ChangeKey};
use crate::model::{AssetFacts, AssetKind, in_a_shell};
use crate::plan::Risk;
use crate::report::block::{self, Block};
use crate::report::card::{Alarm, Card};
use crate::report::escape::visible;
use crate::report::{Look, Looks, ObjectReport, Report, is_drawn};

/// How many cards are open from the start.
const OPEN: usize = 8;
/// The share of a logo, in percent, that may be lost on its background without a word.
const LOST: u8 = 50;

/// A block with its card.
struct Shown<'a, 'b> {
    block: &'b Block<'a>,
    card: Card,
    /// The account whose sketch illustrates the block.
    sketched: Option<&'a ObjectReport>,
    /// The differences of it that no step fixes.
    open: Vec<Change>,
}

/// Renders everything that differs: the brands, then the domain template and zones.
pub(super) fn differing(report: &Report, store: &mut Store<'_>) -> [Section; 2] {
    let sides = Sides::of(report.command);
    let found: Vec<ObjectReport> = match sides {
        Sides::Drift => report.objects().map(block::as_found).collect(),
        Sides::Plan => Vec::new(),
    };
    let all = || -> Box<dyn Iterator<Item = &ObjectReport>> {
        match sides {
            Sides::Drift => Box::new(found.iter()),
            Sides::Plan => Box::new(report.objects()),
        }
    };
    let brands: Vec<&ObjectReport> = all().filter(|object| object.name.is_some()).collect();
    let others: Vec<&ObjectReport> = all().filter(|object| object.name.is_none()).collect();
    [
        section(&brands, "brands", "Brands", sides, store),
        section(
            &others,
            "records",
            "Domain template and zones",
            sides,
            store,
        ),
    ]
}

fn section(
    objects: &[&ObjectReport],
    id: &'static str,
    title: &'static str,
    sides: Sides,
    store: &mut Store<'_>,
) -> Section {
    let blocks = blocks(objects, sides);
    let mut shown: Vec<Shown<'_, '_>> = blocks
        .iter()
        .map(|block| shown(block, &blocks, sides))
        .collect();
    shown.sort_by_cached_key(|shown| {
        let extent = shown.card.extent();
        (Reverse(extent), shown.card.heading.to_lowercase())
    });
    let is_open = id == "brands" && shown.len() <= OPEN;
    let first = store.packed().filter(|_| shown.len() > OPEN);
    let mut cards = shown.iter().enumerate().map(|(number, shown)| {
        let card = article(shown, is_open, &anchor(id, number), sides, store);
        if first.is_some() {
            store.pack(card);
            return html! {};
        }
        card
    });
    let wall = html! { @for card in cards.by_ref() { (card) } };
    let body = html! {
        @if let Some(first) = first {
            div.wall data-first=(first) data-count=(shown.len()) data-each=(Parts::in_one()) {}
        } @else {
            @if !is_open && shown.len() > OPEN { (index(id, &shown)) }
            div.wall { (wall) }
        }
    };
    Section {
        id,
        title,
        count: objects.iter().filter(|object| has_changes(object)).count(),
        lead: first.map(|_| {
            "Search finds each of them by any word; this page's script draws those that you look at."
                .to_owned()
        }),
        body,
    }
}

/// Returns whether an object differs; one that was found in sync has a step without changes.
fn has_changes(object: &ObjectReport) -> bool {
    let mut steps = object.steps.iter();
    !object.changes.is_empty() || steps.any(|step| !step.changes.is_empty())
}

/// Returns the place of a card on the page; it is inside of the card, so that a link opens it.
fn anchor(section: &str, number: usize) -> String {
    format!("{section}-{number}")
}

/// Renders links to all cards, by name.
fn index(section: &str, shown: &[Shown<'_, '_>]) -> Markup {
    let mut links: Vec<(usize, &str)> = (shown.iter().enumerate())
        .map(|(number, shown)| (number, shown.card.heading.as_str()))
        .collect();
    links.sort_by_cached_key(|(_, heading)| heading.to_lowercase());
    html! {
        details.index {
            summary { "Index by name" }
            ul { @for (number, heading) in links { li { a href={ "#" (anchor(section, number)) } { (heading) } } } }
        }
    }
}

/// Splits objects into blocks; one whose differences no step fixes has a block too.
fn blocks<'a>(objects: &[&'a ObjectReport], sides: Sides) -> Vec<Block<'a>> {
    let mut blocks = block::blocks(objects);
    if sides == Sides::Plan {
        let has_own: BTreeSet<&str> = blocks
            .iter()
            .filter(|block| block.objects.len() == 1)
            .flat_map(|block| &block.objects)
            .map(|object| object.title())
            .collect();
        let left = objects.iter().copied();
        let left = left.filter(|object| object.open().next().is_some());
        let left: Vec<&ObjectReport> = left
            .filter(|object| !has_own.contains(object.title()))
            .collect();
        blocks.extend(left.into_iter().map(|object| Block {
            objects: vec![object],
            steps: Vec::new(),
        }));
    }
    blocks
}

fn shown<'a, 'b>(block: &'b Block<'a>, blocks: &[Block<'a>], sides: Sides) -> Shown<'a, 'b> {
    let open: Vec<Change> = match block.objects.as_slice() {
        [only] if sides == Sides::Plan => only.open().cloned().collect(),
        _ => Vec::new(),
    };
    Shown {
        block,
        card: block.card(sides.tense(), &open),
        sketched: block.plainest(blocks),
        open,
    }
}

fn article(
    shown: &Shown<'_, '_>,
    is_open: bool,
    anchor: &str,
    sides: Sides,
    store: &mut Store<'_>,
) -> Markup {
    let Shown { block, card, .. } = shown;
    let names: Vec<&str> = block.objects.iter().map(|object| object.title()).collect();
    let looks = shown.sketched.and_then(|object| object.looks.as_ref());
    let changes = || shown.changes();
    let lost = lost(
        looks.and_then(|looks| looks.after.as_ref()),
        changes(),
        store,
    );
    let minis = (!is_open).then(|| minis(looks, changes(), store));
    let content = content(shown, lost, sides, store);
    html! {
        article.change data-tags=(tags(shown, lost.is_some())) {
            details open[is_open] {
                summary {
                    h3 {
                        (card.heading)
                        @if let Some(domain) = &card.domain { " " span.domain { (domain) } }
                    }
                    @if names.len() == 1 && card.heading != names[0] { span.folder { (visible(names[0])) } }
                    @if card.is_alarming() || lost.is_some() { span.badge.bad { "look at this" } }
                    @if let Some(minis) = &minis { (minis) }
                    span.short { (card.summary()) }
                }
                div.inside id=(anchor) { (content) }
            }
        }
    }
}

/// Renders what an open card shows.
fn content(shown: &Shown<'_, '_>, lost: Option<u8>, sides: Sides, store: &mut Store<'_>) -> Markup {
    let Shown { block, card, .. } = shown;
    let names: Vec<&str> = block.objects.iter().map(|object| object.title()).collect();
    let looks = shown.sketched.and_then(|object| object.looks.as_ref());
    let looks = looks.filter(|_| shown.changes().any(is_drawn));
    let words = [sides.before(), sides.after()];
    html! {
        @if let Some(looks) = looks {
            @if names.len() > 1 { p.hint { "As on " (visible(names[0])) ":" } }
            (sketch::frames(looks, words, &mut |facts: &AssetFacts| store.drawn(facts)))
        }
        div.words {
            @if names.len() > 1 { (change::names(&names)) }
            (sentences(card, lost))
            @if sides == Sides::Drift && let [only] = block.objects.as_slice() { (remedies(only)) }
        }
        (technical(shown, sides, store))
    }
}

impl Shown<'_, '_> {
    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.block.changes().chain(&self.open)
    }
}

/// Returns how much of a new logo is lost on the dark background of the login page, if it is a lot.
fn lost<'c>(
    look: Option<&Look>,
    mut changes: impl Iterator<Item = &'c Change>,
    store: &Store<'_>,
) -> Option<u8> {
    let is_logo =
        |change: &Change| matches!(change.key, ChangeKey::Asset(kind) if kind == AssetKind::Logo);
    let logo = look?.logo.as_ref().filter(|_| changes.any(is_logo))?;
    store.lost_on_dark(logo).filter(|share| *share > LOST)
}

/// Renders the logo on both sides, or once where it stays.
fn minis<'c>(
    looks: Option<&Looks>,
    mut changes: impl Iterator<Item = &'c Change>,
    store: &mut Store<'_>,
) -> Markup {
    let Some(looks) = looks.filter(|_| changes.any(is_drawn)) else {
        return html! {};
    };
    let logo = |look: &Option<Look>| look.as_ref().and_then(|look| look.logo.clone());
    let (before, after) = (logo(&looks.before), logo(&looks.after));
    let mut mini = |facts: &Option<AssetFacts>| {
        let drawn = facts.as_ref().and_then(|facts| store.drawn(facts));
        sketch::thumbnail(drawn.as_ref())
    };
    html! {
        span.minis {
            @if before != after { (mini(&before)) span.to aria-hidden="true" { "→" } }
            (mini(&after))
        }
    }
}

/// Renders the sentences of a card.
fn sentences(card: &Card, lost: Option<u8>) -> Markup {
    html! {
        ul.outcomes {
            @if let Some(share) = lost {
                li.alarm { (share) "% of the logo cannot be seen on the dark background of the login page." }
            }
            @for outcome in &card.outcomes {
                li class=[(outcome.alarm == Alarm::Raised).then_some("alarm")] {
                    (outcome.sentence)
                    @if outcome.by_hand { " " span.badge.warn { "changed by hand" } }
                }
            }
        }
        @if let Some(undo) = card.undo { p.undo { strong { (undo) } } }
        p.hint { (card.seen_by()) }
    }
}

/// Renders what may be done about the drift of an account.
fn remedies(object: &ObjectReport) -> Markup {
    let Some(name) = &object.name else {
        return html! {};
    };
    html! {
        dl.remedies {
            dt { "Put right" } dd { code { "emblazon apply --account " (visible(name.as_str())) } }
            dt { "Keep this" } dd { code { "emblazon import --accept " (visible(&in_a_shell(name.as_str()))) } }
        }
    }
}

fn technical(shown: &Shown<'_, '_>, sides: Sides, store: &mut Store<'_>) -> Markup {
    let Shown { block, open, .. } = shown;
    html! {
        details.technical {
            summary { "Technical details" }
            @if let [only] = block.objects.as_slice() {
                p.id {
                    (visible(only.title()))
                    @if let Some(id) = &only.id { " " code { (id.as_str()) } }
                }
            }
            @for part in &block.steps { (change::step(part, sides, store)) }
            @if !open.is_empty() {
                p.verb { span.badge.warn { "differs, not planned" } }
                (change::differences(open, sides, store))
            }
            @if has_shared(block) {
                p.note { "Changes that several brands share are listed once, in their common card." }
            }
        }
    }
}

/// Returns whether changes of the block's account are listed in a shared block.
fn has_shared(block: &Block<'_>) -> bool {
    let [only] = block.objects.as_slice() else {
        return false;
    };
    let all: usize = only.steps.iter().map(|step| step.changes.len()).sum();
    let own: usize = block.steps.iter().map(|part| part.changes.len()).sum();
    own < all
}

/// Returns the tags that the page's script filters by.
fn tags(shown: &Shown<'_, '_>, is_lost: bool) -> String {
    let Shown {
        block, card, open, ..
    } = shown;
    let changes = || shown.changes();
    let worst = block.steps.iter().map(|part| part.risk).max();
    let mut tags = Vec::new();
    if card.is_alarming() || is_lost || worst >= Some(Risk::Destructive) {
        tags.push("alarm");
    }
    if changes().any(|change| matches!(change.key, ChangeKey::Asset(_))) {
        tags.push("picture");
    }
    if card.outcomes.iter().any(|outcome| outcome.by_hand) {
        tags.push("live");
    }
    let is_refused = |object: &&ObjectReport| !object.refusals.is_empty();
    if !open.is_empty() || block.objects.iter().any(is_refused) {
        tags.push("refused");
    }
    tags.join(" ")
}
