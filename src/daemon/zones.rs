//! The records of accounts with `dns: manage` at their primary: what they are, and which of them may be written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::verdict::is_drift;
use crate::apply;
use crate::diff::{ChangeKey, Differences, ManagedRecords, ZoneDifference, compare_zones};
use crate::dns::Question;
use crate::dns::push::{Home, PrimaryReader, PrimaryWriter, Standings};
use crate::model::{AccountName, ObjectName};
use crate::tree::{
    Desired, DesiredTemplate, DnsMode, DnsWatch, Loaded, PushSettings, WatchSettings,
};

/// The client for the primary, and the records last read.
#[derive(Default)]
pub(super) struct ManagedZones {
    primary: Option<(PushSettings, PrimaryReader)>,
    standings: Standings,
    /// The templates that the records follow from, if another shard writes them to the platform.
    pub(super) elsewhere: Option<Templates>,
}

/// A template that another shard writes: the current one of the tree, and the one that the records last followed.
#[derive(Debug, Default)]
pub(super) struct Templates {
    pub(super) now: Option<DesiredTemplate>,
    pub(super) before: Option<DesiredTemplate>,
}

/// The differences in the zones, and the accounts for which they are unknown.
#[derive(Clone, Debug, Default)]
pub(super) struct ZoneView {
    pub(super) zones: Vec<ZoneDifference>,
    pub(super) unread: BTreeMap<AccountName, String>,
}

impl ManagedZones {
    /// Drops the client for the primary, with its secret.
    pub(super) fn disconnect(&mut self) {
        self.primary = None;
    }

    /// Reads from the primary the records of some accounts, and of those that left the tree. What could not be read
    /// becomes unknown, whatever was known of it.
    pub(super) async fn read(
        &mut self,
        (loaded, base): (&Loaded, Option<&Desired>),
        names: &BTreeSet<ObjectName>,
        folder: &Utf8Path,
        sandbox: Option<&apply::SandboxPrimaries>,
    ) {
        let Some(settings) = &loaded.dns.push else {
            return;
        };
        let managed = self.managed(loaded, base);
        let desired = &loaded.desired;
        let declared: BTreeSet<&AccountName> = (desired.accounts.iter())
            .map(|account| &account.name)
            .collect();
        let questions = managed.questions_of(|name| {
            !declared.contains(name) || names.contains(&ObjectName::from(name))
        });
        if questions.is_empty() {
            return;
        }
        let known = self.primary.take();
        let primary = match known.filter(|(known, _)| known == settings) {
            Some((_, primary)) => Ok(primary),
            None => apply::primary(folder, settings, sandbox).await,
        };
        let found = match primary {
            Ok(primary) => {
                let found = primary.standings(&questions).await;
                self.primary = Some((settings.clone(), primary));
                found
            }
            Err(reason) => Standings::unknown(&questions, &reason),
        };
        for known in self.standings.zones.values_mut().flatten() {
            known.retain(|question, _| !questions.contains(question));
        }
        self.standings.homes.extend(found.homes);
        for (zone, found) in found.zones {
            match (self.standings.zones.get_mut(&zone), found) {
                (Some(Ok(known)), Ok(found)) => known.extend(found),
                (_, found) => {
                    self.standings.zones.insert(zone, found);
                }
            }
        }
    }

    /// Compares the records that the tree needs with those last read from the primary.
    pub(super) fn view(&self, loaded: &Loaded, base: Option<&Desired>) -> ZoneView {
        let Some(settings) = &loaded.dns.push else {
            return ZoneView::default();
        };
        let managed = self.managed(loaded, base);
        if managed.is_empty() {
            return ZoneView::default();
        }
        let zones = compare_zones(&managed, &self.standings, apply::push_policy(settings));
        let mut unread = BTreeMap::new();
        for (question, accounts) in managed.claims() {
            let Some(reason) = self.obstacle(question) else {
                continue;
            };
            for name in accounts {
                let told = || format!("the records: {reason}");
                unread.entry(name.clone()).or_insert_with(told);
            }
        }
        ZoneView { zones, unread }
    }

    /// Returns why the records at a name are unknown.
    fn obstacle(&self, question: &Question) -> Option<String> {
        let zone = match self.standings.homes.get(&question.name) {
            Some(Home::Zone(zone)) => zone,
            Some(Home::None(_)) => return None,
            Some(Home::Unknown(reason)) => return Some(reason.clone()),
            None => return Some("the primary was not asked yet".to_owned()),
        };
        match self.standings.zones.get(zone) {
            Some(Ok(known)) if known.contains_key(question) => None,
            Some(Ok(_)) | None => Some(format!("{question} could not be read at the primary")),
            Some(Err(reason)) => Some(reason.clone()),
        }
    }

