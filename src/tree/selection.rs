//! Determines which accounts of a tree a change of files can affect.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::layout::{ACCOUNTS, CONFIG_PATH, is_hidden};
use crate::model::AccountName;

/// The accounts that are processed, when not all of the tree's are; one that does not exist is not an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selection(pub BTreeSet<AccountName>);

impl Selection {
    /// Returns whether an account is selected.
    #[must_use]
    pub fn contains(&self, account: &AccountName) -> bool {
        self.0.contains(account)
    }
}

/// What a change of files affects. The template is one file and one request, and is always processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Every account may be built differently, for example because `emblazon.yaml` changed.
    Everything,
    /// Some accounts.
    Some {
        /// Accounts whose own folders changed, including removed ones.
        accounts: Selection,
        /// Changed files or folders outside of account folders: brands and their assets. Accounts built from them are
        /// affected.
        shared: BTreeSet<Utf8PathBuf>,
    },
}

impl Touched {
    /// Classifies paths relative to the root of the tree; a folder stands for everything in it.
    ///
    /// A file in an account's folder affects only that account, even if another account refers to it.
    pub fn by<'a>(paths: impl IntoIterator<Item = &'a Utf8Path>) -> Self {
        let mut accounts = Selection::default();
        let mut shared = BTreeSet::new();
        for path in paths {
            let parts: Vec<&str> = path.components().map(|part| part.as_str()).collect();
            if parts.iter().any(|part| is_hidden(part)) {
                continue;
            }
            match parts[..] {
                [] | [CONFIG_PATH | ACCOUNTS] => return Self::Everything,
                ["domains.yaml"] => {}
                [ACCOUNTS, account, ..] => {
                    accounts.0.insert(AccountName::new(account));
                }
                _ => {
                    shared.insert(path.to_owned());
                }
            }
        }
        Self::Some { accounts, shared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_change_touches() {
        #[track_caller]
        fn check(paths: &[&str], expected: Option<(&[&str], &[&str])>) {
            let touched = Touched::by(paths.iter().map(Utf8Path::new));
            let expected =
                expected.map_or(Touched::Everything, |(accounts, shared)| Touched::Some {
                    accounts: Selection(
                        accounts
                            .iter()
                            .map(|name| AccountName::new(*name))
                            .collect(),
                    ),
                    shared: shared.iter().map(Utf8PathBuf::from).collect(),
                });
            assert_eq!(touched, expected, "{paths:?}");
        }
        check(&[], Some((&[], &[])));
        check(&["accounts/acme/account.yaml"], Some((&["acme"], &[])));
        check(
            &["accounts/acme/logo.png", "accounts/zenith/"],
            Some((&["acme", "zenith"], &[])),
        );
        check(&["domains.yaml", "accounts/acme/x"], Some((&["acme"], &[])));
        check(&["brands/gold.yaml"], Some((&[], &["brands/gold.yaml"])));
        check(
            &["brands/", "assets/x.png"],
            Some((&[], &["assets/x.png", "brands/"])),
        );
        check(&["accounts/acme/x", "emblazon.yaml"], None);
        check(&["accounts/"], None);
        check(&[".emblazon/runs/1", "accounts/.x/y"], Some((&[], &[])));
    }
}
