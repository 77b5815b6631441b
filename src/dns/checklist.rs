//! The domains of a tree, and whom to ask of them.

use std::io;
use std::net::SocketAddr;

use futures_util::StreamExt as _;
use futures_util::stream;
use thiserror::Error;

use super::{Checker, DomainCheck, Exchange, ExchangeOptions, Observer, ZoneOptions};
use crate::model::{AccountName, DomainName, DomainTemplate, KeyPath, Network};
use crate::tree::{Desired, DesiredAccount, DnsMode, DnsSettings};

/// The port of DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;
/// How many domains are under way at a time; how many questions go to one server is bounded apart from that.
const CONCURRENT_DOMAINS: usize = 64;

/// Says why nobody can be asked.
#[derive(Debug, Error)]
#[error(
    "the system's resolvers could not be read; name some as dns.resolvers in emblazon.yaml: {0}"
)]
pub struct NoResolver(#[source] io::Error);

impl ZoneOptions {
    /// Asks whom the tree names, else the system's resolvers.
    ///
    /// # Errors
    /// When the system's resolvers are not known.
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
            networks: settings.networks.clone(),
        })
    }

    /// Asks one resolver, and the servers that it leads to at the same port on this machine: a sandbox's.
    #[must_use]
    pub fn at(resolver: SocketAddr) -> Self {
        Self {
            resolvers: vec![resolver],
            authoritative_port: resolver.port(),
            servers: Vec::new(),
            networks: vec![Network::LOOPBACK],
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

/// What is checked.
#[derive(Clone, Debug)]
pub struct Checklist {
    /// What each domain needs.
    pub template: DomainTemplate,
    /// The domains, by account.
    pub domains: Vec<(AccountName, DomainName)>,
    /// The accounts without a domain to ask for, and why.
    pub skipped: Vec<(AccountName, String)>,
}

impl Checklist {
    /// Lists the domains of a tree's accounts, as far as they are wanted.
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

    /// Tells whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// Checks each domain once, and counts the questions. What it learns of zones it forgets at the end. `seen` is told
    /// of each account whose domain was checked.
    pub async fn check(
        &self,
        options: &ZoneOptions,
        seen: &(dyn Fn(&AccountName) + Sync),
    ) -> (Vec<(AccountName, DomainCheck)>, u64) {
        let checker = Checker::new(Observer::new(
            Exchange::new(ExchangeOptions::default()),
            options.clone(),
        ));
        let (checker, template) = (&checker, &self.template);
        let checks = self.domains.clone().into_iter();
        let checks = checks.map(|(name, domain)| async move {
            let check = Box::pin(checker.check(template, &domain)).await;
            seen(&name);
            (name, check)
        });
        let checks = stream::iter(checks)
            .buffered(CONCURRENT_DOMAINS)
            .collect()
            .await;
        (checks, checker.observer().exchange().traffic().questions)
    }
}

fn domain(account: &DesiredAccount) -> Result<DomainName, &'static str> {
    if account.dns == DnsMode::Ignore {
        return Err("the tree says dns: ignore");
    }
    let declared = account.settings.get(&KeyPath::parse("domain"));
    let text = declared
        .and_then(|declared| declared.value.as_ref())
        .and_then(serde_json::Value::as_str)
        .ok_or("the tree declares no domain")?;
    DomainName::parse(text).map_err(|_| "its domain is no host name")
}
