//! The frame of the page: head, policy, style, script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::report::escape::visible;

const STYLE: &str = include_str!("style.css");
/// The style of brand cards, which the dashboard uses too.
pub(super) const CARD_STYLE: &str = include_str!("card.css");
const SCRIPT: &str = include_str!("script.js");

/// Renders the whole page. Its policy forbids loading anything and allows only the one script to run.
pub(super) fn whole(title: &str, body: &Markup) -> String {
    let script = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script}'; \
         base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "emblazon " (env!("CARGO_PKG_VERSION")) };
                title { (visible(title)) }
                style { (PreEscaped(STYLE)) (PreEscaped(CARD_STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (body)
                footer {
                    p {
                        "Made by emblazon " (env!("CARGO_PKG_VERSION"))
                        ". This page is one file: it loads nothing, and sends nothing."
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}
