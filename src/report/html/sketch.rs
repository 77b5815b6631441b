//! A sketch of what customers see, after Monster UI's login page: the browser tab in light and dark, the address, the
//! logo and the welcome message on their dark background, the login form on the brand's color.
//!
//! It is one SVG, so that it looks the same at any size, and needs neither scripts nor styles of its own.

use maud::{Markup, PreEscaped, html};

use crate::model::{AssetFacts, Dimensions};
use crate::report::escape::visible;
use crate::report::finding::cut;
use crate::report::look::LOGO_SPACE;
use crate::report::{Look, Looks};

/// What Monster UI uses where a brand says nothing (`src/js/config.js` and `src/css/partials/_base.scss`).
const TITLE: &str = "Monster UI";
const COLOR: &str = "#2297FF";
const WELCOME: &str = "Your Unified Communications Platform.";

/// A picture that is ready to be drawn: an SVG element of its natural size.
pub(crate) struct Drawn {
    pub(crate) image: Markup,
    pub(crate) size: Dimensions,
}

/// Returns the parts that all sketches of a page share; the page holds them once.
pub(crate) fn shared() -> Markup {
    html! {
        symbol id="ui" viewBox="0 0 480 470" {
            path d="M0 0h480v34H0z" fill="#dfe3ea" {}
            path d="M240 0h240v34H240z" fill="#2a313c" {}
            path d="M12 34V14q0-8 8-8h184q8 0 8 8v20z" fill="#fff" {}
            path d="M252 34V14q0-8 8-8h184q8 0 8 8v20z" fill="#14181f" {}
            path d="M0 34h480v32H0z" fill="#fff" {}
            rect x="12" y="39" width="456" height="22" rx="11" fill="#eef0f3" {}
            path d="M0 66h480v140L0 222z" fill="#303039" {}
            rect x="110" y="236" width="260" height="200" fill="#fff" {}
            g fill="#606069" font-size="11" {
                text x="128" y="258" { "Username" }
                text x="128" y="302" { "Password" }
                text x="128" y="346" { "Account Name" }
            }
            path d="M128.5 263.5h223v24h-223zM128.5 307.5h223v24h-223zM128.5 351.5h223v24h-223z" fill="#fff" stroke="#c0c0c9" {}
            rect x="128" y="390" width="224" height="30" rx="2" fill="#2297FF" {}
            text x="240" y="410" text-anchor="middle" fill="#fff" font-size="13" { "Sign in" }
        }
    }
}

/// Draws a brand on both sides, each under its word.
pub(crate) fn frames(
    looks: &Looks,
    words: [&str; 2],
    picture: &mut impl FnMut(&AssetFacts) -> Option<Drawn>,
) -> Markup {
    let [before, after] = words;
    html! {
        div.frames {
            (frame(before, looks.before.as_ref(), picture))
            (frame(after, looks.after.as_ref(), picture))
        }
    }
}

/// Draws one side under its word.
pub(super) fn frame(
    word: &str,
    look: Option<&Look>,
    picture: &mut impl FnMut(&AssetFacts) -> Option<Drawn>,
) -> Markup {
    html! {
        figure {
            figcaption { (word) }
            @match look {
                Some(look) => (page(word, look, picture)),
                None => { div.none { "no brand" } }
            }
        }
    }
}

/// Draws the login page of one side.
pub(in crate::report) fn page(
    word: &str,
    look: &Look,
    picture: &mut impl FnMut(&AssetFacts) -> Option<Drawn>,
) -> Markup {
    let title = short(look.title.as_deref().unwrap_or(TITLE), 24);
    let icon = look.icon.as_ref().and_then(&mut *picture);
    html! {
        svg.ui viewBox="0 0 480 470" role="img" aria-label=(said(word, look)) {
            path d="M0 200h480v270H0z" fill=(color(look.color.as_deref())) {}
            use href="#ui" {}
            @for (x, ink) in [(22, "#222a35"), (262, "#eef1f5")] {
                @match &icon {
                    Some(icon) => (within(icon, (x, 12, 16, 16))),
                    None => { rect x=(x) y="12" width="16" height="16" rx="3" fill="none" stroke="#8a93a1" {} }
                }
                text x=(x + 24) y="25" font-size="13" fill=(ink) { (title) }
            }
            text x="26" y="55" font-size="13" fill="#222a35" {
                (short(look.domain.as_deref().unwrap_or("no address"), 56))
            }
            (logo(look, picture))
            @for (line, y) in welcome(look.welcome.as_deref()).iter().zip([174, 194]) {
                text x="240" y=(y) text-anchor="middle" font-size="16" fill="#fff" { (line) }
            }
            @if !look.hide_powered {
                text x="240" y="458" text-anchor="middle" font-size="12" fill="#fff" stroke="#0006" stroke-width="2" paint-order="stroke" { "Powered by 2600hz" }
            }
        }
    }
}

/// Draws the logo in its own size in the middle of its space, or words in its place.
fn logo(look: &Look, picture: &mut impl FnMut(&AssetFacts) -> Option<Drawn>) -> Markup {
    let words = |text: &str| {
        html! { text x="240" y="126" text-anchor="middle" font-size="15" font-style="italic" fill="#bcbcc2" { (text) } }
    };
    match &look.logo {
        None => words("the platform's logo"),
        Some(facts) => picture(facts).map_or_else(
            || words("logo not shown"),
            |drawn| thumbnail_at(&drawn, (135, 90)),
        ),
    }
}

