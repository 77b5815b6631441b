//! Which key may write an account, where resellers have keys of their own.
//!
//! The platform says who is below whom, and the tree which folders are a reseller's. A key is found only where both agree
//! and both are known; no account is written with a key by guess.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::listing::everybody;
use super::read::ReadClient;
use crate::live::config::ClientConfig;
use crate::live::secret_source::credential;
use crate::live::state::Reading;
use crate::model::{AccountId, AccountName, Identity};
use crate::tree::ResellerKey;

/// The key of each account that a run writes.
#[derive(Clone, Debug)]
pub struct WriteKeys {
    /// The clients, or why there is none; absent where one credential writes everything.
    found: Option<BTreeMap<AccountId, Result<ReadClient, String>>>,
}

/// What the platform says of a reseller's account.
#[derive(Clone, Debug)]
struct Subtree {
    /// The reseller's own account.
    top: Reading<AccountId>,
    /// That account, and all below it.
    accounts: Reading<BTreeSet<AccountId>>,
}

/// What is said of an account for which no key was looked for.
const NOT_FOUND: &str = "no key was looked for that may write this account";

impl WriteKeys {
    /// Returns the keys of a client that writes everything, or none where resellers have keys of their own.
    pub(super) fn without_any(client: &ReadClient) -> Self {
        Self {
            found: client.divided().map(|_| BTreeMap::new()),
        }
    }

    /// Finds the key of each account; `targets` names the folder that declares it. Asks the platform who is below whom,
    /// and logs in with the keys that are needed; without keys of resellers, it sends nothing.
    pub async fn find(client: &ReadClient, targets: &BTreeMap<AccountId, AccountName>) -> Self {
        let Some(config) = client.divided() else {
            return Self { found: None };
        };
        let keys = config
            .divided
            .as_ref()
            .map_or(&[][..], |divided| &divided.keys);
        let mut subtrees = Vec::new();
        if !targets.is_empty() {
            for key in keys {
                subtrees.push(Subtree::read(client, &key.below).await);
            }
        }
        let mut opened: BTreeMap<usize, Result<ReadClient, String>> = BTreeMap::new();
        let mut found = BTreeMap::new();
        for (id, name) in targets {
            let chosen = choose((keys, &subtrees), (name, id));
            let client = match chosen {
                Err(reason) => Err(reason),
                Ok(None) => Ok(client.clone()),
                Ok(Some(index)) => {
                    let client = match opened.entry(index) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => {
                            new.insert(open(config, &keys[index], &subtrees[index]).await)
                        }
                    };
                    client.clone()
                }
            };
            found.insert(id.clone(), client);
        }
        Self { found: Some(found) }
    }

    /// Returns the client that may write an account; the error says why there is none.
    pub(super) fn of<'a>(
        &'a self,
        rest: &'a ReadClient,
        account: &AccountId,
    ) -> Result<&'a ReadClient, &'a str> {
        match &self.found {
            None => Ok(rest),
            Some(found) => match found.get(account) {
                Some(Ok(client)) => Ok(client),
                Some(Err(reason)) => Err(reason),
                None => Err(NOT_FOUND),
            },
        }
    }
}

impl Subtree {
    async fn read(client: &ReadClient, below: &Identity) -> Self {
        let top = match below {
            Identity::Id(id) => Ok(id.clone()),
            Identity::Realm(realm) => client.by_realm(client.root(), realm.as_str()).await,
        };
        let top = match top {
            Ok(top) => top,
            Err(error) => {
                let unknown = format!("account {below} could not be found: {}", error.explained());
                return Self {
                    top: Reading::Unknown(unknown.clone()),
                    accounts: Reading::Unknown(unknown),
                };
            }
        };
        let accounts = match everybody(client, &top).await {
            Ok(accounts) => Reading::Known(accounts.into_iter().map(|it| it.id).collect()),
            Err(error) => Reading::Unknown(format!(
                "who is below account {below} could not be read: {}",
                error.explained()
            )),
        };
        Self {
            top: Reading::Known(top),
            accounts,
        }
    }

    fn has(&self, account: &AccountId) -> bool {
        matches!(&self.accounts, Reading::Known(accounts) if accounts.contains(account))
    }

