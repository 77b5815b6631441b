//! Reads the page that a customer opens, as a browser does.

use url::Url;

use super::HttpAnswer;
use super::content_policy::{ContentPolicies, Script};
use super::content_type::{Opened, opened};
use crate::tree::{Tag, elements};

/// Where the page's configuration is, relative to the page's base.
const CONFIG: &str = "js/config.js";
/// How many redirects are followed, as browsers do.
pub(super) const MOST_REDIRECTS: usize = 20;
/// Within how many seconds a page that leads elsewhere is no page to stay on.
const LEAVES_WITHIN: u64 = 60;
/// The elements that stand in a page's head; any other begins its body.
const OF_HEAD: [&str; 14] = [
    "html", "head", "base", "basefont", "bgsound", "link", "meta", "noframes", "noscript",
    "script", "style", "template", "title", "!doctype",
];

/// A page, as a browser reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Where it stands.
    pub(super) url: Url,
    pub(super) opened: Opened,
    pub(super) policies: ContentPolicies,
    /// What its relative addresses are relative to.
    base: Url,
    /// The scripts that make it Monster UI; empty where it is another page.
    pub(super) program: Vec<Script>,
    /// Where it leads by itself, and after how many seconds.
    refresh: Option<(u64, Url)>,
}

impl Page {
    /// Reads an answer.
    pub(super) fn read(url: &Url, answer: &HttpAnswer) -> Self {
        let tags = elements(&answer.text());
        let policies = policies(&tags, answer);
        let base = base(&tags, url, &policies);
        Self {
            opened: opened(answer),
            program: program(&tags, &base),
            refresh: refresh(&tags, &base, answer),
            url: url.clone(),
            policies,
            base,
        }
    }

    /// Returns whether it is Monster UI: it has its frame, and loads its program.
    pub(super) fn is_monster_ui(&self) -> bool {
        !self.program.is_empty()
    }

    /// Returns the script that configures it.
    pub(super) fn config(&self) -> Option<Script> {
        Some(Script {
            url: self.base.join(CONFIG).ok()?,
            nonce: String::new(),
            is_in_page: false,
        })
    }

    /// Returns where a browser sends a request of the page.
    pub(super) fn request(&self, address: &str) -> Option<Url> {
        let url = self.base.join(address).ok()?;
        Some(self.upgraded(url))
    }

    /// Returns a URL as the page's policy has it asked.
    pub(super) fn upgraded(&self, mut url: Url) -> Url {
        if url.scheme() == "http" && self.policies.upgrades() {
            let _ = url.set_scheme("https");
        }
        url
    }
}

/// Returns where an answer leads, if it is a redirect.
pub(super) fn redirect(at: &Url, answer: &HttpAnswer) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    at.join(answer.header("location")?).ok()
}

/// Returns where a page that is opened leads: by its status, or by itself and soon.
pub(super) fn leads_to(at: &Url, answer: &HttpAnswer) -> Option<Url> {
    redirect(at, answer).or_else(|| {
        let page = Page::read(at, answer);
        let (after, next) = page.refresh?;
        let mut here = at.clone();
        here.set_fragment(None);
        let leaves = page.opened == Opened::Html && after <= LEAVES_WITHIN && next != here;
        leaves.then_some(next)
    })
}

fn policies(tags: &[Tag], answer: &HttpAnswer) -> ContentPolicies {
    let of_head = tags
        .iter()
        .take_while(|tag| OF_HEAD.contains(&tag.name.as_str()));
    let metas = of_head.filter_map(|tag| meta(tag, "content-security-policy"));
    ContentPolicies::new(answer.headers("content-security-policy"), metas)
}

/// Returns what a `meta` element says in place of a header.
fn meta<'t>(tag: &'t Tag, header: &str) -> Option<&'t str> {
    let name = tag.attribute("http-equiv").filter(|_| tag.name == "meta")?;
    name.eq_ignore_ascii_case(header)
        .then(|| tag.attribute("content"))?
}