fn thumbnail_at(drawn: &Drawn, (x, y): (u32, u32)) -> Markup {
    let Dimensions { width, height } = LOGO_SPACE;
    html! { svg x=(x) y=(y) width=(width) height=(height) { (centred(drawn)) } }
}

/// Draws a logo as the login page shows it, on its background.
pub(crate) fn thumbnail(drawn: Option<&Drawn>) -> Markup {
    let Dimensions { width, height } = LOGO_SPACE;
    html! {
        svg.mini viewBox={ "0 0 " (width) " " (height) } aria-hidden="true" {
            @match drawn {
                Some(drawn) => (centred(drawn)),
                None => { text x="105" y="37" text-anchor="middle" font-size="18" fill="#bcbcc2" { "no logo" } }
            }
        }
    }
}

/// Moves a picture to the middle of the logo's space.
fn centred(drawn: &Drawn) -> Markup {
    let offset = |space: u32, length: u32| (i64::from(space) - i64::from(length)) / 2;
    let x = offset(LOGO_SPACE.width, drawn.size.width);
    let y = offset(LOGO_SPACE.height, drawn.size.height);
    html! { g transform={ "translate(" (x) " " (y) ")" } { (drawn.image) } }
}

fn within(drawn: &Drawn, (x, y, width, height): (u32, u32, u32, u32)) -> Markup {
    let view = format!("0 0 {} {}", drawn.size.width, drawn.size.height);
    html! { svg x=(x) y=(y) width=(width) height=(height) viewBox=(view) { (drawn.image) } }
}

fn short(text: &str, characters: usize) -> String {
    cut(visible(text).into_owned(), characters)
}

/// Returns a color that a browser takes, else the one that Monster UI starts from.
fn color(text: Option<&str>) -> &str {
    let is_color = |text: &str| match text.strip_prefix('#') {
        Some(digits) => {
            matches!(digits.len(), 3 | 4 | 6 | 8)
                && digits.chars().all(|digit| digit.is_ascii_hexdigit())
        }
        None => {
            text.len() <= 40
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || " ,.%()/".contains(c))
        }
    };
    text.filter(|text| is_color(text)).unwrap_or(COLOR)
}

/// Returns the welcome message without its markup, in at most two lines.
fn welcome(message: Option<&str>) -> Vec<String> {
    const LINE: usize = 44;
    let mut plain = String::new();
    let mut is_tag = false;
    for character in message.unwrap_or(WELCOME).chars() {
        match character {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                plain.push(' ');
            }
            _ if is_tag => {}
            other => plain.push(other),
        }
    }
    let mut lines = vec![String::new()];
    for word in plain.split_whitespace() {
        let is_full =
            |line: &String| !line.is_empty() && line.chars().count() + word.chars().count() >= LINE;
        if lines.last().is_none_or(is_full) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let is_cut = lines.len() > 2;
    lines.truncate(2);
    let last = lines.len() - 1;
    let lines = lines.into_iter().enumerate().map(|(number, line)| {
        let line = short(&line, LINE);
        if is_cut && number == last {
            line + " …"
        } else {
            line
        }
    });
    lines.collect()
}

/// Describes the sketch for people who do not see it.
fn said(word: &str, look: &Look) -> String {
    let mut parts = vec![format!(
        "{word}: login page at {}",
        visible(look.domain.as_deref().unwrap_or("no address"))
    )];
    parts.push(format!(
        "browser title {}",
        visible(look.title.as_deref().unwrap_or(TITLE))
    ));
    parts.push(match &look.logo {
        Some(_) => "with its logo".to_owned(),
        None => "with the platform's logo".to_owned(),
    });
    if !look.hide_powered {
        parts.push("“Powered by 2600hz” shows".to_owned());
    }
    parts.join(", ")
}

/// Makes a picture of an element that the page defines once.
pub(super) fn defined(number: usize, size: Dimensions) -> Drawn {
    Drawn {
        image: PreEscaped(format!("<use href=\"#p{number}\"/>")),
        size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colors_are_colors() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(color(Some(text)), expected);
        }
        check("#abc", "#abc");
        check("#1a2B3c", "#1a2B3c");
        check("rebeccapurple", "rebeccapurple");
        check("rgb(1, 2, 3)", "rgb(1, 2, 3)");
        check("#12", COLOR);
        check("url(#p1)", COLOR);
        check("red\" onload=\"x", COLOR);
        check("red;background:url(x)", COLOR);
    }

    #[test]
    fn a_welcome_message_is_two_lines_of_text() {
        #[track_caller]
        fn check(message: &str, expected: &[&str]) {
            assert_eq!(welcome(Some(message)), expected);
        }
        check("<b>Welcome</b> to <i>Acme</i>", &["Welcome to Acme"]);
        check("", &[""]);
        check(
            "The telephone system of Acme Voice, for all our customers in the north and in the south of the country",
            &[
                "The telephone system of Acme Voice, for all",
                "our customers in the north and in the south …",
            ],
        );
        check("<script>alert(1)</script", &["alert(1)"]);
    }
}
