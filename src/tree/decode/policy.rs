//! `policy` in `emblazon.yaml`: the guards of a run.

use jiff::Timestamp;
use url::Url;

use super::Reader;
use crate::diag::{Code, Spanned};
use crate::model::{AccountName, KeyPath};
use crate::tree::check;
use crate::tree::node::{Content, Entry, Node};
use crate::tree::{
    BillingPolicy, CodePolicy, Freeze, Policy, Removable, RemovalPolicy, RemovalRule, Retention,
    RuleText,
};

/// The keys of `policy`.
pub(in crate::tree) const POLICY_KEYS: [&str; 13] = [
    "billing",
    "remove",
    "max_deletions",
    "max_changed_percent",
    "max_unreadable_percent",
    "share_floor",
    "protected_accounts",
    "protected_keys",
    "code",
    "trusted_origins",
    "freeze",
    "snapshots",
    "rules",
];

/// The keys of a rule of `policy.rules`.
pub(in crate::tree) const RULE_KEYS: [&str; 2] = ["check", "message"];

/// How many rules a tree may have.
const MAX_RULES: usize = 100;

/// Values of `policy.billing`.
pub(in crate::tree) const BILLING: [(&str, BillingPolicy); 2] = [
    ("refuse", BillingPolicy::Refuse),
    ("accept", BillingPolicy::Accept),
];

/// Values of `policy.code`.
pub(in crate::tree) const CODE: [(&str, CodePolicy); 2] =
    [("ask", CodePolicy::Ask), ("allowed", CodePolicy::Allowed)];

/// Values of `policy.remove`, and of each kind below it.
pub(in crate::tree) const REMOVAL: [(&str, RemovalRule); 3] = [
    ("never", RemovalRule::Never),
    ("ask", RemovalRule::Ask),
    ("allowed", RemovalRule::Allowed),
];

const PERCENT: u32 = 100;

impl Reader {
    /// Reads the guards, and the protected accounts with their places.
    pub(super) fn policy(
        &mut self,
        node: &Node,
        extra_keys: &[String],
    ) -> (Policy, Vec<Spanned<AccountName>>, Vec<Spanned<RuleText>>) {
        let mut policy = Policy::default();
        let fields = self.fields(node, "policy", &POLICY_KEYS);
        if let Some(node) = fields.get("billing") {
            policy.billing = self.choice(node, "billing", &BILLING).unwrap_or_default();
        }
        if let Some(node) = fields.get("remove") {
            policy.remove = self.removal(node);
        }
        let mut limit = |key: &str, most: u32| {
            let node = fields.get(key)?;
            self.limit(node, key, most)
        };
        policy.max_deletions = limit("max_deletions", u32::MAX);
        policy.max_changed_percent = limit("max_changed_percent", PERCENT);
        policy.max_unreadable_percent =
            limit("max_unreadable_percent", PERCENT).or(policy.max_unreadable_percent);
        policy.share_floor = limit("share_floor", u32::MAX).unwrap_or(policy.share_floor);
        let protected: Vec<_> = fields
            .get("protected_accounts")
            .map_or_else(Vec::new, |node| {
                let names = self.texts(node, "protected_accounts").into_iter();
                let spanned = |name: Spanned<String>| Spanned {
                    value: AccountName::new(name.value),
                    place: name.place,
                };
                names.map(spanned).collect()
            });
        policy.protected_accounts = protected.iter().map(|name| name.value.clone()).collect();
        if let Some(node) = fields.get("protected_keys") {
            for text in self.texts(node, "protected_keys") {
                let path = KeyPath::parse(&text.value);
                if let Some(mut problem) = check::key_guessing(&path, extra_keys, &mut self.guesses)
                {
                    // A protected key is written as a full path, so restore the part above the suggested name.
                    let above = text.value.rsplit_once('.').map(|(above, _)| above);
                    problem.instead = problem.instead.map(|name| match above {
                        Some(above) => format!("{above}.{name}"),
                        None => name,
                    });
                    self.problem(problem, text.place);
                }
                policy.protected_keys.insert(path);
            }
        }
        if let Some(node) = fields.get("code") {
            policy.code = self.choice(node, "code", &CODE).unwrap_or_default();
        }
        if let Some(node) = fields.get("trusted_origins") {
            for text in self.texts(node, "trusted_origins") {
                policy.trusted_origins.extend(self.origin(&text));
            }
        }
        if let Some(node) = fields.get("freeze") {
            for item in self.list(node, "freeze") {
                policy.freezes.extend(self.freeze(item));
            }
        }
        if let Some(node) = fields.get("snapshots") {
            policy.snapshots = self.retention(node);
        }
        let rules = fields.get("rules");
        let rules = rules.map_or_else(Vec::new, |node| self.rules(node));
        (policy, protected, rules)
    }

    /// Reads the rules of the house, by name.
    fn rules(&mut self, node: &Node) -> Vec<Spanned<RuleText>> {
        let entries = self.map(node, "rules");
        if let Some(surplus) = entries.iter().nth(MAX_RULES) {
            self.report(
                Code::EB0817,
                format!("rules has more than {MAX_RULES} rules"),
                "join some of them with &&",
                surplus.key_place,
                "one too many",
            );
            return Vec::new();
        }
        entries
            .iter()
            .filter_map(|entry| self.rule(entry))
            .collect()
    }

