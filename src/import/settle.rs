//! Draft after draft, until one passes.

use std::collections::BTreeSet;

use super::draft::{Draft, draft};
use super::gate::gate;
use super::note::{Note, Reason};
use super::overlay::FileChange;
use super::refused::Refused;
use super::request::{ImportError, Request, Scope};
use crate::live::Reading;
use crate::model::{AccountId, AccountName};

/// How often something may be left out before it is given up; one or two rounds are usual.
const MOST_ROUNDS: usize = 50;

/// The files that an import makes and changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Each file, in the order in which to write them: whoever names a file comes after it.
    pub changes: Vec<FileChange>,
    /// What a reader should know.
    pub notes: Vec<Note>,
    /// The accounts that the tree did not have.
    pub added: Vec<AccountName>,
    /// The accounts that could not be read, and are left as they are.
    pub unread: usize,
    /// What somebody accepted and the tree cannot take.
    pub refused: usize,
    /// Accounts that share a layer in which a value would be changed; once they are among the others of
    /// the request, it can be told whether it may.
    pub wanted: Vec<AccountId>,
}

impl Imported {
    /// Tells whether there was no tree before.
    #[must_use]
    pub fn begins_a_tree(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.path == "emblazon.yaml" && change.before.is_none())
    }
}

/// Makes the tree say what is live. Pure: the same tree and the same live state give the same bytes.
///
/// The result was loaded and compared: it has no errors, and a plan has nothing to do but for what the
/// notes tell.
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
        // An import that was interrupted goes on as if it had not been.
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

fn finish(request: &Request<'_>, draft: Draft<'_>) -> Result<Imported, ImportError> {
    let mut notes = draft.notes;
    let mut unread = 0;
    for brand in request.brands {
        if let Reading::Unknown(reason) = &brand.document {
            unread += 1;
            notes.push(Note {
                account: draft.names.get(&brand.account.id).cloned(),
                about: Some(crate::tree::edit::comment(&brand.account.name)),
                reason: super::draft::unread(reason),
                left: true,
            });
        }
    }
    let refused = draft.left.len();
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
        changes,
        notes,
        unread,
        refused,
        wanted: draft.wanted.into_iter().collect(),
    })
}

impl Reason {
    /// Says that what was written would not be what is live, whatever the cause.
    pub(super) fn does_not_read_back() -> Self {
        Self::new(
            "the tree cannot say this so that a plan finds no difference",
            "look at the key with emblazon plan, and declare it by hand",
        )
    }
}
