//! Constraints between accounts, and between the hosts of the template.

use std::collections::BTreeMap;

use serde_json::Value;

use super::login::login;
use super::portal::portal;
use super::template;
use crate::diag::{Code, Diagnostic, Diagnostics, Place};
use crate::model::{DomainName, Identity, KeyPath, PLACEHOLDER};
use crate::tree::{Desired, DesiredAccount, DesiredTemplate, DnsMode, SharedAccount, Target};

/// Checks a whole desired state: domains and live accounts must be unique (W19), the hosts of the template consistent,
/// the keys of the login page what they seem to be, and what is declared seen.
///
/// Accounts by id and accounts by realm cannot be compared here: only the platform knows which realm an id has.
#[must_use]
pub fn desired(desired: &Desired) -> Diagnostics {
    let mut diagnostics = domains(&desired.accounts);
    diagnostics.extend(identities(&desired.accounts));
    diagnostics.extend(login(desired));
    diagnostics.extend(portal(desired));
    if let Some(template) = &desired.template {
        diagnostics.extend(template::across(template));
        diagnostics.extend(unreached(template, &desired.accounts));
    }
    diagnostics
}

/// Warns, once for all accounts, if no record of the template leads browsers to the domain of a brand: the user
/// interface asks only for the brand of the name that it was opened at (U1, U2).
///
/// Accounts with `dns: ignore` are skipped: their owners enter the records that they need.
fn unreached(template: &DesiredTemplate, accounts: &[SharedAccount]) -> Option<Diagnostic> {
    let hosts = || template.hosts.iter().filter(|(_, it)| it.value.is_some());
    let leads = |target: &Target| {
        target.host == PLACEHOLDER && matches!(target.record_type.as_str(), "A" | "AAAA" | "CNAME")
    };
    if hosts().any(|(target, _)| leads(target)) {
        return None;
    }
    let path = KeyPath::parse("domain");
    let mut named = accounts
        .iter()
        .filter(|account| account.absent.is_none() && account.dns != DnsMode::Ignore)
        .filter_map(|account| {
            let declared = account.settings.get(&path)?;
            let domain = declared.value.as_ref()?.as_str()?;
            // An invalid domain has its own diagnostic.
            DomainName::parse(domain).ok()?;
            Some((domain, declared.place))
        });
    let (domain, asked) = named.next()?;
    let (others, brands) = match named.count() {
        0 => (String::new(), "its brand"),
        1 => (
            " and the domain of 1 more account".to_owned(),
            "their brands",
        ),
        more => (
            format!(" and the domains of {more} more accounts"),
            "their brands",
        ),
    };
    let portal = hosts().find(|(target, _)| target.host.starts_with("portal."));
    let (shown, label) = if let Some((target, it)) = portal {
        let name = target.host.replacen(PLACEHOLDER, domain, 1);
        (it, format!("at {name}, the vendor's brand is shown"))
    } else {
        let (_, it) = hosts().next()?;
        (it, format!("no host here is {PLACEHOLDER} itself"))
    };
    let message = format!("no record leads browsers to {domain}{others}, so nobody sees {brands}");
    let help = format!(
        "add \"{PLACEHOLDER}\" below A (and AAAA), with the addresses of the user interface"
    );
    let diagnostic = Diagnostic::new(Code::EB0716, message, help);
    Some(
        diagnostic
            .at(shown.place, label)
            .see(asked, "the brand is shown at this name only"),
    )
}

/// Warns, once for all accounts, if the tree manages records but declares no primary.
#[must_use]
pub fn unwritten(accounts: &[SharedAccount]) -> Option<Diagnostic> {
    let mut managed = accounts
        .iter()
        .filter(|account| account.dns == DnsMode::Manage);
    let first = managed.next()?;
    let more = managed.count();
    let others = match more {
        0 => String::new(),
        1 => " and of 1 more account".to_owned(),
        more => format!(" and of {more} more accounts"),
    };
    let message = format!(
        "nobody writes the records of {}{others}: dns: manage has no effect without a primary",
        first.name
    );
    let help = "name the primary as dns: {push: …} in emblazon.yaml, or set dns: observe and write them with `emblazon dns export`";
    Some(Diagnostic::new(Code::EB0811, message, help).at(first.identity.place, "this account"))
}

fn domains(accounts: &[SharedAccount]) -> Diagnostics {
    let path = KeyPath::parse("domain");
    let mut first: BTreeMap<String, (&DesiredAccount, Place)> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for account in accounts.iter().filter(|account| account.absent.is_none()) {
        let Some(declared) = account.settings.get(&path) else {
            continue;
        };
        let Some(Value::String(domain)) = &declared.value else {
            continue;
        };
        let name = domain.to_lowercase();
        let name = name.trim_end_matches('.');
        let Some((other, place)) = first.get(name) else {
            first.insert(name.to_owned(), (account, declared.place));
            continue;
        };
        let message = format!(
            "{domain} is claimed by both {} and {}",
            other.name, account.name
        );
        let diagnostic = if *place == declared.place {
            // The domain comes from a layer that both extend.
            Diagnostic::new(
                Code::EB0402,
                message,
                "declare the domain in each account, not in a layer that several extend",
            )
            .at(declared.place, "both take it from here")
            .see(other.identity.place, format!("{} is this", other.name))
            .see(account.identity.place, format!("{} is this", account.name))
        } else {
            Diagnostic::new(
                Code::EB0402,
                message,
                format!("give {} a domain of its own", account.name),
            )
            .at(declared.place, "claimed again")
            .see(*place, format!("first claimed by {}", other.name))
        };
        diagnostics.push(diagnostic);
    }
    diagnostics
}

