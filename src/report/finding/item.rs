//! One finding.

use super::kind::{Kind, Level, Rule};
use super::spot::Spot;
use crate::model::count;
use crate::report::escape::visible;
use crate::report::{ObjectReport, Report};

/// How many names a message lists.
const SHOWN_NAMES: usize = 5;

/// One issue that somebody should look at.
#[derive(Clone, Debug)]
pub(in crate::report) struct Finding {
    /// The rule that it comes from.
    pub(in crate::report) rule: Rule,
    /// The severity.
    pub(in crate::report) level: Level,
    /// The message, on one line; invisible characters are escaped.
    pub(in crate::report) message: String,
    /// What to do.
    pub(in crate::report) help: Option<String>,
    /// The place in the tree that causes it.
    pub(in crate::report) spot: Option<Spot>,
    /// Places that explain it.
    pub(in crate::report) related: Vec<(Spot, String)>,
    /// The accounts that it affects.
    pub(in crate::report) subjects: Vec<String>,
    /// A replacement that fixes it mechanically.
    pub(in crate::report) remedy: Option<Remedy>,
    /// Identifies the same finding in another run, even if its line has moved.
    pub(in crate::report) identity: String,
}

/// A replacement text that fixes a finding.
#[derive(Clone, Debug)]
pub(in crate::report) struct Remedy {
    pub(in crate::report) spot: Spot,
    pub(in crate::report) text: String,
    pub(in crate::report) description: String,
}

/// Creates a finding without a place.
pub(super) fn bare(rule: impl Into<Rule>, message: String) -> Finding {
    let rule = rule.into();
    Finding {
        rule,
        level: rule.level(),
        identity: rule.id().to_owned(),
        message,
        help: None,
        spot: None,
        related: Vec::new(),
        subjects: Vec::new(),
        remedy: None,
    }
}

/// Creates a finding about a whole account, or the template, at the place in the tree that identifies it.
pub(super) fn about(report: &Report, object: &ObjectReport, kind: Kind, message: &str) -> Finding {
    let title = visible(object.title());
    let places = &report.places;
    let origin = match (&object.name, &object.zone) {
        (Some(name), _) => places.accounts.get(name),
        (None, Some(_)) => None,
        (None, None) => places.hosts.values().min(),
    };
    Finding {
        spot: origin.map(Spot::of_origin),
        subjects: vec![title.to_string()],
        identity: format!("{}\n{title}", kind.id()),
        ..bare(kind, format!("{title}: {message}"))
    }
}

/// Formats the name of one object, or a count of several with the first names.
pub(super) fn subjects(objects: &[&ObjectReport]) -> String {
    let names: Vec<&str> = objects.iter().map(|object| object.title()).collect();
    let are_accounts = objects.iter().all(|object| object.name.is_some());
    let noun = if are_accounts { "account" } else { "object" };
    let listed = |names: &[&str]| {
        let names: Vec<String> = names
            .iter()
            .map(|name| visible(name).into_owned())
            .collect();
        names.join(", ")
    };
    match names.as_slice() {
        [one] => visible(one).into_owned(),
        _ if names.len() <= SHOWN_NAMES => {
            format!("{} ({})", count(names.len(), noun), listed(&names))
        }
        _ => format!(
            "{} ({}, …)",
            count(names.len(), noun),
            listed(&names[..SHOWN_NAMES])
        ),
    }
}
