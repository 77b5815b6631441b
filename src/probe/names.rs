//! Asks the resolvers that customers use for the addresses of a host.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use super::{Names, Pin};
use crate::dns::{Answer, Exchange, Question};
use crate::model::record::{RecordData, RecordName, RecordType};

/// Finds addresses: those that the caller named, else those of the resolvers.
#[derive(Debug)]
pub(super) struct NameSource {
    pub(super) exchange: Exchange,
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) pins: Vec<Pin>,
    /// The places in `pins` of those that a host was looked for at.
    pub(super) used: Mutex<BTreeSet<usize>>,
}

impl NameSource {
    pub(super) async fn find(&self, host: &str, port: u16) -> Names {
        let mut pins = self.pins.iter().enumerate();
        let pin = pins.find(|(_, pin)| pin.host == host && pin.port == port);
        if let Some((at, pin)) = pin {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.insert(at);
            return Names::Pinned(pin.address);
        }
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Names::Found(vec![address]);
        }
        let Ok(name) = RecordName::parse(host) else {
            return Names::Absent;
        };
        let (v4, v6) = tokio::join!(
            self.ask(&name, RecordType::A),
            self.ask(&name, RecordType::Aaaa)
        );
        let mut addresses: Vec<IpAddr> = Vec::new();
        let mut failure = None;
        for answer in [v4, v6] {
            match answer {
                Ok(found) => addresses.extend(found),
                Err(reason) => failure = Some(reason),
            }
        }
        match (addresses.is_empty(), failure) {
            (false, _) => Names::Found(addresses),
            (true, Some(reason)) => Names::Unknown(reason),
            (true, None) => Names::Absent,
        }
    }

    /// Returns the addresses of hosts and ports that nobody looked for.
    pub(super) fn unused(&self) -> Vec<Pin> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let pins = self.pins.iter().enumerate();
        let unused = pins.filter(|(at, _)| !used.contains(at));
        unused.map(|(_, pin)| pin.clone()).collect()
    }

    /// Asks one resolver after the other until one answers.
    async fn ask(&self, name: &RecordName, record_type: RecordType) -> Result<Vec<IpAddr>, String> {
        let question = Question {
            name: name.clone(),
            record_type,
        };
        let mut last = "no resolver is known".to_owned();
        for resolver in &self.resolvers {
            match self.exchange.ask_resolver(*resolver, &question).await {
                Answer::Found(found) => {
                    return Ok(found.records.iter().filter_map(address).collect());
                }
                Answer::NoData { .. } | Answer::NxDomain { .. } => return Ok(Vec::new()),
                Answer::Failed(failure) => last = format!("resolver {resolver}: {failure}"),
            }
        }
        Err(last)
    }
}

fn address(record: &RecordData) -> Option<IpAddr> {
    match record {
        RecordData::A(address) => Some((*address).into()),
        RecordData::Aaaa(address) => Some((*address).into()),
        _ => None,
    }
}
