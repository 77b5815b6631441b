//! The steps of one account, before they are numbered.

use serde_json::Value;

use super::domains::{DocumentEffect, Verdict};
use super::intent::Intent;
use super::{Action, Risk, risk};
use crate::diff::canonical::explicit_defaults;
use crate::diff::{Cause, Change, ChangeKey, Edit, Side, assets, placeholder};
use crate::live::Reading;
use crate::model::{AccountId, AssetKind, KeyPath, parked_domain};

/// A step without id, precondition and predecessors.
pub(super) struct Draft {
    pub(super) action: Action,
    pub(super) changes: Vec<Change>,
    pub(super) risk: Risk,
    pub(super) notes: Vec<String>,
}

impl Draft {
    /// Creates a draft; `None` without a visible change (invariant 8).
    pub(super) fn new(action: Action, changes: Vec<Change>) -> Option<Self> {
        (!changes.is_empty()).then(|| Self {
            risk: risk::of(&action, &changes),
            action,
            changes,
            notes: Vec::new(),
        })
    }

    pub(super) fn note(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }

    /// Returns whether it writes the whole document, including its domain.
    pub(super) fn is_write(&self) -> bool {
        matches!(self.action, Action::Create { .. } | Action::Update { .. })
    }
}

/// Drafts the steps of one account, in execution order.
pub(super) fn steps(intent: &Intent<'_>, verdict: &Verdict) -> Vec<Draft> {
    let (Some(id), None) = (&intent.difference.id, &verdict.refused) else {
        return Vec::new();
    };
    let mut drafts = Vec::new();
    match intent.effect {
        DocumentEffect::Unknown | DocumentEffect::Held => return drafts,
        DocumentEffect::Missing => {
            if verdict.parks {
                drafts.extend(free_without_document(id));
            }
            return drafts;
        }
        DocumentEffect::Deleted => {
            if verdict.parks {
                drafts.extend(release(intent, id));
            }
            drafts.extend(Draft::new(
                Action::Delete,
                intent.difference.changes.clone(),
            ));
            return drafts;
        }
        DocumentEffect::Created => drafts.extend(create(intent, verdict, id)),
        DocumentEffect::Updated | DocumentEffect::Untouched => {
            if verdict.parks {
                drafts.extend(release(intent, id));
            }
            drafts.extend(recreate(intent));
            drafts.extend(update(intent, verdict, id));
        }
    }
    drafts.extend(uploads(intent));
    if let Some(last) = drafts.iter_mut().rfind(|draft| draft.is_write()) {
        last.notes.extend(verdict.note.clone());
    }
    drafts
}

fn domain() -> KeyPath {
    KeyPath::from("domain")
}

/// Returns the change of the domain from the difference, or one with equal sides.
fn domain_change(intent: &Intent<'_>) -> Change {
    let key = ChangeKey::Setting(domain());
    let existing = intent.setting_changes().find(|change| change.key == key);
    existing.cloned().unwrap_or_else(|| {
        let live = intent
            .document
            .and_then(|document| document.settings.get(&domain()));
        let side = live.map_or(Side::Absent, |value| Side::Value(value.clone()));
        Change {
            key,
            before: side.clone(),
            after: side,
            cause: Cause::Removal,
            origin: None,
        }
    })
}

fn parked_side(id: &AccountId) -> Side {
    Side::Value(Value::from(parked_domain(id)))
}

/// Replaces the change of the domain.
fn with_domain(changes: &mut Vec<Change>, domain: Change) {
    changes.retain(|change| change.key != domain.key);
    changes.push(domain);
    changes.sort_by(|a, b| a.key.cmp(&b.key));
}

/// Drafts the creation of the document; if the account parks, the document is created with the parked name first.
fn create(intent: &Intent<'_>, verdict: &Verdict, id: &AccountId) -> Vec<Draft> {
    let mut settings = intent.target.clone().into_owned();
    let mut changes: Vec<Change> = intent
        .difference
        .changes
        .iter()
        .filter(|change| !matches!(change.key, ChangeKey::Asset(_)))
        .cloned()
        .collect();
    let mut second = None;
    if verdict.parks {
        let full = domain_change(intent);
        with_domain(
            &mut changes,
            Change {
                after: parked_side(id),
                ..full.clone()
            },
        );
        let mut edit = Edit::default();
        match settings.get(&domain()) {
            Some(value) => {
                edit.set.insert(domain(), value.clone());
            }
            None => edit.remove.push(domain()),
        }
        settings.set(&domain(), Value::from(parked_domain(id)));
        let change = Change {
            before: parked_side(id),
            ..full
        };
        second = Draft::new(action(edit), vec![change]);
    }
    let create = Action::Create {
        settings: settings.as_object().clone(),
    };
    Draft::new(create, changes)
        .into_iter()
        .chain(second)
        .collect()
}

fn release(intent: &Intent<'_>, id: &AccountId) -> Option<Draft> {
    let parked = parked_domain(id);
    let change = Change {
        after: parked_side(id),
        ..domain_change(intent)
    };
    let note = match &change.before {
        Side::Value(Value::String(live)) if intent.effect == DocumentEffect::Deleted => {
            format!(
                "Kazoo 4.3 keeps {live} for the account of a deleted whitelabel, so it is released first"
            )
        }
        Side::Value(Value::String(live)) => {
            format!("{live} leads nowhere from this step until it is claimed")
        }
        _ => "the account reserves a domain that its document does not have (W22)".to_owned(),
    };
    Some(Draft::new(Action::Release { parked }, vec![change])?.note(Some(note)))
}

