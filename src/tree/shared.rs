//! An account that several trees share: the loaded tree, the base and the next tree differ in few accounts.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::DesiredAccount;
use crate::model::Digest;

/// An account of a tree with copy-on-write semantics: clones are cheap, and changing one leaves the others unchanged.
#[derive(Debug)]
pub struct SharedAccount(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    account: DesiredAccount,
    digest: OnceLock<Digest>,
}

impl SharedAccount {
    /// Returns the account to be changed, after cloning it if it is shared.
    pub fn make_mut(&mut self) -> &mut DesiredAccount {
        let shared = Arc::make_mut(&mut self.0);
        shared.digest = OnceLock::new();
        &mut shared.account
    }

    /// Returns whether both are the same allocation, which is stricter than equality.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the digest of the account's desired state, which is computed once.
    pub(super) fn digest(&self) -> &Digest {
        let Shared { account, digest } = &*self.0;
        digest.get_or_init(|| super::digest::of(account))
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        Self {
            account: self.account.clone(),
            digest: OnceLock::new(),
        }
    }
}

impl Clone for SharedAccount {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl From<DesiredAccount> for SharedAccount {
    fn from(account: DesiredAccount) -> Self {
        Self(Arc::new(Shared {
            account,
            digest: OnceLock::new(),
        }))
    }
}

impl Deref for SharedAccount {
    type Target = DesiredAccount;

    fn deref(&self) -> &DesiredAccount {
        &self.0.account
    }
}

impl AsRef<DesiredAccount> for SharedAccount {
    fn as_ref(&self) -> &DesiredAccount {
        self
    }
}

impl PartialEq for SharedAccount {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || **self == **other
    }
}

#[cfg(test)]
mod tests {
    use crate::model::AccountName;
    use crate::tree::testing::Tree;

    #[test]
    fn a_change_is_its_owners_alone_and_has_another_digest() {
        let text = format!("account: {:032x}\nwhitelabel: {{company_name: x}}\n", 1);
        let tree = Tree::new(&[("accounts/acme/account.yaml", &text)]);
        let one = tree.load(None).desired.accounts[0].clone();
        let digest = one.digest().clone();
        let mut other = one.clone();
        assert!(one.is(&other));
        other.make_mut().name = AccountName::new("other");
        assert!(!one.is(&other) && one != other);
        assert_eq!((one.name.as_str(), one.digest()), ("acme", &digest));
        // It is not shared, but the cached digest must still be dropped.
        let known = other.digest().clone();
        other.make_mut().policy.protected = true;
        assert_ne!(other.digest(), &known);
        other.make_mut().policy.protected = false;
        other.make_mut().name = AccountName::new("acme");
        assert_eq!(other.digest(), &digest);
        assert!(one == other && !one.is(&other));
    }
}