    /// Returns whether this account lies below another one of the platform, or may do so.
    fn may_be_within(&self, other: &Self) -> bool {
        match &self.top {
            Reading::Known(top) => other.has(top),
            Reading::Unknown(_) => true,
        }
    }
}

/// Logs in with a key.
async fn open(
    config: &ClientConfig,
    key: &ResellerKey,
    subtree: &Subtree,
) -> Result<ReadClient, String> {
    let top = config.divided.as_ref().map(|divided| &divided.top);
    let environment = |name: &str| std::env::var(name).ok();
    let folder = top.map_or(camino::Utf8Path::new(""), |top| top);
    let (credential, origin) = credential(&key.auth, folder, &environment)
        .await
        .map_err(|error| format!("there is no key for accounts below {}: {error}", key.below))?;
    let config = ClientConfig {
        credential,
        credential_origin: Some(origin.clone()),
        divided: None,
        // The key's own account need not be asked for.
        root: match &subtree.top {
            Reading::Known(top) => Some(Identity::Id(top.clone())),
            Reading::Unknown(_) => None,
        },
        ..config.clone()
    };
    ReadClient::connect(config).await.map_err(|error| {
        format!(
            "the key for accounts below {} was not accepted: {}; it came from {origin}",
            key.below,
            error.explained()
        )
    })
}

/// Returns the number of the key that may write an account, or none for the key of the rest; the error says why no key
/// may.
fn choose(
    (keys, subtrees): (&[ResellerKey], &[Subtree]),
    (name, account): (&AccountName, &AccountId),
) -> Result<Option<usize>, String> {
    let nearest = nearest(keys, subtrees, account)?;
    let folder = format!("accounts/{name}");
    let owner = keys.iter().position(|key| key.has_folder(name));
    match (owner, nearest) {
        (Some(owner), Some(nearest)) if owner == nearest => Ok(Some(owner)),
        (Some(owner), _) => Err(format!(
            "{folder} is a folder of {below}, and account {account} is not one of those that the key for accounts below {below} may write; correct the account, move the folder, or change auth in emblazon.yaml",
            below = keys[owner].below
        )),
        (None, Some(nearest)) if !keys[nearest].folders.is_empty() => Err(format!(
            "account {account} is below {below}, whose folders are {folders}, and {folder} is none of them; correct the account, move the folder, or change auth in emblazon.yaml",
            below = keys[nearest].below,
            folders = keys[nearest].folders.join(", ")
        )),
        (None, nearest) => Ok(nearest),
    }
}

