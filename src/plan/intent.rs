//! What the plan intends to do with an account, before domains are considered.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::domains::{DocumentEffect, DomainUser, Refused};
use super::house::{self, RuleEffect, RuleInput};
use super::{Options, Refusal, RefusalKind, Subject, guard, removal};
use crate::diff::canonical::{explicit_defaults, written};
use crate::diff::{AccountDifference, Change, ChangeKey, Edit, KeptReason, Side, without};
use crate::live::{LiveAccount, LiveDocument, Reading};
use crate::model::{AssetKind, KeyPath, Settings};
use crate::tree::{AccountMode, DesiredAccount, Policy, Removable, RemovalRule};

/// An account, its difference, and what the guards permit.
pub(super) struct Intent<'a> {
    pub(super) desired: &'a DesiredAccount,
    pub(super) difference: &'a AccountDifference,
    pub(super) document: Option<&'a LiveDocument>,
    pub(super) effect: DocumentEffect,
    /// Why a guard keeps the account from being changed for the sake of another one, and what to do.
    locked: Option<Refused>,
    /// The assets to remove by creating the whitelabel again.
    pub(super) without: Vec<AssetKind>,
    /// The edit of the document: that of the difference, without removals that nobody asked for.
    pub(super) edit: Cow<'a, Edit>,
    /// The keys whose removal nobody asked for.
    unasked: BTreeSet<KeyPath>,
    /// The desired document; borrowed from the live one if nothing changes.
    pub(super) target: Cow<'a, Settings>,
}

impl<'a> Intent<'a> {
    pub(super) fn new(
        desired: &'a DesiredAccount,
        difference: &'a AccountDifference,
        live: Option<&'a LiveAccount>,
        rules: (&Policy, &Options),
        refusals: &mut Vec<Refusal>,
    ) -> Self {
        let (policy, options) = rules;
        let reading = live.map(|live| &live.document);
        let document = reading.and_then(Reading::known).and_then(Option::as_ref);
        let mut intent = Self {
            desired,
            difference,
            document,
            effect: DocumentEffect::Unknown,
            locked: None,
            without: Vec::new(),
            edit: Cow::Borrowed(&difference.edit),
            unasked: BTreeSet::new(),
            target: document
                .map_or_else(Cow::default, |document| Cow::Borrowed(&document.settings)),
        };
        if difference.id.is_none() || reading.and_then(Reading::known).is_none() {
            return intent;
        }
        intent.ask_for_keys(rules, refusals);
        let changes_whole = intent.changes_whole();
        intent.effect = match document {
            None if changes_whole => DocumentEffect::Created,
            None => DocumentEffect::Missing,
            Some(_) if changes_whole => intent.deletion("", rules, refusals),
            Some(_) if intent.setting_changes().next().is_some() => DocumentEffect::Updated,
            Some(_) => DocumentEffect::Untouched,
        };
        let held = intent.held(policy, options);
        if let Some(held) = held.or_else(|| intent.against_a_rule(rules)) {
            refusals.push(held);
            intent.effect = DocumentEffect::Held;
            return intent;
        }
        intent.locked = intent.lock(policy, options);
        match intent.effect {
            DocumentEffect::Created => intent.target = Cow::Owned(created(desired)),
            DocumentEffect::Updated => {
                intent.target = Cow::Owned(intent.edit.apply_to(&intent.target));
            }
            DocumentEffect::Unknown
            | DocumentEffect::Missing
            | DocumentEffect::Held
            | DocumentEffect::Untouched
            | DocumentEffect::Deleted => {}
        }
        if matches!(
            intent.effect,
            DocumentEffect::Updated | DocumentEffect::Untouched
        ) {
            intent.without = intent.asset_removals(rules, refusals);
        }
        intent
    }

