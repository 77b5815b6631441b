//! The saved form of a plan.
//!
//! A file is one line, `{"digest": …, "plan": …}`, where the digest is that of the plan's exact bytes. A file that was
//! changed, even by one bit, is rejected.

use serde_json::Value;
use thiserror::Error;

use super::{FORMAT_VERSION, Plan};
use crate::model::{Digest, canonical_json};

/// Why a text is not a plan of this version.
#[derive(Debug, Error)]
pub enum PlanFormatError {
    /// It is not JSON, or not in the form of a plan.
    #[error("not a plan: {0}; make a new one with `emblazon plan --out FILE`")]
    Shape(#[from] serde_json::Error),
    /// It was changed after it was saved.
    #[error(
        "the plan was changed after it was saved: its digest does not match; make a new one with `emblazon plan --out FILE`"
    )]
    Changed,
    /// Another version of emblazon wrote it.
    #[error(
        "the plan has format {found}, this version reads {FORMAT_VERSION}; make a new one with `emblazon plan --out FILE`"
    )]
    Version {
        /// The version in the file.
        found: u64,
    },
}

impl Plan {
    /// Returns the digest that an approval is bound to: equal steps for equal trees have equal digests.
    ///
    /// The digest leaves out refusals, so that it stays the same when a guard is lifted or a freeze begins; the
    /// commits, because an approved branch and its merge have the same tree in different commits; the reasons why
    /// something could not be read, because their wording varies (how much could not be read is included); and the
    /// number of accounts that left the tree, whose steps are included. The digest
    /// of a plan file covers all of them, see [`Self::sealed`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut value = self.to_value();
        if let Value::Object(fields) = &mut value {
            fields.remove("refusals");
            fields.remove("commit");
            fields.remove("base");
            fields.remove("forgotten");
            fields.remove("unknown");
            if let Some(Value::Object(scope)) = fields.get_mut("scope") {
                scope.remove("departed");
            }
        }
        Digest::of(canonical_json(&value).as_bytes())
    }

    /// Returns the plan as one line of JSON with sorted keys and no white space; equal plans give equal bytes
    /// (invariant 3).
    #[must_use]
    pub fn to_json(&self) -> String {
        canonical_json(&self.to_value())
    }

    fn to_value(&self) -> Value {
        // All map keys of a plan are strings, so this cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Parses the output of [`Self::to_json`] of this or an earlier version, because histories are kept for a long
    /// time.
    ///
    /// # Errors
    /// When the text is not a plan, or has a later format version.
    pub fn from_json(text: &str) -> Result<Self, PlanFormatError> {
        let value: Value = serde_json::from_str(text)?;
        if let Some(found) = version(&value)
            && !(1..=u64::from(FORMAT_VERSION)).contains(&found)
        {
            return Err(PlanFormatError::Version { found });
        }
        Ok(serde_json::from_value(value)?)
    }

    /// Returns the plan in the form of a file, with a digest of all of it. The digest detects changes, but does not
    /// authenticate the author.
    #[must_use]
    pub fn sealed(&self) -> String {
        sealed(&self.to_json())
    }

    /// Parses the output of [`Self::sealed`].
    ///
    /// # Errors
    /// When the bytes are not a plan, have another format version, or were changed in any way.
    pub fn unsealed(bytes: &[u8]) -> Result<Self, PlanFormatError> {
        let Some(plan) = opened(bytes) else {
            return Err(unopened(bytes));
        };
        let value: Value = serde_json::from_slice(plan)?;
        match version(&value) {
            Some(found) if found != u64::from(FORMAT_VERSION) => {
                Err(PlanFormatError::Version { found })
            }
            _ => Ok(serde_json::from_value(value)?),
        }
    }
}

/// The text of a file before the digest, between digest and plan, and after the plan.
const FRAME: [&str; 3] = ["{\"digest\":\"", "\",\"plan\":", "}\n"];

fn sealed(plan: &str) -> String {
    let digest = Digest::of(plan.as_bytes());
    let [before, between, behind] = FRAME;
    format!("{before}{digest}{between}{plan}{behind}")
}

/// Returns the plan in a file, if the digest matches.
fn opened(bytes: &[u8]) -> Option<&[u8]> {
    let [before, between, behind] = FRAME.map(str::as_bytes);
    let (digest, rest) = bytes.strip_prefix(before)?.split_at_checked(64)?;
    let plan = rest.strip_prefix(between)?.strip_suffix(behind)?;
    (Digest::of(plan).as_str().as_bytes() == digest).then_some(plan)
}

/// Returns why a file cannot be opened.
fn unopened(bytes: &[u8]) -> PlanFormatError {
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return error.into(),
    };
    match version(value.get("plan").unwrap_or(&value)) {
        Some(found) if found != u64::from(FORMAT_VERSION) => PlanFormatError::Version { found },
        Some(_) => PlanFormatError::Changed,
        None => {
            let missing: serde_json::Error = serde::de::Error::missing_field("version");
            missing.into()
        }
    }
}

fn version(plan: &Value) -> Option<u64> {
    plan.get("version").and_then(Value::as_u64)
}
