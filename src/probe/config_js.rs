//! Finds the API in the user interface's `js/config.js`, without running it.
//!
//! The file is an AMD module that returns an object; people edit it by hand, and builds minify it. `api.default` is a
//! text, or texts and parts of `window.location` added up.

use url::Url;

/// What `config.js` says about the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiRoot {
    /// `api.default`, to which the user interface appends `whitelabel/HOST`.
    At(String),
    /// It names none, so that the user interface takes `https://HOST:8000/v2/` (U3).
    Usual(String),
    /// It computes it in a way that is not understood here; holds the expression.
    NotUnderstood(String),
    /// The text is no configuration of Monster UI.
    NotConfig,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// Finds the API of a page at `page`.
pub(super) fn api_root(source: &str, page: &Url) -> ApiRoot {
    let tokens = tokens(source);
    let is_module = tokens
        .windows(2)
        .any(|pair| pair == [Token::Word("define".to_owned()), Token::Mark('(')]);
    if !is_module {
        return ApiRoot::NotConfig;
    }
    let usual = || {
        ApiRoot::Usual(format!(
            "https://{}:8000/v2/",
            page.host_str().unwrap_or("")
        ))
    };
    let Some(api) = value_of(&tokens, "api") else {
        return usual();
    };
    let [Token::Mark('{'), inside @ ..] = api else {
        return ApiRoot::NotUnderstood(written(expression(api)));
    };
    match value_of(inside, "default") {
        None => usual(),
        Some(value) => {
            let value = expression(value);
            sum(value, page).map_or_else(|| ApiRoot::NotUnderstood(written(value)), ApiRoot::At)
        }
    }
}

/// Splits JavaScript into words, texts and marks; comments are dropped.
fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |end| &comment[end..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
        } else if matches!(first, '"' | '\'' | '`') {
            let (text, after) = quoted(&rest[1..], first);
            found.push(Token::Text(text));
            rest = after;
        } else if is_of_word(first) {
            let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            found.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                found.push(Token::Mark(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

/// Reads a text up to its closing quote, and returns what follows.
fn quoted(rest: &str, quote: char) -> (String, &str) {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return (text, &rest[at + quote.len_utf8()..]);
        }
        // Of the escapes, only those that stand for the character itself occur in a URL.
        let kept = if character == '\\' {
            characters.next().map(|(_, escaped)| escaped)
        } else {
            Some(character)
        };
        text.extend(kept);
    }
    (text, "")
}

/// Returns what follows `key:` where the key stands in the outermost object in which it occurs.
fn value_of<'t>(tokens: &'t [Token], key: &str) -> Option<&'t [Token]> {
    let mut depth = 0_i32;
    let mut best: Option<(i32, usize)> = None;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{' | '[' | '(') => depth += 1,
            Token::Mark('}' | ']' | ')') => depth -= 1,
            Token::Word(word) | Token::Text(word) => {
                let is_key = word == key && tokens.get(at + 1) == Some(&Token::Mark(':'));
                if is_key && best.is_none_or(|(least, _)| depth < least) {
                    best = Some((depth, at + 2));
                }
            }
            Token::Mark(_) => {}
        }
        // The object ends here; what follows belongs to others.
        if depth < 0 {
            break;
        }
    }
    tokens.get(best?.1..)
}

/// Cuts an expression off at the comma or bracket that ends it.
fn expression(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_i32;
    let ends = |token: &Token| {
        match token {
            Token::Mark('{' | '[' | '(') => depth += 1,
            Token::Mark('}' | ']' | ')') => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && *token == Token::Mark(','))
    };
    let end = tokens.iter().position(ends).unwrap_or(tokens.len());
    &tokens[..end]
}

/// Adds up texts and parts of the page's location.
fn sum(tokens: &[Token], page: &Url) -> Option<String> {
    let mut text = String::new();
    for term in tokens.split(|token| *token == Token::Mark('+')) {
        text.push_str(&term_of(term, page)?);
    }
    Some(text)
}

fn term_of(term: &[Token], page: &Url) -> Option<String> {
    let words: Vec<&str> = match term {
        [Token::Text(text)] => return (!text.contains("${")).then(|| text.clone()),
        _ => term.iter().filter_map(word).collect(),
    };
    let dots = term
        .iter()
        .filter(|token| **token == Token::Mark('.'))
        .count();
    if words.len() + dots != term.len() || dots + 1 != words.len() {
        return None;
    }
    let path = match words.as_slice() {
        ["window" | "document" | "self", rest @ ..] => rest,
        all => all,
    };
    let host = page.host_str().unwrap_or_default();
    let authority = match page.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    match path {
        ["location", "hostname"] => Some(host.to_owned()),
        ["location", "host"] => Some(authority),
        ["location", "protocol"] => Some(format!("{}:", page.scheme())),
        ["location", "origin"] => Some(format!("{}://{authority}", page.scheme())),
        _ => None,
    }
}

fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(word) => Some(word),
        Token::Text(_) | Token::Mark(_) => None,
    }
}

/// Writes an expression for a message, at most so long.
fn written(tokens: &[Token]) -> String {
    const LONGEST: usize = 120;
    let text: String = tokens
        .iter()
        .map(|token| match token {
            Token::Word(word) => word.clone(),
            Token::Text(text) => format!("{text:?}"),
            Token::Mark(mark) => mark.to_string(),
        })
        .collect();
    text.chars().take(LONGEST).collect()
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
        check("<!DOCTYPE html><html></html>", ApiRoot::NotConfig);
        check("", ApiRoot::NotConfig);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_text_is_too_strange(source in "(define\\(|api|default|[{}:,+'\"`\\\\/*. é]){0,40}") {
            let _ = api_root(&source, &page());
        }
    }
}
