//! What is known about an object between the steps of one run.

use std::collections::BTreeMap;

use super::brand::Brand;
use crate::model::Revision;
use crate::plan::StepId;

/// What earlier steps of the same run know about the object that a step writes to.
#[derive(Debug, Default)]
pub(super) struct ObjectState {
    /// The revision at which each step left the object; `None` when it left no whitelabel.
    pub(super) left: BTreeMap<StepId, Option<Revision>>,
    /// The document with its assets as the last step left it.
    pub(super) brand: Option<Brand>,
}
