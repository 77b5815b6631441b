//! The primary of zones, whatever protocol it speaks: one type that reads, and one that writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::powerdns::{PowerDns, ReadFor};
use super::rfc2136::Rfc2136;
use super::standings::ZoneReading;
use super::{Home, PushConfig, PushError, Standing, Standings, ZoneChange};
use crate::dns::Question;
use crate::model::record::RecordName;

/// How long a primary may take for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many zones are read at a time.
const CONCURRENT_ZONES: usize = 8;

/// Reads a primary. It has no way to change anything (invariant 2):
///
/// ```compile_fail,E0599
/// async fn f(primary: emblazon::dns::push::PrimaryReader, change: emblazon::dns::push::ZoneChange) {
///     primary.write(&change).await;
/// }
/// ```
#[derive(Clone)]
pub struct PrimaryReader {
    server: Arc<PrimaryServer>,
    /// The name of the key, or whose API it is for.
    key: Arc<str>,
}

/// Writes to a primary.
#[derive(Clone, Debug)]
pub struct PrimaryWriter {
    reader: PrimaryReader,
}

impl std::fmt::Debug for PrimaryReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrimaryReader").finish_non_exhaustive()
    }
}

enum PrimaryServer {
    Rfc2136(Rfc2136),
    PowerDns(Box<PowerDns>),
}

impl PrimaryReader {
    /// Creates a reader from the configuration; nothing is sent yet.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(config: &PushConfig) -> Result<Self, PushError> {
        Self::with_patience(config, PATIENCE)
    }

    /// Creates a reader that gives the primary `patience` for one answer.
    ///
    /// # Errors
    /// As [`PrimaryReader::new`].
    pub fn with_patience(config: &PushConfig, patience: Duration) -> Result<Self, PushError> {
        let server = match config {
            PushConfig::Rfc2136(config) => PrimaryServer::Rfc2136(Rfc2136::new(config, patience)?),
            PushConfig::PowerDns(config) => {
                PrimaryServer::PowerDns(Box::new(PowerDns::new(config, patience)?))
            }
        };
        let key = match config {
            PushConfig::Rfc2136(config) => format!("TSIG key {}", config.key.name),
            PushConfig::PowerDns(_) => "API key of the primary".to_owned(),
        };
        Ok(Self {
            key: key.into(),
            server: Arc::new(server),
        })
    }

    /// Returns which credential it uses, in words; never the credential.
    #[must_use]
    pub fn key(&self) -> String {
        self.key.to_string()
    }

    /// Reads the live records at the given names and types, zone by zone.
    ///
    /// Never fails: what could not be read is reported as such, per name and per zone.
    pub async fn standings(&self, questions: &BTreeSet<Question>) -> Standings {
        let names: BTreeSet<RecordName> = questions
            .iter()
            .map(|question| question.name.clone())
            .collect();
        let homes = self.homes(&names).await;
        let mut zones: BTreeMap<RecordName, BTreeSet<Question>> = BTreeMap::new();
        for question in questions {
            if let Some(Home::Zone(zone)) = homes.get(&question.name) {
                zones
                    .entry(zone.clone())
                    .or_default()
                    .insert(question.clone());
            }
        }
        let read = zones.into_iter().map(async |(zone, questions)| {
            let reading = self.read_zone(&zone, &questions, ReadFor::Plan).await;
            (zone, reading)
        });
        let mut readings = stream::iter(read).buffer_unordered(CONCURRENT_ZONES);
        let mut standings = Standings {
            homes,
            ..Standings::default()
        };
        while let Some((zone, reading)) = readings.next().await {
            standings.add(zone, reading);
        }
        standings
    }

    /// Finds the zone of each name. Once the primary fails to answer, it is not asked again.
    async fn homes(&self, names: &BTreeSet<RecordName>) -> BTreeMap<RecordName, Home> {
        let mut found = match &*self.server {
            PrimaryServer::Rfc2136(server) => server.find_zones(names).await,
            PrimaryServer::PowerDns(server) => server.find_zones(names).await,
        };
        let mut last = "the primary was not asked".to_owned();
        let mut home = |name: &RecordName| match found.remove(name) {
            Some(Ok(zone)) => Home::Zone(zone),
            Some(Err(error @ PushError::NoZone { .. })) => Home::None(error.to_string()),
            Some(Err(error)) => {
                last = error.to_string();
                Home::Unknown(last.clone())
            }
            None => Home::Unknown(last.clone()),
        };
        names
            .iter()
            .map(|name| (name.clone(), home(name)))
            .collect()
    }

    /// Reads the live records of a zone; a set that exists but cannot be understood is left out.
    ///
    /// # Errors
    /// When the zone could not be read, or one of the names must not be written there.
    pub async fn read(
        &self,
        zone: &RecordName,
        questions: &BTreeSet<Question>,
    ) -> Result<BTreeMap<Question, Standing>, PushError> {
        let reading = self.read_zone(zone, questions, ReadFor::Step).await?;
        let sets = reading.sets.into_iter();
        sets.map(|(question, standing)| Ok((question, standing?)))
            .collect()
    }

    async fn read_zone(
        &self,
        zone: &RecordName,
        questions: &BTreeSet<Question>,
        reason: ReadFor,
    ) -> Result<ZoneReading, PushError> {
        match &*self.server {
            PrimaryServer::Rfc2136(server) => server.read_all(zone, questions).await,
            PrimaryServer::PowerDns(server) => server.read_all(zone, questions, reason).await,
        }
    }
}

impl PrimaryWriter {
    /// Creates a writer for the primary of a reader.
    #[must_use]
    pub fn new(reader: PrimaryReader) -> Self {
        Self { reader }
    }

    /// Returns the reader of the same primary.
    #[must_use]
    pub fn read(&self) -> &PrimaryReader {
        &self.reader
    }

    /// Writes all sets of a change or none, and only if all are as the change expects them before.
    ///
    /// # Errors
    /// When nothing was written, or, for [`PushError::Lost`], when the outcome is unknown.
    pub async fn write(&self, change: &ZoneChange) -> Result<(), PushError> {
        match &*self.reader.server {
            PrimaryServer::Rfc2136(server) => server.update(change).await,
            PrimaryServer::PowerDns(server) => server.patch(change).await,
        }
    }
}
