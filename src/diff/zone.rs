//! Compares the records of a zone: needed now × needed according to the base × live → difference. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::base::Base;
use super::records::{Claim, ManagedRecords};
use super::{Cause, Change, ChangeKey, Declaration, Kept, Side, Verdict, verdict};
use crate::dns::push::{
    Changes, Home, PushPolicy, RefusedSet, SetChange, Standing, Standings, changes,
};
use crate::dns::{Expected, Question};
use crate::model::{AccountName, RecordData, RecordName};
use crate::tree::Target;

/// The reason for an RRset that was not looked up.
const NOT_ASKED: &str = "the primary server was not queried for it";

/// The differences of one zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneDifference {
    /// The zone apex, or the brand's domain if no zone is known.
    pub zone: RecordName,
    /// The RRsets that differ, sorted by name and type.
    pub sets: Vec<SetDifference>,
    /// The differences that stay.
    pub kept: Vec<Kept>,
    /// RRsets that differ but must not be written.
    pub refused: Vec<RefusedSet>,
    /// Why the zone could not be checked, or not completely.
    pub unknown: Vec<String>,
    /// Notes about the zone as a whole.
    pub notes: Vec<String>,
}

/// The difference of one RRset.
#[derive(Clone, Debug, PartialEq)]
pub struct SetDifference {
    /// The records before and after.
    pub set: SetChange,
    /// The same in the form for reports, with the cause.
    pub change: Change,
    /// The accounts whose domains need it, or needed it.
    pub accounts: BTreeSet<AccountName>,
}

