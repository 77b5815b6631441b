//! The domain template: desired × base × live → difference.

use std::collections::{BTreeMap, BTreeSet};

use super::canonical::{self, CanonicalEntry};
use super::{Change, ChangeKey, Declaration, Side, Status, Verdict, verdict};
use crate::diag::SourceMap;
use crate::live::Reading;
use crate::model::{DomainTemplate, HostEntry};
use crate::tree::{DesiredTemplate, Origin, Ownership, Target};

/// What differs in the system's domain template.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateDifference {
    /// What differs, sorted by key.
    pub changes: Vec<Change>,
    /// The whole template as it is to be, undeclared hosts and members included; absent when the
    /// live one could not be read.
    pub wanted: Option<DomainTemplate>,
    /// Why the live template could not be read.
    pub unknown: Option<String>,
}

impl TemplateDifference {
    /// Tells how the template stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.changes, self.unknown.is_some())
    }
}

/// Names a host in the form in which hosts are compared.
type Key = (String, String);

/// Compares the template. The outer `base` is absent when no applied tree is known, the inner one
/// when that tree declares no template.
pub(super) fn compare(
    desired: &DesiredTemplate,
    base: Option<Option<&DesiredTemplate>>,
    live: Option<&Reading<DomainTemplate>>,
    sources: &SourceMap,
) -> TemplateDifference {
    let unknown = |reason: &str| TemplateDifference {
        changes: Vec::new(),
        wanted: None,
        unknown: Some(reason.to_owned()),
    };
    let live = match live {
        None => return unknown("the template was not read"),
        Some(Reading::Unknown(reason)) => return unknown(reason),
        Some(Reading::Known(live)) => live,
    };
    let mut wanted = live.clone();
    let mut changes = Vec::new();
    let live_hosts = hosts_of(live, desired);
    let desired_hosts = declared_hosts(desired);
    let base_hosts = base.map(|base| base.map(declared_hosts).unwrap_or_default());
    let keys: BTreeSet<&Key> = (desired_hosts.keys())
        .chain(base_hosts.iter().flat_map(BTreeMap::keys))
        .chain(live_hosts.keys())
        .collect();
    for key in keys {
        let present = live_hosts.get(key);
        let side = Sides {
            desired: desired_hosts.get(key).copied(),
            base: base_hosts.as_ref().map(|hosts| hosts.get(key).copied()),
            live: present.map(|(_, entry)| *entry),
            is_owned: desired.ownership == Ownership::Exclusive,
            was_owned: base
                .flatten()
                .is_some_and(|base| base.ownership == Ownership::Exclusive),
        };
        let Verdict::Differs(cause) = side.verdict(&key.0) else {
            continue;
        };
        if let Some((target, _)) = present
            && let Some(hosts) = wanted.0.get_mut(&target.record_type)
        {
            hosts.remove(&target.host);
        }
        let after = side.wanted();
        let target = match (side.desired, present) {
            (Some((target, _)), _) | (None, Some((target, _))) => (*target).clone(),
            (None, None) => continue,
        };
        if let Some(entry) = &after {
            let hosts = wanted.0.entry(target.record_type.clone()).or_default();
            hosts.insert(target.host.clone(), entry.clone());
        }
        let host = |entry: Option<&HostEntry>| {
            entry.map_or(Side::Absent, |entry| Side::Host(entry.clone()))
        };
        changes.push(Change {
            key: ChangeKey::Host(target),
            before: host(side.live),
            after: host(after.as_ref()),
            cause,
            origin: side
                .desired
                .map(|(_, declared)| Origin::of(declared.place, sources)),
        });
    }
    changes.extend(types(desired, base, live, &mut wanted));
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    TemplateDifference {
        changes,
        wanted: Some(wanted),
        unknown: None,
    }
}

type DeclaredHost<'a> = (&'a Target, &'a crate::tree::Declared<HostEntry>);

/// One host with its three sides.
struct Sides<'a> {
    desired: Option<DeclaredHost<'a>>,
    base: Option<Option<DeclaredHost<'a>>>,
    live: Option<&'a HostEntry>,
    is_owned: bool,
    was_owned: bool,
}

