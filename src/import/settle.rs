//! Repeats drafts until one passes.

use std::collections::{BTreeMap, BTreeSet};

use super::asset::Shared;
use super::draft::{Draft, known};
use super::gate::gate;
use super::note::{Note, Reason};
use super::overlay::{FileChange, Overlay};
use super::refused::Refused;
use super::request::{ImportError, Request, Scope, cluster};
use super::update::update;
use crate::diff::Change;
use crate::live::Reading;
use crate::model::{AccountId, AccountName};
use crate::tree;

/// The maximum number of drafts; one or two are usual.
const MOST_ROUNDS: usize = 50;

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The files to create or change, in write order: a file comes after those that it names.
    pub changes: Vec<FileChange>,
    /// Notes about the import.
    pub notes: Vec<Note>,
    /// The accounts that are new in the tree.
    pub added: Vec<AccountName>,
    /// What was accepted, by account: the live side, and what the tree declared before.
    pub accepted: BTreeMap<AccountName, Vec<Change>>,
    /// The number of accounts, assets and templates that could not be read, and are left as they are.
    pub unread: usize,
    /// The number of accepted or imported values that the tree cannot declare.
    pub refused: usize,
    /// Accounts that share a layer in which a value would be changed. The caller should add them to
    /// [`Request::others`], to determine whether the layer may change.
    pub wanted: Vec<AccountId>,
}

impl Imported {
    /// Returns whether the import creates a new tree.
    #[must_use]
    pub fn begins_a_tree(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.path == "emblazon.yaml" && change.before.is_none())
    }
}

/// Imports the live state into the tree. Pure: the same tree and the same live state give the same bytes.
///
/// The result is verified: it loads without errors, and a plan has nothing to do except for what the notes list.
///
/// # Errors
/// When the tree cannot be read, or no draft passes the checks.
pub fn import(request: &Request<'_>) -> Result<Imported, ImportError> {
    let Some(existing) = request.existing else {
        let mut fresh = settle(request)?;
        fresh.tree = fresh.tree.over(request.folder);
        return finish(request, fresh);
    };
    if *request.scope == Scope::Everything {
        // An interrupted import continues as if it had not been interrupted.
        let alone = Request {
            existing: None,
            ..*request
        };
        let mut fresh = settle(&alone)?;
        if fresh.tree.is_begun_in(existing.source)? {
            fresh.tree = fresh.tree.over(Some(existing.source));
            return finish(request, fresh);
        }
    }
    finish(request, settle(request)?)
}

fn settle<'a>(request: &Request<'a>) -> Result<Draft<'a>, ImportError> {
    let mut refused = Refused::default();
    for _ in 0..MOST_ROUNDS {
        let mut drafted = draft(request, &refused)?;
        let mut found = std::mem::take(&mut drafted.refused);
        if found.is_empty() {
            found = gate(request, &drafted, &refused)?;
        }
        if found.is_empty() {
            return Ok(drafted);
        }
        if !refused.extend(found) {
            break;
        }
    }
    Err(ImportError::Unsettled)
}

/// Drafts the files.
fn draft<'a>(request: &Request<'a>, refused: &Refused) -> Result<Draft<'a>, ImportError> {
    let mut draft = Draft {
        tree: Overlay::new(request.existing.map(|existing| existing.source)),
        names: BTreeMap::new(),
        added: BTreeSet::new(),
        written: BTreeSet::new(),
        left: BTreeMap::new(),
        unread: BTreeSet::new(),
        is_template_unread: false,
        left_hosts: BTreeMap::new(),
        accepted: BTreeMap::new(),
        notes: Vec::new(),
        wanted: BTreeSet::new(),
        refused: Refused::default(),
    };
    let known = request.existing.map_or_else(BTreeMap::new, |existing| {
        known(existing.loaded, request.everybody)
    });
    draft.names.clone_from(&known);
    let mut shared = Shared::default();
    if *request.scope == Scope::Everything {
        shared = draft.add_accounts(request, refused, &known)?;
        draft.write_template(request, refused)?;
    }
    if let Some(existing) = request.existing {
        // New accounts may inherit from existing layers.
        let loaded = tree::load(&draft.tree, Some(cluster(existing)))?;
        if !loaded.has_errors() {
            update(request, &loaded, &shared, refused, &mut draft)?;
        }
    }
    Ok(draft)
}

fn finish(request: &Request<'_>, draft: Draft<'_>) -> Result<Imported, ImportError> {
    let mut notes = draft.notes;
    let mut unread = draft.unread.len() + usize::from(draft.is_template_unread);
    for brand in request.brands {
        if let Reading::Unknown(reason) = &brand.document {
            unread += 1;
            notes.push(Note {
                account: draft.names.get(&brand.account.id).cloned(),
                about: Some(tree::edit::comment(&brand.account.name)),
                reason: super::draft::unread(reason),
                left: true,
            });
        }
    }
    let refused = draft.left.len() - draft.unread.len();
    notes.extend(draft.left.into_iter().map(|((id, address), reason)| Note {
        account: draft.names.get(&id).cloned(),
        about: Some(address.to_string()),
        reason,
        left: true,
    }));
    notes.extend(draft.left_hosts.into_iter().map(|(target, reason)| Note {
        account: None,
        about: Some(format!(
            "domains.yaml {} {}",
            target.record_type, target.host
        )),
        reason,
        left: true,
    }));
    let changes = draft.tree.changes()?;
    let written: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    let added = draft.added.into_iter();
    let added = added.filter(|name| written.contains(&*format!("accounts/{name}/account.yaml")));
    Ok(Imported {
        added: added.collect(),
        accepted: draft.accepted,
        changes,
        notes,
        unread,
        refused,
        wanted: draft.wanted.into_iter().collect(),
    })
}

impl Reason {
    /// Returns the reason for a value that a plan would still find different, whatever the cause.
    pub(super) fn does_not_read_back() -> Self {
        Self::new(
            "the tree cannot express this: a plan would still find a difference",
            "look at the key with emblazon plan, and declare it by hand",
        )
    }
}
