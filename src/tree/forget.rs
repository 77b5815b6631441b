//! Objects that are forgotten instead of removed.

use thiserror::Error;

use super::DesiredAccount;
use crate::model::{AccountName, AssetKind, KeyPath};

/// Something that the tree no longer declares: `ACCOUNT`, or `ACCOUNT:KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    pub(super) account: String,
    pub(super) key: Option<ForgottenKey>,
}

impl Forgotten {
    /// Returns the name of the account.
    #[must_use]
    pub fn account(&self) -> AccountName {
        AccountName::new(self.account.as_str())
    }
}

/// One key, as `explain` spells it: `whitelabel.nav.help`, `assets.logo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForgottenKey {
    Setting(KeyPath),
    Asset(AssetKind),
}

impl ForgottenKey {
    pub(super) fn is_declared(&self, account: &DesiredAccount) -> bool {
        match self {
            Self::Setting(path) => account.settings.contains_key(path),
            Self::Asset(kind) => account.assets.contains_key(kind),
        }
    }

    pub(super) fn take_from(&self, account: &mut DesiredAccount) -> bool {
        match self {
            Self::Setting(path) => account.settings.remove(path).is_some(),
            Self::Asset(kind) => account.assets.remove(kind).is_some(),
        }
    }
}

impl std::fmt::Display for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.account)?;
        match &self.key {
            None => Ok(()),
            Some(ForgottenKey::Setting(path)) => write!(f, ":whitelabel.{path}"),
            Some(ForgottenKey::Asset(kind)) => write!(f, ":assets.{kind}"),
        }
    }
}

impl std::str::FromStr for Forgotten {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write ACCOUNT, ACCOUNT:whitelabel.KEY or ACCOUNT:assets.ASSET".to_owned();
        let Some((account, key)) = text.split_once(':') else {
            return Ok(Self {
                account: text.to_owned(),
                key: None,
            });
        };
        let (part, rest) = key.split_once('.').ok_or_else(wrong)?;
        let key = match part {
            "whitelabel" if !rest.is_empty() => ForgottenKey::Setting(KeyPath::from(rest)),
            "assets" => {
                let kind = AssetKind::ALL
                    .into_iter()
                    .find(|kind| kind.as_str() == rest);
                ForgottenKey::Asset(kind.ok_or_else(wrong)?)
            }
            _ => return Err(wrong()),
        };
        Ok(Self {
            account: account.to_owned(),
            key: Some(key),
        })
    }
}

/// The reason why something cannot be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ForgetError {
    /// There is no base to forget it from; without one, nothing undeclared is removed.
    #[error("--forget has nothing to do: {0}")]
    NoBase(String),
    /// The account is not selected, so nothing of it would be removed.
    #[error(
        "--forget {0}: the account is not among those that are looked at; say it when it is, and without --changed-since all are"
    )]
    LeftOut(String),
    /// The base has no such account.
    #[error("--forget {0}: the commit that was applied last has no such account")]
    NotThere(String),
    /// The tree still declares the account.
    #[error("--forget {0}: the tree still has the account; take its folder away first")]
    Declared(String),
    /// The key is still declared, or never was.
    #[error(
        "--forget {account}: {}",
        if *is_declared { "the tree still declares that key; take it away first" }
        else { "the commit that was applied last does not declare that key" }
    )]
    Key {
        /// The account.
        account: String,
        /// Whether the tree declares the key.
        is_declared: bool,
    },
}
