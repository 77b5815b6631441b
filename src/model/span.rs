//! Spans of time, as configuration files write them.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A span of time, written 30s, 10m, 1h or 14d.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Span(pub Duration);

/// By hand, so that a mistake is told where it stands.
impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time such as 30s, 10m or 1h")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                Span::try_from(text.to_owned()).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let seconds = match text.get(digits.len()..) {
            Some("s") => 1,
            Some("m") => 60,
            Some("h") => 3600,
            Some("d") => 86_400,
            _ => 0,
        };
        let number = digits.parse::<u64>().ok();
        number
            .filter(|number| *number > 0 && seconds > 0)
            .and_then(|number| number.checked_mul(seconds))
            // Longer than a month is a mistake, and would overflow a clock some day.
            .filter(|seconds| *seconds <= 31 * 86_400)
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or_else(|| format!("{text:?} is no span of time; write 30s, 10m or 1h"))
    }
}
