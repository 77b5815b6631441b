//! The saved form of a plan.
//!
//! A file is one line, `{"digest": …, "plan": …}`, and the digest is that of the plan's very bytes: of a file that was changed,
//! be it by one bit, nothing is believed.

use serde_json::Value;
use thiserror::Error;

use super::{FORMAT_VERSION, Plan};
use crate::model::{Digest, canonical_json};

/// Says why a text is not a plan of this version.
#[derive(Debug, Error)]
pub enum PlanFormatError {
    /// It is not JSON, or not of a plan's shape.
    #[error("not a plan: {0}; make a new one with `emblazon plan --out FILE`")]
    Shape(#[from] serde_json::Error),
    /// It is not what was saved.
    #[error(
        "the plan is not as it was saved: its digest does not fit, so somebody or something changed the file; make a new one with `emblazon plan --out FILE`"
    )]
    Changed,
    /// Another version of emblazon wrote it.
    #[error(
        "the plan has format {found}, this version reads {FORMAT_VERSION}; make a new one with `emblazon plan --out FILE`"
    )]
    Version {
        /// The version that it names.
        found: u64,
    },
}

impl Plan {
    /// Returns the digest that an approval is bound to: equal steps for equal trees, equal digests.
    ///
    /// What was refused is left out, so that a plan keeps its digest when a guard is lifted for it or a
    /// freeze begins; so are the commits, for the branch that was approved and its merge have the same
    /// tree in different ones, and the reasons why something could not be read, which are told in other words each time (how
    /// much that was is in). A file vouches for all of them: [`Self::sealed`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut value = self.to_value();
        if let Value::Object(fields) = &mut value {
            fields.remove("refusals");
            fields.remove("commit");
            fields.remove("base");
            fields.remove("forgotten");
            fields.remove("unknown");
        }
        Digest::of(canonical_json(&value).as_bytes())
    }

    /// Writes the plan as one line of JSON with sorted keys and no white space, the same bytes for
    /// equal plans (invariant 3).
    #[must_use]
    pub fn to_json(&self) -> String {
        canonical_json(&self.to_value())
    }

    fn to_value(&self) -> Value {
        // Every key of a plan is a text, so it always has a JSON form.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads what [`Self::to_json`] wrote, this version's or an earlier one's: histories are kept for long.
    ///
    /// # Errors
    /// When it is not a plan, or one of a later format version.
    pub fn from_json(text: &str) -> Result<Self, PlanFormatError> {
        let value: Value = serde_json::from_str(text)?;
        if let Some(found) = version(&value)
            && !(1..=u64::from(FORMAT_VERSION)).contains(&found)
        {
            return Err(PlanFormatError::Version { found });
        }
        Ok(serde_json::from_value(value)?)
    }

    /// Writes the plan for a file, with a digest over all of it. That is no secret: it tells that a file was changed, and
    /// not who wrote it.
    #[must_use]
    pub fn sealed(&self) -> String {
        sealed(&self.to_json())
    }

    /// Reads what [`Self::sealed`] wrote.
    ///
    /// # Errors
    /// When it is not a plan, one of another format version, or not to the bit what was written.
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

/// What stands before the digest in a file, between digest and plan, and behind the plan.
const FRAME: [&str; 3] = ["{\"digest\":\"", "\",\"plan\":", "}\n"];

fn sealed(plan: &str) -> String {
    let digest = Digest::of(plan.as_bytes());
    let [before, between, behind] = FRAME;
    format!("{before}{digest}{between}{plan}{behind}")
}

/// Returns the plan out of a file whose digest fits.
fn opened(bytes: &[u8]) -> Option<&[u8]> {
    let [before, between, behind] = FRAME.map(str::as_bytes);
    let (digest, rest) = bytes.strip_prefix(before)?.split_at_checked(64)?;
    let plan = rest.strip_prefix(between)?.strip_suffix(behind)?;
    (Digest::of(plan).as_str().as_bytes() == digest).then_some(plan)
}

/// Says what is wrong with a file that does not vouch for itself.
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
