//! What a difference removes.
//!
//! A removal takes away a whole thing: a key, a host of the template, an RRset, an asset, a whitelabel. A value that
//! becomes another one is a change, and so is an alias that takes the place of other records.

use std::collections::BTreeSet;

use super::{Change, ChangeKey, Edit, Side};
use crate::dns::Question;
use crate::dns::push::SetChange;
use crate::model::{AccountId, RecordType, is_parked_domain};
use crate::tree::Removable;

/// Returns what a change of an account removes. A parked name is emblazon's own, and a value in the place of a declared
/// map is replaced.
pub(crate) fn removed(change: &Change, edit: &Edit, id: Option<&AccountId>) -> Option<Removable> {
    if !change.is_removal() {
        return None;
    }
    let is_parked = || match (&change.before, id) {
        (Side::Value(value), Some(id)) => value
            .as_str()
            .is_some_and(|name| is_parked_domain(id, name)),
        _ => false,
    };
    match &change.key {
        ChangeKey::Setting(path) => {
            (edit.remove.contains(path) && !is_parked()).then_some(Removable::Keys)
        }
        ChangeKey::Asset(_) => Some(Removable::Assets),
        ChangeKey::Whitelabel => Some(Removable::Whitelabels),
        ChangeKey::Host(_) | ChangeKey::RecordType(_) | ChangeKey::Records(_) => None,
    }
}

/// Returns the names of the hosts that changes of the template remove.
pub(crate) fn removed_hosts(changes: &[Change]) -> Vec<String> {
    let hosts = changes.iter().filter(|change| change.is_removal());
    hosts
        .filter_map(|change| match &change.key {
            ChangeKey::Host(target) => Some(format!("{} {}", target.record_type, target.host)),
            _ => None,
        })
        .collect()
}

/// Returns the RRsets that go. An alias and what it replaces, or is replaced by, change places: nothing is removed.
pub(crate) fn removed_sets(sets: &[&SetChange]) -> BTreeSet<Question> {
    let is_alias = |question: &Question| question.record_type == RecordType::Cname;
    let come: Vec<&Question> = (sets.iter())
        .filter(|set| !set.after.is_empty())
        .map(|set| &set.question)
        .collect();
    let is_replaced = |question: &Question| {
        let mut at_name = come.iter().filter(|other| other.name == question.name);
        at_name.any(|other| is_alias(other) || is_alias(question))
    };
    let gone = sets.iter().filter(|set| set.after.is_empty());
    let gone = gone.map(|set| &set.question);
    gone.filter(|question| !is_replaced(question))
        .cloned()
        .collect()
}
