//! A sketch of what customers see: the browser tab, the address, and the login page, in light and dark mode.

use maud::{Markup, html};

use super::sides::Sides;
use super::store::Store;
use crate::diff::{Change, ChangeKey};
use crate::model::AssetFacts;
use crate::report::ObjectReport;
use crate::report::escape::visible;
use crate::report::gallery::Look;

/// The keys that the sketch shows.
const SHOWN: [&str; 6] = [
    "company_name",
    "domain",
    "nav.help",
    "nav.learn_more",
    "hide_powered",
    "hide_registration",
];

/// Sketches a brand before and after, if a change is visible in the sketch.
pub(super) fn figures<'a>(
    object: &ObjectReport,
    mut changes: impl Iterator<Item = &'a Change>,
    sides: Sides,
    shared: bool,
    store: &mut Store<'_>,
) -> Markup {
    let looks = object
        .name
        .as_ref()
        .and_then(|name| store.gallery.looks(name));
    let Some(looks) = looks.filter(|_| changes.any(shows)).cloned() else {
        return html! {};
    };
    let pairs = [
        (sides.before(), &looks.before),
        (sides.after(), &looks.after),
    ];
    html! {
        details.sketches open {
            summary {
                "As customers see it" @if shared { ", on " (visible(object.title())) }
                " " span.hint { "a sketch, not the portal itself" }
            }
            div.frames {
                @for theme in ["light", "dark"] {
                    @for (word, look) in pairs {
                        (frame(word, theme, look.as_ref(), store))
                    }
                }
            }
        }
    }
}

/// Returns whether a change is visible in the sketch.
fn shows(change: &Change) -> bool {
    match &change.key {
        ChangeKey::Setting(key) => SHOWN.contains(&key.as_str()),
        ChangeKey::Asset(_) | ChangeKey::Whitelabel => true,
        ChangeKey::Host(_) | ChangeKey::RecordType(_) | ChangeKey::Records(_) => false,
    }
}

fn frame(word: &str, theme: &str, look: Option<&Look>, store: &mut Store<'_>) -> Markup {
    let Some(look) = look else {
        return html! {
            figure.sketch { div.ground.none { span { "no whitelabel" } } figcaption { strong { (word) } ", " (theme) } }
        };
    };
    let company = look.company.as_deref().unwrap_or("Unnamed");
    let domain = look.domain.as_deref().unwrap_or("no domain");
    html! {
        figure.sketch {
            div class={ "window " (theme) } role="img" aria-label=(said(look, word, theme)) {
                div.inside aria-hidden="true" {
                    div.tabs { div.tab {
                        span.icon { (shown(look.icon.as_ref(), store)) }
                        span.tab-title { (visible(company)) }
                    } }
                    div.address { span { (visible(domain)) } }
                    div.login {
                        div.logo {
                            @if look.logo.is_some() { (shown(look.logo.as_ref(), store)) }
                            @else { span.wordmark { (visible(company)) } }
                        }
                        div.field { "Username" }
                        div.field { "Password" }
                        div.button { "Sign in" }
                        div.links {
                            @if !look.hide_registration { span { "Create an account" } }
                            @if look.help.is_some() { span { "Help" } }
                            @if look.learn_more.is_some() { span { "Learn more" } }
                        }
                    }
                    div.powered { @if !look.hide_powered { "Powered by Kazoo" } }
                }
            }
            figcaption { strong { (word) } ", " (theme) }
        }
    }
}

/// Renders a picture of the sketch, or a box if its bytes are missing.
fn shown(facts: Option<&AssetFacts>, store: &mut Store<'_>) -> Markup {
    let picture = facts.and_then(|facts| store.picture(facts, "").ok());
    picture.unwrap_or_else(|| html! { span.blank {} })
}

/// Describes the sketch for screen readers.
fn said(look: &Look, word: &str, theme: &str) -> String {
    let mut parts = vec![format!("Login page {word}, {theme}")];
    parts.push(look.company.as_ref().map_or_else(
        || "without a company name".to_owned(),
        |company| format!("of {}", visible(company)),
    ));
    if let Some(domain) = &look.domain {
        parts.push(format!("at {}", visible(domain)));
    }
    parts.push(
        if look.logo.is_some() {
            "with its logo"
        } else {
            "without a logo"
        }
        .to_owned(),
    );
    let hidden = [
        (!look.hide_powered, "the platform's name shows"),
        (!look.hide_registration, "people can sign up"),
        (look.help.is_some(), "help is linked"),
    ];
    parts.extend(
        hidden
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, said)| (*said).to_owned()),
    );
    parts.join(", ")
}