fn identities(accounts: &[SharedAccount]) -> Diagnostics {
    let mut first: BTreeMap<String, &DesiredAccount> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for account in accounts {
        let identity = match &account.identity.value {
            Identity::Id(id) => format!("account {id}"),
            Identity::Realm(realm) => format!("realm {}", realm.as_str().to_lowercase()),
        };
        let Some(other) = first.get(&identity) else {
            first.insert(identity, account);
            continue;
        };
        diagnostics.push(
            Diagnostic::new(
                Code::EB0403,
                format!("{} and {} are both {identity}", other.name, account.name),
                format!(
                    "correct the one that is wrong, or join {} with {}",
                    account.name, other.name
                ),
            )
            .at(account.identity.place, "the same again")
            .see(other.identity.place, format!("first in {}", other.name)),
        );
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diag::{FileId, Span, Spanned};
    use crate::model::{AccountId, AccountName, ClusterName, Realm};
    use crate::tree::{AccountPolicy, AuthConfig, ClusterConfig, Declared, DnsMode, Policy};

    fn place(line: u32) -> Place {
        Place {
            file: FileId(0),
            span: Span {
                start: line,
                end: line + 1,
            },
        }
    }

    fn account(
        name: &str,
        identity: Identity,
        domain: Option<(&str, u32)>,
        line: u32,
    ) -> DesiredAccount {
        let settings = domain.map(|(domain, line)| {
            let declared = Declared {
                value: Some(json!(domain)),
                place: place(line),
            };
            (KeyPath::parse("domain"), declared)
        });
        DesiredAccount {
            name: AccountName::new(name),
            identity: Spanned {
                value: identity,
                place: place(line),
            },
            settings: settings.into_iter().collect(),
            assets: BTreeMap::new(),
            absent: None,
            dns: DnsMode::Observe,
            ignore: std::collections::BTreeSet::new(),
            labels: BTreeMap::new(),
            policy: AccountPolicy::default(),
        }
    }

    fn id(digit: &str) -> Identity {
        Identity::Id(AccountId::parse(&digit.repeat(32)).expect("an id"))
    }

    #[track_caller]
    fn check(accounts: Vec<DesiredAccount>, expected: &[(Code, u32, u32, &str)]) {
        let state = Desired {
            cluster: ClusterConfig {
                name: ClusterName::new("test"),
                api: None,
                root: None,
                allow_plain_http: false,
                ca_file: None,
                ui: None,
                auth: AuthConfig::default(),
                keys: Vec::new(),
            },
            accounts: accounts.into_iter().map(Into::into).collect(),
            template: None,
            policy: Policy::default(),
        };
        let got = desired(&state);
        let got: Vec<_> = got
            .iter()
            .map(|diagnostic| {
                (
                    diagnostic.code,
                    diagnostic
                        .primary
                        .as_ref()
                        .map_or(0, |label| label.place.span.start),
                    diagnostic
                        .related
                        .first()
                        .map_or(0, |label| label.place.span.start),
                    diagnostic.message.as_str(),
                )
            })
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn one_domain_twice() {
        check(
            vec![
                account("acme", id("a"), Some(("acme.example.com", 1)), 2),
                account("beta", id("b"), Some(("ACME.example.com", 3)), 4),
                account("gamma", id("c"), Some(("gamma.example.com", 5)), 6),
                account("delta", id("d"), None, 7),
            ],
            &[(
                Code::EB0402,
                3,
                1,
                "ACME.example.com is claimed by both acme and beta",
            )],
        );
    }

    #[test]
    fn one_domain_from_a_layer() {
        check(
            vec![
                account("acme", id("a"), Some(("gold.example.com", 1)), 2),
                account("beta", id("b"), Some(("gold.example.com", 1)), 3),
            ],
            &[(
                Code::EB0402,
                1,
                2,
                "gold.example.com is claimed by both acme and beta",
            )],
        );
    }

    #[test]
    fn absent_accounts_claim_nothing() {
        let mut absent = account("acme", id("a"), Some(("acme.example.com", 1)), 2);
        absent.absent = Some(place(9));
        check(
            vec![
                absent,
                account("beta", id("b"), Some(("acme.example.com", 3)), 4),
            ],
            &[],
        );
    }

    #[test]
    fn one_identity_twice() {
        let realm = |text: &str| Identity::Realm(Realm::new(text));
        check(
            vec![
                account("acme", id("a"), None, 1),
                account("beta", id("a"), None, 2),
                account("gamma", realm("g.example.com"), None, 3),
                account("delta", realm("G.example.com"), None, 4),
            ],
            &[
                (
                    Code::EB0403,
                    2,
                    1,
                    "acme and beta are both account aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                ),
                (
                    Code::EB0403,
                    4,
                    3,
                    "gamma and delta are both realm g.example.com",
                ),
            ],
        );
    }
}
