//! `dns`, for the whole tree or for one cluster: how DNS is observed and pushed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::Reader;
use crate::diag::{Code, Spanned};
use crate::model::{DomainName, Network, RecordName};
use crate::tree::node::Node;
use crate::tree::{DnsSettings, PushSettings};

/// The keys of `dns`.
pub(in crate::tree) const DNS_KEYS: [&str; 8] = [
    "resolvers",
    "servers",
    "zones",
    "port",
    "networks",
    "push",
    "ca",
    "signature_days",
];

/// The keys of one `dns` that are there.
#[derive(Clone, Debug, Default)]
pub(in crate::tree) struct DnsKeys {
    resolvers: Option<Vec<Spanned<SocketAddr>>>,
    servers: Option<Vec<Spanned<SocketAddr>>>,
    zones: Option<BTreeMap<RecordName, Vec<Spanned<SocketAddr>>>>,
    port: Option<u16>,
    networks: Option<Vec<Network>>,
    push: Option<PushSettings>,
    ca: Option<Vec<String>>,
    signature_days: Option<u16>,
}

impl DnsKeys {
    /// Returns the settings, with the keys that are missing here taken from `lower`.
    pub(in crate::tree) fn over(self, lower: Self) -> DnsSettings {
        DnsSettings {
            resolvers: self.resolvers.or(lower.resolvers).unwrap_or_default(),
            servers: self.servers.or(lower.servers).unwrap_or_default(),
            zones: self.zones.or(lower.zones).unwrap_or_default(),
            port: self.port.or(lower.port),
            networks: self.networks.or(lower.networks).unwrap_or_default(),
            push: self.push.or(lower.push),
            ca: self.ca.or(lower.ca).unwrap_or_default(),
            signature_days: self.signature_days.or(lower.signature_days),
        }
    }
}

impl Reader {
    /// Reads `dns`.
    pub(super) fn dns(&mut self, node: &Node) -> DnsKeys {
        let fields = self.fields(node, "dns", &DNS_KEYS);
        DnsKeys {
            resolvers: (fields.get("resolvers")).map(|node| self.addresses(node, "resolver")),
            servers: (fields.get("servers")).map(|node| self.addresses(node, "server")),
            zones: (fields.get("zones")).map(|node| self.zones(node)),
            port: fields.get("port").and_then(|node| self.port(node)),
            networks: fields.get("networks").map(|node| self.networks(node)),
            push: fields.get("push").and_then(|node| self.push(node)),
            ca: fields.get("ca").map(|node| self.issuers(node)),
            signature_days: (fields.get("signature_days")).and_then(|node| self.days(node)),
        }
    }

    /// Reads `zones`: the servers of each zone.
    fn zones(&mut self, node: &Node) -> BTreeMap<RecordName, Vec<Spanned<SocketAddr>>> {
        let mut zones = BTreeMap::new();
        for entry in self.map(node, "zones").iter() {
            match RecordName::parse(&entry.key) {
                Ok(apex) => {
                    let servers = self.addresses(&entry.value, "server");
                    zones.insert(apex, servers);
                }
                Err((_, _, error)) => self.report(
                    Code::EB0805,
                    format!("zone {:?} {error}", entry.key),
                    "write the name of a zone, such as example.com, and the servers to ask about it",
                    entry.key_place,
                    "no name of a zone",
                ),
            }
        }
        zones
    }

    /// Reads `ca`: names of issuers, such as `letsencrypt.org`.
    fn issuers(&mut self, node: &Node) -> Vec<String> {
        let mut issuers = Vec::new();
        for text in self.texts(node, "certificate authorities") {
            match DomainName::parse(&text.value) {
                Ok(issuer) => issuers.push(issuer.to_string()),
                Err(error) => self.report(
                    Code::EB0805,
                    format!("certificate authority {:?}: {error}", text.value),
                    "write the name that CAA records have for it, such as letsencrypt.org",
                    text.place,
                    "no name of a certificate authority",
                ),
            }
        }
        issuers
    }

    fn days(&mut self, node: &Node) -> Option<u16> {
        let text = self.text(node, "signature_days")?;
        let days = text.value.parse::<u16>().ok().filter(|days| *days <= 365);
        if days.is_none() {
            self.report(
                Code::EB0805,
                format!("signature_days {:?} is no number of days", text.value),
                "write a number from 0 to 365, or omit it to use 3",
                text.place,
                "no number of days",
            );
        }
        days
    }

    fn port(&mut self, node: &Node) -> Option<u16> {
        let text = self.text(node, "port")?;
        let port = text.value.parse::<u16>().ok().filter(|port| *port > 0);
        if port.is_none() {
            self.report(
                Code::EB0805,
                format!("port {:?} is no port", text.value),
                "write a number from 1 to 65535, or omit port to use 53",
                text.place,
                "no port",
            );
        }
        port
    }

    fn addresses(&mut self, node: &Node, what: &str) -> Vec<Spanned<SocketAddr>> {
        let mut resolvers = Vec::new();
        for text in self.texts(node, &format!("{what}s")) {
            let address = text.value.parse::<SocketAddr>().ok();
            let address =
                address.or_else(|| Some(SocketAddr::new(text.value.parse::<IpAddr>().ok()?, 53)));
            match address {
                Some(value) => resolvers.push(Spanned {
                    value,
                    place: text.place,
                }),
                None => self.report(
                    Code::EB0805,
                    format!("{what} {:?} is no address", text.value),
                    "write an IP address, with a port if it is not 53: 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53",
                    text.place,
                    "no IP address",
                ),
            }
        }
        resolvers
    }

    fn networks(&mut self, node: &Node) -> Vec<Network> {
        let mut networks = Vec::new();
        for text in self.texts(node, "networks") {
            match text.value.parse() {
                Ok(network) => networks.push(network),
                Err(_) => self.report(
                    Code::EB0812,
                    format!("network {:?} is no network", text.value),
                    "write an address and the length of its prefix: 10.0.0.0/8 or fd00::/8",
                    text.place,
                    "no network",
                ),
            }
        }
        networks
    }
}
