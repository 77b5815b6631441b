//! Splits changes into the lines of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::escape::visible;
use super::value;
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::tree::Origin;

/// One line of a comparison: a change, or one member of a changed host.
pub(super) struct Row {
    pub(super) key: String,
    /// Whether the sides are records, which are shown in zone file syntax.
    pub(super) is_record: bool,
    pub(super) before: Side,
    pub(super) after: Side,
    pub(super) cause: Cause,
    pub(super) origin: Option<Origin>,
}

/// Splits changes into comparison lines.
pub(super) fn rows(changes: &[Change]) -> Vec<Row> {
    said(changes).flat_map(split).collect()
}

/// Drops the change that a whitelabel now exists if changes of its keys already show that.
fn said(changes: &[Change]) -> impl Iterator<Item = &Change> {
    let whole = |change: &Change| change.key == ChangeKey::Whitelabel;
    let all = changes.iter().all(whole);
    changes
        .iter()
        .filter(move |change| all || !whole(change) || change.after != Side::Present)
}

/// Splits a host that is on both sides into the members that differ, and an RRset into the added and removed records.
fn split(change: &Change) -> Vec<Row> {
    let is_record = matches!(change.key, ChangeKey::Records(_));
    let row = |key: String, before: Side, after: Side| Row {
        key,
        is_record,
        before,
        after,
        cause: change.cause,
        origin: change.origin.clone(),
    };
    let key = value::key(&change.key);
    if let (Side::Host(old) | Side::Elsewhere { entry: old, .. }, Side::Host(new)) =
        (&change.before, &change.after)
    {
        let (old, new) = (value::members(old), value::members(new));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let side = |members: &BTreeMap<String, Value>, name: &String| {
            members.get(name).cloned().map_or(Side::Absent, Side::Value)
        };
        let differing = names
            .into_iter()
            .filter(|name| old.get(*name) != new.get(*name))
            .map(|name| row(format!("{key} {name}"), side(&old, name), side(&new, name)));
        let differing: Vec<Row> = moved(change)
            .map(|(from, to)| row(format!("{key} record type"), from, to))
            .into_iter()
            .chain(differing)
            .collect();
        if !differing.is_empty() {
            return differing;
        }
    }
    if is_record {
        let (gone, come) = (
            only_in(&change.before, &change.after),
            only_in(&change.after, &change.before),
        );
        if let ([gone], [come]) = (gone.as_slice(), come.as_slice()) {
            return vec![row(key, gone.clone(), come.clone())];
        }
        let gone = gone.into_iter().map(|gone| (gone, Side::Absent));
        let come = come.into_iter().map(|come| (Side::Absent, come));
        return gone
            .chain(come)
            .map(|(before, after)| row(key.clone(), before, after))
            .collect();
    }
    vec![row(key, change.before.clone(), change.after.clone())]
}

/// Returns the record types that a host moves between, old and new.
fn moved(change: &Change) -> Option<(Side, Side)> {
    let (Side::Elsewhere { target, .. }, ChangeKey::Host(to)) = (&change.before, &change.key)
    else {
        return None;
    };
    let side = |name: &str| Side::Value(Value::from(name));
    Some((side(&target.record_type), side(&to.record_type)))
}

/// Returns the records that only the first side has.
fn only_in(side: &Side, other: &Side) -> Vec<Side> {
    let records = |side: &Side| match side {
        Side::Value(Value::Array(records)) => records.clone(),
        _ => Vec::new(),
    };
    let others = records(other);
    let mut records = records(side);
    records.retain(|record| !others.contains(record));
    records.into_iter().map(Side::Value).collect()
}

impl Row {
    /// Formats one side on one line; `None` when it is absent.
    pub(super) fn text(&self, side: &Side) -> Option<String> {
        match side {
            Side::Value(Value::String(record)) if self.is_record => {
                Some(visible(record).into_owned())
            }
            side => value::side(side),
        }
    }
}
