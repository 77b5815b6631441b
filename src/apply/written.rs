//! The record of what incomplete runs wrote, stored next to the base: which objects, from which commit's tree.
//!
//! ```text
//! refs/emblazon/CLUSTER/written            a commit without files whose message is the record
//! refs/emblazon/CLUSTER/written-1-of-3     the same for one shard
//! ```
//!
//! It is stored before the first write, with what may be written, and again at the end of the run, with what was; once
//! a run completes, the base covers all of it, and the record is deleted. So it survives a killed CI job. It has names
//! and commit ids, but no values: those are read from the commits, which must be in the history of the current one.
//! Tampering with the record can hide that emblazon wrote something, and no more.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::outcome::{Applied, StepResult};
use super::standing::StepStanding;
use crate::diff::{
    AccountDifference, Cause, Change, ChangeKey, Differences, Kept, KeptReason, RestoredValue,
    WrittenParts,
};
use crate::model::{AccountName, ClusterName, ObjectName};
use crate::plan::{Plan, Step, StepId, Subject};
use crate::tree::{Desired, Target};

/// The format version of the record; any other is rejected.
const VERSION: u32 = 1;
/// Maximum size of a record in bytes: about 20,000 accounts that were each written in part.
pub(super) const MAX_RECORD: usize = 4 << 20;
/// Maximum number of commits in a record: each costs a look at its tree, for the accounts that were written from it. The
/// oldest are dropped. Where accounts are applied one by one, each is a commit.
const MAX_COMMITS: usize = 200;

/// What runs have written since the base, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The commit of the base that it refers to; absent when there was none.
    pub base: Option<String>,
    /// What was written, by the commit that it came from.
    pub at: Vec<(String, WrittenParts)>,
}

/// The serialized form of a record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenForm {
    version: u32,
    cluster: ClusterName,
    base: Option<String>,
    written: Vec<WrittenPart>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    commit: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    accounts: BTreeSet<AccountName>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<AccountName, BTreeSet<ChangeKey>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    perhaps: BTreeMap<AccountName, BTreeSet<ChangeKey>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    template: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    template_perhaps: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    records: BTreeSet<Target>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    restored: BTreeSet<RestoredValue>,
}

impl Written {
    /// Parses a record; the error says why it is rejected.
    pub(super) fn parse(text: &[u8], cluster: &ClusterName) -> Result<Self, String> {
        if text.len() > MAX_RECORD {
            return Err(format!("it is larger than {MAX_RECORD} bytes"));
        }
        let form: WrittenForm = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if form.version != VERSION {
            return Err(format!("it has the format {}", form.version));
        }
        if form.cluster != *cluster {
            return Err(format!("it is about the cluster {}", form.cluster));
        }
        let is_id =
            |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
        let ids = form.written.iter().map(|part| part.commit.as_str());
        if let Some(other) = ids.chain(form.base.as_deref()).find(|id| !is_id(id)) {
            return Err(format!("{other:?} is no commit's id"));
        }
        if form.written.len() > MAX_COMMITS {
            return Err(format!("it speaks of more than {MAX_COMMITS} commits"));
        }
        let part = |part: WrittenPart| {
            let parts = WrittenParts {
                accounts: part.accounts,
                keys: part.keys,
                perhaps: part.perhaps,
                template: part.template,
                template_perhaps: part.template_perhaps,
                records: part.records,
                restored: part.restored,
            };
            (part.commit, parts)
        };
        Ok(Self {
            base: form.base,
            at: form.written.into_iter().map(part).collect(),
        })
    }

    /// Serializes the record; `None` when it is too large.
    pub(super) fn text(&self, cluster: &ClusterName) -> Option<String> {
        let part = |(commit, parts): &(String, WrittenParts)| {
            let parts = parts.clone();
            WrittenPart {
                commit: commit.clone(),
                accounts: parts.accounts,
                keys: parts.keys,
                perhaps: parts.perhaps,
                template: parts.template,
                template_perhaps: parts.template_perhaps,
                records: parts.records,
                restored: parts.restored,
            }
        };
        let form = WrittenForm {
            version: VERSION,
            cluster: cluster.clone(),
            base: self.base.clone(),
            written: self.at.iter().map(part).collect(),
        };
        let text = serde_json::to_string(&form).ok()?;
        (text.len() <= MAX_RECORD).then_some(text)
    }

