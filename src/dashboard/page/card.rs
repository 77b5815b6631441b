//! The brand card: what customers see now and will see, in pictures and sentences, before any key.

use maud::{Markup, html};

use super::context::Frame;
use super::words::{changes as table, shown};
use crate::daemon::ObjectStatus;
use crate::dashboard::page::brand;
use crate::diff::Change;
use crate::model::AssetFacts;
use crate::plan::Risk;
use crate::report::card::{Alarm, Card, Subject, Tense};
use crate::report::html::sketch::{self, Drawn};
use crate::report::{Looks, is_drawn};

/// Draws what the sketches of a page share; a page with cards holds it once.
pub(super) fn definitions() -> Markup {
    html! { svg.definitions width="0" height="0" aria-hidden="true" { defs { (sketch::shared()) } } }
}

/// Draws the card of an object for some changes.
pub(super) fn card(
    frame: &Frame<'_>,
    object: &ObjectStatus,
    changes: &[&Change],
    risk: Option<Risk>,
    tense: Tense,
) -> Markup {
    let looks = looks(object, changes);
    let card = built(object, changes, looks.as_ref(), risk, tense);
    let words = match tense {
        Tense::Plan => ["Live", "After"],
        Tense::Drift => ["Live", "Declared"],
    };
    let is_seen = changes.iter().any(|change| is_drawn(change));
    html! {
        div.brand-card {
            @if let Some(looks) = looks.filter(|_| is_seen) {
                (sketch::frames(&looks, words, &mut |facts| picture(frame, facts)))
            }
            (sentences(&card))
        }
    }
}

/// Draws the table of changes, folded; a page stays unfolded where it has this id when it is drawn again.
pub(super) fn technical(id: &str, changes: &[&Change]) -> Markup {
    html! {
        details.technical id=(id) {
            summary { "Technical details" }
            (table(changes.iter().copied(), "Technical details"))
        }
    }
}

/// Builds the card of an object.
pub(super) fn built(
    object: &ObjectStatus,
    changes: &[&Change],
    looks: Option<&Looks>,
    risk: Option<Risk>,
    tense: Tense,
) -> Card {
    let subject = Subject {
        title: brand::heading(object),
        id: object.id.as_ref(),
        looks,
    };
    Card::new(subject, changes.iter().copied(), risk, tense)
}

/// Returns how a brand looks now and after some changes, if what is live is known.
pub(super) fn looks(object: &ObjectStatus, changes: &[&Change]) -> Option<Looks> {
    object.name.account()?;
    let live = object.live.as_ref()?;
    let after = live.look.with(changes.iter().copied());
    Some(Looks {
        before: live.is_there.then(|| live.look.clone()),
        after: Some(after),
    })
}

fn sentences(card: &Card) -> Markup {
    html! {
        div.words {
            ul.outcomes {
                @for outcome in &card.outcomes {
                    li class=[(outcome.alarm == Alarm::Raised).then_some("alarm")] {
                        (shown(&outcome.sentence))
                        @if outcome.by_hand { " " span.badge.stalled { "changed by hand" } }
                    }
                }
            }
            @if let Some(undo) = card.undo { p { strong { (undo) } } }
            p.hint { (card.seen_by()) }
        }
    }
}

/// Returns a picture as a part of a sketch; `None` when its bytes are not at hand.
fn picture(frame: &Frame<'_>, facts: &AssetFacts) -> Option<Drawn> {
    let size = facts.dimensions?;
    if !frame.published.has_picture(&facts.digest) {
        return None;
    }
    let address = format!("/pictures/{}", facts.digest.as_str());
    Some(Drawn {
        image: html! { image href=(address) width=(size.width) height=(size.height) preserveAspectRatio="none" {} },
        size,
    })
}
