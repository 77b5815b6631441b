//! Resolves the accounts that the arguments name.

use std::collections::BTreeMap;

use crate::cli::failure::Failure;
use crate::cli::unknown::{no_such_account, no_such_key};
use crate::import::Accepted;
use crate::live::{LiveBrand, Reading, Unmanaged};
use crate::model::{AccountId, AccountName, KeyPath};
use crate::report::text::visible;
use crate::tree::check::nearest;
use crate::tree::{Loaded, explain, is_address};

/// Resolves an account by its id, realm or name on the platform, or by its folder in the tree.
pub(crate) fn named<'a>(
    text: &str,
    everybody: &'a [Unmanaged],
    folders: &BTreeMap<AccountId, AccountName>,
) -> Result<&'a Unmanaged, Failure> {
    let by: [&dyn Fn(&Unmanaged) -> bool; 4] = [
        &|account| account.id.as_str() == text,
        &|account| account.realm.eq_ignore_ascii_case(text),
        &|account| account.name == text,
        &|account| {
            folders
                .get(&account.id)
                .is_some_and(|name| name.as_str() == text)
        },
    ];
    for is_meant in by {
        let found: Vec<&Unmanaged> = everybody
            .iter()
            .filter(|account| is_meant(account))
            .collect();
        match found.as_slice() {
            [] => {}
            [only] => return Ok(only),
            several => {
                let ids: Vec<&str> = several.iter().map(|account| account.id.as_str()).collect();
                return Err(Failure::Usage(format!(
                    "{} accounts are called {}; name one by its id: {}",
                    several.len(),
                    visible(text),
                    ids.join(", ")
                )));
            }
        }
    }
    let known = everybody.iter().map(|account| account.name.as_str());
    let help = nearest(text, known).map_or_else(
        || "name it by id, realm or name".to_owned(),
        |name| format!("did you mean {}?", visible(name)),
    );
    Err(Failure::Usage(format!(
        "there is no account {} below the root; {help}",
        visible(text)
    )))
}

/// Resolves all accounts that the texts name; without texts, all accounts.
pub(crate) fn chosen(
    texts: &[String],
    everybody: &[Unmanaged],
    folders: &BTreeMap<AccountId, AccountName>,
) -> Result<Vec<Unmanaged>, Failure> {
    if texts.is_empty() {
        return Ok(everybody.to_vec());
    }
    let mut chosen = texts
        .iter()
        .map(|text| named(text, everybody, folders).cloned())
        .collect::<Result<Vec<_>, Failure>>()?;
    chosen.sort();
    chosen.dedup();
    Ok(chosen)
}

