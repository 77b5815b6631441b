//! Compares the domain template three ways: desired × base × live → difference.
//!
//! A record type without hosts is equivalent to none, unless the server does not know the type: then it breaks the test
//! of every domain and is removed (D9). A host that the tree declares under CNAME but that is live under CNAM, the
//! spelling of the public documentation, is moved, which counts as one difference.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::canonical::{self, CanonicalEntry};
use super::{
    Cause, Change, ChangeKey, Declaration, Kept, KeptReason, Side, Status, Verdict, verdict,
};
use crate::diag::SourceMap;
use crate::live::{Live, Reading};
use crate::model::{DomainTemplate, HostEntry, MISSPELT_CNAME, is_servable_type};
use crate::tree::{Declared, DesiredTemplate, Origin, Ownership, Target};

/// The message for a template that the server cannot serve.
const UNSERVABLE: &str = "the server fails to serve the live template (500, init failed), most often because a host is not a map; `emblazon plan --repair-template` shows what putting the declared template in its place would do";

/// The differences of the system's domain template.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateDifference {
    /// The differences, sorted by key.
    pub changes: Vec<Change>,
    /// The differences that stay.
    pub kept: Vec<Kept>,
    /// The whole desired template, including undeclared hosts and members; absent when the live one could not be read.
    pub wanted: Option<DomainTemplate>,
    /// Why the live template could not be read.
    pub unknown: Option<String>,
    /// The replacement for a live template that the server cannot serve, which requires approval.
    pub repair: Option<TemplateRepair>,
}

/// The declared template as the replacement for an unreadable one.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateRepair {
    /// One change per declared host.
    pub changes: Vec<Change>,
    /// Exactly the declared template.
    pub wanted: DomainTemplate,
}

impl TemplateDifference {
    /// Replaces the unknown state with the repair, if there is one.
    pub(crate) fn allow_repair(&mut self) {
        if let Some(repair) = self.repair.take() {
            self.changes = repair.changes;
            self.wanted = Some(repair.wanted);
            self.unknown = None;
        }
    }

    /// Sets aside the hosts that would go, and puts them back into the template that is to be written.
    pub(crate) fn keep_hosts(&mut self, live: &DomainTemplate, reason: KeptReason) {
        let is_gone =
            |change: &Change| change.is_removal() && matches!(change.key, ChangeKey::Host(_));
        let changes = std::mem::take(&mut self.changes).into_iter();
        let (kept, changes): (Vec<_>, Vec<_>) = changes.partition(is_gone);
        self.changes = changes;
        for change in kept {
            if let (ChangeKey::Host(target), Some(wanted)) = (&change.key, &mut self.wanted) {
                put_back(wanted, live, target);
            }
            self.kept.push(Kept { change, reason });
        }
    }

    /// Returns the sync state.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.changes, self.unknown.is_some(), &self.kept)
    }
}

/// Puts a host back as it is live, where the name may be spelt in another way.
fn put_back(wanted: &mut DomainTemplate, live: &DomainTemplate, target: &Target) {
    let hosts = live.0.get(&target.record_type).into_iter().flatten();
    let mut spelt = hosts.filter(|(host, _)| {
        **host == target.host || canonical::host(host) == canonical::host(&target.host)
    });
    if let Some((host, entry)) = spelt.next() {
        let hosts = wanted.0.entry(target.record_type.clone()).or_default();
        hosts.insert(host.clone(), entry.clone());
    }
}

/// The record type and canonical host name.
type Key = (String, String);

/// Compares the template.
pub(super) fn compare(
    desired: &DesiredTemplate,
    base: Base<&DesiredTemplate>,
    live: &Live,
    sources: &SourceMap,
) -> TemplateDifference {
    let unknown = |reason: &str| TemplateDifference {
        changes: Vec::new(),
        kept: Vec::new(),
        wanted: None,
        unknown: Some(reason.to_owned()),
        repair: None,
    };
    let live = match &live.template {
        None => return unknown("the template was not read"),
        Some(Reading::Unknown(_)) if live.template_is_unservable => {
            return TemplateDifference {
                repair: Some(repair(desired, sources)),
                ..unknown(UNSERVABLE)
            };
        }
        Some(Reading::Unknown(reason)) => return unknown(reason),
        Some(Reading::Known(live)) => live,
    };
    let mut wanted = live.clone();
    let mut changes = hosts(desired, base, live, &mut wanted, sources);
    changes.extend(left_over_types(desired, live, &mut wanted, &changes));
    if !changes.is_empty() {
        for name in bare_types(desired) {
            wanted.0.entry(name.clone()).or_default();
        }
    }
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    TemplateDifference {
        changes,
        kept: Vec::new(),
        wanted: Some(wanted),
        unknown: None,
        repair: None,
    }
}

/// Returns the record types that are declared without hosts: they are included in a write, but do not cause one.
fn bare_types(desired: &DesiredTemplate) -> impl Iterator<Item = &String> {
    let has_hosts = |name: &str| (desired.hosts.keys()).any(|host| host.record_type == name);
    let types = desired.types.iter();
    types.filter(move |name| is_servable_type(name) && !has_hosts(name))
}

