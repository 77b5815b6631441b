//! Checking the DNS of a tree's accounts: what `dns check` and `drift` share.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::failure::Failure;
use super::tree::OpenTree;
use crate::dns::{
    Checker, Exchange, ExchangeOptions, Observer, Seen, Standing, ZoneOptions, opinion,
};
use crate::live::{DomainTest, ReadClient};
use crate::model::{AccountName, DomainName, DomainTemplate, KeyPath};
use crate::report::{AccountDns, DnsReport, SecondOpinion};
use crate::tree::{Desired, DesiredAccount, DnsMode};

/// The port of DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;
/// How many domains are under way at a time; how many questions go to one server is bounded apart from that.
const CONCURRENT_DOMAINS: usize = 64;
/// How long `--wait` waits between two checks.
const PAUSE: Duration = Duration::from_secs(5);

/// Whom to ask: the sandbox's resolver, else those of the tree, else the system's.
pub(crate) fn whom_to_ask(
    tree: &OpenTree,
    sandbox: Option<SocketAddr>,
) -> Result<ZoneOptions, Failure> {
    if let Some(resolver) = sandbox {
        return Ok(ZoneOptions {
            resolvers: vec![resolver],
            authoritative_port: resolver.port(),
            servers: Vec::new(),
        });
    }
    let settings = &tree.loaded.dns;
    let declared = settings.resolvers.iter().map(|resolver| resolver.value);
    let mut resolvers: Vec<SocketAddr> = declared.collect();
    if resolvers.is_empty() {
        resolvers = system_resolvers()?;
    }
    Ok(ZoneOptions {
        resolvers,
        authoritative_port: settings.port.unwrap_or(DNS_PORT),
        servers: settings.servers.iter().map(|server| server.value).collect(),
    })
}

fn system_resolvers() -> Result<Vec<SocketAddr>, Failure> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf().context(
        "the system's resolvers could not be read; name some as dns.resolvers in emblazon.yaml",
    )?;
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
pub(crate) struct Checklist {
    template: DomainTemplate,
    domains: Vec<(AccountName, DomainName)>,
    skipped: Vec<(AccountName, String)>,
}

impl Checklist {
    /// Lists the domains of a tree; `only` names the accounts, all when empty.
    pub(crate) fn new(desired: &Desired, template: DomainTemplate, only: &[String]) -> Self {
        let mut list = Self {
            template,
            domains: Vec::new(),
            skipped: Vec::new(),
        };
        for account in &desired.accounts {
            let chosen = only.iter().any(|name| name == account.name.as_str());
            if !only.is_empty() && !chosen {
                continue;
            }
            match domain(account) {
                Ok(domain) => list.domains.push((account.name.clone(), domain)),
                Err(reason) => list.skipped.push((account.name.clone(), reason.to_owned())),
            }
        }
        list
    }

    /// Tells whether there is nothing to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.domains.is_empty()
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

/// Checks each domain once.
pub(crate) async fn check(list: &Checklist, options: &ZoneOptions) -> DnsReport {
    let checker = Checker::new(Observer::new(
        Exchange::new(ExchangeOptions::default()),
        options.clone(),
    ));
    let checks = list.domains.iter().map(async |(name, domain)| AccountDns {
        name: name.clone(),
        check: Box::pin(checker.check(&list.template, domain)).await,
        platform: None,
    });
    let accounts = stream::iter(checks)
        .buffered(CONCURRENT_DOMAINS)
        .collect()
        .await;
    DnsReport {
        accounts,
        skipped: list.skipped.clone(),
        questions: checker.observer().exchange().traffic().questions,
        rounds: 1,
    }
}

/// How `--wait` waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// For how long at most.
    patience: Duration,
    /// How long between two checks.
    pause: Duration,
}

impl Wait {
    pub(crate) fn of(patience: Duration) -> Self {
        Self {
            patience,
            pause: PAUSE,
        }
    }
}