fn base(tags: &[Tag], url: &Url, policies: &ContentPolicies) -> Url {
    let mut bases = tags.iter().filter(|tag| tag.name == "base");
    let href = bases.find_map(|tag| tag.attribute("href"));
    let base = href.and_then(|href| url.join(href.trim()).ok());
    let base = base.filter(|base| !matches!(base.scheme(), "data" | "javascript"));
    let base = base.filter(|base| policies.forbids_base(url, base).is_none());
    base.unwrap_or_else(|| url.clone())
}

fn program(tags: &[Tag], base: &Url) -> Vec<Script> {
    let has_frame = tags.iter().any(|tag| {
        let class = tag.attribute("class").unwrap_or_default();
        class
            .split_ascii_whitespace()
            .any(|it| it == "core-wrapper")
    });
    let scripts = tags.iter().filter(|tag| tag.name == "script" && runs(tag));
    let mut program = Vec::new();
    for tag in scripts.filter(|_| has_frame) {
        let source = tag.attribute("src").unwrap_or_default().trim();
        // The module that RequireJS loads first.
        let main = tag.attribute("data-main");
        if ![Some(source), main]
            .into_iter()
            .flatten()
            .any(|it| it.contains("js/main"))
        {
            continue;
        }
        let nonce = tag.attribute("nonce").unwrap_or_default().to_owned();
        program.extend(base.join(source).ok().map(|url| Script {
            url,
            nonce,
            is_in_page: true,
        }));
        let main = main.map(|main| format!("{}.js", main.trim_end_matches(".js")));
        let url = main.and_then(|main| base.join(&main).ok());
        program.extend(url.map(|url| Script {
            url,
            nonce: String::new(),
            is_in_page: false,
        }));
    }
    program
}

/// Returns whether a browser runs a script element, by its type.
fn runs(tag: &Tag) -> bool {
    let kind = tag.attribute("type").unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let is_script = kind.is_empty() || kind == "module" || kind.ends_with("javascript");
    is_script && tag.attribute("nomodule").is_none()
}

fn refresh(tags: &[Tag], base: &Url, answer: &HttpAnswer) -> Option<(u64, Url)> {
    let metas = tags.iter().filter_map(|tag| meta(tag, "refresh"));
    let mut values = answer.header("refresh").into_iter().chain(metas);
    values.find_map(|value| {
        let (after, address) = refreshed(value)?;
        let next = base.join(address).ok()?;
        matches!(next.scheme(), "http" | "https").then_some((after, next))
    })
}

