//! Keeps credentials out of messages.

use crate::model::Secret;

/// How many characters of a server's text are shown, at most.
const LONGEST_TEXT: usize = 300;

/// A longer word, in bytes, may be a key or a token.
const LONGEST_WORD: usize = 60;

/// Cleans texts from a server before they go into an error.
///
/// The server echoes API keys and tokens (trap 41, observed 16), so its texts are never shown as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Redaction(Vec<Secret>);

impl Redaction {
    /// Creates a redaction for the credentials in use.
    pub(super) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self(
            secrets
                .into_iter()
                .filter(|secret| !secret.expose().is_empty())
                .collect(),
        )
    }

    /// Removes the known credentials, every word that is long enough to be one, and control characters; truncates long
    /// texts.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            text = text.replace(secret.expose(), "…");
        }
        let mut clean = String::with_capacity(text.len().min(LONGEST_TEXT));
        for word in text.split_inclusive([' ', '\n']) {
            // A dot or a slash makes it a name, a path or a URL; a JWT has dots too, but always starts with `eyJ`.
            let may_be_key = word.len() > LONGEST_WORD && !word.contains('/');
            if may_be_key && (!word.contains('.') || word.starts_with("eyJ")) {
                clean.push_str("… ");
            } else {
                clean.push_str(word);
            }
        }
        let clean: String = clean
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        match clean.char_indices().nth(LONGEST_TEXT) {
            Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
            None => clean.trim_end().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_servers() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let redaction = Redaction::new([Secret::new("canary"), Secret::new("")]);
            assert_eq!(redaction.clean(text), expected);
        }
        check("conflicting documents", "conflicting documents");
        check("the key canary is bad", "the key … is bad");
        check(&format!("no {} here", "k".repeat(64)), "no … here");
        check(&format!("eyJ{}.x.y", "a".repeat(80)), "…");
        check(&"word ".repeat(100), &format!("{}…", "word ".repeat(60)));
        check("a\nb\u{1b}[31m", "a b [31m");
        let domain = format!("{}.example.com", "a".repeat(60));
        check(&domain, &domain);
    }
}