    /// Returns whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.iter().all(|(_, parts)| parts.is_empty())
    }

    /// Forgets what restores wrote: an apply has brought everything to the tree's state since.
    #[must_use]
    pub fn without_restored(mut self) -> Self {
        for (_, parts) in &mut self.at {
            parts.restored.clear();
        }
        self.at.retain(|(_, parts)| !parts.is_empty());
        self
    }

    /// Forgets what was written to an account.
    pub fn forget(&mut self, name: &AccountName) {
        for (_, parts) in &mut self.at {
            parts.forget(name);
        }
        self.at.retain(|(_, parts)| !parts.is_empty());
    }

    /// Forgets what was written to the template.
    pub fn forget_template(&mut self) {
        for (_, parts) in &mut self.at {
            parts.forget_template();
        }
        self.at.retain(|(_, parts)| !parts.is_empty());
    }

    /// Adds what was written from a commit's tree, replacing what was written before.
    #[must_use]
    pub fn and(mut self, commit: &str, parts: WrittenParts) -> Self {
        if parts.is_empty() {
            return self;
        }
        for (_, before) in &mut self.at {
            for name in &parts.accounts {
                before.forget(name);
            }
            before.template &= !parts.template;
            before.template_perhaps &= !parts.template;
            before.records.retain(|set| !parts.records.contains(set));
            before.restored.retain(|value| !parts.has_written(value));
        }
        match self.at.last_mut() {
            Some((last, known)) if last == commit => known.add(parts),
            _ => self.at.push((commit.to_owned(), parts)),
        }
        self.at.retain(|(_, parts)| !parts.is_empty());
        let surplus = self.at.len().saturating_sub(MAX_COMMITS);
        self.at.drain(..surplus);
        self
    }
}

impl WrittenParts {
    /// Adds what another run wrote from the same tree.
    fn add(&mut self, more: Self) {
        for name in &more.accounts {
            self.forget(name);
        }
        self.restored.retain(|value| !more.has_written(value));
        self.accounts.extend(more.accounts);
        for (name, keys) in more.keys {
            self.keys.entry(name).or_default().extend(keys);
        }
        for (name, keys) in more.perhaps {
            self.perhaps.entry(name).or_default().extend(keys);
        }
        self.template |= more.template;
        self.template_perhaps |= more.template_perhaps;
        self.records.extend(more.records);
        self.restored.extend(more.restored);
    }

    /// Returns whether a value that a restore wrote has been written again.
    fn has_written(&self, value: &RestoredValue) -> bool {
        let again =
            |other: &RestoredValue| other.account == value.account && other.key == value.key;
        let of_account = |name: &AccountName| {
            let keys = self.keys.get(name);
            self.accounts.contains(name) || keys.is_some_and(|keys| keys.contains(&value.key))
        };
        self.restored.iter().any(again)
            || match (&value.account, &value.key) {
                (Some(name), _) => of_account(name),
                (None, ChangeKey::Records(target)) => self.records.contains(target),
                (None, _) => self.template,
            }
    }

    /// Returns what the plan of a restore writes: values that no commit's tree has. `there` is the state that it leads
    /// to, and `undone` what the run did that is restored, if that is known.
    #[must_use]
    pub fn restored(plan: &Plan, there: &Desired, undone: Option<&Plan>) -> Self {
        let removals = undone.into_iter().flat_map(|plan| &plan.steps);
        let removals = removals.flat_map(|step| {
            let changes = step.changes.iter();
            let removed = changes.filter(|change| change.cause == Cause::Removal);
            removed.map(|change| (step.subject.name(), &change.key))
        });
        let removals: BTreeSet<(ObjectName, &ChangeKey)> = removals.collect();
        let of_step = |step: &Step| -> Vec<RestoredValue> {
            let changes = step.changes.iter();
            match &step.subject {
                Subject::Account { name, .. } => {
                    let Some(account) = there.account(name) else {
                        return Vec::new();
                    };
                    let values = changes.map(|it| RestoredValue::of_account(account, &it.key));
                    values.flatten().collect()
                }
                Subject::Template | Subject::Zone(_) => changes
                    .map(|change| RestoredValue::of_side(&change.key, &change.after))
                    .collect(),
            }
        };
        let restored = plan.steps.iter().flat_map(|step| {
            let name = step.subject.name();
            let mut values = of_step(step);
            for value in &mut values {
                value.was_removed = removals.contains(&(name.clone(), &value.key));
            }
            values
        });
        Self {
            restored: restored.collect(),
            ..Self::default()
        }
    }

    /// Returns what a plan may write, before it writes.
    #[must_use]
    pub fn planned(plan: &Plan) -> Self {
        let mut parts = Self::default();
        for step in &plan.steps {
            parts.add_step(step, StepStanding::Unknown);
        }
        parts
    }