    fn rule(&mut self, entry: &Entry) -> Option<Spanned<RuleText>> {
        let what = format!("the rule {}", entry.key);
        let fields = self.fields(&entry.value, &what, &RULE_KEYS);
        let check = self.required(fields, "check", &what, &entry.value);
        let message = self.required(fields, "message", &what, &entry.value);
        let check = check.and_then(|entry| self.text(&entry.value, "check"));
        let message = message.and_then(|entry| self.text(&entry.value, "message"));
        let (check, message) = (check?, message?);
        let rule = RuleText {
            name: entry.key.clone(),
            check: check.value,
            message: message.value,
        };
        if let Some(mistake) = rule.mistake() {
            self.report(
                Code::EB0817,
                format!("{what} cannot be checked: {mistake}"),
                "write a condition in CEL that holds for every change that may be applied, such as changes.all(c, c.key != 'whitelabel.domain'); `emblazon policy test` tries it",
                check.place,
                "no condition",
            );
            return None;
        }
        Some(Spanned {
            value: rule,
            place: entry.key_place,
        })
    }

    /// Reads an origin: scheme, host and port.
    fn origin(&mut self, text: &Spanned<String>) -> Option<String> {
        let url = Url::parse(&text.value).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/");
        if url.is_none() {
            self.report(
                Code::EB0501,
                format!("trusted_origins: {:?} is no origin", text.value),
                "write scheme, host and port only, such as https://cdn.example.com",
                text.place,
                "the beginning of a web address is wanted",
            );
        }
        Some(url?.origin().ascii_serialization())
    }

    /// Reads one rule for everything, or one for each kind.
    fn removal(&mut self, node: &Node) -> RemovalPolicy {
        let kinds = Removable::ALL;
        let rules: Vec<(Removable, Option<RemovalRule>)> =
            if matches!(node.content, Content::Mapping(_)) {
                let fields = self.fields(node, "remove", &kinds.map(|(name, _)| name));
                let mut rule = |name: &str| self.choice(fields.get(name)?, name, &REMOVAL);
                kinds.map(|(name, kind)| (kind, rule(name))).into()
            } else {
                let rule = self.choice(node, "remove", &REMOVAL);
                kinds.map(|(_, kind)| (kind, rule)).into()
            };
        let rules = rules.into_iter();
        let rules = rules.filter_map(|(kind, rule)| Some((kind, rule?)));
        RemovalPolicy(rules.filter(|(kind, rule)| *rule != kind.usual()).collect())
    }

    fn retention(&mut self, node: &Node) -> Retention {
        let fields = self.fields(node, "snapshots", &["runs", "days"]);
        let mut limit = |key: &str, default: u32| {
            let given = fields.get(key).map(|node| self.limit(node, key, u32::MAX));
            given.flatten().unwrap_or(default)
        };
        let default = Retention::default();
        Retention {
            runs: limit("runs", default.runs),
            days: limit("days", default.days),
        }
    }

    fn freeze(&mut self, node: &Node) -> Option<Freeze> {
        let fields = self.fields(node, "a freeze", &["from", "until", "reason"]);
        let mut time = |key: &str| {
            if matches!(node.content, Content::Mapping(_)) && !fields.has(key) {
                self.report(
                    Code::EB0205,
                    format!("a freeze has no {key}"),
                    format!("add {key}:"),
                    node.place,
                    "incomplete",
                );
            }
            fields.get(key).and_then(|node| self.time(node, key))
        };
        let (from, until) = (time("from"), time("until"));
        let reason = fields
            .get("reason")
            .and_then(|node| self.text(node, "reason"))
            .map(|reason| reason.value);
        let (from, until) = (from?, until?);
        if until.value <= from.value {
            self.report_both(
                Code::EB0809,
                "a freeze ends before it begins",
                "swap from and until, or correct one of them",
                (until.place, "the end"),
                (from.place, "the beginning"),
            );
            return None;
        }
        Some(Freeze {
            from: from.value,
            until: until.value,
            reason,
        })
    }

    fn time(&mut self, node: &Node, what: &str) -> Option<Spanned<Timestamp>> {
        let text = self.text(node, what)?;
        if let Ok(value) = text.value.parse() {
            return Some(Spanned {
                value,
                place: text.place,
            });
        }
        self.report(
            Code::EB0809,
            format!("{what} is {:?}, which is no point in time", text.value),
            "write date, time and offset, such as 2026-12-24T12:00:00+01:00",
            text.place,
            "no point in time",
        );
        None
    }

    /// Reads a whole number from 0 to `most`.
    fn limit(&mut self, node: &Node, what: &str, most: u32) -> Option<u32> {
        let text = self.text(node, what)?;
        let is_plain = text.value.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.value.parse().ok().filter(|value| *value <= most);
        if is_plain && value.is_some() {
            return value;
        }
        self.report(
            Code::EB0808,
            format!("{what} cannot be {:?}", text.value),
            if most == PERCENT {
                "write whole percents from 0 to 100, without the sign"
            } else {
                "write a whole number from 0"
            },
            text.place,
            "no limit",
        );
        None
    }
}