impl Sides<'_> {
    fn verdict(&self, record_type: &str) -> Verdict {
        let entry = |entry: &HostEntry| canonical::entry(record_type, entry);
        let declaration = |host: Option<DeclaredHost<'_>>, owned: bool| match host {
            Some((_, declared)) => Declaration::of(
                declared
                    .value
                    .as_ref()
                    .map(|value| entry(&self.completed(value, owned))),
            ),
            None if owned => Declaration::Absent,
            None => Declaration::Undeclared,
        };
        let desired = declaration(self.desired, self.is_owned);
        let base = self.base.map(|host| declaration(host, self.was_owned));
        let live: Option<CanonicalEntry> = self.live.map(entry);
        verdict(base.as_ref(), &desired, live.as_ref())
    }

    fn wanted(&self) -> Option<HostEntry> {
        let (_, declared) = self.desired?;
        let value = declared.value.as_ref()?;
        Some(self.completed(value, self.is_owned))
    }

    /// Adds what the declaration does not speak of from the live entry: name, zone and members that
    /// emblazon does not know (trap 25). What the last applied tree declared and this one does not
    /// is not added.
    fn completed(&self, declared: &HostEntry, owned: bool) -> HostEntry {
        let mut entry = declared.clone();
        let Some(live) = self.live.filter(|_| !owned) else {
            return entry;
        };
        let base = self
            .base
            .flatten()
            .and_then(|(_, declared)| declared.value.as_ref());
        let was_declared = |member: fn(&HostEntry) -> bool| base.is_some_and(member);
        if entry.name.is_none() && !was_declared(|base| base.name.is_some()) {
            entry.name.clone_from(&live.name);
        }
        if entry.zone.is_none() && !was_declared(|base| base.zone.is_some()) {
            entry.zone.clone_from(&live.zone);
        }
        for (key, value) in &live.extra {
            if !base.is_some_and(|base| base.extra.contains_key(key)) {
                entry
                    .extra
                    .entry(key.clone())
                    .or_insert_with(|| value.clone());
            }
        }
        entry
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

/// Lines the live hosts up by the form in which they are compared. Of several spellings of one name
/// the declared one counts, else the first; the others are kept under their own spelling.
fn hosts_of<'a>(
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

/// Compares the record types themselves; only one without hosts can be taken away.
fn types(
    desired: &DesiredTemplate,
    base: Option<Option<&DesiredTemplate>>,
    live: &DomainTemplate,
    wanted: &mut DomainTemplate,
) -> Vec<Change> {
    let declaration = |template: &DesiredTemplate, record_type: &String| {
        if template.types.contains(record_type)
            || (template.hosts.iter())
                .any(|(target, host)| target.record_type == *record_type && host.value.is_some())
        {
            Declaration::Value(())
        } else if template.ownership == Ownership::Exclusive {
            Declaration::Absent
        } else {
            Declaration::Undeclared
        }
    };
    let mut names: BTreeSet<&String> = live.0.keys().chain(&desired.types).collect();
    names.extend(desired.hosts.keys().map(|target| &target.record_type));
    let mut changes = Vec::new();
    for name in names {
        let before =
            base.map(|base| base.map_or(Declaration::Undeclared, |base| declaration(base, name)));
        let there = live.0.get(name).map(|_| ());
        let wanted_type = declaration(desired, name);
        let Verdict::Differs(cause) = verdict(before.as_ref(), &wanted_type, there.as_ref()) else {
            continue;
        };
        let is_wanted = wanted_type.value().is_some();
        if is_wanted {
            wanted.0.entry(name.clone()).or_default();
        } else if wanted.0.get(name).is_some_and(BTreeMap::is_empty) {
            wanted.0.remove(name);
        } else {
            continue;
        }
        let side = |there: bool| if there { Side::Present } else { Side::Absent };
        changes.push(Change {
            key: ChangeKey::RecordType(name.clone()),
            before: side(there.is_some()),
            after: side(is_wanted),
            cause,
            origin: None,
        });
    }
    changes
}
