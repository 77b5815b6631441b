//! Reads the page that a customer opens.

use url::Url;

use super::HttpAnswer;
use super::content_policy::ContentPolicies;

/// Where the page's configuration is, relative to the page.
pub(super) const CONFIG: &str = "js/config.js";

/// Returns whether a page is Monster UI: it has its frame, and loads its program.
pub(super) fn is_monster_ui(html: &str) -> bool {
    html.contains("core-wrapper") && html.contains("js/main")
}

/// Returns where an answer leads, if it is a redirect.
pub(super) fn redirect(at: &Url, answer: &HttpAnswer) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    at.join(answer.header("location")?).ok()
}

/// Returns the policies of a page, from its headers and its `meta` elements.
pub(super) fn policies(answer: &HttpAnswer) -> ContentPolicies {
    let html = answer.text();
    let written: Vec<String> = metas(&html)
        .filter(|tag| {
            attribute(tag, "http-equiv")
                .is_some_and(|name| name.eq_ignore_ascii_case("content-security-policy"))
        })
        .filter_map(|tag| attribute(tag, "content"))
        .collect();
    let headers = answer.headers("content-security-policy");
    ContentPolicies::new(headers.chain(written.iter().map(String::as_str)))
}

/// Returns the insides of the page's `meta` tags.
fn metas(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').filter_map(|tag| {
        let (name, rest) = tag.split_at_checked(4)?;
        name.eq_ignore_ascii_case("meta").then_some(rest)
    })
}

/// Returns the value of a tag's attribute.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let start = lower.find(&format!("{name}="))? + name.len() + 1;
    let rest = &tag[start..];
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => rest[1..].split(quote).next()?,
        None => rest
            .split(|c: char| c.is_ascii_whitespace() || c == '>')
            .next()?,
    };
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
        HttpAnswer {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn monster_ui_is_told_by_its_frame_and_its_program() {
        for (html, expected) in [
            (
                r#"<div class="core-wrapper"></div><script data-main="js/main" src="js/vendor/require.js"></script>"#,
                true,
            ),
            (
                r#"<div class="core-wrapper"></div><script src="js/main.js"></script>"#,
                true,
            ),
            ("<h1>Welcome to nginx!</h1>", false),
            (r#"<script src="js/main.js"></script>"#, false),
        ] {
            assert_eq!(is_monster_ui(html), expected, "{html}");
        }
    }

    #[test]
    fn redirects_lead_where_a_browser_goes() {
        #[track_caller]
        fn check(status: u16, location: &str, expected: Option<&str>) {
            let at = Url::parse("http://a.example/").unwrap();
            let found = redirect(&at, &answer(status, &[("location", location)], ""));
            assert_eq!(found.as_ref().map(Url::as_str), expected);
        }
        check(301, "https://a.example/", Some("https://a.example/"));
        check(302, "/ui/", Some("http://a.example/ui/"));
        check(200, "/ui/", None);
    }

    #[test]
    fn policies_come_from_headers_and_from_the_page() {
        let page = Url::parse("https://a.example/").unwrap();
        let api = Url::parse("https://b.example/").unwrap();
        let meta = r#"<META content="connect-src 'self'" http-equiv="Content-Security-Policy">"#;
        let forbids = |answer: &HttpAnswer| policies(answer).forbids("connect-src", &page, &api);
        assert_eq!(
            forbids(&answer(200, &[], meta)).as_deref(),
            Some("connect-src 'self'")
        );
        let header = ("content-security-policy", "default-src 'none'");
        assert_eq!(
            forbids(&answer(200, &[header], "")).as_deref(),
            Some("default-src 'none'")
        );
        assert_eq!(forbids(&answer(200, &[], "<meta charset=utf-8>")), None);
    }
}