/// Drafts how an account without a document releases the domain that it still reserves: only a document with another
/// domain does that.
fn free_without_document(id: &AccountId) -> impl Iterator<Item = Draft> {
    let change = |key, before, after| Change {
        key,
        before,
        after,
        // Nobody changed anything: it follows from what the tree says of another account.
        cause: Cause::Differs,
        origin: None,
    };
    let parked = ChangeKey::Setting(domain());
    let create = Action::Create {
        settings: placeholder(id).as_object().clone(),
    };
    let note = "the account has no whitelabel, and still reserves a domain; a whitelabel with a parked name, deleted at once, releases it";
    let create = Draft::new(create, vec![change(parked, Side::Absent, parked_side(id))])
        .map(|draft| draft.note(Some(note.to_owned())));
    let gone = change(ChangeKey::Whitelabel, Side::Present, Side::Absent);
    create
        .into_iter()
        .chain(Draft::new(Action::Delete, vec![gone]))
}

fn recreate(intent: &Intent<'_>) -> Option<Draft> {
    if intent.without.is_empty() {
        return None;
    }
    let changes = (intent.difference.changes.iter())
        .filter(
            |change| matches!(change.key, ChangeKey::Asset(kind) if intent.without.contains(&kind)),
        )
        .cloned()
        .collect();
    let action = Action::Recreate {
        without: intent.without.clone(),
    };
    let note =
        "the brand is gone while it is deleted and created again; its other assets are put back";
    Some(Draft::new(action, changes)?.note(Some(note.to_owned())))
}

fn update(intent: &Intent<'_>, verdict: &Verdict, id: &AccountId) -> Option<Draft> {
    let live = &intent.document?.settings;
    let mut edit = intent.edit.clone().into_owned();
    let mut changes: Vec<Change> = intent.setting_changes().cloned().collect();
    let mut notes = Vec::new();
    if verdict.parks {
        match intent.target.get(&domain()) {
            Some(value) => {
                edit.set.insert(domain(), value.clone());
            }
            None if !edit.remove.contains(&domain()) => edit.remove.push(domain()),
            None => {}
        }
        let change = Change {
            before: parked_side(id),
            ..domain_change(intent)
        };
        with_domain(&mut changes, change);
    } else if let Some(reserved) = &verdict.frees {
        edit.set
            .extend(live.get(&domain()).map(|value| (domain(), value.clone())));
        let change = Change {
            before: Side::Value(Value::from(reserved.as_str())),
            cause: Cause::Differs,
            ..domain_change(intent)
        };
        with_domain(&mut changes, change);
        notes.push(format!(
            "the account still reserves {reserved} although its document has another domain (W21); writing the document again releases it"
        ));
    }
    if changes.is_empty() {
        return None;
    }
    edit.remove.sort();
    // Setting keys below a path replaces a value that is not a map, so it need not be removed first.
    edit.remove.retain(|path| {
        !edit
            .set
            .keys()
            .any(|set| set.is_within(path) && set != path)
            || live.get(path).is_some_and(Value::is_object)
    });
    if edit.apply_to(live).as_object().is_empty() {
        edit.set.extend(explicit_defaults());
        notes.push("nothing but the server's defaults remains in the document".to_owned());
    }
    let mut draft = Draft::new(action(edit), changes)?;
    draft.notes.extend(notes);
    Some(draft)
}

fn action(edit: Edit) -> Action {
    Action::Update {
        set: edit.set,
        remove: edit.remove,
    }
}

fn uploads(intent: &Intent<'_>) -> Vec<Draft> {
    [AssetKind::Icon, AssetKind::Logo, AssetKind::Welcome]
        .into_iter()
        .filter_map(|kind| {
            let change = intent.difference.changes.iter().find(|change| {
                change.key == ChangeKey::Asset(kind) && change.after != Side::Absent
            })?;
            let file = intent.desired.assets.get(&kind)?.value.as_ref()?;
            let upload = Action::Upload {
                asset: kind,
                path: file.path.clone(),
                facts: file.facts.clone(),
            };
            let note = (kind == AssetKind::Logo && eats_welcome(intent)).then(|| {
                "no logo is stored, so the server deletes the welcome page with this upload; it is read before and put back (observed 2)".to_owned()
            });
            Some(Draft::new(upload, vec![change.clone()])?.note(note))
        })
        .collect()
}

/// Returns whether uploading a logo deletes an existing welcome page.
fn eats_welcome(intent: &Intent<'_>) -> bool {
    let Some(document) = intent.document else {
        return false;
    };
    let stored = |kind| {
        document
            .assets
            .get(&kind)
            .and_then(Reading::known)
            .and_then(Option::as_ref)
    };
    let has_logo = assets::reading(document, AssetKind::Logo).is_ok_and(|logo| logo.is_some());
    let has_welcome = stored(AssetKind::Welcome).is_some()
        || stored(AssetKind::Logo).is_some_and(|asset| assets::is_welcome(document, asset));
    !has_logo && has_welcome
}