impl ZoneDifference {
    /// Iterates over the changes of all RRsets.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.sets.iter().map(|set| &set.change)
    }

    /// Returns the changes of all RRsets as they would be written.
    pub(crate) fn changed(&self) -> Vec<&SetChange> {
        self.sets.iter().map(|set| &set.set).collect()
    }

    /// Creates a zone without differences.
    #[must_use]
    pub fn new(zone: RecordName) -> Self {
        Self {
            zone,
            sets: Vec::new(),
            kept: Vec::new(),
            refused: Vec::new(),
            unknown: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl SetDifference {
    /// Creates the difference of an RRset that these accounts need or needed.
    #[must_use]
    pub fn new(set: SetChange, cause: Cause, accounts: BTreeSet<AccountName>) -> Self {
        let side = |records: &BTreeSet<RecordData>| {
            let texts: Vec<String> = records.iter().map(ToString::to_string).collect();
            if texts.is_empty() {
                Side::Absent
            } else {
                Side::Value(Value::from(texts))
            }
        };
        let change = Change {
            key: ChangeKey::Records(Target {
                record_type: set.question.record_type.to_string(),
                host: set.question.name.to_string(),
            }),
            before: side(&set.before),
            after: side(&set.after),
            cause,
            origin: None,
        };
        Self {
            set,
            change,
            accounts,
        }
    }
}

/// Compares the RRsets that managed accounts need with those of the primary server, zone by zone.
///
/// What could not be read causes no change, and is listed as unknown (invariant 6).
#[must_use]
pub fn compare_zones(
    managed: &ManagedRecords,
    standings: &Standings,
    policy: PushPolicy,
) -> Vec<ZoneDifference> {
    let mut zones: BTreeMap<RecordName, ZoneDifference> = BTreeMap::new();
    let mut found: BTreeMap<&RecordName, BTreeSet<Question>> = BTreeMap::new();
    for question in managed.questions() {
        let home = standings.homes.get(&question.name);
        if let Some(Home::Zone(zone)) = home {
            found.entry(zone).or_default().insert(question);
            continue;
        }
        let domain = managed.domain(&question);
        let difference = zones
            .entry(domain.clone())
            .or_insert_with(|| ZoneDifference::new(domain));
        match home {
            Some(Home::None(reason)) => {
                if difference
                    .refused
                    .iter()
                    .all(|other| other.reason != *reason)
                {
                    difference.refused.push(RefusedSet {
                        name: question.name,
                        record_type: question.record_type,
                        reason: reason.clone(),
                    });
                }
            }
            Some(Home::Unknown(reason)) => difference.add_unknown(reason),
            Some(Home::Zone(_)) | None => difference.add_unknown(NOT_ASKED),
        }
    }
    for (zone, questions) in found {
        let difference = zones
            .entry(zone.clone())
            .or_insert_with(|| ZoneDifference::new(zone.clone()));
        match standings.zones.get(zone) {
            Some(Ok(standing)) => {
                difference.compare(&questions, managed, standing, policy);
                if !difference.sets.is_empty() {
                    difference.notes.extend(standings.notes.get(zone).cloned());
                }
            }
            Some(Err(reason)) => difference.add_unknown(reason),
            None => difference.add_unknown(NOT_ASKED),
        }
    }
    zones.into_values().collect()
}

impl ZoneDifference {
    /// Adds a reason why something could not be checked, unless it is already listed.
    pub fn add_unknown(&mut self, reason: &str) {
        if self.unknown.iter().all(|known| known != reason) {
            self.unknown.push(reason.to_owned());
        }
    }

    fn compare(
        &mut self,
        questions: &BTreeSet<Question>,
        managed: &ManagedRecords,
        standing: &BTreeMap<Question, Standing>,
        policy: PushPolicy,
    ) {
        let earlier = managed.earlier.as_ref();
        let now = expected(&managed.now, questions);
        let before = earlier.map_or_else(Vec::new, |earlier| expected(earlier, questions));
        let Changes {
            sets,
            kept,
            refused,
            unread,
        } = changes(&self.zone, &now, &before, standing, policy);
        self.refused.extend(refused);
        for question in unread {
            self.add_unknown(&format!("{question} could not be read at the primary"));
        }
        for (question, data) in kept {
            self.notes
                .push(format!("{question} {data} is not declared, and stays"));
        }
        for set in sets {
            let question = &set.question;
            let wanted = managed.now.get(question);
            let former = earlier.and_then(|earlier| earlier.get(question));
            let base = Base::find(earlier, |earlier| earlier.get(question));
            let cause = cause(wanted, base, &set, policy);
            let accounts = [wanted, former].into_iter().flatten();
            let accounts = accounts.flat_map(|claim| claim.accounts.clone()).collect();
            let mut difference = SetDifference::new(set, cause, accounts);
            let change = &mut difference.change;
            let mut restored = managed.restored.iter().filter(|it| it.key == change.key);
            if base.known().is_some() && restored.any(|it| it.is_side(&change.before)) {
                change.cause = if wanted.is_some() {
                    Cause::Git
                } else {
                    Cause::Removal
                };
            }
            difference.change.origin = wanted.and_then(|claim| claim.origin.clone());
            self.sets.push(difference);
        }
    }
}

impl ManagedRecords {
    /// Returns the brand's domain that an RRset is for.
    fn domain(&self, question: &Question) -> RecordName {
        let earlier = self
            .earlier
            .as_ref()
            .and_then(|earlier| earlier.get(question));
        let claims = self.now.get(question).into_iter().chain(earlier);
        let mut domains = claims.flat_map(|claim| &claim.domains);
        domains.next().unwrap_or(&question.name).clone()
    }
}

fn expected(claims: &BTreeMap<Question, Claim>, questions: &BTreeSet<Question>) -> Vec<Expected> {
    (claims.iter())
        .filter(|(question, _)| questions.contains(question))
        .map(|(question, claim)| Expected {
            question: question.clone(),
            label: None,
            records: claim.records.clone(),
        })
        .collect()
}

/// Returns why an RRset differs. Undeclared records are ignored, unless the RRset is managed exclusively.
fn cause(
    wanted: Option<&Claim>,
    former: Base<&Claim>,
    set: &SetChange,
    policy: PushPolicy,
) -> Cause {
    let claims = || wanted.into_iter().chain(former.known());
    let is_ours = |data: &&RecordData| {
        policy.exclusive || claims().any(|claim| claim.records.iter().any(|ours| ours.means(data)))
    };
    let live: BTreeSet<RecordData> = set.before.iter().filter(is_ours).cloned().collect();
    let live = Some(live).filter(|live| !live.is_empty());
    let declared = |claim: &Claim| Declaration::Value(claim.records.clone());
    match verdict(
        former.declares(declared).as_ref(),
        &wanted.map_or(Declaration::Undeclared, declared),
        live.as_ref(),
    ) {
        Verdict::Differs(cause) => cause,
        Verdict::InSync | Verdict::Kept => Cause::Differs,
    }
}