/// Returns the number of the nearest reseller above an account, or none if it is below none.
fn nearest(
    keys: &[ResellerKey],
    subtrees: &[Subtree],
    account: &AccountId,
) -> Result<Option<usize>, String> {
    let above: Vec<usize> = (0..subtrees.len())
        .filter(|index| subtrees[*index].has(account))
        .collect();
    let is_within = |one: usize, other: usize| matches!(&subtrees[one].top, Reading::Known(top) if subtrees[other].has(top));
    let is_nearest = |one: &usize| {
        above
            .iter()
            .all(|other| other == one || (is_within(*one, *other) && !is_within(*other, *one)))
    };
    let found = above.iter().copied().find(is_nearest);
    if found.is_none() && !above.is_empty() {
        let names: Vec<String> = above
            .iter()
            .map(|index| keys[*index].below.to_string())
            .collect();
        return Err(format!(
            "account {account} is below {}, and none of them is below the others: which key may write it is not known; change auth in emblazon.yaml",
            names.join(" and ")
        ));
    }
    // What could not be read may be nearer.
    for subtree in subtrees {
        let Reading::Unknown(reason) = &subtree.accounts else {
            continue;
        };
        if found.is_none_or(|found| subtree.may_be_within(&subtrees[found])) {
            return Err(format!(
                "which key may write account {account} is not known: {reason}"
            ));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{AuthConfig, SecretSource};

    fn id(letter: char) -> AccountId {
        AccountId::parse(&letter.to_string().repeat(32)).unwrap()
    }

    fn key(below: char, folders: &[&str]) -> ResellerKey {
        ResellerKey {
            below: Identity::Id(id(below)),
            folders: folders.iter().map(|folder| (*folder).to_owned()).collect(),
            auth: AuthConfig::ApiKey(SecretSource::Environment("KEY".to_owned())),
        }
    }

    fn subtree(top: Option<char>, accounts: Option<&str>) -> Subtree {
        let unknown = || "the server is down".to_owned();
        Subtree {
            top: top.map_or_else(
                || Reading::Unknown(unknown()),
                |top| Reading::Known(id(top)),
            ),
            accounts: accounts.map_or_else(
                || Reading::Unknown(unknown()),
                |accounts| Reading::Known(accounts.chars().map(id).collect()),
            ),
        }
    }

    /// `a` has the accounts below it, among them the reseller `b` with its own.
    #[test]
    fn an_account_has_one_key_or_none() {
        let keys = [key('a', &[]), key('b', &[]), key('c', &[])];
        let check =
            |subtrees: [Subtree; 3], account: char, expected: Result<Option<usize>, &str>| {
                let name = AccountName::new("acme");
                let chosen = choose((&keys, &subtrees), (&name, &id(account)));
                match (&chosen, expected) {
                    (Ok(chosen), Ok(expected)) => assert_eq!(*chosen, expected, "{account}"),
                    (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
                    _ => panic!("{account}: {chosen:?} instead of {expected:?}"),
                }
            };
        let all = || {
            [
                subtree(Some('a'), Some("a1bd")),
                subtree(Some('b'), Some("bd")),
                subtree(Some('c'), Some("ce")),
            ]
        };
        check(all(), 'a', Ok(Some(0)));
        check(all(), '1', Ok(Some(0)));
        check(all(), 'b', Ok(Some(1)));
        check(all(), 'd', Ok(Some(1)));
        check(all(), 'e', Ok(Some(2)));
        check(all(), '9', Ok(None));
        // What is unknown of one reseller is unknown of the accounts that may be its own, and of no others.
        let lost = |index: usize| {
            let mut some = all();
            some[index].accounts = Reading::Unknown("the server is down".to_owned());
            some
        };
        check(lost(2), 'd', Ok(Some(1)));
        check(lost(2), '9', Err("is not known: the server is down"));
        check(lost(1), '1', Err("is not known: the server is down"));
        check(lost(1), 'e', Ok(Some(2)));
        check(lost(0), 'd', Ok(Some(1)));
        let mut nobody = all();
        nobody[2] = subtree(None, None);
        check(nobody, 'd', Err("is not known: the server is down"));
        // Two entries for one reseller, by id and by realm.
        let mut twice = all();
        twice[1] = subtree(Some('a'), Some("a1bd"));
        check(twice, '1', Err("none of them is below the others"));
    }

    #[test]
    fn a_folder_reaches_the_accounts_of_its_reseller_only() {
        let keys = [
            key('a', &["north-*"]),
            key('c', &["south", "south-*"]),
            key('b', &[]),
        ];
        let subtrees = [
            subtree(Some('a'), Some("a1")),
            subtree(Some('c'), Some("ce")),
            subtree(Some('b'), Some("bd")),
        ];
        let check = |name: &str, account: char| {
            choose((&keys, &subtrees), (&AccountName::new(name), &id(account)))
        };
        assert_eq!(check("north-1", '1'), Ok(Some(0)));
        assert_eq!(check("south", 'e'), Ok(Some(1)));
        assert_eq!(check("anything", 'd'), Ok(Some(2)));
        assert_eq!(check("anything", '9'), Ok(None));
        let told = |name: &str, account: char| check(name, account).unwrap_err();
        insta::assert_snapshot!(told("north-1", 'e'), @"accounts/north-1 is a folder of aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, and account eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee is not one of those that the key for accounts below aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa may write; correct the account, move the folder, or change auth in emblazon.yaml");
        insta::assert_snapshot!(told("anything", 'e'), @"account eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee is below cccccccccccccccccccccccccccccccc, whose folders are south, south-*, and accounts/anything is none of them; correct the account, move the folder, or change auth in emblazon.yaml");
        for (name, account) in [("north-1", '9'), ("north-1", 'd'), ("south-2", '1')] {
            assert!(check(name, account).is_err(), "{name} {account}");
        }
    }
}
