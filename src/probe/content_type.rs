//! What a browser takes an answer for, by its headers (Fetch, sections 2.2.3 and 3.6; MIME Sniffing, section 7).

use super::HttpAnswer;

/// The types of JavaScript (MIME Sniffing, section 4.6).
const JAVASCRIPT: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

/// How an HTML page may begin of which nobody says that it is one.
const HTML_STARTS: [&str; 17] = [
    "!doctype html",
    "html",
    "head",
    "script",
    "iframe",
    "h1",
    "div",
    "font",
    "table",
    "a",
    "style",
    "title",
    "b",
    "body",
    "br",
    "p",
    "!--",
];

/// What a browser does with an answer that it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// It shows a page.
    Html,
    /// It shows something else, or saves a file; holds what, as the end of a sentence.
    NoPage(String),
    /// It shows a page or not; holds the type.
    Unknown(String),
}

/// Returns what a browser does with an answer that it opens.
pub(super) fn opened(answer: &HttpAnswer) -> Opened {
    if is_attachment(answer) {
        return Opened::NoPage("is saved as a file (Content-Disposition)".to_owned());
    }
    let found = essence(answer);
    match found.as_deref() {
        Some("text/html") => Opened::Html,
        Some("application/xhtml+xml" | "application/xml" | "text/xml") => {
            Opened::Unknown(found.unwrap_or_default())
        }
        None | Some("unknown/unknown" | "application/unknown") => {
            if !has_no_sniff(answer) && begins_as_html(&answer.text()) {
                Opened::Html
            } else {
                Opened::NoPage("is shown as text or saved, for want of a Content-Type".to_owned())
            }
        }
        Some(other) => Opened::NoPage(format!("is of the type {other}, and no page")),
    }
}

/// Returns why a browser does not run an answer as a script.
pub(super) fn script_refused(answer: &HttpAnswer) -> Option<String> {
    if !(200..300).contains(&answer.status) {
        return Some(format!("answers {}", answer.status));
    }
    let found = essence(answer).unwrap_or_default();
    let is_other = ["audio/", "image/", "video/"]
        .iter()
        .any(|start| found.starts_with(start));
    if is_other || found == "text/csv" {
        return Some(format!("is of the type {found}, which no browser runs"));
    }
    let is_named = JAVASCRIPT.contains(&found.as_str());
    (has_no_sniff(answer) && !is_named).then(|| {
        let named = if found.is_empty() { "no type" } else { &found };
        format!("is of {named} with X-Content-Type-Options: nosniff, so no browser runs it")
    })
}

fn has_no_sniff(answer: &HttpAnswer) -> bool {
    let first = answer.header("x-content-type-options").unwrap_or_default();
    let first = first.split(',').next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case("nosniff")
}

/// Returns type and subtype, in lower case; of several, the last that is one.
fn essence(answer: &HttpAnswer) -> Option<String> {
    let values = answer
        .headers("content-type")
        .flat_map(|header| header.split(','));
    let types = values.filter_map(|value| {
        let found = value.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = found.split_once('/')?;
        let is_type = !kind.is_empty() && !subtype.is_empty() && found != "*/*";
        is_type.then_some(found)
    });
    types.last()
}

fn is_attachment(answer: &HttpAnswer) -> bool {
    let Some(value) = answer.header("content-disposition") else {
        return false;
    };
    let kind = value.split(';').next().unwrap_or_default().trim();
    // Chromium takes a bare `filename=…` for inline.
    !kind.is_empty() && !kind.contains('=') && !kind.eq_ignore_ascii_case("inline")
}

fn begins_as_html(text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('<') else {
        return false;
    };
    HTML_STARTS.iter().any(|start| {
        let (Some(found), after) = (rest.get(..start.len()), rest.as_bytes().get(start.len()))
        else {
            return false;
        };
        let is_ended = *start == "!--" || matches!(after, Some(b' ' | b'>'));
        found.eq_ignore_ascii_case(start) && is_ended
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
        let headers = headers.iter();
        HttpAnswer {
            status,
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
            took: Duration::ZERO,
        }
    }

    const NO_SNIFF: (&str, &str) = ("x-content-type-options", "NoSniff");

    #[test]
    fn a_page_is_shown_as_a_page_or_not() {
        #[track_caller]
        fn check(headers: &[(&str, &str)], body: &str, expected: bool) {
            let found = opened(&answer(200, headers, body));
            assert_eq!(found == Opened::Html, expected, "{headers:?} {found:?}");
        }
        let page = " <!doctype HTML>";
        check(&[("content-type", "Text/HTML; charset=utf-8")], page, true);
        check(&[("content-type", "text/plain")], page, false);
        check(&[("content-type", "text/plain, text/html")], page, true);
        check(&[("content-type", "html")], page, true);
        check(&[], page, true);
        check(&[], "<p>", true);
        check(&[], "Hello", false);
        check(&[NO_SNIFF], page, false);
        check(&[("content-type", "text/html"), NO_SNIFF], page, true);
        let html = ("content-type", "text/html");
        check(&[html, ("content-disposition", "attachment")], page, false);
        check(
            &[html, ("content-disposition", "Inline; filename=x")],
            page,
            true,
        );
        check(&[html, ("content-disposition", "filename=x")], page, true);
    }

    #[test]
    fn a_script_runs_or_not() {
        #[track_caller]
        fn check(status: u16, headers: &[(&str, &str)], expected: Option<&str>) {
            let found = script_refused(&answer(status, headers, ""));
            assert_eq!(found.as_deref(), expected, "{headers:?}");
        }
        check(200, &[("content-type", "text/javascript"), NO_SNIFF], None);
        check(203, &[("content-type", "text/html")], None);
        check(200, &[], None);
        check(404, &[], Some("answers 404"));
        check(
            200,
            &[("content-type", "image/png")],
            Some("is of the type image/png, which no browser runs"),
        );
        check(
            200,
            &[("content-type", "text/html"), NO_SNIFF],
            Some("is of text/html with X-Content-Type-Options: nosniff, so no browser runs it"),
        );
        check(
            200,
            &[NO_SNIFF],
            Some("is of no type with X-Content-Type-Options: nosniff, so no browser runs it"),
        );
    }
}