/// Checks until everything is right, for at most so long. What is right is not asked again.
pub(crate) async fn check_until(
    list: Checklist,
    options: &ZoneOptions,
    Wait { patience, pause }: Wait,
) -> DnsReport {
    let started = Instant::now();
    let mut report = check(&list, options).await;
    let mut list = list;
    while report.standing() != Standing::InSync {
        let left = patience.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        tokio::time::sleep(pause.min(left)).await;
        let open = |name: &AccountName| {
            let account = report.accounts.iter().find(|account| account.name == *name);
            account.is_none_or(|account| account.check.standing() != Standing::InSync)
        };
        list.domains.retain(|(name, _)| open(name));
        let again = check(&list, options).await;
        for account in again.accounts {
            if let Some(earlier) = report
                .accounts
                .iter_mut()
                .find(|earlier| earlier.name == account.name)
            {
                *earlier = account;
            }
        }
        report.questions += again.questions;
        report.rounds += 1;
    }
    report
}

/// Asks the platform what it sees of each domain, one after the other: each test makes the platform ask in turn (D16).
pub(crate) async fn ask_platform(report: &mut DnsReport, desired: &Desired, reader: &ReadClient) {
    for account in &mut report.accounts {
        let declared = desired
            .accounts
            .iter()
            .find(|declared| declared.name == account.name);
        let Some(declared) = declared else { continue };
        let domain = account.check.domain.as_str();
        let test = async {
            let id = reader.account_id(&declared.identity.value).await?;
            reader.test_domain(&id, domain).await
        };
        account.platform = Some(match test.await {
            Ok(test) => {
                let seen = seen(test);
                let hosts = account.check.hosts.iter();
                SecondOpinion::Hosts(hosts.map(|host| opinion(host, &seen)).collect())
            }
            Err(error) => SecondOpinion::Unknown(error.explained()),
        });
    }
}

fn seen(test: DomainTest) -> Seen {
    test.into_iter()
        .map(|(record_type, hosts)| {
            let hosts = hosts.into_iter().map(|(host, test)| (host, test.actual));
            (record_type, hosts.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dns::{DnsSeed, DnsServer};

    fn seed(fault: &str) -> DnsSeed {
        let text = format!(
            "zones:
  a.example: {{ ns: [ns1.dns.test], records: [us A 192.0.2.1] }}
  b.example: {{ ns: [ns1.dns.test], records: [us A 192.0.2.1] }}
faults: [{fault}]"
        );
        serde_yaml::from_str(&text).unwrap()
    }

    fn list() -> Checklist {
        let template = serde_json::json!({"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}});
        let domain = |name: &str| {
            let domain = DomainName::parse(&format!("{name}.example")).unwrap();
            (AccountName::new(name), domain)
        };
        Checklist {
            template: serde_json::from_value(template).unwrap(),
            domains: vec![domain("a"), domain("b")],
            skipped: Vec::new(),
        }
    }

    /// Checks with a pause of nothing; gives back the rounds, how it stands, and how often each domain was asked.
    async fn check_with(fault: &str, patience: Duration) -> (u32, Standing, [u64; 2]) {
        let server = DnsServer::start(&seed(fault), 0).await.unwrap();
        let options = ZoneOptions {
            resolvers: vec![server.resolver()],
            authoritative_port: server.port(),
            servers: Vec::new(),
        };
        let wait = Wait {
            patience,
            pause: Duration::ZERO,
        };
        let report = check_until(list(), &options, wait).await;
        let asked = server.asked();
        let count = |name: &str| {
            let asked = asked.iter().filter(|(asked, _)| {
                asked.name == name && asked.record_type == "A" && asked.server == "ns1.dns.test"
            });
            asked.map(|(_, times)| times).sum()
        };
        let counts = [count("us.a.example"), count("us.b.example")];
        (report.rounds, report.standing(), counts)
    }

    /// The first two answers about one domain go wrong; the other domain is right at once, and is not asked again.
    #[tokio::test]
    async fn waiting_ends_when_all_is_right_and_asks_what_is_right_once() {
        let fault =
            "{ server: ns1.dns.test, name: us.b.example, type: A, fault: refused, times: 2 }";
        let (rounds, standing, asked) = check_with(fault, Duration::from_hours(1)).await;
        assert_eq!(standing, Standing::InSync);
        assert!(rounds > 1, "{rounds}");
        assert_eq!(asked[0], 1, "what is right is asked once");
        assert!(asked[1] > 2, "two answers went wrong: {asked:?}");
    }

    #[tokio::test]
    async fn waiting_ends_with_patience() {
        let fault = "{ server: ns1.dns.test, name: us.b.example, type: A, fault: servfail }";
        let (rounds, standing, _) = check_with(fault, Duration::ZERO).await;
        assert_eq!((rounds, standing), (1, Standing::Unknown));
    }
}