/// Parses `ACCOUNT` or `ACCOUNT.KEY`; an account's name may itself contain dots.
pub(crate) fn accepted<'a>(
    text: &str,
    names: impl Iterator<Item = &'a AccountName> + Clone,
) -> Result<Accepted, Failure> {
    let matching = names.clone().filter(|name| {
        text.strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    let Some(account) = matching.max_by_key(|name| name.as_str().len()) else {
        let wanted = text.split('.').next().unwrap_or(text);
        let message = no_such_account(&visible(wanted), names);
        return Err(Failure::Usage(message));
    };
    let key = text[account.as_str().len()..].strip_prefix('.');
    let address = match key {
        None => None,
        Some("") => {
            return Err(Failure::Usage(format!(
                "{text} ends in a dot; write the key behind it, such as {account}.nav.help"
            )));
        }
        Some(key) => Some(address(key)),
    };
    Ok(Accepted {
        account: account.clone(),
        address,
    })
}

/// Refuses a key to accept that is neither a key, nor declared by the account, nor live.
pub(crate) fn check_key(
    text: &str,
    accepted: &Accepted,
    loaded: &Loaded,
    brands: &[(AccountName, &LiveBrand)],
) -> Result<(), Failure> {
    let Some(address) = &accepted.address else {
        return Ok(());
    };
    let name = &accepted.account;
    let declared = explain(loaded, name, Some(address)).unwrap_or_default();
    let brand = brands.iter().find(|(account, _)| account == name);
    let is_live = brand.is_none_or(|(_, brand)| is_live(address, brand));
    if is_address(address.as_str(), &loaded.extra_keys) || !declared.is_empty() || is_live {
        return Ok(());
    }
    let key = text.get(name.as_str().len() + 1..).unwrap_or(text);
    if is_address(key, &loaded.extra_keys) {
        return Err(Failure::Usage(format!(
            "{key} is in the tree only, and nobody can change it on the platform; change it there"
        )));
    }
    Err(Failure::Usage(no_such_key(
        &visible(key),
        &loaded.extra_keys,
    )))
}

/// Returns whether a brand has the setting, or may have it.
fn is_live(address: &KeyPath, brand: &LiveBrand) -> bool {
    match &brand.document {
        Reading::Unknown(_) => true,
        Reading::Known(None) => false,
        Reading::Known(Some(document)) => {
            let leaves = document.settings.leaves();
            let mut paths = leaves.into_keys().map(|path| whitelabel(path.as_str()));
            paths.any(|path| path.is_within(address))
        }
    }
}

fn whitelabel(key: &str) -> KeyPath {
    KeyPath::parse(&format!("whitelabel.{key}"))
}

/// Completes a key to an address: whole addresses are kept, `logo`, `icon` and `welcome` are assets, others are
/// settings.
fn address(key: &str) -> KeyPath {
    let first = key.split('.').next().unwrap_or(key);
    match first {
        "whitelabel" | "assets" => KeyPath::from(key),
        "logo" | "icon" | "welcome" if first == key => KeyPath::from_segments(["assets", key]),
        _ => whitelabel(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, Option<&str>)>) {
            let names = ["acme", "acme.de", "beta"].map(AccountName::new);
            let got = accepted(text, names.iter()).ok();
            let expected = expected.map(|(account, address)| Accepted {
                account: AccountName::new(account),
                address: address.map(KeyPath::from),
            });
            assert_eq!(got, expected, "{text}");
        }
        check("acme", Some(("acme", None)));
        check("acme.nav.help", Some(("acme", Some("whitelabel.nav.help"))));
        check("acme.de", Some(("acme.de", None)));
        check(
            "acme.de.domain",
            Some(("acme.de", Some("whitelabel.domain"))),
        );
        check("acme.logo", Some(("acme", Some("assets.logo"))));
        check("acme.assets.icon", Some(("acme", Some("assets.icon"))));
        check(
            "beta.whitelabel.nav",
            Some(("beta", Some("whitelabel.nav"))),
        );
        check("gamma", None);
        check("acme.", None);
        check("acmex.nav", None);
    }

    #[test]
    fn accounts_by_all_their_names() {
        let account = |digit: &str, name: &str, realm: &str| Unmanaged {
            id: AccountId::parse(&digit.repeat(32)).expect("an id"),
            name: name.to_owned(),
            realm: realm.to_owned(),
        };
        let everybody = [
            account("a", "Acme", "acme.example"),
            account("b", "Twin", "one.example"),
            account("c", "Twin", "two.example"),
        ];
        let folders = BTreeMap::from([(everybody[1].id.clone(), AccountName::new("first-twin"))]);
        let check = |text: &str, expected: Result<usize, &str>| match (
            named(text, &everybody, &folders),
            expected,
        ) {
            (Ok(found), Ok(index)) => assert_eq!(found, &everybody[index], "{text}"),
            (Err(error), Err(part)) => {
                let message = error.message().unwrap_or_default();
                assert!(message.contains(part), "{text}: {message}");
            }
            (got, expected) => panic!("{text}: {:?} instead of {expected:?}", got.ok()),
        };
        check(&"a".repeat(32), Ok(0));
        check("ACME.example", Ok(0));
        check("Acme", Ok(0));
        check("first-twin", Ok(1));
        check("Twin", Err("name one by its id: bbbb"));
        check("Acne", Err("did you mean Acme?"));
    }
}
