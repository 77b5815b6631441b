//! Finds SIP servers as a phone does (RFC 3263): NAPTR → SRV → A and AAAA. Pure: it returns the questions it needs
//! answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answer, Expected, Failure, Found, Question};
use crate::model::record::{RecordData, RecordName, RecordType};

/// How many servers are followed for one proxy, at most.
const MAX_ROUTES: usize = 16;

/// How a phone talks to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Transport {
    /// SIP over UDP.
    Udp,
    /// SIP over TCP.
    Tcp,
    /// SIP over TLS.
    Tls,
    /// SIP over WebSocket.
    Ws,
    /// SIP over secure WebSocket.
    Wss,
}

impl Transport {
    const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Returns the labels of its SRV records (RFC 3263, section 4.1; RFC 7118, section 6).
    fn service(self) -> &'static str {
        match self {
            Self::Udp => "_sip._udp.",
            Self::Tcp => "_sip._tcp.",
            Self::Tls => "_sips._tcp.",
            Self::Ws => "_sip._ws.",
            Self::Wss => "_sips._ws.",
        }
    }

    fn of_naptr(services: &str) -> Option<Self> {
        match services {
            "SIP+D2U" => Some(Self::Udp),
            "SIP+D2T" => Some(Self::Tcp),
            "SIPS+D2T" => Some(Self::Tls),
            "SIP+D2W" => Some(Self::Ws),
            "SIPS+D2W" => Some(Self::Wss),
            _ => None,
        }
    }

    /// Returns the port to use where no SRV names one (RFC 3261, section 19.1.2; RFC 7118, section 6).
    fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WebSocket",
            Self::Wss => "secure WebSocket",
        })
    }
}

/// One server that a phone would try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Transport to use.
    pub transport: Transport,
    /// Name of the server.
    pub target: RecordName,
    /// Port to connect to.
    pub port: u16,
    /// The server's addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Owner of the SRV that named the server; `None` where a phone falls back to the default port.
    pub service: Option<RecordName>,
}

/// Whether phones can register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Phones find what the template says.
    Works,
    /// Phones find servers, but not only or not exactly those of the template.
    Impaired,
    /// Phones find no server of the template.
    Broken,
    /// It could not be determined.
    Unknown,
}

/// What phones find at one proxy, and whether that is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phones {
    /// The proxy name that is configured in the phones.
    pub proxy: RecordName,
    /// Whether phones can register.
    pub registration: Registration,
    /// One sentence for a support desk.
    pub sentence: String,
    /// The servers in the order in which a phone tries them.
    pub routes: Vec<Route>,
}

/// Returns the names configured in phones: owners of SIP's NAPTR records, and of its SRV records without their service
/// labels.
#[must_use]
pub(super) fn proxies(expected: &[Expected]) -> BTreeSet<RecordName> {
    let mut proxies = BTreeSet::new();
    for host in expected {
        let name = &host.question.name;
        match host.question.record_type {
            RecordType::Naptr => {
                let sip = host.records.iter().any(|record| {
                    matches!(record, RecordData::Naptr { services, .. } if Transport::of_naptr(services).is_some())
                });
                if sip {
                    proxies.insert(name.clone());
                }
            }
            RecordType::Srv => {
                let owner = Transport::ALL
                    .iter()
                    .find_map(|transport| name.as_str().strip_prefix(transport.service()));
                proxies.extend(owner.map(RecordName::observed));
            }
            _ => {}
        }
    }
    proxies
}

/// The result of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// The servers, in order of preference.
    Routes(Vec<Route>),
    /// The walk needs answers to these questions to go on.
    Needs(BTreeSet<Question>),
    /// A question could not be answered.
    Failed(Question, Failure),
}

type Known = BTreeMap<Question, Answer>;

/// State of a walk. It collects all open questions, so that one round of questions serves several branches.
struct Walker<'a> {
    known: &'a Known,
    needs: BTreeSet<Question>,
    failed: Option<(Question, Failure)>,
}

/// Walks from a proxy to its servers, as a phone with the given transports would.
pub(super) fn walk(proxy: &RecordName, transports: &BTreeSet<Transport>, known: &Known) -> Walk {
    let mut walker = Walker {
        known,
        needs: BTreeSet::new(),
        failed: None,
    };
    let routes = walker.routes(proxy, transports);
    if !walker.needs.is_empty() {
        return Walk::Needs(walker.needs);
    }
    match walker.failed {
        Some((question, failure)) => Walk::Failed(question, failure),
        None => Walk::Routes(routes),
    }
}

