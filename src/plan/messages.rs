//! Divides the RRsets of a zone among messages, none of which is too large.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::SetDifference;
use crate::dns::push::{MESSAGE_OCTETS, octets};
use crate::model::{AccountName, RecordName};

/// Divides RRsets among messages, each with the RRsets sorted by name and type.
///
/// The RRsets of a name are never divided, because an alias may replace other records there or vice versa. Those of an
/// account are not divided unless they are too many for one message.
pub(super) fn messages(sets: Vec<&SetDifference>) -> Vec<Vec<&SetDifference>> {
    if total(&sets) <= MESSAGE_OCTETS {
        return vec![sets];
    }
    let mut messages: Vec<Vec<&SetDifference>> = Vec::new();
    let mut open = Vec::new();
    for names in by_account(sets).into_values() {
        let size: usize = names.iter().map(|sets| total(sets)).sum();
        if size <= MESSAGE_OCTETS && !fits(&open, size) {
            messages.push(std::mem::take(&mut open));
        }
        for sets in names {
            if !fits(&open, total(&sets)) {
                messages.push(std::mem::take(&mut open));
            }
            open.extend(sets);
        }
    }
    messages.push(open);
    for sets in &mut messages {
        sets.sort_by(|a, b| a.set.question.cmp(&b.set.question));
    }
    messages
}

/// Groups RRsets by the accounts that share them, and within these by name.
fn by_account(
    sets: Vec<&SetDifference>,
) -> BTreeMap<BTreeSet<&AccountName>, Vec<Vec<&SetDifference>>> {
    let mut names: BTreeMap<&RecordName, Vec<&SetDifference>> = BTreeMap::new();
    for set in sets {
        names.entry(&set.set.question.name).or_default().push(set);
    }
    let mut groups: BTreeMap<BTreeSet<&AccountName>, Vec<Vec<&SetDifference>>> = BTreeMap::new();
    for sets in names.into_values() {
        let accounts = sets.iter().flat_map(|set| &set.accounts).collect();
        groups.entry(accounts).or_default().push(sets);
    }
    groups
}

fn fits(open: &[&SetDifference], size: usize) -> bool {
    open.is_empty() || total(open) + size <= MESSAGE_OCTETS
}

fn total(sets: &[&SetDifference]) -> usize {
    sets.iter().map(|set| octets(&set.set)).sum()
}
