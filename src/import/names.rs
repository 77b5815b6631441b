//! Chooses the folder names of accounts: readable, portable, and deterministic for the same set of accounts.
//!
//! Names are in lower case, because some file systems treat `Acme` and `acme` as the same folder. Accounts with equal
//! names all get digits of their ids, so that none of them looks like the only one.

use std::collections::{BTreeMap, BTreeSet};

use crate::live::Unmanaged;
use crate::model::{AccountId, AccountName};

/// The maximum length of a name before digits are added, in bytes; file systems allow 255.
const LONGEST: usize = 60;

/// Names that Windows reserves for devices, with any extension.
const RESERVED: [&str; 6] = ["aux", "con", "nul", "prn", "com", "lpt"];

/// Chooses a folder name for each account; `taken` are the existing names in the tree, with their accounts if known.
pub(super) fn names(
    everybody: &[Unmanaged],
    taken: &BTreeMap<AccountName, Option<AccountId>>,
) -> BTreeMap<AccountId, AccountName> {
    let mut found: BTreeMap<AccountId, AccountName> = taken
        .iter()
        .filter_map(|(name, id)| Some((id.clone()?, name.clone())))
        .collect();
    let mut used: BTreeSet<String> = taken
        .keys()
        .map(|name| name.as_str().to_lowercase())
        .collect();
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for account in everybody {
        *wanted.entry(slug(&account.name)).or_default() += 1;
    }
    let mut sorted: Vec<&Unmanaged> = everybody.iter().collect();
    sorted.sort_by(|left, right| left.id.cmp(&right.id));
    for account in sorted {
        if found.contains_key(&account.id) {
            continue;
        }
        let name = slug(&account.name);
        let id = account.id.as_str();
        let alone = wanted.get(&name) == Some(&1) && !name.is_empty() && !is_reserved(&name);
        let prefix = if name.is_empty() { "account" } else { &name };
        let candidates = [
            alone.then(|| name.clone()),
            Some(format!("{prefix}-{}", id.get(..6).unwrap_or(id))),
            Some(format!("{prefix}-{}", id.get(..12).unwrap_or(id))),
            Some(format!("{prefix}-{id}")),
            Some(format!("{prefix}-{id}-account")),
        ];
        let free = candidates
            .into_iter()
            .flatten()
            .find(|candidate| !used.contains(candidate));
        if let Some(free) = free {
            used.insert(free.clone());
            found.insert(account.id.clone(), AccountName::new(free));
        }
    }
    found
}

/// Converts a text to a name of lower-case letters, digits and single hyphens; may be empty.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        match plain(character) {
            Some(letters) if slug.ends_with('-') => slug.push_str(letters.trim_start_matches('-')),
            Some(letters) => slug.push_str(letters),
            None if character.is_ascii_alphanumeric() => slug.push(character),
            None if character == '\'' || character == '’' => {}
            None if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
            None => {}
        }
        if slug.len() >= LONGEST {
            break;
        }
    }
    slug.truncate(LONGEST);
    slug.trim_end_matches('-').to_owned()
}

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| {
        name.strip_prefix(reserved).is_some_and(|rest| {
            rest.is_empty() || rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

/// Transliterates European letters to ASCII.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'à'..='ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì'..='ï' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò'..='õ' | 'ő' => "o",
        'ö' | 'ø' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'ş' | 'š' => "s",
        'ß' => "ss",
        'ť' | 'ţ' => "t",
        'þ' => "th",
        'ù'..='û' | 'ů' | 'ű' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        '&' => "-and-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: char, name: &str) -> Unmanaged {
        Unmanaged {
            id: AccountId::parse(&id.to_string().repeat(32)).expect("an id"),
            name: name.to_owned(),
            realm: String::new(),
        }
    }

    #[test]
    fn folders_of_odd_names() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            let found = names(&[account('a', name)], &BTreeMap::new());
            let found: Vec<&str> = found.values().map(AccountName::as_str).collect();
            assert_eq!(found, [expected], "{name:?}");
        }
        check("Acme Voice", "acme-voice");
        check("  Acme -- Voice!  ", "acme-voice");
        check("Bäckerei Süß & Søn", "baeckerei-suess-and-soen");
        check("O'Neill", "oneill");
        check("..", "account-aaaaaa");
        check("../../etc/passwd", "etc-passwd");
        check(".hidden", "hidden");
        check("a\\b/c", "a-b-c");
        check("\u{202e}gnp.exe\u{0}\n", "gnp-exe");
        check("🦊🦊", "account-aaaaaa");
        check("株式会社", "account-aaaaaa");
        check("", "account-aaaaaa");
        check("CON", "con-aaaaaa");
        check("lpt1", "lpt1-aaaaaa");
        check("console", "console");
        check(&"x".repeat(300), &"x".repeat(60));
    }

    #[test]
    fn equal_names_get_digits() {
        let everybody = [
            account('a', "Acme"),
            account('b', "ACME"),
            account('c', "acme-aaaaaa"),
            account('d', "Beta"),
            account('e', "Gamma"),
        ];
        let taken = BTreeMap::from([
            (AccountName::new("Beta"), None),
            (AccountName::new("old-gamma"), Some(everybody[4].id.clone())),
        ]);
        let found = names(&everybody, &taken);
        let found: Vec<&str> = found.values().map(AccountName::as_str).collect();
        assert_eq!(
            found,
            [
                "acme-aaaaaa",
                "acme-bbbbbb",
                "acme-aaaaaa-cccccc",
                "beta-dddddd",
                "old-gamma"
            ]
        );
        // The other names do not depend on which accounts are already in the tree.
        let taken = BTreeMap::from([(
            AccountName::new("acme-bbbbbb"),
            Some(everybody[1].id.clone()),
        )]);
        let again = names(&everybody[..3], &taken);
        let again: Vec<&str> = again.values().map(AccountName::as_str).collect();
        assert_eq!(again, ["acme-aaaaaa", "acme-bbbbbb", "acme-aaaaaa-cccccc"]);
    }
}