/// Builds the repair from the declared template alone, because the live one is unknown.
fn repair(desired: &DesiredTemplate, sources: &SourceMap) -> TemplateRepair {
    let mut wanted = DomainTemplate::default();
    for name in bare_types(desired) {
        wanted.0.entry(name.clone()).or_default();
    }
    let mut changes = Vec::new();
    for (target, declared) in &desired.hosts {
        let Some(entry) = &declared.value else {
            continue;
        };
        let hosts = wanted.0.entry(target.record_type.clone()).or_default();
        hosts.insert(target.host.clone(), entry.clone());
        changes.push(Change {
            key: ChangeKey::Host(target.clone()),
            before: Side::Unread,
            after: Side::Host(entry.clone()),
            cause: Cause::Differs,
            origin: Some(Origin::of(declared.place, sources)),
        });
    }
    TemplateRepair { changes, wanted }
}

/// Compares the hosts of all record types, and applies the differences to `wanted`.
fn hosts(
    desired: &DesiredTemplate,
    base: Base<&DesiredTemplate>,
    live: &DomainTemplate,
    wanted: &mut DomainTemplate,
    sources: &SourceMap,
) -> Vec<Change> {
    let live_hosts = live_hosts(live, desired);
    let desired_hosts = declared_hosts(desired);
    let base_hosts = base.known().map(declared_hosts).unwrap_or_default();
    let keys: BTreeSet<&Key> = (desired_hosts.keys())
        .chain(base_hosts.keys())
        .chain(live_hosts.keys())
        .collect();
    let is_wanted = |key: &Key| {
        let host = desired_hosts.get(key);
        host.is_some_and(|(_, host)| host.value.is_some())
    };
    let mut changes = Vec::new();
    for key in keys {
        let present = live_hosts.get(key);
        let other = other_spelling(key);
        let other_live = other.as_ref().and_then(|other| live_hosts.get(other));
        let is_declared_rightly =
            key.0 == MISSPELT_CNAME && !is_wanted(key) && other.as_ref().is_some_and(is_wanted);
        if is_declared_rightly && other_live.is_none() {
            // The host moves, which is reported at its new record type.
            continue;
        }
        let is_misspelt = |other: &Key| other.0 == MISSPELT_CNAME && !is_wanted(other);
        let moves_from = other_live.filter(|_| {
            present.is_none() && is_wanted(key) && other.as_ref().is_some_and(is_misspelt)
        });
        let sides = Sides {
            desired: Declarer::new(desired, &desired_hosts, key),
            base: match base {
                Base::Unknown => Base::Unknown,
                Base::Missing => Base::Missing,
                Base::Known(base) => Base::Known(Declarer::new(base, &base_hosts, key)),
            },
            live: present.map(|(_, entry)| *entry),
            elsewhere: moves_from.map(|(_, entry)| *entry),
        };
        let Verdict::Differs(cause) = sides.verdict(&key.0) else {
            continue;
        };
        let declared = sides.desired.host;
        let target = match (declared, present) {
            (Some((target, _)), _) | (None, Some((target, _))) => (*target).clone(),
            (None, None) => continue,
        };
        let after = sides.wanted();
        if let Some((old, _)) = present.or(moves_from)
            && let Some(hosts) = wanted.0.get_mut(&old.record_type)
        {
            hosts.remove(&old.host);
        }
        if let Some(entry) = &after {
            let hosts = wanted.0.entry(target.record_type.clone()).or_default();
            hosts.insert(target.host.clone(), entry.clone());
        }
        let side = |entry: Option<&HostEntry>| {
            entry.map_or(Side::Absent, |entry| Side::Host(entry.clone()))
        };
        let before = match moves_from {
            Some((target, entry)) => Side::Elsewhere {
                target: target.clone(),
                entry: (*entry).clone(),
            },
            None => side(sides.live),
        };
        changes.push(Change {
            key: ChangeKey::Host(target),
            before,
            after: side(after.as_ref()),
            cause,
            origin: declared.map(|(_, declared)| Origin::of(declared.place, sources)),
        });
    }
    changes
}

/// Returns the key of the same host under the other spelling of CNAME.
fn other_spelling((record_type, host): &Key) -> Option<Key> {
    let target = Target {
        record_type: record_type.clone(),
        host: host.clone(),
    };
    let other = target.other_spelling();
    (other != target).then_some((other.record_type, other.host))
}

type DeclaredHost<'a> = (&'a Target, &'a Declared<HostEntry>);

/// What one tree declares about a host.
#[derive(Clone, Copy)]
struct Declarer<'a> {
    host: Option<DeclaredHost<'a>>,
    ownership: Ownership,
}

impl<'a> Declarer<'a> {
    fn new(template: &DesiredTemplate, hosts: &BTreeMap<Key, DeclaredHost<'a>>, key: &Key) -> Self {
        Self {
            host: hosts.get(key).copied(),
            ownership: template.ownership,
        }
    }

    fn entry(&self) -> Option<&'a HostEntry> {
        self.host?.1.value.as_ref()
    }
}

