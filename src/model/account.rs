//! Names and identities of accounts and clusters.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Identifies an account on a cluster: 32 lower-case hexadecimal digits (E4). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

/// The reason why a string is not an account id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountIdError {
    /// The string has the wrong number of characters.
    #[error("an account id has 32 characters, this has {0}")]
    Length(usize),
    /// The string contains a character other than `0`–`9` and `a`–`f`.
    #[error("an account id holds only 0-9 and a-f, this has {0:?}")]
    Character(char),
}

impl AccountId {
    /// Parses 32 lower-case hexadecimal digits; the server accepts no other spelling (`err.account_dashless_upper`
    /// answered 404).
    ///
    /// # Errors
    /// Returns the wrong length, or the first invalid character.
    pub fn parse(text: &str) -> Result<Self, AccountIdError> {
        if let Some(wrong) = text.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
            return Err(AccountIdError::Character(wrong));
        }
        if text.len() != 32 {
            return Err(AccountIdError::Length(text.chars().count()));
        }
        Ok(Self(text.into()))
    }

    /// Returns the id as the server spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = AccountIdError;

    fn try_from(text: String) -> Result<Self, AccountIdError> {
        Self::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a string that the caller has validated; clones are cheap.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text.as_ref().into())
            }

            /// Returns the underlying string.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_newtype! {
    /// Name of an account in the tree: its folder, relative to `accounts/`.
    AccountName
}
text_newtype! {
    /// A SIP realm, the alternative to an id for identifying an account.
    Realm
}
text_newtype! {
    /// Name of a cluster, as declared in `emblazon.yaml`.
    ClusterName
}

/// Identifies a live account, by id or by realm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The account's id on the chosen cluster.
    Id(AccountId),
    /// The account's SIP realm, looked up on the cluster.
    Realm(Realm),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Realm(realm) => realm.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids() {
        #[track_caller]
        fn check(text: &str, expected: &Result<(), AccountIdError>) {
            assert_eq!(&AccountId::parse(text).map(|_| ()), expected, "{text}");
        }
        check("59bf4a8641b8a1d827710bfc558510c9", &Ok(()));
        check(
            "59BF4A8641B8A1D827710BFC558510C9",
            &Err(AccountIdError::Character('B')),
        );
        check("59bf4a86", &Err(AccountIdError::Length(8)));
        check("", &Err(AccountIdError::Length(0)));
        check(
            "59bf4a86-41b8-a1d8-2771-0bfc558510c9",
            &Err(AccountIdError::Character('-')),
        );
    }
}
