//! Current alerts → changes worth reporting. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::daemon::{Alert, AlertKind};
use crate::model::AccountName;

/// How well an alert must be confirmed before it is reported; what is absent is as usual for its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damping {
    /// How many consecutive cycles must find it …
    pub confirmations: Option<u32>,
    /// … and how long it must last.
    pub after: Option<Duration>,
}

impl Damping {
    /// Returns how many cycles must find an alert, or no longer find it, and for how long.
    fn of(self, kind: AlertKind, found: bool) -> (u32, Duration) {
        let (confirmations, after) = match kind {
            kind if found && kind.is_urgent() => return (0, Duration::ZERO),
            // A second read has confirmed it already; its end was read only once.
            AlertKind::Drift if found => (1, Duration::ZERO),
            _ => (2, Duration::from_secs(30)),
        };
        (
            self.confirmations.unwrap_or(confirmations),
            self.after.unwrap_or(after),
        )
    }
}

/// A change to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The alert, with its latest message.
    pub alert: Alert,
    /// Whether it is resolved.
    pub over: bool,
}

/// Remembers what was reported, and what waits for confirmation. It is persisted, so that nothing is reported again
/// after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damper {
    /// The last cycle that was counted.
    round: Option<Timestamp>,
    #[serde(with = "entries")]
    known: BTreeMap<AlertKey, KnownAlert>,
}

/// The identity of an alert.
type AlertKey = (AlertKind, Option<AccountName>);

/// What is known about one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownAlert {
    /// The alert, with its latest message.
    alert: Alert,
    /// Whether it was reported.
    told: bool,
    /// Whether the last cycle found it.
    found: bool,
    /// Since when cycles find it, or no longer find it.
    since: Timestamp,
    /// How many consecutive cycles did.
    rounds: u32,
}

impl Damper {
    /// Takes the current alerts, and returns what to report now. `round` is the time of the daemon's last cycle; seeing
    /// the same one again confirms nothing, but time passes.
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
            let (confirmations, after) = damping.of(known.alert.kind, known.found);
            let sure = known.rounds >= confirmations && lasted >= after;
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

    /// Iterates over the alerts that were reported as begun and not yet as resolved.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        let told = self.known.values().filter(|known| known.told);
        told.map(|known| &known.alert)
    }

    fn count(&mut self, now: Timestamp, alerts: &[Alert]) {
        let mut found: BTreeMap<AlertKey, &Alert> = alerts
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
                KnownAlert {
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

/// Serializes the map as a list: JSON keys are strings, and each value contains its key.
mod entries {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{AlertKey, KnownAlert};

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<AlertKey, KnownAlert>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<AlertKey, KnownAlert>, D::Error> {
        let known: Vec<KnownAlert> = Vec::deserialize(deserializer)?;
        let keyed = known
            .into_iter()
            .map(|known| ((known.alert.kind, known.alert.account.clone()), known));
        Ok(keyed.collect())
    }
}

#[cfg(test)]
#[path = "damper_tests.rs"]
mod tests;
