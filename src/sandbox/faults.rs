//! Scripted faults: which request goes wrong, and how.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::SandboxError;

/// A fault that makes the nth matching request go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The HTTP method; any when absent or `*`.
    #[serde(default)]
    pub method: Option<String>,
    /// A pattern for the path without its query; `*` matches any run of characters. Any path when absent.
    #[serde(default)]
    pub path: Option<String>,
    /// The first matching request that goes wrong, counted from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// The number of matching requests that go wrong from there on.
    #[serde(default = "one")]
    pub times: u32,
    /// The kind of fault.
    #[serde(deserialize_with = "fault_kind")]
    pub fault: FaultKind,
}

fn one() -> u32 {
    1
}

/// Deserialises the kind in its JSON form, because YAML would require a tag for it.
fn fault_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FaultKind, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    serde_json::from_value(value).map_err(D::Error::custom)
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The server responds with this status and its usual body; the request is not executed.
    Status(u16),
    /// No response is sent until the sandbox stops; the request is not executed.
    Hang,
    /// The request is executed, but no response is sent until the sandbox stops.
    Silence,
    /// The request is executed, but the connection is closed in the middle of the response body.
    CutBody,
    /// The request is executed, but the connection is closed without a response.
    LostAnswer,
    /// A read returns the document as it was before its last change (C3).
    StaleRead,
    /// The attachment write of an upload fails, which deletes the document if no other attachment is left (B12,
    /// observed 3).
    DestroyDocument,
    /// The second write, that of the account, fails silently (W21).
    SkipAccountWrite,
    /// The connection is closed before the request is executed.
    DropConnection,
    /// The request is executed after this many milliseconds.
    DelayMs(u64),
    /// An account is created only partially: the response is 201, but the account does not exist. In the recordings,
    /// this happened to accounts below a reseller.
    HalfCreatedAccount,
    /// An event gets lost. The method of events is `HOOK` for a webhook's delivery and `BLACKHOLE` for a frame of
    /// Blackhole, where the connection may also be dropped; their path is that of the whitelabel.
    LostEvent,
    /// An event is sent twice.
    DoubledEvent,
    /// An event is sent after the next one.
    SwappedEvent,
    /// A copy of an event is sent first: a webhook's by somebody who does not know its `custom_data`, one of Blackhole
    /// with a revision that never was.
    ForgedEvent,
}

impl Fault {
    /// Creates a fault for the first matching request.
    #[must_use]
    pub fn new(method: &str, path: &str, fault: FaultKind) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            nth: 1,
            times: 1,
            fault,
        }
    }

    /// Sets the matching request that the fault starts at, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// Sets the number of consecutive matching requests that the fault applies to.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Parses a YAML list of faults, the format of `--faults FILE`.
    ///
    /// # Errors
    /// When the text is not such a list.
    pub fn parse_list(yaml: &str) -> Result<Vec<Self>, SandboxError> {
        serde_yaml::from_str(yaml).map_err(|error| SandboxError::Faults(error.to_string()))
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method
            .as_deref()
            .is_none_or(|wanted| wanted == "*" || wanted.eq_ignore_ascii_case(method))
            && self
                .path
                .as_deref()
                .is_none_or(|pattern| glob(pattern.as_bytes(), path.as_bytes()))
    }
}

/// Returns whether a text matches a pattern in which `*` stands for any run of bytes.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((first, rest)) => text.first() == Some(first) && glob(rest, &text[1..]),
    }
}

/// Counts matching requests and determines which faults apply.
#[derive(Debug, Default)]
pub(crate) struct FaultScript {
    entries: Vec<(Fault, u32)>,
}

impl FaultScript {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self {
            entries: faults.into_iter().map(|fault| (fault, 0)).collect(),
        }
    }

    /// Returns the faults that apply to this request, in the order of the script.
    pub(crate) fn hits(&mut self, method: &str, path: &str) -> Hits {
        let mut hits = Vec::new();
        for (fault, seen) in &mut self.entries {
            if fault.matches(method, path) {
                *seen += 1;
                if *seen >= fault.nth && *seen - fault.nth < fault.times {
                    hits.push(fault.fault);
                }
            }
        }
        Hits(hits)
    }
}

/// Returns the faults that apply to a method and a path.
pub(super) type FindHits = Box<dyn Fn(&str, &str) -> Hits + Send + Sync>;

/// The faults that apply to one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hits(Vec<FaultKind>);

impl Hits {
    /// Returns whether a kind of fault applies.
    pub(crate) fn include(&self, kind: FaultKind) -> bool {
        self.0.contains(&kind)
    }

    /// Returns the status to fail with, if any.
    pub(crate) fn status(&self) -> Option<u16> {
        self.0.iter().find_map(|kind| match kind {
            FaultKind::Status(status) => Some(*status),
            _ => None,
        })
    }

    /// Returns how long the request is delayed, if at all.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.0.iter().find_map(|kind| match kind {
            FaultKind::DelayMs(millis) => Some(Duration::from_millis(*millis)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: bool) {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        check(
            "/v2/accounts/*/whitelabel/logo",
            "/v2/accounts/a/whitelabel/logo",
            true,
        );
        check(
            "/v2/accounts/*/whitelabel",
            "/v2/accounts/a/whitelabel/logo",
            false,
        );
        check("*", "", true);
        check("*logo", "/a/logo", true);
        check("/a", "/ab", false);
    }

    #[test]
    fn nth_and_times() {
        let mut script = FaultScript::new(vec![
            Fault::new("POST", "*", FaultKind::Hang).nth(2).times(2),
        ]);
        let hits: Vec<usize> = (0..5).map(|_| script.hits("POST", "/x").0.len()).collect();
        assert_eq!(hits, [0, 1, 1, 0, 0]);
        assert!(script.hits("GET", "/x").0.is_empty());
    }

    #[test]
    fn yaml() {
        let faults = Fault::parse_list(
            "- {method: POST, path: '/v2/*', nth: 2, fault: {status: 503}}\n- {fault: hang}\n- {fault: {delay_ms: 5}}\n",
        )
        .unwrap();
        assert_eq!(
            faults,
            [
                Fault::new("POST", "/v2/*", FaultKind::Status(503)).nth(2),
                Fault {
                    method: None,
                    path: None,
                    nth: 1,
                    times: 1,
                    fault: FaultKind::Hang
                },
                Fault {
                    method: None,
                    path: None,
                    nth: 1,
                    times: 1,
                    fault: FaultKind::DelayMs(5)
                },
            ]
        );
        assert!(Fault::parse_list("- {fault: melt}").is_err());
        assert!(Fault::parse_list("- {fualt: hang}").is_err());
    }
}
