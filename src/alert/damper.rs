//! Trouble that goes on → what is worth telling. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::daemon::{Alert, AlertKind};
use crate::model::AccountName;

/// How sure one must be before something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// So many rounds in a row must find it …
    pub confirmations: u32,
    /// … and so long it must last.
    pub after: Duration,
}

impl Default for Damping {
    fn default() -> Self {
        Self {
            confirmations: 2,
            after: Duration::from_secs(30),
        }
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The trouble, in its last words.
    pub alert: Alert,
    /// Whether it is over.
    pub over: bool,
}

/// Remembers what was told, and what waits to be told. It is written down between runs, so that a start tells
/// nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damper {
    /// The last round that was counted.
    round: Option<Timestamp>,
    #[serde(with = "entries")]
    known: BTreeMap<Key, Known>,
}

/// What makes two alerts the same.
type Key = (AlertKind, Option<AccountName>);

/// What is known of one trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// Its last words.
    alert: Alert,
    /// Whether it was told.
    told: bool,
    /// Whether the last round found it.
    found: bool,
    /// Since when rounds find it, or find it no more.
    since: Timestamp,
    /// How many rounds in a row did.
    rounds: u32,
}

impl Damper {
    /// Takes in the trouble that goes on, and returns what is to be told now. `round` is when the daemon last came
    /// round; seeing one again confirms nothing, but time passes.
    pub fn observe(
        &mut self,
        now: Timestamp,
        round: Timestamp,
        damping: Damping,
        alerts: &[Alert],
    ) -> Vec<Transition> {
        if self.round.is_none_or(|last| last < round) {
            self.round = Some(round);
            self.count(now, alerts);
        }
        let mut transitions = Vec::new();
        self.known.retain(|_, known| {
            let lasted = Duration::try_from(now.duration_since(known.since)).unwrap_or_default();
            let sure = known.rounds >= damping.confirmations && lasted >= damping.after;
            if sure && known.told != known.found {
                known.told = known.found;
                transitions.push(Transition {
                    alert: known.alert.clone(),
                    over: !known.found,
                });
            }
            known.told || known.found
        });
        transitions
    }

    /// Iterates over what was told and is not over, as far as anybody was told.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        let told = self.known.values().filter(|known| known.told);
        told.map(|known| &known.alert)
    }

    fn count(&mut self, now: Timestamp, alerts: &[Alert]) {
        let mut found: BTreeMap<Key, &Alert> = alerts
            .iter()
            .map(|alert| ((alert.kind, alert.account.clone()), alert))
            .collect();
        for (key, known) in &mut self.known {
            let alert = found.remove(key);
            if known.found == alert.is_some() {
                known.rounds = known.rounds.saturating_add(1);
            } else {
                known.found = alert.is_some();
                known.rounds = 1;
                known.since = now;
            }
            if let Some(alert) = alert {
                known.alert = alert.clone();
            }
        }
        for (key, alert) in found {
            self.known.insert(
                key,
                Known {
                    alert: alert.clone(),
                    told: false,
                    found: true,
                    since: now,
                    rounds: 1,
                },
            );
        }
    }
}

/// The map as a list: a key of JSON is a text, and each value tells its key.
mod entries {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Key, Known};

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<Key, Known>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Key, Known>, D::Error> {
        let known: Vec<Known> = Vec::deserialize(deserializer)?;
        let keyed = known
            .into_iter()
            .map(|known| ((known.alert.kind, known.alert.account.clone()), known));
        Ok(keyed.collect())
    }
}

#[cfg(test)]
#[path = "damper_tests.rs"]
mod tests;