impl Walker<'_> {
    fn records(&mut self, name: &RecordName, record_type: RecordType) -> BTreeSet<RecordData> {
        let question = Question {
            name: name.clone(),
            record_type,
        };
        match self.known.get(&question) {
            None => {
                self.needs.insert(question);
                BTreeSet::new()
            }
            Some(Answer::Failed(failure)) => {
                self.failed.get_or_insert((question, failure.clone()));
                BTreeSet::new()
            }
            Some(answer) => answer.records().unwrap_or_default(),
        }
    }

    fn routes(&mut self, proxy: &RecordName, transports: &BTreeSet<Transport>) -> Vec<Route> {
        let services = self.services(proxy, transports);
        if !self.needs.is_empty() {
            return Vec::new();
        }
        let mut routes = Vec::new();
        for (transport, service) in services {
            let mut found: Vec<_> = self
                .records(&service, RecordType::Srv)
                .into_iter()
                .filter_map(|record| match record {
                    RecordData::Srv {
                        priority,
                        weight,
                        port,
                        target,
                    } if !target.is_root() => {
                        Some((priority, std::cmp::Reverse(weight), port, target))
                    }
                    _ => None,
                })
                .collect();
            found.sort();
            for (_, _, port, target) in found {
                routes.push(Route {
                    transport,
                    port,
                    addresses: BTreeSet::new(),
                    service: Some(service.clone()),
                    target,
                });
            }
        }
        if routes.is_empty() && self.needs.is_empty() && self.failed.is_none() {
            let transport = transports.first().copied().unwrap_or(Transport::Udp);
            routes.push(Route {
                transport,
                target: proxy.clone(),
                port: transport.default_port(),
                addresses: BTreeSet::new(),
                service: None,
            });
        }
        routes.truncate(MAX_ROUTES);
        for route in &mut routes {
            route.addresses = self.addresses(&route.target);
        }
        routes
    }

    /// Returns the services in order of preference (RFC 3263, section 4.1).
    fn services(
        &mut self,
        proxy: &RecordName,
        transports: &BTreeSet<Transport>,
    ) -> Vec<(Transport, RecordName)> {
        let mut rules: Vec<_> = self
            .records(proxy, RecordType::Naptr)
            .into_iter()
            .filter_map(|record| match record {
                RecordData::Naptr {
                    order,
                    preference,
                    flags,
                    services,
                    replacement,
                    ..
                } if flags == "S" && !replacement.is_root() => Transport::of_naptr(&services)
                    .filter(|transport| transports.contains(transport))
                    .map(|transport| (order, preference, transport, replacement)),
                _ => None,
            })
            .collect();
        rules.sort();
        if rules.is_empty() {
            return transports
                .iter()
                .map(|transport| {
                    let service = format!("{}{proxy}", transport.service());
                    (*transport, RecordName::observed(&service))
                })
                .collect();
        }
        rules
            .into_iter()
            .map(|(_, _, transport, replacement)| (transport, replacement))
            .collect()
    }

    fn addresses(&mut self, target: &RecordName) -> BTreeSet<IpAddr> {
        let mut records = self.records(target, RecordType::A);
        // Hosts without IPv6 are common, so a failed AAAA lookup is no failure of the walk.
        let sixth = Question {
            name: target.clone(),
            record_type: RecordType::Aaaa,
        };
        match self.known.get(&sixth) {
            Some(answer) => records.extend(answer.records().unwrap_or_default()),
            None => {
                self.needs.insert(sixth);
            }
        }
        records
            .into_iter()
            .filter_map(|record| match record {
                RecordData::A(address) => Some(address.into()),
                RecordData::Aaaa(address) => Some(address.into()),
                _ => None,
            })
            .collect()
    }
}

/// Returns the routes a phone would find if DNS held exactly the template's records.
pub(super) fn wanted(proxy: &RecordName, expected: &[Expected]) -> Vec<Route> {
    let mut known: Known = expected
        .iter()
        .map(|host| {
            let found = Found {
                aliases: Vec::new(),
                records: host.records.clone(),
                ttl: 0,
            };
            (host.question.clone(), Answer::Found(found))
        })
        .collect();
    let transports = transports(proxy, expected);
    loop {
        match walk(proxy, &transports, &known) {
            Walk::Routes(routes) => return routes,
            Walk::Failed(..) => return Vec::new(),
            Walk::Needs(questions) => {
                known.extend(
                    questions
                        .into_iter()
                        .map(|question| (question, Answer::NoData { negative_ttl: None })),
                );
            }
        }
    }
}

/// Returns the transports that the template offers at a proxy; UDP where it names none.
pub(super) fn transports(proxy: &RecordName, expected: &[Expected]) -> BTreeSet<Transport> {
    let mut transports = BTreeSet::new();
    for host in expected {
        match host.question.record_type {
            RecordType::Naptr if host.question.name == *proxy => {
                for record in &host.records {
                    if let RecordData::Naptr { services, .. } = record {
                        transports.extend(Transport::of_naptr(services));
                    }
                }
            }
            RecordType::Srv => transports.extend(Transport::ALL.into_iter().filter(|transport| {
                host.question
                    .name
                    .as_str()
                    .strip_prefix(transport.service())
                    == Some(proxy.as_str())
            })),
            _ => {}
        }
    }
    if transports.is_empty() {
        transports.insert(Transport::Udp);
    }
    transports
}

