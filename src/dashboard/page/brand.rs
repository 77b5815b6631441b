//! What people know a brand by: what is live, and what the tree declares where that differs. One is never shown as the
//! other.

use maud::{Markup, html};

use super::words::shown;
use crate::daemon::{LiveBrand, ObjectStatus};
use crate::model::AssetKind;

/// The assets that are shown as pictures of a brand.
const PICTURES: [AssetKind; 2] = [AssetKind::Logo, AssetKind::Icon];

/// Returns the heading for an account: the live company name or, if none is known, its name in the tree.
pub(super) fn heading(object: &ObjectStatus) -> &str {
    object.brand()
}

/// Draws a line with what else it is known by.
pub(super) fn line(object: &ObjectStatus) -> Markup {
    let live = object.live.as_ref();
    let domain = live.and_then(|live| live.domain.as_deref());
    let has_company = live.is_some_and(|live| live.company.is_some());
    html! {
        @if has_company { (shown(object.title())) }
        @if let Some(domain) = domain { @if has_company { " · " } (shown(domain)) }
        @match live {
            None if object.name.account().is_some() => "what is live is not known",
            Some(live) if !live.is_there => "no whitelabel is live",
            _ => {},
        }
        @for (what, declared) in apart(object) {
            br;
            "declared " (what) ": " (shown(declared))
        }
    }
}

/// Lists what the tree declares and is not known to be live.
fn apart(object: &ObjectStatus) -> Vec<(&'static str, &str)> {
    let live = |of: fn(&LiveBrand) -> &Option<String>| {
        let live = object.live.as_ref();
        live.and_then(|live| of(live).as_deref())
    };
    let declared = [
        (
            "name",
            object.company.as_deref(),
            live(|live| &live.company),
        ),
        (
            "domain",
            object.domain.as_deref(),
            live(|live| &live.domain),
        ),
    ];
    let apart = declared.into_iter();
    apart
        .filter_map(|(what, declared, live)| {
            let declared = declared?;
            // Domains are case-insensitive.
            let is_same = live.is_some_and(|live| match what {
                "domain" => live.eq_ignore_ascii_case(declared),
                _ => live == declared,
            });
            (!is_same).then_some((what, declared))
        })
        .collect()
}

/// Describes which side the pictures are from, where the sides differ.
pub(super) fn sides(object: &ObjectStatus) -> Markup {
    let differing: Vec<AssetKind> = (object.assets.keys().copied())
        .filter(|kind| PICTURES.contains(kind) && !object.is_live(*kind))
        .collect();
    html! {
        @if !differing.is_empty() {
            section.card #pictures {
                h2 { "Pictures" }
                ul.lines {
                    @for kind in differing {
                        li { (kind.as_str()) ": " (said(object, kind)) }
                    }
                }
            }
        }
    }
}

fn said(object: &ObjectStatus, kind: AssetKind) -> String {
    let live = object.live.as_ref().map(|live| live.assets.get(&kind));
    match live {
        None | Some(None) => "what is live is not known; the tree declares one".to_owned(),
        Some(Some(None)) => "none is live; the tree declares one".to_owned(),
        Some(Some(Some(facts))) => format!(
            "another one is live ({} bytes, SHA-256 {}) than the tree declares, and its picture is not kept here",
            facts.size,
            facts.digest.short()
        ),
    }
}
