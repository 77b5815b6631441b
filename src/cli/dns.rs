//! Checks the DNS of a tree's accounts, for `dns check` and `drift`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::failure::Failure;
use super::progress::Phase;
use super::records;
use super::tree::OpenTree;
use crate::dns::{Checklist, Seen, Standing, ZoneOptions, opinion};
use crate::live::{DomainTest, ReadClient};
use crate::model::AccountName;
use crate::report::{AccountDns, DnsReport, SecondOpinion};
use crate::sandbox::Sandbox;
use crate::tree::Desired;

/// Pause between two checks of `--wait`.
const PAUSE: Duration = Duration::from_secs(5);

/// Returns which resolvers to ask: the sandbox's, else those of the tree, else the system's.
pub(crate) fn whom_to_ask(
    tree: &OpenTree,
    sandbox: Option<SocketAddr>,
) -> Result<ZoneOptions, Failure> {
    match sandbox {
        Some(resolver) => Ok(ZoneOptions::at(resolver).looking_for(&tree.loaded.dns)),
        None => {
            ZoneOptions::declared(&tree.loaded.dns).map_err(|error| Failure::Failed(error.into()))
        }
    }
}

/// Returns the address of a sandbox's resolver; `seed` is the sandbox's file, and `desired` has a domain as an example.
pub(crate) fn sandbox_resolver(
    sandbox: &Sandbox,
    seed: Option<&Utf8Path>,
    desired: Option<&Desired>,
) -> Result<SocketAddr, Failure> {
    let dns = sandbox.dns().ok_or_else(|| {
        let accounts = desired.into_iter().flat_map(|desired| &desired.accounts);
        let mut domains = accounts.filter_map(|it| records::text(it, "domain"));
        let domain = domains.next().unwrap_or_else(|| "example.com".to_owned());
        let file = seed.map_or("sandbox.yaml", Utf8Path::as_str);
        Failure::Usage(format!(
            "the sandbox has no DNS; add to {file} what it answers, such as `dns: {{zones: {{{domain}: {{records: ['@ A 192.0.2.80']}}}}}}`"
        ))
    })?;
    Ok(dns.resolver())
}

/// Checks each domain once; `seen` is called after each.
pub(crate) async fn check(
    list: &Checklist,
    options: &ZoneOptions,
    seen: &(dyn Fn() + Sync),
) -> DnsReport {
    let (checks, traffic) = list.check(options, &|_| seen()).await;
    let accounts = checks.into_iter().map(|(name, check)| AccountDns {
        name,
        check,
        platform: None,
    });
    DnsReport {
        accounts: accounts.collect(),
        skipped: list.skipped.clone(),
        questions: traffic.questions,
        rounds: 1,
    }
}

/// The timing of `--wait`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// The longest wait.
    patience: Duration,
    /// The pause between two checks.
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

/// Repeats the checks until everything is right or the time is over. What is right is not checked again.
pub(crate) async fn check_until(
    list: Checklist,
    options: &ZoneOptions,
    Wait { patience, pause }: Wait,
    phase: &Phase,
) -> DnsReport {
    let started = Instant::now();
    let seen = || {
        phase.step();
    };
    let mut report = check(&list, options, &seen).await;
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
        let again = check(&list, options, &seen).await;
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

/// Asks the platform for its view of each domain, one after the other, because each test makes the platform query DNS
/// (D16).
pub(crate) async fn ask_platform(
    report: &mut DnsReport,
    desired: &Desired,
    reader: &ReadClient,
    phase: &Phase,
) {
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
        phase.step();
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
    use crate::cli::limit::Limit;
    use crate::cli::ui::Ui;
    use crate::model::DomainName;
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
            mail: std::collections::BTreeMap::new(),
            skipped: Vec::new(),
        }
    }

    /// Checks without a pause; returns the rounds, the standing, and how often each domain was queried.
    async fn check_with(fault: &str, patience: Duration) -> (u32, Standing, [u64; 2]) {
        let server = DnsServer::start(&seed(fault), 0).await.unwrap();
        let options = ZoneOptions::at(server.resolver());
        let wait = Wait {
            patience,
            pause: Duration::ZERO,
        };
        let limit = Limit::new(None, Instant::now());
        let phase = Phase::begin(Ui::quiet(limit), "asking DNS", 2);
        let report = check_until(list(), &options, wait, &phase).await;
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

    /// The first two answers for one domain fail; the other domain is right at once, and is not queried again.
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