/// Reads `5; url=ADDRESS` (HTML, section 4.2.5.3); without an address the page itself is meant.
fn refreshed(value: &str) -> Option<(u64, &str)> {
    let value = value.trim_start();
    let digits = value.find(|c: char| !c.is_ascii_digit());
    let (seconds, rest) = value.split_at(digits.unwrap_or(value.len()));
    if seconds.is_empty() && !rest.starts_with('.') {
        return None;
    }
    let after = seconds
        .parse()
        .unwrap_or(if seconds.is_empty() { 0 } else { u64::MAX });
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !rest.is_empty() && !rest.starts_with([';', ',', ' ', '\t', '\n']) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start();
    let named = rest
        .get(..3)
        .filter(|name| name.eq_ignore_ascii_case("url"))
        .and_then(|_| rest[3..].trim_start().strip_prefix('='));
    let address = named.map_or(rest, str::trim_start);
    let address = match address.chars().next() {
        Some(quote @ ('"' | '\'')) => address[1..].split(quote).next().unwrap_or_default(),
        _ => address,
    };
    Some((after, address.trim_end()))
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

    fn read(headers: &[(&str, &str)], body: &str) -> Page {
        let url = Url::parse("https://a.example/ui/").unwrap();
        Page::read(&url, &answer(200, headers, body))
    }

    #[test]
    fn monster_ui_is_told_by_its_frame_and_its_program() {
        #[track_caller]
        fn check(html: &str, expected: &[&str]) {
            let program = read(&[], html).program;
            let urls: Vec<&str> = program.iter().map(|script| script.url.as_str()).collect();
            assert_eq!(urls, expected, "{html}");
        }
        let main = "https://a.example/ui/js/main.js";
        check(
            r#"<div class="core-wrapper"></div><script data-main="js/main" src="js/require.js"/></script>"#,
            &["https://a.example/ui/js/require.js", main],
        );
        check(
            r#"<div class="a core-wrapper"></div><script src="js/main.js"></script>"#,
            &[main],
        );
        check(
            r#"<base href=/other/><div class="core-wrapper"></div><script src="js/main.js"></script>"#,
            &["https://a.example/other/js/main.js"],
        );
        check("<h1>Welcome to nginx!</h1>", &[]);
        check(r#"<script src="js/main.js"></script>"#, &[]);
        check(
            r#"<!-- <div class="core-wrapper"></div><script src="js/main.js"></script> -->"#,
            &[],
        );
        check(
            r#"<div class="core-wrapper"></div><script type="text/template" src="js/main.js"></script>"#,
            &[],
        );
    }

    #[test]
    fn a_page_may_lead_elsewhere_by_itself() {
        #[track_caller]
        fn check(headers: &[(&str, &str)], body: &str, expected: Option<&str>) {
            let url = Url::parse("https://a.example/").unwrap();
            let headers = [headers, &[("content-type", "text/html")]].concat();
            let found = leads_to(&url, &answer(200, &headers, body));
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{body}");
        }
        let elsewhere = Some("https://b.example/");
        check(&[("refresh", "0; url=https://b.example/")], "", elsewhere);
        check(
            &[("refresh", "5,URL = 'https://b.example/'")],
            "",
            elsewhere,
        );
        check(&[("refresh", ".5;https://b.example/")], "", elsewhere);
        check(&[("refresh", "61; url=https://b.example/")], "", None);
        check(&[("refresh", "0; url=/")], "", None);
        check(&[("refresh", "x; url=https://b.example/")], "", None);
        check(&[("refresh", "0; url=javascript:alert(1)")], "", None);
        let meta = r#"<meta http-equiv=Refresh content="0;url=https://b.example/">"#;
        check(&[], meta, elsewhere);
        check(&[], &format!("<!-- {meta} -->"), None);
        check(&[], &format!("<noscript>{meta}</noscript>"), None);
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
        #[track_caller]
        fn check(headers: &[(&str, &str)], body: &str, expected: Option<&str>) {
            let api = Url::parse("https://b.example/").unwrap();
            let page = read(headers, body);
            let found = page.policies.forbids_call(&page.url, &api);
            assert_eq!(found.as_deref(), expected, "{body}");
        }
        let meta =
            r#"<META content="connect-src &#39;self&#39;" http-equiv="Content-Security-Policy">"#;
        check(&[], meta, Some("connect-src 'self'"));
        let header = ("content-security-policy", "default-src 'none'");
        check(&[header], "", Some("default-src 'none'"));
        check(&[], "<meta charset=utf-8>", None);
        check(&[], &format!("<!-- {meta} -->"), None);
        // A policy counts in the head only.
        check(
            &[],
            &format!("<title></title><script></script>{meta}"),
            Some("connect-src 'self'"),
        );
        check(&[], &format!("<p>{meta}"), None);
    }

    #[test]
    fn requests_go_where_base_and_policy_lead() {
        #[track_caller]
        fn check(html: &str, address: &str, expected: &str) {
            let found = read(&[], html).request(address).unwrap();
            assert_eq!(found.as_str(), expected, "{html}");
        }
        check("", "v2/", "https://a.example/ui/v2/");
        check(
            "<base href='https://b.example/x'>",
            "v2/",
            "https://b.example/v2/",
        );
        check(
            "<meta http-equiv=content-security-policy content=\"base-uri 'none'\"><base href='https://b.example/'>",
            "v2/",
            "https://a.example/ui/v2/",
        );
        check("", "http://b.example:80/", "http://b.example/");
        let upgrade = "<meta http-equiv=content-security-policy content=upgrade-insecure-requests>";
        check(upgrade, "http://b.example:80/", "https://b.example/");
        check(upgrade, "http://b.example:8443/", "https://b.example:8443/");
    }
}
