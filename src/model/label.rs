//! Labels of accounts, and how somebody chooses by them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Maximum length of a label's key or value.
const LONGEST: usize = 63;

/// Returns whether a text can be the key or the value of a label.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let is_within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(is_within)
}

/// What the labels of a chosen account must say: `key=value` or `key!=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelTerm {
    /// The key.
    pub key: String,
    /// The value that it has, or must not have.
    pub value: String,
    /// Whether it has the value. An account without the key has none of its values.
    pub is_equal: bool,
}

impl LabelTerm {
    /// Returns whether labels say it.
    #[must_use]
    pub fn is_met_by(&self, labels: &BTreeMap<&str, &str>) -> bool {
        let is_it = labels.get(self.key.as_str()) == Some(&self.value.as_str());
        is_it == self.is_equal
    }
}

impl fmt::Display for LabelTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_equal { "=" } else { "!=" };
        write!(f, "{}{sign}{}", self.key, self.value)
    }
}

/// The reason why a text says nothing about labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("write KEY=VALUE or KEY!=VALUE, each of letters, digits, - and _, such as tier=gold")]
pub struct LabelTermError;

impl FromStr for LabelTerm {
    type Err = LabelTermError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or(LabelTermError)?;
        let unequal = key.strip_suffix('!');
        let key = unequal.unwrap_or(key);
        if !is_label(key) || !is_label(value) {
            return Err(LabelTermError);
        }
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
            is_equal: unequal.is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_choose() {
        #[track_caller]
        fn check(term: &str, expected: Option<bool>) {
            let labels = BTreeMap::from([("tier", "gold")]);
            let term: Option<LabelTerm> = term.parse().ok();
            assert_eq!(term.map(|term| term.is_met_by(&labels)), expected);
        }
        check("tier=gold", Some(true));
        check("tier!=gold", Some(false));
        check("tier=silver", Some(false));
        check("tier!=silver", Some(true));
        check("region=eu", Some(false));
        check("region!=eu", Some(true));
        for wrong in [
            "tier",
            "tier=",
            "=gold",
            "tier==gold",
            "tier!gold",
            "a.b=c",
            "a=b c",
        ] {
            check(wrong, None);
        }
        let term: LabelTerm = "tier!=gold".parse().unwrap();
        assert_eq!(term.to_string(), "tier!=gold");
    }
}