    /// Returns the intent to delete the whitelabel of an account that is no longer in the tree. `None` if the guards do
    /// not permit that; the account then counts as being outside the tree.
    pub(super) fn departed(
        base: &'a DesiredAccount,
        difference: &'a AccountDifference,
        live: &'a LiveAccount,
        rules: (&Policy, &Options),
        refusals: &mut Vec<Refusal>,
    ) -> Option<Self> {
        let (policy, options) = rules;
        let document = live.document.known()?.as_ref()?;
        let mut intent = Self {
            desired: base,
            difference,
            document: Some(document),
            effect: DocumentEffect::Untouched,
            locked: None,
            without: Vec::new(),
            edit: Cow::Borrowed(&difference.edit),
            unasked: BTreeSet::new(),
            target: Cow::Borrowed(&document.settings),
        };
        if difference.changes.is_empty() {
            return None;
        }
        let forget = format!(", or with `--forget {}` to leave it as it is", base.name);
        intent.effect = intent.deletion(&forget, rules, refusals);
        let held = intent.held(policy, options);
        if let Some(held) = held.or_else(|| intent.against_a_rule(rules)) {
            refusals.push(held);
            return None;
        }
        (intent.effect == DocumentEffect::Deleted).then_some(intent)
    }

    pub(super) fn subject(&self) -> Option<Subject> {
        let id = self.difference.id.clone()?;
        Some(Subject::Account {
            name: self.difference.name.clone(),
            id,
        })
    }

    pub(super) fn user(&self) -> DomainUser {
        let of = |settings: &Settings| {
            let domain = settings.get(&KeyPath::from("domain"))?.as_str()?;
            (!domain.is_empty()).then(|| domain.to_ascii_lowercase())
        };
        let is_there = !matches!(
            self.effect,
            DocumentEffect::Unknown | DocumentEffect::Missing | DocumentEffect::Deleted
        );
        DomainUser {
            name: self.difference.name.to_string(),
            id: self.difference.id.clone(),
            effect: self.effect,
            live: self.document.and_then(|document| of(&document.settings)),
            wanted: of(&self.target).filter(|_| is_there),
            is_to_go: self.effect == DocumentEffect::Untouched && self.changes_whole(),
            keeps_for: self.keeps_domain(),
            locked: self.locked.clone(),
        }
    }

    fn changes_whole(&self) -> bool {
        let mut changes = self.difference.changes.iter();
        changes.any(|change| change.key == ChangeKey::Whitelabel)
    }

