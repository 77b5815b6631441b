//! The domains of a tree to check, and the resolvers and servers to ask.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use thiserror::Error;

use super::{Checker, DomainCheck, Exchange, ExchangeOptions, Observer, Traffic, ZoneOptions};
use crate::model::{AccountName, DomainName, DomainTemplate, KeyPath, Network, RecordName};
use crate::tree::{Desired, DesiredAccount, DnsMode, DnsSettings};

/// The port of DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;
/// How long before their end signatures are told of: software signs again a few days before, so that at three it has not.
const SIGNATURES_END_WITHIN: Duration = Duration::from_hours(72);
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
        let options = Self {
            authoritative_port: settings.port.unwrap_or(DNS_PORT),
            servers: settings.servers.iter().map(|server| server.value).collect(),
            zones: (settings.zones.iter())
                .map(|(apex, servers)| {
                    let servers = servers.iter().map(|server| server.value);
                    (apex.clone(), servers.collect())
                })
                .collect(),
            networks: settings.networks.clone(),
            ..Self::of(resolvers)
        };
        Ok(options.looking_for(settings))
    }

    /// Uses one resolver, and the servers it leads to on this machine at the same port, as in a sandbox.
    #[must_use]
    pub fn at(resolver: SocketAddr) -> Self {
        Self {
            authoritative_port: resolver.port(),
            networks: vec![Network::LOOPBACK, Network::LOOPBACK_IPV6],
            ..Self::of(vec![resolver])
        }
    }

    fn of(resolvers: Vec<SocketAddr>) -> Self {
        Self {
            resolvers,
            authoritative_port: DNS_PORT,
            servers: Vec::new(),
            zones: BTreeMap::new(),
            networks: Vec::new(),
            authorities: Vec::new(),
            signatures_end_within: SIGNATURES_END_WITHIN,
            is_thorough: false,
        }
    }

    /// Looks for what the tree declares: its certificate authorities, and signatures that end in the time it says.
    #[must_use]
    pub fn looking_for(mut self, settings: &DnsSettings) -> Self {
        self.authorities.clone_from(&settings.ca);
        if let Some(days) = settings.signature_days {
            self.signatures_end_within = Duration::from_hours(24 * u64::from(days));
        }
        self
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
    /// The domains of the support addresses, by account.
    pub mail: BTreeMap<AccountName, RecordName>,
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
            mail: BTreeMap::new(),
            skipped: Vec::new(),
        };
        let accounts = desired.accounts.iter();
        for account in accounts.filter(|account| is_wanted(&account.name)) {
            match domain(account) {
                Ok(domain) => {
                    list.domains.push((account.name.clone(), domain));
                    let mail = support_domain(account).map(|domain| (account.name.clone(), domain));
                    list.mail.extend(mail);
                }
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
        let (checker, template, mail) = (&checker, &self.template, &self.mail);
        let checks = self.domains.clone().into_iter().enumerate();
        let checks = checks.map(|(place, (name, domain))| async move {
            let mail = mail.get(&name);
            let check = Box::pin(checker.check_brand(template, &domain, mail)).await;
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

/// Returns the domain of an account's support address.
#[must_use]
pub fn support_domain(account: &DesiredAccount) -> Option<RecordName> {
    let declared = account
        .settings
        .get(&KeyPath::parse("port.support_email"))?;
    let (_, domain) = declared.value.as_ref()?.as_str()?.rsplit_once('@')?;
    RecordName::parse(domain).ok()
}
