//! Domain names of brands.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A bare host name in the only spelling that works everywhere: lower case, A-labels, no trailing dot, no scheme, port,
/// path or whitespace.
///
/// The server accepts any string (W13), but the UI compares it with `window.location.hostname` (W26).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainName(String);

/// The reason why a string is not a bare host name, with the correct spelling where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DomainNameError {
    /// The string is empty.
    #[error("a domain must not be empty")]
    Empty,
    /// The string is a URL, or has a port, a path, whitespace or a trailing dot.
    #[error("{what} does not belong in a domain")]
    Extra {
        /// The superfluous part, such as `a scheme`.
        what: &'static str,
        /// The bare host name that the string contains, if any.
        suggestion: Option<String>,
    },
    /// The string has upper-case letters or U-labels.
    #[error("a domain is written in {form}")]
    Form {
        /// `lower case` or `ASCII (A-labels)`.
        form: &'static str,
        /// The correct spelling.
        suggestion: String,
    },
    /// A label is empty, too long, or contains a character that host names do not allow.
    #[error("label {label:?} {problem}")]
    Label {
        /// The label.
        label: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The name has more than 253 characters (RFC 1035, section 2.3.4).
    #[error("a domain has at most 253 characters, this has {0}")]
    TooLong(usize),
    /// The name has only one label.
    #[error("a domain has at least two labels")]
    SingleLabel,
    /// The string is an IP address.
    #[error("a domain is a name, this is an IP address")]
    Address,
    /// The name is not valid under IDNA (UTS 46).
    #[error("not a valid internationalised name")]
    Idna,
}

impl DomainName {
    /// Parses a bare, lower-case host name.
    ///
    /// # Errors
    /// Returns what is wrong and, where it is known, the correct spelling.
    pub fn parse(text: &str) -> Result<Self, DomainNameError> {
        if text.is_empty() {
            return Err(DomainNameError::Empty);
        }
        if let Some(what) = extra(text) {
            let suggestion = bare(text).filter(|bare| bare != text && Self::parse(bare).is_ok());
            return Err(DomainNameError::Extra { what, suggestion });
        }
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Err(DomainNameError::Address);
        }
        let ascii = idna::domain_to_ascii(text).map_err(|_| DomainNameError::Idna)?;
        if ascii != text {
            let form = if text.is_ascii() {
                "lower case"
            } else {
                "ASCII (A-labels)"
            };
            // Names that are invalid in any spelling get no suggestion.
            check_labels(&ascii)?;
            return Err(DomainNameError::Form {
                form,
                suggestion: ascii,
            });
        }
        check_labels(text)?;
        Ok(Self(ascii))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn extra(text: &str) -> Option<&'static str> {
    if text.contains(char::is_whitespace) {
        Some("white space")
    } else if text.contains("://") {
        Some("a scheme")
    } else if text.contains(['/', '?', '#']) {
        Some("a path")
    } else if text.contains('@') {
        Some("a user name")
    } else if text.contains(':') && text.parse::<std::net::IpAddr>().is_err() {
        Some("a port")
    } else if text.ends_with('.') {
        Some("a trailing dot")
    } else {
        None
    }
}

fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next()?;
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then_some(host)
}

fn check_labels(name: &str) -> Result<(), DomainNameError> {
    if name.len() > 253 {
        return Err(DomainNameError::TooLong(name.len()));
    }
    let mut labels = 0;
    for label in name.split('.') {
        labels += 1;
        let problem = if label.is_empty() {
            "is empty"
        } else if label.len() > 63 {
            "has over 63 characters"
        } else if label.starts_with('-') || label.ends_with('-') {
            "must not begin or end with a hyphen"
        } else if !label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            "holds a character that host names do not have"
        } else {
            continue;
        };
        return Err(DomainNameError::Label {
            label: label.to_owned(),
            problem,
        });
    }
    if labels < 2 {
        return Err(DomainNameError::SingleLabel);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trap 9: the server checks nothing, so everything is checked here.
    #[test]
    fn trap_09_only_bare_host_names() {
        #[track_caller]
        fn check(text: &str, expected: Result<(), &str>) {
            let got = DomainName::parse(text).map(|_| ());
            let got = got.map_err(|error| format!("{error:?}"));
            match (got, expected) {
                (Ok(()), Ok(())) => {}
                (Err(got), Err(part)) if got.contains(part) => {}
                (got, expected) => panic!("{text:?}: {got:?} instead of {expected:?}"),
            }
        }
        check("acme.example.com", Ok(()));
        check("xn--bcher-kva.example", Ok(()));
        check("bücher.example", Err("xn--bcher-kva.example"));
        check("Acme.example.com", Err("acme.example.com"));
        check("https://acme.example.com/", Err("a scheme"));
        check("acme.example.com:8000", Err("a port"));
        check("acme.example.com.", Err("a trailing dot"));
        check(" acme.example.com", Err("white space"));
        check("acme example.com", Err("white space"));
        check("admin@acme.example.com", Err("a user name"));
        check("acme.example.com/x", Err("a path"));
        check("", Err("Empty"));
        check("localhost", Err("SingleLabel"));
        check("10.0.0.1", Err("Address"));
        check("::1", Err("Address"));
        check("-a.example", Err("Label"));
        check("a..example", Err("Label"));
        check("a_b.example", Err("Label"));
        check(&format!("{}.example", "a".repeat(64)), Err("Label"));
        check(
            &"a.".repeat(127).trim_end_matches('.').repeat(2),
            Err("TooLong"),
        );
    }
}