    /// Returns what a run wrote. If an account or the template is entirely as its tree says, all of it counts as
    /// written.
    #[must_use]
    pub fn done(plan: &Plan, applied: &Applied, differences: Option<&Differences>) -> Self {
        let results: BTreeMap<StepId, &StepResult> = (applied.outcomes.iter())
            .map(|outcome| (outcome.step, &outcome.result))
            .collect();
        let standing = |step: &Step| {
            let result = results.get(&step.id);
            result.map_or(StepStanding::NotBegun, |result| result.standing())
        };
        let mut parts = Self::default();
        for step in &plan.steps {
            parts.add_step(step, standing(step));
        }
        let Some(differences) = differences else {
            return parts;
        };
        let mut steps: BTreeMap<ObjectName, Vec<&Step>> = BTreeMap::new();
        for step in &plan.steps {
            steps.entry(step.subject.name()).or_default().push(step);
        }
        let is_whole = |object: &ObjectName, changes: &[Change]| {
            let steps = steps.get(object).map_or(&[][..], Vec::as_slice);
            let done: BTreeSet<&ChangeKey> = (steps.iter())
                .flat_map(|step| step.changes.iter().map(|change| &change.key))
                .collect();
            steps
                .iter()
                .all(|step| standing(step) == StepStanding::Done)
                && changes.iter().all(|change| done.contains(&change.key))
        };
        let accounts = differences.accounts.iter().chain(&differences.departed);
        for account in accounts.filter(|account| account.unknown.is_empty()) {
            let AccountDifference { name, changes, .. } = &**account;
            if is_whole(&name.into(), changes) && !awaits_removal(&account.kept) {
                parts.forget(name);
                parts.accounts.insert(name.clone());
            }
        }
        if let Some(template) = &differences.template {
            let whole = is_whole(&ObjectName::Template, &template.changes);
            if awaits_removal(&template.kept) {
                parts.forget_template();
            } else if template.unknown.is_none() && whole {
                parts.template = true;
                parts.template_perhaps = false;
            }
        }
        parts
    }

    fn add_step(&mut self, step: &Step, standing: StepStanding) {
        let is_done = match standing {
            StepStanding::Done => true,
            StepStanding::Unknown => false,
            StepStanding::Failed | StepStanding::NotBegun => return,
        };
        let keys = || step.changes.iter().map(|change| change.key.clone());
        match &step.subject {
            Subject::Account { name, .. } => {
                let known = if is_done {
                    &mut self.keys
                } else {
                    &mut self.perhaps
                };
                known.entry(name.clone()).or_default().extend(keys());
            }
            Subject::Template if is_done => self.template = true,
            Subject::Template => self.template_perhaps = true,
            Subject::Zone(_) if is_done => {
                let sets = keys().filter_map(|key| match key {
                    ChangeKey::Records(target) => Some(target),
                    _ => None,
                });
                self.records.extend(sets);
            }
            // Records are compared at the primary; the next read there shows what was written.
            Subject::Zone(_) => {}
        }
    }
}

/// Returns whether something of an object is to go yet: as a whole, it is not what its tree says.
fn awaits_removal(kept: &[Kept]) -> bool {
    kept.iter().any(|kept| kept.reason == KeptReason::NoRemove)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AssetKind;

    fn cluster() -> ClusterName {
        ClusterName::new("production")
    }

    fn id(letter: char) -> String {
        letter.to_string().repeat(40)
    }

    fn account(name: &str) -> WrittenParts {
        WrittenParts {
            accounts: [AccountName::new(name)].into(),
            ..WrittenParts::default()
        }
    }

    fn keys(name: &str) -> WrittenParts {
        let keys = [
            ChangeKey::Setting("company_name".into()),
            ChangeKey::Asset(AssetKind::Logo),
        ];
        WrittenParts {
            keys: [(AccountName::new(name), keys.into())].into(),
            ..WrittenParts::default()
        }
    }

    #[test]
    fn a_record_says_what_was_written_into_it() {
        let written = Written {
            base: Some(id('b')),
            at: Vec::new(),
        };
        let written = written
            .and(&id('1'), keys("acme"))
            .and(&id('2'), account("beta"));
        let text = written.text(&cluster()).unwrap();
        let read = Written::parse(text.as_bytes(), &cluster());
        assert_eq!(read, Ok(written));
    }

    /// Invariant 10: a corrupt record is rejected, and the reason is reported.
    #[test]
    fn a_spoilt_record_is_not_believed() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let why = Written::parse(text.as_bytes(), &cluster()).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        let good = Written::default().and(&id('1'), account("acme"));
        let good = good.text(&cluster()).unwrap();
        assert!(Written::parse(good.as_bytes(), &cluster()).is_ok());
        check("", "EOF");
        check(&good[..good.len() - 2], "EOF");
        check(&good.replace("\"version\":1", "\"version\":2"), "format 2");
        check(&good.replace("production", "staging"), "cluster staging");
        check(&good.replace(&id('1'), "HEAD"), "no commit's id");
        check(&good.replace("accounts", "secrets"), "unknown field");
        check(&" ".repeat(MAX_RECORD + 1), "larger");
        for at in 0..good.len() {
            let mut spoilt = good.clone().into_bytes();
            spoilt[at] ^= 1;
            // It is rejected, or it names other accounts and commits, which are looked up in Git.
            let _ = Written::parse(&spoilt, &cluster());
        }
    }

    #[test]
    fn what_is_written_later_takes_the_place_of_what_was_written_before() {
        let both = Written::default()
            .and(&id('1'), keys("acme"))
            .and(&id('1'), account("beta"))
            .and(&id('2'), account("acme"));
        assert_eq!(both.at.len(), 2);
        assert_eq!(both.at[0].1, account("beta"));
        assert_eq!(both.at[1].1, account("acme"));
        let mut many = Written::default();
        for number in 0..220 {
            many = many.and(&format!("{number:040x}"), keys(&format!("a{number}")));
        }
        assert_eq!(many.at.len(), MAX_COMMITS, "the oldest are let go");
    }
}
