//! The digest that identifies a desired state.
//!
//! Each part is prefixed with its length, so that different states never produce the same input. The places of
//! declarations are not part of the digest.

use std::fmt::Write as _;

use serde_json::Value;

use super::{AccountMode, DesiredAccount};
use crate::model::{Digest, DigestWriter, Identity};

/// Computes the digest of one account's desired state.
pub(super) fn of(account: &DesiredAccount) -> Digest {
    let mut text = Text::default();
    text.account(account);
    Digest::of(text.0.as_bytes())
}

#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn part(&mut self, part: &str) {
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
        if account.policy.mode != AccountMode::default() {
            self.part("mode");
            self.part(account.policy.mode.as_str());
        }
        if !account.ignore.is_empty() {
            self.part("ignore");
            self.part(&account.ignore.len().to_string());
            for address in &account.ignore {
                self.part(address.as_str());
            }
        }
        if !account.labels.is_empty() {
            self.part("labels");
            self.part(&account.labels.len().to_string());
            for (key, label) in &account.labels {
                self.part(key);
                self.part(label);
            }
        }
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

    pub(super) fn flush(&mut self, digest: &mut DigestWriter) {
        digest.bytes(self.0.as_bytes());
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tree::testing::{Tree, lines};

    fn digest(config: &str, accounts: &[(&str, &str)]) -> Digest {
        let tree = Tree::new(&[("emblazon.yaml", config)]);
        for (name, text) in accounts {
            tree.write(&format!("accounts/{name}/account.yaml"), text.as_bytes());
        }
        let loaded = tree.load(None);
        assert!(!loaded.has_errors(), "{}", lines(&loaded));
        loaded.desired.digest()
    }

    /// Each variant is a different desired state, and so has a different digest.
    #[test]
    fn what_differs_has_another_digest() {
        const CONFIG: &str = "clusters: {production: {}}\n";
        let id = "account: 0123456789abcdef0123456789abcdef\n";
        let mut digests = BTreeSet::new();
        let texts = [
            "",
            "whitelabel: null",
            "whitelabel: {company_name: null}",
            "whitelabel: {company_name: x}",
            "whitelabel: {company_name: \"1:x\"}",
            "whitelabel: {company_name: \"true\"}",
            "whitelabel: {hide_powered: true}",
            "whitelabel: {hide_powered: false}",
            "whitelabel: {hide_powered: null}",
            "whitelabel: {domain: a.example.com}",
            "whitelabel: {domain: a.example.com, company_name: x}",
            "whitelabel: {nav: {help: \"https://a.example.com\"}}",
            "dns: manage",
            "ownership: exclusive",
            "protected: true",
            "recreate: allowed",
            "assets: {logo: null}",
            "mode: observe",
            "ignore: [assets.logo]",
            "ignore: [assets.logo, whitelabel.nav]",
        ];
        for text in texts {
            let acme = format!("{id}{text}\n");
            digests.insert(digest(CONFIG, &[("acme", &acme)]));
        }
        let other = id.replace('f', "e");
        digests.insert(digest(CONFIG, &[("acme", &other)]));
        digests.insert(digest(CONFIG, &[("acme", "realm: a.example.com\n")]));
        digests.insert(digest(CONFIG, &[("other", id)]));
        digests.insert(digest(CONFIG, &[("acme", id), ("other", &other)]));
        let guarded = format!("{CONFIG}policy: {{max_deletions: 1}}\n");
        digests.insert(digest(&guarded, &[("acme", id)]));
        digests.insert(digest("clusters: {staging: {}}\n", &[("acme", id)]));
        assert_eq!(digests.len(), texts.len() + 6);
        // The place is not part of the digest.
        let moved = format!("# A comment.\n\n{id}");
        let same = [id, &moved].map(|text| digest(CONFIG, &[("acme", text)]));
        assert_eq!(same[0], same[1]);
    }
}
