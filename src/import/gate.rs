//! Verifies a draft with the tree's own loader and the plan's own comparison.

use std::collections::BTreeMap;

use super::draft::{Draft, asset_address, setting_address};
use super::note::Reason;
use super::refused::Refused;
use super::request::{ImportError, Request, Scope, cluster, live};
use crate::diag::{Code, Diagnostic, Place, Severity};
use crate::diff::{self, ChangeKey};
use crate::live::Reading;
use crate::model::{AccountId, AccountName, KeyPath};
use crate::tree::{self, Loaded};

/// Loads and compares a draft, and returns what must be left out of the next one.
pub(super) fn gate(
    request: &Request<'_>,
    draft: &Draft<'_>,
    refused: &Refused,
) -> Result<Refused, ImportError> {
    let cluster = request
        .existing
        .map_or(request.cluster.name.as_str(), cluster);
    let loaded = tree::load(&draft.tree, Some(cluster))?;
    if loaded.has_errors() {
        return errors(loaded, draft);
    }
    Ok(differences(request, &loaded, draft, refused))
}

/// Attributes each error to what the draft wrote.
fn errors(loaded: Loaded, draft: &Draft<'_>) -> Result<Refused, ImportError> {
    let ids: BTreeMap<&AccountName, &AccountId> =
        draft.names.iter().map(|(id, name)| (name, id)).collect();
    let declared = Declared::of(&loaded, &ids);
    let mut refused = Refused::default();
    let mut nobody = false;
    for diagnostic in &loaded.diagnostics {
        if diagnostic.code.severity() == Severity::Error {
            nobody |= !attribute(diagnostic, &loaded, draft, (&ids, &declared), &mut refused);
        }
    }
    if nobody && refused.is_empty() {
        return Err(ImportError::Mistakes {
            diagnostics: loaded.diagnostics,
            sources: loaded.sources,
        });
    }
    Ok(refused)
}

/// The accounts and keys that are declared at each place; several accounts may share a place in a layer.
struct Declared(BTreeMap<Place, Vec<(AccountId, KeyPath)>>);

impl Declared {
    fn of(loaded: &Loaded, ids: &BTreeMap<&AccountName, &AccountId>) -> Self {
        let mut places: BTreeMap<Place, Vec<_>> = BTreeMap::new();
        for (name, layers) in &loaded.layers {
            let Some(id) = ids.get(name) else { continue };
            for (address, declared) in layers.iter().flat_map(|layer| &layer.entries) {
                let key = ((*id).clone(), address.clone());
                places.entry(declared.place).or_default().push(key);
            }
        }
        Self(places)
    }
}

/// Returns the reason in a mistake of the draft. What the draft would have declared is not in the tree, so its help
/// must not send anybody there.
fn reason(diagnostic: &Diagnostic, loaded: &Loaded) -> Reason {
    let reason = Reason::from(diagnostic);
    let lock = diagnostic.related.first().map(|label| label.place);
    let Some(lock) = lock.filter(|_| diagnostic.code == Code::EB0303) else {
        return reason;
    };
    let (sources, span) = (&loaded.sources, lock.span);
    let text = sources.file(lock.file).map_or("", |file| &file.text);
    let locked = text
        .get(span.start as usize..span.end as usize)
        .unwrap_or_default();
    let locked = locked.trim_matches(['"', '\'']);
    Reason {
        message: format!(
            "{} locks {locked} at line {}",
            sources.path(lock),
            sources.position(lock).line
        ),
        help: format!(
            "take {locked} out of lock there and import again, or apply the tree, which puts its own value back"
        ),
        ..reason
    }
}

/// Refuses what the draft wrote at a place of a mistake; returns whether there was anything.
fn attribute(
    diagnostic: &Diagnostic,
    loaded: &Loaded,
    draft: &Draft<'_>,
    (ids, declared): (&BTreeMap<&AccountName, &AccountId>, &Declared),
    refused: &mut Refused,
) -> bool {
    let reason = reason(diagnostic, loaded);
    for label in diagnostic.primary.iter().chain(&diagnostic.related) {
        let mut found = false;
        for key in declared.0.get(&label.place).into_iter().flatten() {
            if draft.written.contains(key) {
                found = true;
                refused.keys.insert(key.clone(), reason.clone());
            }
        }
        if found {
            return true;
        }
    }
    let Some(place) = diagnostic.primary.as_ref().map(|label| label.place) else {
        return false;
    };
    let path = loaded.sources.path(place);
    if path == "domains.yaml" {
        let template = loaded.desired.template.as_ref();
        let host = template.and_then(|template| {
            let before = template
                .hosts
                .iter()
                .filter(|(_, declared)| declared.place.span.start <= place.span.start);
            before.max_by_key(|(_, declared)| declared.place.span.start)
        });
        if let Some((target, _)) = host {
            refused.hosts.insert(target.clone(), reason);
            return true;
        }
    }
    let mut parts = path.components().map(|part| part.as_str());
    if parts.next() == Some("accounts")
        && let Some(name) = parts.next()
        && let Some(id) = ids.get(&AccountName::new(name))
        && draft.has_written_for(id)
    {
        refused.accounts.insert((*id).clone(), reason);
        return true;
    }
    false
}

/// Returns the differences that a plan would still find.
fn differences(
    request: &Request<'_>,
    loaded: &Loaded,
    draft: &Draft<'_>,
    known: &Refused,
) -> Refused {
    let mut refused = Refused::default();
    if *request.scope != Scope::Everything {
        // Accepted drift is in the tree or was refused; all other drift is to stay.
        return refused;
    }
    let live = live(request, &draft.names);
    let found = diff::compare(&loaded.desired, None, &live, &loaded.sources);
    let ids: BTreeMap<&AccountName, &AccountId> =
        draft.names.iter().map(|(id, name)| (name, id)).collect();
    let has_brand = |name: &AccountName| {
        let account = live.accounts.get(name);
        account.is_some_and(|account| matches!(account.document, Reading::Known(Some(_))))
    };
    for account in &found.accounts {
        let Some(id) = ids
            .get(&account.name)
            .filter(|id| has_brand(&account.name) && !known.accounts.contains_key(*id))
        else {
            continue;
        };
        for change in &account.changes {
            let address = match &change.key {
                ChangeKey::Setting(path) => setting_address(path),
                ChangeKey::Asset(kind) => asset_address(*kind),
                ChangeKey::Whitelabel => KeyPath::from("whitelabel"),
                ChangeKey::Host(_) | ChangeKey::RecordType(_) | ChangeKey::Records(_) => continue,
            };
            let key = ((*id).clone(), address);
            if !draft.left.contains_key(&key) && !known.keys.contains_key(&key) {
                refused.keys.insert(key, Reason::does_not_read_back());
            }
        }
    }
    for change in found.template.iter().flat_map(|template| &template.changes) {
        if let ChangeKey::Host(target) = &change.key
            && !draft.left_hosts.contains_key(target)
            && !known.hosts.contains_key(target)
        {
            refused
                .hosts
                .insert(target.clone(), Reason::does_not_read_back());
        }
    }
    refused
}
