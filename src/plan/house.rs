//! The rules of the house, and what they see of a planned change.
//!
//! A rule is met, broken, or cannot be told; only the first lets the change go on. An account that breaks one is left
//! out of the plan as a whole, like one that another guard holds back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Options, Refusal, RefusalKind, Subject, guard};
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::model::{ClusterName, KeyPath};
use crate::tree::{DesiredAccount, HouseRule, Policy};

/// How many changes of one object a rule may see.
pub const MAX_CHANGES: usize = 2_000;

/// What a rule sees of a planned change: the changes of one account, or of the domain template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleInput {
    /// The name of the cluster in the tree.
    #[serde(default)]
    pub cluster: String,
    /// What is changed.
    #[serde(default)]
    pub kind: RuleKind,
    /// What becomes of it.
    #[serde(default)]
    pub effect: RuleEffect,
    /// The account; without name and labels for the template.
    #[serde(default)]
    pub account: RuleAccount,
    /// The changes.
    #[serde(default)]
    pub changes: Vec<RuleChange>,
}

/// What is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// The whitelabel of an account.
    #[default]
    Account,
    /// The domain template.
    Template,
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleEffect {
    /// It is created.
    Create,
    /// It is changed.
    #[default]
    Update,
    /// It is deleted.
    Delete,
}

/// An account, as a rule sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleAccount {
    /// The name of its folder.
    #[serde(default)]
    pub name: String,
    /// Its labels, from all of its layers.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Whether the tree protects it from deletions.
    #[serde(default)]
    pub protected: bool,
}

/// A change, as a rule sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleChange {
    /// What changes, such as `whitelabel.domain`, `assets.logo`, `whitelabel` for all of it, or `template.CNAME.portal`.
    pub key: String,
    /// The live value; null when there is none. Of an asset, its SHA-256.
    #[serde(default)]
    pub before: Value,
    /// The value that the tree declares; null when there is to be none. Of an asset, its SHA-256.
    #[serde(default)]
    pub after: Value,
    /// Why they differ: `git`, `drift`, `conflict`, `removal`, or `differs` while nothing is known to have been applied.
    #[serde(default = "differs")]
    pub cause: Cause,
    /// The file of an asset, from the tree's top.
    #[serde(default)]
    pub file: Option<String>,
    /// The file that declares the value, from the tree's top; null when none does.
    #[serde(default)]
    pub declared_in: Option<String>,
}

fn differs() -> Cause {
    Cause::Differs
}

impl RuleInput {
    /// Builds what a rule sees of an account's changes.
    #[must_use]
    pub fn of_account(effect: RuleEffect, account: &DesiredAccount, changes: &[Change]) -> Self {
        let file = |change: &Change| match &change.key {
            ChangeKey::Asset(kind) => {
                let file = account.assets.get(kind)?.value.as_ref()?;
                Some(file.path.to_string())
            }
            _ => None,
        };
        Self {
            cluster: String::new(),
            kind: RuleKind::Account,
            effect,
            account: RuleAccount {
                name: account.name.to_string(),
                labels: account.labels.clone(),
                protected: account.policy.protected,
            },
            changes: changes
                .iter()
                .flat_map(|change| {
                    [seen(change, file(change))]
                        .into_iter()
                        .chain(parts(change))
                })
                .collect(),
        }
    }

    /// Builds what a rule sees of the template's changes.
    #[must_use]
    pub fn of_template(changes: &[Change]) -> Self {
        Self {
            cluster: String::new(),
            kind: RuleKind::Template,
            effect: RuleEffect::Update,
            account: RuleAccount::default(),
            changes: changes.iter().map(|change| seen(change, None)).collect(),
        }
    }

    /// Names the cluster that it is about.
    #[must_use]
    pub fn on(self, cluster: &ClusterName) -> Self {
        let cluster = cluster.to_string();
        Self { cluster, ..self }
    }

