//! `watch` in `emblazon.yaml` and in `account.yaml`: what the daemon may do on its own.

use super::Reader;
use crate::diag::Spanned;
use crate::model::AccountName;
use crate::tree::node::Node;
use crate::tree::watch::{ApplyMode, DnsWatch, HealMode, WatchPolicy};

/// The keys of `watch` in `emblazon.yaml`.
pub(in crate::tree) const WATCH_KEYS: [&str; 5] = ["apply", "heal", "prune", "dns", "canary"];

/// The keys of `watch` in `account.yaml`.
const ACCOUNT_WATCH_KEYS: [&str; 3] = ["apply", "heal", "dns"];

/// Values of `apply`.
pub(in crate::tree) const APPLY_MODES: [(&str, ApplyMode); 3] = [
    ("auto", ApplyMode::Auto),
    ("manual", ApplyMode::Manual),
    ("off", ApplyMode::Off),
];

/// Values of `heal`.
pub(in crate::tree) const HEAL_MODES: [(&str, HealMode); 4] = [
    ("auto", HealMode::Auto),
    ("report", HealMode::Report),
    ("propose", HealMode::Propose),
    ("off", HealMode::Off),
];

/// Values of `dns`.
pub(in crate::tree) const DNS_WATCHES: [(&str, DnsWatch); 3] = [
    ("ask", DnsWatch::Ask),
    ("push", DnsWatch::Push),
    ("off", DnsWatch::Off),
];

/// An account's overrides of `watch`; everything else is inherited from `emblazon.yaml`.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::tree) struct WatchOverride {
    apply: Option<ApplyMode>,
    heal: Option<HealMode>,
    dns: Option<DnsWatch>,
}

impl WatchOverride {
    /// Returns the effective policy of the account; `None` if it overrides nothing.
    pub(in crate::tree) fn over(self, policy: WatchPolicy) -> Option<WatchPolicy> {
        let says_something = self.apply.is_some() || self.heal.is_some() || self.dns.is_some();
        says_something.then(|| WatchPolicy {
            apply: self.apply.unwrap_or(policy.apply),
            heal: self.heal.unwrap_or(policy.heal),
            dns: self.dns.unwrap_or(policy.dns),
            ..policy
        })
    }
}

impl Reader {
    /// Reads the policy for the whole tree, and the canary accounts with their places.
    pub(super) fn watch(&mut self, node: &Node) -> (WatchPolicy, Vec<Spanned<AccountName>>) {
        let usual = WatchPolicy::default();
        let fields = self.fields(node, "watch", &WATCH_KEYS);
        let apply = fields.get("apply");
        let apply = apply.and_then(|node| self.choice(node, "apply", &APPLY_MODES));
        let heal = fields.get("heal");
        let heal = heal.and_then(|node| self.choice(node, "heal", &HEAL_MODES));
        let prune = fields.get("prune");
        let prune = prune.and_then(|node| self.boolean(node, "prune"));
        let dns = fields.get("dns");
        let dns = dns.and_then(|node| self.choice(node, "dns", &DNS_WATCHES));
        let policy = WatchPolicy {
            apply: apply.unwrap_or(usual.apply),
            heal: heal.unwrap_or(usual.heal),
            prune: prune.unwrap_or(usual.prune),
            dns: dns.unwrap_or(usual.dns),
        };
        let canary = fields.get("canary");
        let canary = canary.map_or_else(Vec::new, |node| self.texts(node, "canary"));
        let named = |name: Spanned<String>| Spanned {
            value: AccountName::new(name.value),
            place: name.place,
        };
        (policy, canary.into_iter().map(named).collect())
    }

    /// Reads an account's overrides.
    pub(super) fn watch_override(&mut self, node: &Node) -> WatchOverride {
        let fields = self.fields(node, "watch", &ACCOUNT_WATCH_KEYS);
        let apply = fields.get("apply");
        let apply = apply.and_then(|node| self.choice(node, "apply", &APPLY_MODES));
        let heal = fields.get("heal");
        let heal = heal.and_then(|node| self.choice(node, "heal", &HEAL_MODES));
        let dns = fields.get("dns");
        let dns = dns.and_then(|node| self.choice(node, "dns", &DNS_WATCHES));
        WatchOverride { apply, heal, dns }
    }
}