/// Compares what phones find with what the template says, in one sentence.
pub(super) fn judge(
    domain: &RecordName,
    proxy: &RecordName,
    wanted: &[Route],
    walk: &Walk,
) -> Phones {
    let place = match proxy.as_str().split_once('.') {
        Some((place, _)) if proxy != domain => format!("in {place}"),
        _ => format!("of {proxy}"),
    };
    let phones = |registration, sentence, routes: &[Route]| Phones {
        proxy: proxy.clone(),
        registration,
        sentence,
        routes: routes.to_vec(),
    };
    let routes = match walk {
        Walk::Routes(routes) => routes,
        Walk::Failed(question, Failure::Bogus(_)) => {
            let sentence = format!(
                "phones {place} whose resolver validates DNSSEC cannot register: it refuses {question}"
            );
            return phones(Registration::Broken, sentence, &[]);
        }
        Walk::Failed(question, failure) => {
            let sentence =
                format!("cannot tell whether phones {place} can register: {question}: {failure}");
            return phones(Registration::Unknown, sentence, &[]);
        }
        Walk::Needs(_) => {
            let sentence = format!(
                "cannot tell whether phones {place} can register: the chain of records is too long"
            );
            return phones(Registration::Unknown, sentence, &[]);
        }
    };
    let mut mended = Vec::new();
    for want in wanted {
        if let Some(trouble) = trouble(want, routes) {
            mended.push(trouble);
        }
    }
    let Some(first) = mended.first() else {
        let also = routes
            .iter()
            .find(|route| !wanted.iter().any(|want| same(want, route)));
        return match (also, wanted.first()) {
            (Some(also), _) => {
                let sentence = format!(
                    "some phones {place} go to {}:{} over {}, which is not in the template",
                    also.target, also.port, also.transport
                );
                phones(Registration::Impaired, sentence, routes)
            }
            (None, Some(first)) => {
                let sentence = format!(
                    "phones {place} register at {}:{} over {}",
                    first.target, first.port, first.transport
                );
                phones(Registration::Works, sentence, routes)
            }
            (None, None) => phones(
                Registration::Works,
                format!("the template sends phones {place} nowhere"),
                routes,
            ),
        };
    };
    if mended.len() < wanted.len() {
        let sentence = format!("some phones {place} cannot register: {first}");
        phones(Registration::Impaired, sentence, routes)
    } else {
        let sentence = format!("phones {place} cannot register: {first}");
        phones(Registration::Broken, sentence, routes)
    }
}

/// Returns the worst of what phones find, depending on which server they get their answers from.
pub(super) fn worst(seen: Vec<Phones>) -> Option<Phones> {
    let rank = |registration| match registration {
        Registration::Works => 0,
        Registration::Unknown => 1,
        Registration::Impaired => 2,
        Registration::Broken => 3,
    };
    let mut all = seen.iter();
    let everybody = all.all(|phones| phones.registration == Registration::Broken);
    let mut worst = seen
        .into_iter()
        .rev()
        .max_by_key(|phones| rank(phones.registration))?;
    if worst.registration == Registration::Broken && !everybody {
        worst.registration = Registration::Impaired;
        worst.sentence = format!("some {}", worst.sentence);
    }
    Some(worst)
}

fn same(left: &Route, right: &Route) -> bool {
    left.transport == right.transport && left.target == right.target && left.port == right.port
}

/// Returns what keeps phones from a server of the template, if anything.
fn trouble(want: &Route, routes: &[Route]) -> Option<String> {
    let transport = want.transport;
    if let Some(route) = routes.iter().find(|route| same(want, route)) {
        if route.addresses.is_empty() {
            return Some(format!("{} has no address", route.target));
        }
        let known = want.addresses.is_empty();
        if !known && route.addresses.is_disjoint(&want.addresses) {
            return Some(format!(
                "{} has the address {}, the template says {}",
                route.target,
                list(&route.addresses),
                list(&want.addresses)
            ));
        }
        return None;
    }
    let of_transport = || routes.iter().filter(|route| route.transport == transport);
    if let Some(route) = of_transport().find(|route| route.target == want.target) {
        return Some(if route.service.is_some() {
            format!(
                "SRV points at port {}, the template says {}",
                route.port, want.port
            )
        } else {
            format!(
                "there is no SRV for {transport}, so they try port {}, the template says {}",
                route.port, want.port
            )
        });
    }
    Some(match of_transport().find(|route| route.service.is_some()) {
        Some(route) => format!(
            "SRV points at {}:{}, the template says {}:{}",
            route.target, route.port, want.target, want.port
        ),
        None => format!(
            "there is no SRV for {transport}, the template says {}:{}",
            want.target, want.port
        ),
    })
}

fn list(addresses: &BTreeSet<IpAddr>) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
