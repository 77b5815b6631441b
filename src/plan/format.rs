//! The saved form of a plan.

use serde_json::Value;
use thiserror::Error;

use super::{FORMAT_VERSION, Plan};
use crate::model::{Digest, canonical_json};

/// Says why a text is not a plan of this version.
#[derive(Debug, Error)]
pub enum PlanFormatError {
    /// It is not JSON, or not of a plan's shape.
    #[error("not a plan: {0}; make a new one with `emblazon plan`")]
    Shape(#[from] serde_json::Error),
    /// Another version of emblazon wrote it.
    #[error(
        "the plan has format {found}, this version reads {FORMAT_VERSION}; make a new one with `emblazon plan`"
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
    /// tree in different ones.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut value = self.to_value();
        if let Value::Object(fields) = &mut value {
            fields.remove("refusals");
            fields.remove("commit");
            fields.remove("base");
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

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// When it is not a plan, or one of another format version.
    pub fn from_json(text: &str) -> Result<Self, PlanFormatError> {
        let value: Value = serde_json::from_str(text)?;
        if let Some(found) = value.get("version").and_then(Value::as_u64)
            && found != u64::from(FORMAT_VERSION)
        {
            return Err(PlanFormatError::Version { found });
        }
        Ok(serde_json::from_value(value)?)
    }
}
