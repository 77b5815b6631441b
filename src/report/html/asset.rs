//! An asset before and after: pictures with their differences, welcome pages in frames.

use maud::{Markup, html};

use super::sides::{Sides, text_difference, why};
use super::store::Store;
use crate::diff::{Change, Side};
use crate::model::{AssetFacts, AssetKind};
use crate::report::escape::visible;
use crate::report::picture::Comparison;
use crate::report::value;
use crate::tree::assets;

/// The largest welcome page that is shown, in bytes.
const LARGEST_PAGE: usize = 200_000;

pub(super) fn difference(
    kind: AssetKind,
    change: &Change,
    sides: Sides,
    store: &mut Store<'_>,
) -> Markup {
    let (before, after) = (facts(&change.before), facts(&change.after));
    let shown = match kind {
        AssetKind::Logo | AssetKind::Icon => pictures(kind, before, after, sides, store),
        AssetKind::Welcome => pages(before, after, sides, store),
    };
    html! {
        div.asset {
            p.asset-head {
                code { (value::key(&change.key)) } " "
                (why(change.cause, change.origin.as_ref(), sides))
            }
            (shown)
        }
    }
}

fn facts(side: &Side) -> Option<&AssetFacts> {
    match side {
        Side::Asset(facts) => Some(facts),
        Side::Absent
        | Side::Value(_)
        | Side::Host(_)
        | Side::Elsewhere { .. }
        | Side::Unread
        | Side::Present => None,
    }
}

fn pictures(
    kind: AssetKind,
    before: Option<&AssetFacts>,
    after: Option<&AssetFacts>,
    sides: Sides,
    store: &mut Store<'_>,
) -> Markup {
    let compared = match (before, after) {
        (Some(before), Some(after)) => store.compare(before, after),
        _ => None,
    };
    let first = side(kind, sides.before(), before, store);
    let second = side(kind, sides.after(), after, store);
    html! {
        div.pictures {
            (first) (second)
            @if let Some(compared) = &compared { (comparison(compared, store)) }
        }
    }
}

fn side(kind: AssetKind, word: &str, facts: Option<&AssetFacts>, store: &mut Store<'_>) -> Markup {
    let Some(facts) = facts else {
        return html! {
            figure { div.ground.none { span { "no " (kind) } } figcaption { strong { (word) } } }
        };
    };
    let alternative = format!("{kind} {word}: {}", value::asset(facts));
    let shown = store.picture(facts, &alternative);
    html! {
        figure {
            div.ground {
                @match shown {
                    Ok(picture) => (picture),
                    Err(reason) => { span.missing { "not shown: " (visible(&reason)) } }
                }
            }
            figcaption {
                strong { (word) } " " (value::asset(facts))
                @if let Some(said) = store.described(kind, facts) { br; (said) }
            }
        }
    }
}

fn comparison(compared: &Comparison, store: &mut Store<'_>) -> Markup {
    let (shown, words) = match compared {
        Comparison::Reencoded => (
            None,
            "re-encoded: the same picture, pixel by pixel".to_owned(),
        ),
        Comparison::Reshaped(before, after) => {
            (None, format!("another shape: {before} became {after}"))
        }
        Comparison::Unknown(error) => (None, format!("cannot be compared: {error}")),
        Comparison::Differs {
            pixels,
            of,
            scaled,
            difference,
        } => {
            let share = assets::percent(*pixels, *of);
            let words = match (pixels, scaled) {
                (0, _) => "only scaled: the same picture in another size".to_owned(),
                (_, true) => format!("about {share} % of the picture changed, beside the size"),
                (1, false) => "1 pixel changed".to_owned(),
                (_, false) => format!("{pixels} pixels changed, {share} % of the picture"),
            };
            (Some(store.made(difference, &words)), words)
        }
    };
    html! {
        figure {
            @match shown {
                Some(Ok(picture)) => { div.ground.plain { (picture) } }
                Some(Err(reason)) => { div.ground.none { span { (reason) } } }
                None => { div.ground.none { span aria-hidden="true" { "=" } } }
            }
            figcaption { strong { "difference" } " " (words) }
        }
    }
}

fn pages(
    before: Option<&AssetFacts>,
    after: Option<&AssetFacts>,
    sides: Sides,
    store: &Store<'_>,
) -> Markup {
    let lines = |facts: Option<&AssetFacts>| {
        let bytes = store.gallery.asset(&facts?.digest).ok()?;
        let text = std::str::from_utf8(bytes).ok()?;
        Some(
            text.lines()
                .map(|line| visible(line).into_owned())
                .collect::<Vec<_>>(),
        )
    };
    let both = lines(before).zip(lines(after));
    html! {
        div.pages {
            (page(sides.before(), before, store))
            (page(sides.after(), after, store))
        }
        @if let Some((old, new)) = both {
            details open { summary { "As text" } (text_difference(&old, &new)) }
        }
    }
}

/// Renders a welcome page in a frame that runs no scripts and loads nothing.
fn page(word: &str, facts: Option<&AssetFacts>, store: &Store<'_>) -> Markup {
    let Some(facts) = facts else {
        return html! {
            figure { div.ground.none { span { "no welcome" } } figcaption { strong { (word) } } }
        };
    };
    let text =
        store
            .gallery
            .asset(&facts.digest)
            .and_then(|bytes| match std::str::from_utf8(bytes) {
                Ok(text) if bytes.len() <= LARGEST_PAGE => Ok(text),
                Ok(_) => Err("it is too large"),
                Err(_) => Err("it is not UTF-8"),
            });
    let title = format!("welcome page, {word}");
    html! {
        figure {
            @match text {
                Ok(text) => { iframe sandbox="" loading="lazy" referrerpolicy="no-referrer" title=(title) srcdoc=(text) {} }
                Err(reason) => { div.ground.none { span.missing { "not shown: " (reason) } } }
            }
            figcaption { strong { (word) } " HTML " (value::size(facts.size)) " " (facts.digest.short()) }
        }
    }
}
