//! The domain template: desired × base × live → difference.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::canonical::{self, CanonicalEntry};
use super::{Change, ChangeKey, Declaration, Side, Status, Verdict, verdict};
use crate::diag::SourceMap;
use crate::live::Reading;
use crate::model::{DomainTemplate, HostEntry};
use crate::tree::{Declared, DesiredTemplate, Origin, Ownership, Target};

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

/// Compares the template.
pub(super) fn compare(
    desired: &DesiredTemplate,
    base: Base<&DesiredTemplate>,
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
    let mut changes = hosts(desired, base, live, &mut wanted, sources);
    changes.extend(types(desired, base, live, &mut wanted));
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    TemplateDifference {
        changes,
        wanted: Some(wanted),
        unknown: None,
    }
}

/// Compares the hosts of all record types, and puts what differs into `wanted`.
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
    let mut changes = Vec::new();
    for key in keys {
        let present = live_hosts.get(key);
        let sides = Sides {
            desired: Declarer::new(desired, &desired_hosts, key),
            base: match base {
                Base::Unknown => Base::Unknown,
                Base::Missing => Base::Missing,
                Base::Known(base) => Base::Known(Declarer::new(base, &base_hosts, key)),
            },
            live: present.map(|(_, entry)| *entry),
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
        if let Some((old, _)) = present
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
        changes.push(Change {
            key: ChangeKey::Host(target),
            before: side(sides.live),
            after: side(after.as_ref()),
            cause,
            origin: declared.map(|(_, declared)| Origin::of(declared.place, sources)),
        });
    }
    changes
}

type DeclaredHost<'a> = (&'a Target, &'a Declared<HostEntry>);

/// One tree's word on one host.
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

/// One host with its three sides.
struct Sides<'a> {
    desired: Declarer<'a>,
    base: Base<Declarer<'a>>,
    live: Option<&'a HostEntry>,
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

    /// Adds what a declaration does not speak of from the live entry: name, zone and members that
    /// emblazon does not know (trap 25). What the last applied tree declared and this one does not
    /// is not added.
    fn completed(&self, declarer: Declarer<'_>) -> Option<HostEntry> {
        let mut entry = declarer.entry()?.clone();
        let Some(live) = self
            .live
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
            if base.is_none_or(|base| !base.extra.contains_key(key)) {
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

/// Lines the live hosts up by the form in which they are compared. Of several spellings of one name
/// the declared one counts, else the first; the others are kept under their own spelling.
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

/// Compares the record types themselves; only one without hosts can be taken away.
fn types(
    desired: &DesiredTemplate,
    base: Base<&DesiredTemplate>,
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
        let before = base.declares(|base| declaration(base, name));
        let there = live.0.get(name).map(|_| ());
        let wanted_type = declaration(desired, name);
        let Verdict::Differs(cause) = verdict(before.as_ref(), &wanted_type, there.as_ref()) else {
            continue;
        };
        let is_wanted = wanted_type.value().is_some();
        if is_wanted {
            // A type that comes with hosts is said by them; only one without is a difference of its own.
            if !wanted.0.entry(name.clone()).or_default().is_empty() {
                continue;
            }
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
