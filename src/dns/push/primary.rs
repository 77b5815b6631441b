//! What every kind of primary can do, and how a push goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::change::{Changes, RefusedSet, changes};
use super::{PowerDns, PushConfig, PushError, PushPolicy, Rfc2136, Standing, ZoneChange};
use crate::dns::{Expected, Question};
use crate::model::record::{RecordData, RecordName};

/// How long a primary may take for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The primary of zones, whatever it speaks.
pub trait Push: Send + Sync {
    /// Finds the zone that a name lies in, among those that the primary keeps.
    fn zone_of<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<RecordName, PushError>>;

    /// Reads what stands in a zone; a set that is there and cannot be understood is left out.
    fn read<'a>(
        &'a self,
        zone: &'a RecordName,
        questions: &'a BTreeSet<Question>,
    ) -> BoxFuture<'a, Result<BTreeMap<Question, Standing>, PushError>>;

    /// Writes all sets of a change or none, and only when all stand as the change says they did before.
    fn write<'a>(&'a self, change: &'a ZoneChange) -> BoxFuture<'a, Result<(), PushError>>;
}

/// Makes what speaks with the configured primary; nothing is sent yet.
///
/// # Errors
/// When the configuration cannot work.
pub fn primary(config: &PushConfig) -> Result<Box<dyn Push>, PushError> {
    Ok(match config {
        PushConfig::Rfc2136(config) => Box::new(Rfc2136::new(config)?),
        PushConfig::PowerDns(config) => Box::new(PowerDns::new(config)?),
    })
}

/// What a push would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// What changes, zone by zone.
    pub zones: Vec<ZoneChange>,
    /// Records in declared sets that nobody declared, and that stay.
    pub kept: Vec<(Question, RecordData)>,
    /// Sets that differ and are left alone, and why.
    pub refused: Vec<RefusedSet>,
}

/// Finds out what a push would do; writes nothing.
///
/// `expected` is what the tree wants, `before` what it wanted when it was last applied.
///
/// # Errors
/// When the primary cannot be read. A name for which it keeps no zone is refused, and the others go on.
pub async fn pending(
    primary: &dyn Push,
    expected: &[Expected],
    before: &[Expected],
    policy: PushPolicy,
) -> Result<Pending, PushError> {
    let mut pending = Pending::default();
    let mut zones: BTreeMap<RecordName, BTreeSet<Question>> = BTreeMap::new();
    for question in expected.iter().chain(before).map(|host| &host.question) {
        match primary.zone_of(&question.name).await {
            Ok(zone) => {
                zones.entry(zone).or_default().insert(question.clone());
            }
            Err(error @ PushError::NoZone { .. }) => pending.refused.push(RefusedSet {
                name: question.name.clone(),
                record_type: question.record_type,
                reason: error.to_string(),
            }),
            Err(error) => return Err(error),
        }
    }
    for (zone, questions) in zones {
        let standing = primary.read(&zone, &questions).await?;
        let of_zone = |hosts: &[Expected]| -> Vec<Expected> {
            hosts
                .iter()
                .filter(|host| questions.contains(&host.question))
                .cloned()
                .collect()
        };
        let Changes {
            sets,
            kept,
            refused,
            unread,
        } = changes(
            &zone,
            &of_zone(expected),
            &of_zone(before),
            &standing,
            policy,
        );
        pending.kept.extend(kept);
        pending.refused.extend(refused);
        pending
            .refused
            .extend(unread.into_iter().map(|question| {
                RefusedSet {
                    name: question.name,
                    record_type: question.record_type,
                    reason: "it could not be read at the primary, so nothing is changed; try again"
                        .to_owned(),
                }
            }));
        if !sets.is_empty() {
            pending.zones.push(ZoneChange { zone, sets });
        }
    }
    Ok(pending)
}

/// What a push did in one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The touched sets as they stood before: the snapshot for the way back.
    pub before: BTreeMap<Question, Standing>,
    /// The touched sets as the primary shows them afterwards.
    pub after: BTreeMap<Question, Standing>,
}

/// Writes one zone's change and reads it back at the primary.
///
/// # Errors
/// When nothing was written, or when the primary does not show what was. A lost answer is resolved by what the primary
/// shows.
pub async fn push(primary: &dyn Push, change: &ZoneChange) -> Result<Pushed, PushError> {
    let questions: BTreeSet<Question> =
        change.sets.iter().map(|set| set.question.clone()).collect();
    let before = primary.read(&change.zone, &questions).await?;
    if let Some(set) = change.sets.iter().find(|set| {
        before
            .get(&set.question)
            .is_none_or(|standing| standing.records != set.before)
    }) {
        return Err(PushError::Moved {
            zone: change.zone.clone(),
            set: Some(set.question.clone()),
        });
    }
    let written = primary.write(change).await;
    if let Err(error) = &written
        && !matches!(error, PushError::Lost { .. })
    {
        return Err(error.clone());
    }
    let after = primary.read(&change.zone, &questions).await?;
    for set in &change.sets {
        let found = after.get(&set.question);
        if found.is_none_or(|standing| standing.records != set.after) {
            return Err(match &written {
                Err(lost) => lost.clone(),
                Ok(()) => PushError::NotThere {
                    server: "the primary".to_owned(),
                    set: set.question.clone(),
                    found: found.map_or_else(|| "nothing readable".to_owned(), list),
                },
            });
        }
    }
    Ok(Pushed { before, after })
}

fn list(standing: &Standing) -> String {
    if standing.records.is_empty() {
        return "nothing".to_owned();
    }
    standing
        .records
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
