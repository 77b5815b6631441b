//! Finds the API in the user interface's `js/config.js`, without running it.
//!
//! The file is an AMD module that returns an object; people edit it by hand, and builds minify it. What is read here are
//! variables, assignments, objects, texts, and parts of `window.location` added up. Of everything else it is not known
//! what it does, and so nothing is said about the API; a mistake is told only where no browser runs the file.

mod expression;
mod reader;
mod statements;
mod value;

use url::Url;

use super::javascript::{Unread, tokens};
use reader::{Reader, is_word};
use value::Value;

/// What `config.js` says about the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiRoot {
    /// `api.default`, to which the user interface appends `whitelabel/HOST`.
    At(String),
    /// It names none, so that the user interface takes port 8000 of the page's host (U3).
    Usual(String),
    /// It computes it in a way that is not understood here; holds the expression.
    NotUnderstood(String),
    /// No browser runs it; holds what is wrong, and where.
    Mistake(String),
    /// The text is no configuration of Monster UI.
    NotConfig,
}

/// Finds the API of a page at `page`.
pub(super) fn api_root(source: &str, page: &Url) -> ApiRoot {
    let found = tokens(source).and_then(|tokens| {
        if !tokens.iter().any(|token| is_word(token, "define")) {
            return Ok(None);
        }
        Reader::new(&tokens, page).module()
    });
    match found {
        Ok(Some(config)) => root_of(&config, page),
        // A page is no script, whatever stands in it.
        _ if is_page(source) => ApiRoot::NotConfig,
        Ok(None) => ApiRoot::NotConfig,
        Err(Unread::Mistake(what)) => ApiRoot::Mistake(what),
        Err(Unread::NotUnderstood(what)) => ApiRoot::NotUnderstood(what),
    }
}

fn root_of(config: &Value, page: &Url) -> ApiRoot {
    let usual = || {
        let (scheme, host) = (page.scheme(), page.host_str().unwrap_or_default());
        ApiRoot::Usual(format!("{scheme}://{host}:8000/v2/"))
    };
    let member = |object: &Value, key: &str| match object {
        Value::Object(object) => object.get(key),
        Value::Unknown(what) => Some(Value::Unknown(what.clone())),
        _ => None,
    };
    let api = member(config, "api");
    match api.and_then(|api| member(&api, "default")) {
        Some(Value::Text(root)) => ApiRoot::At(root),
        Some(Value::Unknown(what)) => ApiRoot::NotUnderstood(what),
        Some(_) | None => usual(),
    }
}