    /// Returns the records that the daemon manages.
    fn managed(&self, loaded: &Loaded, base: Option<&Desired>) -> ManagedRecords {
        let mut desired = kept(&loaded.desired, &loaded.watch);
        let mut base = base.map(|base| kept(base, &loaded.watch));
        if let Some(Templates { now, before }) = &self.elsewhere {
            desired.to_mut().template.clone_from(now);
            if let Some(base) = &mut base {
                base.to_mut().template.clone_from(before);
            }
        }
        ManagedRecords::new(&desired, base.as_deref(), &loaded.sources)
    }

    /// Once no record is pending, records that all of them follow the current template, which another shard writes.
    pub(super) fn settle(&mut self, differences: &Differences) {
        if let Some(Templates { now, before }) = &mut self.elsewhere
            && !records_wait(differences)
        {
            before.clone_from(now);
        }
    }

    /// Returns a writer for the primary that was read.
    pub(super) fn writer(&self) -> Option<PrimaryWriter> {
        let (_, primary) = self.primary.as_ref()?;
        Some(PrimaryWriter::new(primary.clone()))
    }
}

/// Returns whether some records differ from the tree, or may differ.
pub(super) fn records_wait(differences: &Differences) -> bool {
    let mut zones = differences.zones.iter();
    zones.any(|zone| !zone.unknown.is_empty() || zone.changes().any(|change| !is_drift(change)))
}

/// Returns the accounts whose records the daemon writes.
pub(super) fn pushed(loaded: &Loaded) -> impl Iterator<Item = &AccountName> {
    let accounts = loaded.desired.accounts.iter();
    let is_kept = |name: &AccountName| {
        loaded.dns.push.is_some() && loaded.watch.of(Some(name)).dns == DnsWatch::Push
    };
    accounts
        .filter(move |account| account.dns == DnsMode::Manage && is_kept(&account.name))
        .map(|account| &account.name)
}

/// Marks accounts whose records the daemon must not write as `dns: observe`.
fn kept<'d>(desired: &'d Desired, watch: &WatchSettings) -> Cow<'d, Desired> {
    let is_left = |name: &AccountName, mode: DnsMode| {
        mode == DnsMode::Manage && watch.of(Some(name)).dns != DnsWatch::Push
    };
    let mut accounts = desired.accounts.iter();
    if !accounts.any(|account| is_left(&account.name, account.dns)) {
        return Cow::Borrowed(desired);
    }
    let mut kept = desired.clone();
    for account in &mut kept.accounts {
        if is_left(&account.name, account.dns) {
            account.make_mut().dns = DnsMode::Observe;
        }
    }
    Cow::Owned(kept)
}

/// Returns whether the policy excludes records of accounts with `dns: manage` from the daemon.
pub(super) fn leaves_some(loaded: &Loaded) -> bool {
    loaded.dns.push.is_some() && matches!(kept(&loaded.desired, &loaded.watch), Cow::Owned(_))
}

/// Reduces zones to the RRsets that may be written.
pub(super) fn writable(
    zones: &[ZoneDifference],
    may: impl Fn(&AccountName, &ChangeKey) -> bool,
) -> Vec<ZoneDifference> {
    let mut zones = zones.to_vec();
    for zone in &mut zones {
        zone.sets
            .retain(|set| set.accounts.iter().all(|name| may(name, &set.change.key)));
    }
    zones
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::tree::{Workdir, load};

    #[test]
    fn records_that_nobody_keeps() {
        #[track_caller]
        fn check(dns: &str, watch: &str, push: &str, expected: bool) {
            let folder = tempfile::tempdir().unwrap();
            let top = Utf8Path::from_path(folder.path()).unwrap();
            let config =
                format!("clusters: {{production: {{}}}}\nwatch: {{dns: {watch}}}\n{push}\n");
            std::fs::write(top.join("emblazon.yaml"), config).unwrap();
            std::fs::create_dir_all(top.join("accounts/a")).unwrap();
            let account = format!("account: {:032x}\ndns: {dns}\n", 10);
            std::fs::write(top.join("accounts/a/account.yaml"), account).unwrap();
            let loaded = load(&Workdir::open(top).unwrap(), None).unwrap();
            assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
            assert_eq!(leaves_some(&loaded), expected, "{dns} {watch}");
        }
        const PUSH: &str = "dns: {push: {method: rfc2136, server: \"192.0.2.1:53\", key: {name: k, secret: {env: S}}}}";
        check("manage", "push", PUSH, false);
        check("manage", "ask", PUSH, true);
        check("manage", "ask", "", false);
        check("observe", "ask", PUSH, false);
    }
}