    /// Iterates over the changes that a write of the document would make.
    pub(super) fn setting_changes(&self) -> impl Iterator<Item = &'a Change> {
        let changes = self.difference.changes.iter();
        changes.filter(|change| {
            matches!(&change.key, ChangeKey::Setting(path) if !self.unasked.contains(path))
        })
    }

    /// Refuses the removal of keys that nobody asked for; the account's other changes go on.
    fn ask_for_keys(&mut self, rules: (&Policy, &Options), refusals: &mut Vec<Refusal>) {
        let changes = &self.difference.changes;
        let forget = |path: &KeyPath| {
            let is_dropped = !self.desired.settings.contains_key(path);
            is_dropped.then(|| format!("--forget {}:whitelabel.{path}", self.desired.name))
        };
        let edit = &self.difference.edit;
        let asked = removal::asked_keys(changes, edit, self.subject(), rules, forget);
        let Some((paths, refusal)) = asked else {
            return;
        };
        let is_left = |change: &&Change| !matches!(&change.key, ChangeKey::Setting(path) if paths.contains(path));
        let left: Vec<Change> = changes.iter().filter(is_left).cloned().collect();
        self.edit = Cow::Owned(without(edit, &left, &paths));
        self.unasked = paths;
        refusals.push(refusal);
    }

    /// Returns what to do for a domain to be released that stays, although the tree no longer has it.
    pub(super) fn keeps_domain(&self) -> Option<String> {
        let name = &self.desired.name;
        let domain = KeyPath::from("domain");
        let or = |way: &str| format!("declare another domain for {name}, or {way}");
        if self.unasked.contains(&domain) {
            return Some(or(&guard::approval(RefusalKind::Remove)));
        }
        if self.is_observed() {
            return Some(format!(
                "{}, and declare another domain for it",
                self.to_manage()
            ));
        }
        Some(match self.difference.kept_for(&domain)? {
            KeptReason::NoRemove => or("run without `--no-remove`"),
            KeptReason::NeverRemoved => or("change `policy.remove` in emblazon.yaml"),
            KeptReason::Ignored => format!(
                "take whitelabel.domain out of what {name} ignores, and declare another domain for it"
            ),
            KeptReason::Observed => return None,
        })
    }

    fn to_manage(&self) -> String {
        format!("take `mode: observe` away from {}", self.desired.name)
    }

    /// Returns whether the account is never written to.
    pub(super) fn is_observed(&self) -> bool {
        self.desired.policy.mode == AccountMode::Observe
    }

    /// Returns the refusal if the account must not be changed at all.
    fn held(&self, policy: &Policy, options: &Options) -> Option<Refusal> {
        let name = &self.desired.name;
        let changes = &self.difference.changes;
        if changes.is_empty() {
            return None;
        }
        if policy.protected_accounts.contains(name)
            && !options.allows(RefusalKind::ProtectedAccount)
        {
            return Some(guard::account_refusal(self.subject(), name));
        }
        self.held_key(policy, options)
            .or_else(|| self.held_code(policy, options))
    }

    /// Returns the refusal of a protected key, if one would change or go.
    fn held_key(&self, policy: &Policy, options: &Options) -> Option<Refusal> {
        if options.allows(RefusalKind::ProtectedKey) {
            return None;
        }
        let (key, what) = match (self.effect, self.document) {
            (DocumentEffect::Deleted, Some(document)) => {
                let is_there = |key: &&KeyPath| document.settings.get(key).is_some();
                (policy.protected_keys.iter().find(is_there)?, "go")
            }
            (DocumentEffect::Updated, _) => {
                let key = |change| guard::protected_key(policy, change);
                let mut changes = self.difference.changes.iter();
                (changes.find_map(key)?, "change")
            }
            _ => return None,
        };
        let name = &self.desired.name;
        Some(guard::key_refusal(self.subject(), name, key, what))
    }

    /// Returns the refusal of what runs code in the browsers of customers, if that would change.
    fn held_code(&self, policy: &Policy, options: &Options) -> Option<Refusal> {
        let writes = matches!(
            self.effect,
            DocumentEffect::Created | DocumentEffect::Updated
        );
        if !writes || options.allows(RefusalKind::Executes) {
            return None;
        }
        let code = |change| guard::unapproved_code(policy, change);
        let code = self.setting_changes().find_map(code)?;
        Some(guard::code_refusal(
            self.subject(),
            &self.desired.name,
            code,
        ))
    }

    /// Returns the refusal if the changes do not meet a rule of the house.
    fn against_a_rule(&self, rules: (&Policy, &Options)) -> Option<Refusal> {
        let effect = match self.effect {
            DocumentEffect::Created => RuleEffect::Create,
            DocumentEffect::Deleted => RuleEffect::Delete,
            // A deletion that another guard refuses is none.
            DocumentEffect::Untouched if self.changes_whole() => return None,
            DocumentEffect::Updated | DocumentEffect::Untouched => RuleEffect::Update,
            DocumentEffect::Unknown | DocumentEffect::Missing | DocumentEffect::Held => {
                return None;
            }
        };
        let changes = &self.difference.changes;
        if self.is_observed() || changes.is_empty() {
            return None;
        }
        let input = || RuleInput::of_account(effect, self.desired, changes);
        house::refusal(rules, self.subject().as_ref(), input)
    }

    /// Returns why an account without changes of its own must not be changed for the sake of another one.
    fn lock(&self, policy: &Policy, options: &Options) -> Option<Refused> {
        let name = &self.desired.name;
        if self.is_observed() {
            return Some(Refused {
                message: "is only observed".to_owned(),
                help: self.to_manage(),
            });
        }
        let domain = KeyPath::from("domain");
        let (kind, list, entry) = match self.effect {
            DocumentEffect::Untouched | DocumentEffect::Missing
                if policy.protected_accounts.contains(name) =>
            {
                let kind = RefusalKind::ProtectedAccount;
                (kind, "policy.protected_accounts", name.as_str())
            }
            DocumentEffect::Untouched if policy.protected_keys.contains(&domain) => {
                (RefusalKind::ProtectedKey, "policy.protected_keys", "domain")
            }
            _ => return None,
        };
        (!options.allows(kind)).then(|| Refused {
            message: format!("would have to be changed to release it, which {list} forbids"),
            help: format!(
                "take {entry} out of {list} in its own commit, or {}",
                guard::approval(kind)
            ),
        })
    }

    fn deletion(
        &self,
        instead: &str,
        (policy, options): (&Policy, &Options),
        refusals: &mut Vec<Refusal>,
    ) -> DocumentEffect {
        let name = &self.difference.name;
        let (kind, message, help) =
            if self.desired.policy.protected && !options.allows(RefusalKind::Protected) {
                (
                    RefusalKind::Protected,
                    format!("the whitelabel of {name} would be deleted, and {name} is protected"),
                    format!(
                        "take `protected` away in its own commit{instead}, or {}",
                        guard::approval(RefusalKind::Protected)
                    ),
                )
            } else if policy.remove.rule(Removable::Whitelabels) != RemovalRule::Allowed
                && !options.allows(RefusalKind::Prune)
            {
                (
                    RefusalKind::Prune,
                    format!("the whitelabel of {name} would be deleted with all its assets"),
                    format!("run with `--prune` to allow deletions{instead}"),
                )
            } else {
                return DocumentEffect::Deleted;
            };
        refusals.push(Refusal {
            kind,
            subject: self.subject(),
            message,
            help,
        });
        DocumentEffect::Untouched
    }

    /// Returns the help text on how to keep assets that the tree just no longer declares.
    fn instead_of_losing(&self, removed: &[AssetKind]) -> String {
        let name = &self.desired.name;
        let dropped: Vec<String> = (removed.iter())
            .filter(|kind| !self.desired.assets.contains_key(kind))
            .map(|kind| format!("--forget {name}:assets.{kind}"))
            .collect();
        if dropped.is_empty() {
            return String::new();
        }
        format!(", leave it as it is with `{}`", dropped.join(" "))
    }

    /// Returns the assets that may be removed. If an asset could not be read, nothing is deleted, because it could not
    /// be restored (invariant 6).
    fn asset_removals(
        &self,
        (policy, options): (&Policy, &Options),
        refusals: &mut Vec<Refusal>,
    ) -> Vec<AssetKind> {
        let is_allowed = self.desired.policy.recreate
            || policy.remove.rule(Removable::Assets) == RemovalRule::Allowed;
        let name = &self.desired.name;
        let removed: Vec<AssetKind> = (self.difference.changes.iter())
            .filter(|change| change.after == Side::Absent)
            .filter_map(|change| match change.key {
                ChangeKey::Asset(kind) => Some(kind),
                _ => None,
            })
            .collect();
        let Some(first) = removed.first() else {
            return removed;
        };
        let list: Vec<&str> = removed.iter().map(|kind| kind.as_str()).collect();
        let what = list.join(" and ");
        let (kind, message, help) = if self.desired.policy.protected
            && !options.allows(RefusalKind::Protected)
        {
            (
                RefusalKind::Protected,
                format!(
                    "the {what} of {name} can only be removed by deleting the whitelabel, and {name} is protected"
                ),
                format!(
                    "take `protected` away in its own commit, or {}",
                    guard::approval(RefusalKind::Protected)
                ),
            )
        } else if !is_allowed && !options.allows(RefusalKind::Recreate) {
            (
                RefusalKind::Recreate,
                format!(
                    "the {what} of {name} can only be removed by deleting the whitelabel and creating it again"
                ),
                format!(
                    "set `recreate: allowed` for {name}, declare another {first}{}, or {}",
                    self.instead_of_losing(&removed),
                    guard::approval(RefusalKind::Recreate)
                ),
            )
        } else if !self.difference.unknown.is_empty() {
            (
                RefusalKind::Recreate,
                format!(
                    "the {what} of {name} cannot be removed while another asset could not be read"
                ),
                format!("run again when all assets of {name} can be read"),
            )
        } else {
            return removed;
        };
        refusals.push(Refusal {
            kind,
            subject: self.subject(),
            message,
            help,
        });
        Vec::new()
    }
}

/// Builds a new document from what is declared. If it would be empty, it contains the defaults instead, because an
/// empty document must never be sent (trap 4).
fn created(desired: &DesiredAccount) -> Settings {
    let mut settings = Settings::default();
    for (path, declared) in &desired.settings {
        if let Some(value) = &declared.value {
            settings.set(path, written(path, value));
        }
    }
    if settings.as_object().is_empty() {
        for (path, value) in explicit_defaults() {
            settings.set(&path, value);
        }
    }
    settings
}
