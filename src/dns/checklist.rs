//! The domains of a tree to check, and the resolvers and servers to ask.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use futures_util::StreamExt as _;
use futures_util::stream;
use thiserror::Error;

use super::{Checker, DomainCheck, Exchange, ExchangeOptions, Observer, Traffic, ZoneOptions};
use crate::model::{AccountName, DomainName, DomainTemplate, Network};
use crate::tree::{Desired, DesiredAccount, DnsMode, DnsSettings};

/// The port of DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;
/// How many domains are checked at a time; the questions in flight to one server are limited separately.
const CONCURRENT_DOMAINS: usize = 512;

/// No resolver is known: the system's configuration could not be read.
#[derive(Debug, Error)]
#[error(
    "the system's resolvers could not be read; name some as dns.resolvers in emblazon.yaml: {0}"
)]
pub struct NoResolver(#[source] io::Error);

impl ZoneOptions {
    /// Uses the resolvers that the tree declares, else the system's.
    ///
    /// # Errors
    /// When the system's resolvers cannot be read.
    pub fn declared(settings: &DnsSettings) -> Result<Self, NoResolver> {
        let declared = settings.resolvers.iter().map(|resolver| resolver.value);
        let mut resolvers: Vec<SocketAddr> = declared.collect();
        if resolvers.is_empty() {
            resolvers = system_resolvers()?;
        }
        Ok(Self {
            resolvers,
            authoritative_port: settings.port.unwrap_or(DNS_PORT),
            servers: settings.servers.iter().map(|server| server.value).collect(),
            zones: (settings.zones.iter())
                .map(|(apex, servers)| {
                    let servers = servers.iter().map(|server| server.value);
                    (apex.clone(), servers.collect())
                })
                .collect(),
            networks: settings.networks.clone(),
        })
    }

    /// Uses one resolver, and the servers it leads to on this machine at the same port, as in a sandbox.
    #[must_use]
    pub fn at(resolver: SocketAddr) -> Self {
        Self {
            resolvers: vec![resolver],
            authoritative_port: resolver.port(),
            servers: Vec::new(),
            zones: BTreeMap::new(),
            networks: vec![Network::LOOPBACK, Network::LOOPBACK_IPV6],
        }
    }
}

fn system_resolvers() -> Result<Vec<SocketAddr>, NoResolver> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf()
        .map_err(|error| NoResolver(io::Error::other(error)))?;
    Ok(config
        .name_servers()
        .iter()
        .map(|server| {
            let port = server.connections.first().map_or(DNS_PORT, |via| via.port);
            SocketAddr::new(server.ip, port)
        })
        .collect())
}

/// The domains to check, and the template they are checked against.
#[derive(Clone, Debug)]
pub struct Checklist {
    /// Template of the records that each domain needs.
    pub template: DomainTemplate,
    /// The domains, by account.
    pub domains: Vec<(AccountName, DomainName)>,
    /// The accounts without a domain to check, with the reason.
    pub skipped: Vec<(AccountName, String)>,
}

impl Checklist {
    /// Lists the domains of the tree's accounts that `is_wanted` accepts.
    #[must_use]
    pub fn new(
        desired: &Desired,
        template: DomainTemplate,
        is_wanted: impl Fn(&AccountName) -> bool,
    ) -> Self {
        let mut list = Self {
            template,
            domains: Vec::new(),
            skipped: Vec::new(),
        };
        let accounts = desired.accounts.iter();
        for account in accounts.filter(|account| is_wanted(&account.name)) {
            match domain(account) {
                Ok(domain) => list.domains.push((account.name.clone(), domain)),
                Err(reason) => list.skipped.push((account.name.clone(), reason.to_owned())),
            }
        }
        list
    }

    /// Returns whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// Checks each domain once, and returns the results with the traffic that they caused.
    ///
    /// Zones are cached for the duration of the call only. `seen` is called with each account whose domain was checked.
    pub async fn check(
        &self,
        options: &ZoneOptions,
        seen: &(dyn Fn(&AccountName) + Sync),
    ) -> (Vec<(AccountName, DomainCheck)>, Traffic) {
        let checker = Checker::new(Observer::new(
            Exchange::new(ExchangeOptions::default()),
            options.clone(),
        ));
        let (checker, template) = (&checker, &self.template);
        let checks = self.domains.clone().into_iter().enumerate();
        let checks = checks.map(|(place, (name, domain))| async move {
            let check = Box::pin(checker.check(template, &domain)).await;
            seen(&name);
            (place, (name, check))
        });
        // A domain whose servers are slow must not hold up those behind it.
        let checks = stream::iter(checks).buffer_unordered(CONCURRENT_DOMAINS);
        let mut checks: Vec<_> = checks.collect().await;
        checks.sort_unstable_by_key(|(place, _)| *place);
        let checks = checks.into_iter().map(|(_, checked)| checked).collect();
        (checks, checker.observer().exchange().traffic())
    }
}

fn domain(account: &DesiredAccount) -> Result<DomainName, &'static str> {
    if account.dns == DnsMode::Ignore {
        return Err("the tree says dns: ignore");
    }
    let text = (account.declared_domain()).ok_or("the tree declares no domain")?;
    DomainName::parse(text).map_err(|_| "its domain is no host name")
}
