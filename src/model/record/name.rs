//! Domain names inside records.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::PLACEHOLDER;

/// A domain name in canonical form: lower case, without the trailing dot; the root is `.`.
///
/// Unlike a [`crate::model::DomainName`] it may have underscores, one label, a leading `*`, and the placeholder
/// `{{domain}}` in place of labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordName(String);

impl RecordName {
    /// Parses a name as people type it, with or without the trailing dot.
    ///
    /// # Errors
    /// Returns the byte offset and the length of the invalid part, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (usize, usize, &'static str)> {
        if text == "." {
            return Ok(Self(text.to_owned()));
        }
        let bare = text.strip_suffix('.').unwrap_or(text);
        if bare.is_empty() {
            return Err((0, text.len(), "is empty"));
        }
        if bare.parse::<std::net::IpAddr>().is_ok() {
            return Err((0, text.len(), "is an address, a name is wanted"));
        }
        if bare.len() > 253 + PLACEHOLDER.len() {
            return Err((0, text.len(), "has over 253 characters"));
        }
        let mut offset = 0;
        for (index, label) in bare.split('.').enumerate() {
            if let Some(problem) = label_problem(index, label) {
                return Err((offset, label.len(), problem));
            }
            offset += label.len() + 1;
        }
        Ok(Self(bare.to_ascii_lowercase()))
    }

    /// Wraps a name from a DNS response without validating its characters; only case and trailing dot are normalised.
    #[must_use]
    pub fn observed(text: &str) -> Self {
        let bare = match text.strip_suffix('.') {
            Some("") | None => text,
            Some(bare) => bare,
        };
        Self(bare.to_ascii_lowercase())
    }

    /// Returns the canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is the root, which means "none" in NAPTR, SRV and MX.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// Returns whether this is `{{domain}}` or a name below it.
    #[must_use]
    pub fn is_within_placeholder(&self) -> bool {
        self.0
            .strip_suffix(PLACEHOLDER)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn label_problem(index: usize, label: &str) -> Option<&'static str> {
    if label == PLACEHOLDER || label == "*" && index == 0 {
        return None;
    }
    if label.is_empty() {
        Some("has an empty label")
    } else if label.contains(PLACEHOLDER) {
        Some("needs a dot between {{domain}} and its neighbour")
    } else if label.contains(['{', '}']) {
        Some("is no placeholder, the only one is {{domain}}")
    } else if label.contains('*') {
        Some("has a * that is not the whole first label")
    } else if label.len() > 63 {
        Some("has over 63 characters")
    } else if !label.is_ascii() {
        Some("is not in ASCII, write it as A-label")
    } else if !label
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    {
        Some("has a character that names do not have")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("begins or ends with a hyphen")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, (usize, usize)>) {
            let got = RecordName::parse(text).map_err(|(offset, length, _)| (offset, length));
            assert_eq!(
                got.as_ref().map(RecordName::as_str),
                expected.as_ref().copied(),
                "{text}"
            );
        }
        check("UI.Example.net.", Ok("ui.example.net"));
        check(
            "_sip._udp.proxy.{{domain}}",
            Ok("_sip._udp.proxy.{{domain}}"),
        );
        check("{{domain}}.", Ok("{{domain}}"));
        check(".", Ok("."));
        check("*.{{domain}}", Ok("*.{{domain}}"));
        check("localhost", Ok("localhost"));
        check("", Err((0, 0)));
        check("ui..net", Err((3, 0)));
        check("ui.example.net..", Err((15, 0)));
        check("a.b c.net", Err((2, 3)));
        check("ui{{domain}}", Err((0, 12)));
        check("ui.{{Domain}}", Err((3, 10)));
        check("a.*.net", Err((2, 1)));
        check("-a.net", Err((0, 2)));
        check("192.0.2.1", Err((0, 9)));
        check("bücher.example", Err((0, 7)));
        check(&format!("a.{}", "b".repeat(64)), Err((2, 64)));
        check(&"a.".repeat(140), Err((0, 280)));
    }

    #[test]
    fn placeholders() {
        assert!(RecordName::observed("US.{{domain}}.").is_within_placeholder());
        assert!(RecordName::observed("{{domain}}").is_within_placeholder());
        assert!(!RecordName::observed("x{{domain}}").is_within_placeholder());
        assert!(!RecordName::observed("{{domain}}.net").is_within_placeholder());
        assert!(RecordName::observed(".").is_root());
    }
}