/// Returns whether a text is a page, which a web server may give in place of a file that is not there.
fn is_page(source: &str) -> bool {
    let start = source.trim_start();
    start.starts_with('<') && !start.starts_with("<!--")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page() -> Url {
        Url::parse("https://portal.acme.example/").unwrap()
    }

    #[test]
    fn the_api_is_found_as_people_and_builds_write_it() {
        #[track_caller]
        #[allow(clippy::needless_pass_by_value, reason = "the table reads better")]
        fn check(source: &str, expected: ApiRoot) {
            assert_eq!(api_root(source, &page()), expected, "{source}");
        }
        let at = |text: &str| ApiRoot::At(text.to_owned());
        let usual = || ApiRoot::Usual("https://portal.acme.example:8000/v2/".to_owned());
        check(
            "define({ api: { 'default': 'https://api.example/v2/' } });",
            at("https://api.example/v2/"),
        );
        check(
            "define(function(require) {\n return {\n  api: {\n // default: 'http://localhost:8000/v2/'\n  default: \"https://api.example:8443/v2/\",\n provisioner: 'x' }, whitelabel: { companyName: '2600Hz' } }; });",
            at("https://api.example:8443/v2/"),
        );
        check(
            r#"define(function(e){return{api:{default:"https:\/\/a.example\/v2\/"},whitelabel:{nav:{}}}})"#,
            at("https://a.example/v2/"),
        );
        check(
            "define(function() { return { api: { /* default: 'x' */ } }; });",
            usual(),
        );
        check(
            "define(function() { return { whitelabel: { companyName: 'x' } }; });",
            usual(),
        );
        // A `default` of another object is not the API's.
        check(
            "define({ api: { socket: 'x' }, other: { default: 'y' } })",
            usual(),
        );
        check(
            "define({ api: { default: window.location.protocol + '//' + window.location.hostname + ':8443/v2/' } })",
            at("https://portal.acme.example:8443/v2/"),
        );
        check(
            "define({ api: { default: location.origin + '/v2/' } })",
            at("https://portal.acme.example/v2/"),
        );
        check(
            "define({ api: { default: settings.api } })",
            ApiRoot::NotUnderstood("settings.api".to_owned()),
        );
        check(
            "define({ api: { default: `https://${location.host}/v2/` } })",
            ApiRoot::NotUnderstood("\"https://${location.host}/v2/\"".to_owned()),
        );
        check(
            "define({ api: { default: 'https:\\u002f\\x2fa.example/v2/' } })",
            at("https://a.example/v2/"),
        );
        // What is set last counts.
        check(
            "define({ api: { default: 'x' }, api: { default: 'y/' } })",
            at("y/"),
        );
        check("define({ api: { default: 'x', default: 'y/' } })", at("y/"));
        check(
            "define(function () { var config = { api: { default: 'x' } }; config.api.default = 'y/'; return config; });",
            at("y/"),
        );
        check(
            "var host = 'a.example', port = 8443\ndefine(['lodash'], (_) => ({ api: { default: 'https://' + host + ':' + port + '/' } }))",
            at("https://a.example:8443/"),
        );
        check(
            "define('config', [], () => { 'use strict'; const _ = require('lodash'); return { api: { default: ('a' + 'b/') } } })",
            at("ab/"),
        );
        // A line that ends after `return` returns nothing.
        check(
            "define(function () { return\n { api: { default: 'x' } }; });",
            ApiRoot::NotConfig,
        );
        check("<!DOCTYPE html><html>it's</html>", ApiRoot::NotConfig);
        check("", ApiRoot::NotConfig);
    }

    #[test]
    fn what_is_computed_otherwise_is_not_known() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            let expected = ApiRoot::NotUnderstood(expected.to_owned());
            assert_eq!(api_root(source, &page()), expected, "{source}");
        }
        check(
            "define({ api: { default: a ? 'b' : 'c' } })",
            "a?\"b\":\"c\"",
        );
        check("define({ api: { default: 'b'.trim() } })", "\"b\".trim()");
        check("define({ api: { default: 'b', ...more } })", "more");
        check("define({ api: { default: 'b', [key]: 'c' } })", "[key]");
        check("define(config)", "config");
        check(
            "define(function () { var a = { api: { default: 'b' } }; change(a); return a; })",
            "change(a);returna;})",
        );
        // Two names for one object, and code that may change an object.
        check(
            "define(function () {\n var a = { api: { default: 'b' } };\n var c = a.api;\n c.default = 'd';\n return a;\n})",
            "c.default=\"d\";",
        );
        check(
            "define(function () {\n var a = { api: { default: 'b' } };\n var c = change(a);\n return a;\n})",
            "define(function(){",
        );
        check("if (a) { define({}) }", "if(a){define({})}");
    }

    #[test]
    fn what_no_browser_runs_is_a_mistake() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            let expected = ApiRoot::Mistake(expected.to_owned());
            assert_eq!(api_root(source, &page()), expected, "{source}");
        }
        check(
            "define({\n api: { default: 'x' }\n whitelabel: {} })",
            "line 3: a comma is missing before whitelabel",
        );
        check(
            "define({ api: { default: 'x' socket: 'y' } })",
            "line 1: a comma is missing before socket",
        );
        check(
            "define({ api: { default 'x' } })",
            "line 1: a colon is missing after default",
        );
        check(
            "define({ api: { default: 'x'; } })",
            "line 1: a ; stands where a comma or another bracket belongs",
        );
        check(
            "define({ api: { default: 'x',, } })",
            "line 1: a comma has nothing before it",
        );
        check(
            "define({ api: { default: } })",
            "line 1: a value is missing",
        );
        check(
            "define({ api: { default: 'x' }",
            "line 1: a bracket is not closed",
        );
        check(
            "define({ api: { default: 'x' } }));",
            "line 1: a ) closes what is not open",
        );
        check(
            "define(function () { return { api: { default: 'x' ) } } });",
            "line 1: a ) stands where a comma or another bracket belongs",
        );
        check(
            "define({ a: 'b\n' })",
            "line 1: a text has no closing quote",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_text_is_too_strange(source in "(define\\(|api|default|function|return|var|=>|\\.\\.\\.|[{}()\\[\\]:;,+='\"`\\\\/*. \né]){0,40}") {
            let _ = api_root(&source, &page());
        }
    }
}
