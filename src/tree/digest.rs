//! The digest that names a desired state.
//!
//! Each part is written with its length before it, so that two states never give one text. Where something stands in which
//! file is no part of it.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Desired, DesiredAccount};
use crate::model::{Digest, DigestWriter, Identity};

impl Desired {
    /// Computes the digest that names this desired state: equal trees, equal digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = DigestWriter::default();
        let mut text = Text::default();
        text.part(self.cluster.name.as_str());
        for account in &self.accounts {
            text.part("account");
            text.part(account.digest().as_str());
            text.flush(&mut digest);
        }
        if let Some(template) = &self.template {
            text.part("template");
            text.part(template.ownership.as_str());
            text.part(&format!("{:?}", template.types));
            for (target, declared) in &template.hosts {
                text.part(&format!("{target:?} {:?}", declared.value));
            }
        }
        text.part(&format!("{:?}", self.policy));
        text.flush(&mut digest);
        digest.digest()
    }
}

/// Computes the digest of what is wanted of one account.
pub(super) fn of(account: &DesiredAccount) -> Digest {
    let mut digest = DigestWriter::default();
    let mut text = Text::default();
    text.account(account);
    text.flush(&mut digest);
    digest.digest()
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn part(&mut self, part: &str) {
        let _ = write!(self.0, "{}:", part.len());
        self.0.push_str(part);
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(if flag { '+' } else { '-' });
    }

    fn account(&mut self, account: &DesiredAccount) {
        self.part(account.name.as_str());
        match &account.identity.value {
            Identity::Id(id) => {
                self.part("id");
                self.part(id.as_str());
            }
            Identity::Realm(realm) => {
                self.part("realm");
                self.part(realm.as_str());
            }
        }
        self.part(account.dns.as_str());
        self.part(account.policy.ownership.as_str());
        self.flag(account.policy.recreate);
        self.flag(account.policy.protected);
        self.flag(account.absent.is_some());
        for (key, declared) in &account.settings {
            self.part(key.as_str());
            self.value(declared.value.as_ref());
        }
        for (asset, declared) in &account.assets {
            self.part(asset.as_str());
            let file = declared.value.as_ref();
            self.part(file.map_or("", |file| file.facts.digest.as_str()));
        }
    }

    fn value(&mut self, value: Option<&Value>) {
        match value {
            None => self.flag(false),
            Some(Value::String(text)) => {
                self.0.push('"');
                self.part(text);
            }
            Some(other) => {
                self.flag(true);
                self.part(&other.to_string());
            }
        }
    }

    fn flush(&mut self, digest: &mut DigestWriter) {
        let _ = digest.write_str(&self.0);
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::diff::fixture::{account, tree};
    use crate::model::AccountName;
    use crate::tree::{DnsMode, Ownership};

    /// Each of these wants something else, and so each has a digest of its own.
    #[test]
    fn what_differs_has_another_digest() {
        let mut trees = Vec::new();
        for settings in [
            json!({}),
            json!({"a": null}),
            json!({"a": "x"}),
            json!({"a": true}),
            json!({"a": "true"}),
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"a": {"b": "x"}}),
            json!({"a": "x", "b": "y"}),
            json!({"a": "x1:b\"1:y"}),
            json!({"a1": "x"}),
        ] {
            trees.push(tree(vec![account("acme", settings)]));
        }
        trees.push(tree(vec![
            account("acme", json!({"a": "x"})),
            account("b", json!({})),
        ]));
        let with = |change: &dyn Fn(&mut DesiredAccount)| {
            let mut tree = tree(vec![account("acme", json!({"a": "x"}))]);
            change(tree.accounts[0].make_mut());
            tree
        };
        trees.push(with(&|account| account.dns = DnsMode::Manage));
        trees.push(with(&|account| account.policy.recreate ^= true));
        trees.push(with(&|account| account.policy.protected = true));
        trees.push(with(&|account| {
            account.policy.ownership = Ownership::Exclusive;
        }));
        trees.push(with(&|account| {
            account.absent = Some(account.identity.place);
        }));
        trees.push(with(&|account| account.name = AccountName::new("other")));
        let mut guarded = with(&|_| {});
        guarded.policy.max_deletions = Some(1);
        trees.push(guarded);
        let digests: BTreeSet<Digest> = trees.iter().map(Desired::digest).collect();
        assert_eq!(digests.len(), trees.len());
        assert_eq!(trees[2].digest(), with(&|_| {}).digest());
    }
}
