//! Persists the zones in a file, so that updates survive a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{Message, MessageType, OpCode};
use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};

use super::zone::{RecordSet, RecordSets, Zone, records};

/// The version of the file format.
const VERSION: u32 = 1;

/// The file that zones are stored in.
#[derive(Debug)]
pub(super) struct ZoneFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct SavedZones {
    version: u32,
    zones: BTreeMap<String, SavedZone>,
}

#[derive(Serialize, Deserialize)]
struct SavedZone {
    serial: u32,
    /// Each RRset as a DNS message in Base64, because no text form represents every record exactly.
    sets: Vec<String>,
}

impl ZoneFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Restores the records of the zones; zones that are not in the file stay as they are.
    pub(super) fn load(&self, zones: &mut BTreeMap<Name, Zone>) -> io::Result<()> {
        let text = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let saved: SavedZones = serde_json::from_str(&text)?;
        for (apex, zone) in zones {
            let Some(saved) = saved.zones.get(&apex.to_ascii()) else {
                continue;
            };
            let sets = saved.sets.iter().map(|set| revive(set));
            zone.put_back(sets.collect::<io::Result<_>>()?, saved.serial);
        }
        Ok(())
    }

    /// Writes all zones atomically.
    pub(super) fn save(&self, zones: &BTreeMap<Name, Zone>) -> io::Result<()> {
        let zones = zones.iter().map(|(apex, zone)| {
            let sets = (zone.sets.iter()).map(|((name, _), set)| put_aside(name, set));
            let saved = SavedZone {
                serial: zone.serial(),
                sets: sets.collect::<io::Result<_>>()?,
            };
            Ok((apex.to_ascii(), saved))
        });
        let saved = SavedZones {
            version: VERSION,
            zones: zones.collect::<io::Result<_>>()?,
        };
        let folder = self.path.parent().unwrap_or(&self.path);
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(&serde_json::to_vec_pretty(&saved)?)?;
        temporary.persist(&self.path)?;
        Ok(())
    }
}

fn put_aside(name: &Name, set: &RecordSet) -> io::Result<String> {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.answers = records(name, set);
    let bytes = message.to_vec().map_err(io::Error::other)?;
    Ok(STANDARD.encode(bytes))
}

fn revive(text: &str) -> io::Result<RecordSets> {
    let bytes = STANDARD.decode(text).map_err(io::Error::other)?;
    let message = Message::from_vec(&bytes).map_err(io::Error::other)?;
    let mut sets = RecordSets::new();
    for record in message.answers {
        let key = (record.name.clone(), record.record_type());
        let set = sets.entry(key).or_default();
        set.ttl = record.ttl;
        set.data.push(record.data);
    }
    Ok(sets)
}