    /// Returns whether a rule is met.
    ///
    /// # Errors
    /// Why that cannot be told; the change must not go on then.
    pub fn meets(&self, rule: &HouseRule) -> Result<bool, String> {
        if self.changes.len() > MAX_CHANGES {
            let changes = self.changes.len();
            return Err(format!(
                "there are {changes} changes, and a rule sees at most {MAX_CHANGES}"
            ));
        }
        let data = serde_json::to_value(self).map_err(|error| error.to_string())?;
        rule.text.is_met_by(&data)
    }
}

fn seen(change: &Change, file: Option<String>) -> RuleChange {
    RuleChange {
        key: match &change.key {
            ChangeKey::Setting(path) => format!("whitelabel.{path}"),
            ChangeKey::Asset(kind) => format!("assets.{kind}"),
            ChangeKey::Host(target) => {
                format!("template.{}.{}", target.record_type, target.host)
            }
            ChangeKey::RecordType(name) => format!("template.{name}"),
            ChangeKey::Records(target) => format!("records.{}.{}", target.record_type, target.host),
            ChangeKey::Whitelabel => "whitelabel".to_owned(),
        },
        before: value(&change.before),
        after: value(&change.after),
        cause: change.cause,
        file,
        declared_in: (change.origin.as_ref()).map(|origin| origin.file.to_string()),
    }
}

/// Returns the keys below one that changes as a whole: a rule about `nav.help` counts for `nav: null`, too.
fn parts(change: &Change) -> Vec<RuleChange> {
    let (ChangeKey::Setting(path), Side::Value(before)) = (&change.key, &change.before) else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    let nothing = Value::Null;
    let mut open = vec![(path.clone(), before, &nothing)];
    if let Side::Value(after) = &change.after {
        open = vec![(path.clone(), before, after)];
    }
    while let Some((path, before, after)) = open.pop() {
        for (key, before) in before.as_object().into_iter().flatten() {
            let segments = path.segments().chain([key.clone()]).collect::<Vec<_>>();
            let path = KeyPath::from_segments(&segments);
            let after = after.get(key).unwrap_or(&nothing);
            if before != after {
                parts.push(RuleChange {
                    key: format!("whitelabel.{path}"),
                    before: before.clone(),
                    after: after.clone(),
                    ..seen(change, None)
                });
                open.push((path, before, after));
            }
        }
    }
    parts
}

fn value(side: &Side) -> Value {
    match side {
        Side::Absent => Value::Null,
        Side::Value(value) => value.clone(),
        Side::Asset(facts) => Value::from(facts.digest.as_str()),
        Side::Host(entry) | Side::Elsewhere { entry, .. } => {
            serde_json::to_value(entry).unwrap_or_default()
        }
        Side::Unread => Value::from("unread"),
        Side::Present => Value::from("present"),
    }
}

/// Returns the refusal of an object whose changes do not meet a rule; of several, the first in the order of the tree.
pub(super) fn refusal(
    (policy, options): (&Policy, &Options),
    subject: Option<&Subject>,
    input: impl FnOnce() -> RuleInput,
) -> Option<Refusal> {
    if policy.rules.is_empty() || options.allows(RefusalKind::Rule) {
        return None;
    }
    let mut input = input();
    policy.rules.iter().find_map(|rule| {
        rule.cluster.as_str().clone_into(&mut input.cluster);
        let met = input.meets(rule);
        let (name, origin) = (&rule.text.name, &rule.origin);
        let message = match met {
            Ok(true) => return None,
            Ok(false) => format!("{} (rule {name}, {origin})", rule.text.message),
            Err(reason) => {
                format!("whether it meets the rule {name} ({origin}) cannot be told: {reason}")
            }
        };
        let title = subject.map_or("it", Subject::title);
        Some(Refusal {
            kind: RefusalKind::Rule,
            subject: subject.cloned(),
            message: format!("{title}: {message}"),
            help: format!(
                "change what the rule asks for, or {}",
                guard::approval(RefusalKind::Rule)
            ),
        })
    })
}