/// The three sides of a host.
struct Sides<'a> {
    desired: Declarer<'a>,
    base: Base<Declarer<'a>>,
    live: Option<&'a HostEntry>,
    /// The live entry under the wrong spelling of the record type, from which the host moves.
    elsewhere: Option<&'a HostEntry>,
}

impl Sides<'_> {
    fn verdict(&self, record_type: &str) -> Verdict {
        let entry = |entry: &HostEntry| canonical::entry(record_type, entry);
        let declaration = |declarer: Declarer<'_>| match (declarer.host, declarer.ownership) {
            (Some(_), _) => Declaration::of(self.completed(declarer).as_ref().map(entry)),
            (None, Ownership::Exclusive) => Declaration::Absent,
            (None, Ownership::Shared) => Declaration::Undeclared,
        };
        let base = self.base.declares(declaration);
        let live: Option<CanonicalEntry> = self.live.map(entry);
        verdict(base.as_ref(), &declaration(self.desired), live.as_ref())
    }

    fn wanted(&self) -> Option<HostEntry> {
        self.completed(self.desired)
    }

    /// Returns the declared entry, completed with undeclared parts of the live entry: name, zone and members that
    /// emblazon does not know (trap 25). Parts that the base declared and the tree no longer does are not added.
    fn completed(&self, declarer: Declarer<'_>) -> Option<HostEntry> {
        let mut entry = declarer.entry()?.clone();
        let Some(live) = self
            .live
            .or(self.elsewhere)
            .filter(|_| declarer.ownership == Ownership::Shared)
        else {
            return Some(entry);
        };
        let base = self.base.known().and_then(|base| base.entry());
        if entry.name.is_none() && base.is_none_or(|base| base.name.is_none()) {
            entry.name.clone_from(&live.name);
        }
        if entry.zone.is_none() && base.is_none_or(|base| base.zone.is_none()) {
            entry.zone.clone_from(&live.zone);
        }
        for (key, value) in &live.extra {
            let is_declared = match key.as_str() {
                "name" => entry.name.is_some(),
                "zone" => entry.zone.is_some(),
                _ => false,
            };
            if !is_declared && base.is_none_or(|base| !base.extra.contains_key(key)) {
                let member = entry.extra.entry(key.clone());
                member.or_insert_with(|| value.clone());
            }
        }
        Some(entry)
    }
}

fn declared_hosts(template: &DesiredTemplate) -> BTreeMap<Key, DeclaredHost<'_>> {
    template
        .hosts
        .iter()
        .map(|(target, declared)| {
            let key = (target.record_type.clone(), canonical::host(&target.host));
            (key, (target, declared))
        })
        .collect()
}

/// Indexes the live hosts by their canonical form. Of several spellings of a name, the declared one gets that key or,
/// if none is declared, the first; the others keep their own spelling as the key.
fn live_hosts<'a>(
    live: &'a DomainTemplate,
    desired: &DesiredTemplate,
) -> BTreeMap<Key, (Target, &'a HostEntry)> {
    let mut found: BTreeMap<Key, (Target, &HostEntry)> = BTreeMap::new();
    for (record_type, hosts) in &live.0 {
        for (host, entry) in hosts {
            let target = Target {
                record_type: record_type.clone(),
                host: host.clone(),
            };
            let key = (record_type.clone(), canonical::host(host));
            if !found.contains_key(&key) {
                found.insert(key, (target, entry));
            } else if desired.hosts.contains_key(&target)
                && let Some((other, entry)) = found.insert(key, (target, entry))
            {
                found.insert(
                    (other.record_type.clone(), other.host.clone()),
                    (other, entry),
                );
            } else {
                found
                    .entry((record_type.clone(), host.clone()))
                    .or_insert_with(|| {
                        let target = Target {
                            record_type: record_type.clone(),
                            host: host.clone(),
                        };
                        (target, entry)
                    });
            }
        }
    }
    found
}

/// Removes record types without hosts that the server does not know, because they break the test of every domain (D9).
/// A type that loses its last host is removed with it; one that was empty before is a separate difference, if the tree
/// mentions it or the template is written anyway.
fn left_over_types(
    desired: &DesiredTemplate,
    live: &DomainTemplate,
    wanted: &mut DomainTemplate,
    hosts: &[Change],
) -> Vec<Change> {
    let is_spoken_of = |name: &String| {
        desired.ownership == Ownership::Exclusive
            || desired.types.contains(name)
            || (desired.hosts.keys()).any(|target| target.record_type == *name)
    };
    let mut changes = Vec::new();
    for (name, before) in &live.0 {
        let is_empty = wanted.0.get(name).is_some_and(BTreeMap::is_empty);
        if is_servable_type(name) || !is_empty {
            continue;
        }
        if before.is_empty() {
            if hosts.is_empty() && !is_spoken_of(name) {
                continue;
            }
            changes.push(Change {
                key: ChangeKey::RecordType(name.clone()),
                before: Side::Present,
                after: Side::Absent,
                cause: Cause::Removal,
                origin: None,
            });
        }
        wanted.0.remove(name);
    }
    changes
}
