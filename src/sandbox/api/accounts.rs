//! Accounts: reading, creating, promoting, listing (L1–L8).

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use super::precondition;
use super::route::Noun;
use crate::model::Object;
use crate::sandbox::FaultKind;
use crate::sandbox::clock::GREGORIAN_OFFSET;
use crate::sandbox::world::{Account, PageRequest, Relation, World, derived_id};

/// The page size when `page_size` is not given (L1).
const PAGE_SIZE: usize = 50;

/// Handles everything below `/v2/accounts` except whitelabels.
pub(crate) fn handle(call: &Call<'_>, world: &mut World) -> Result<Success, Failure> {
    if call.noun == Noun::Accounts {
        return create(call, world, None);
    }
    let id = call.account_id()?;
    let verb = call.verb.as_str();
    match (&call.noun, verb) {
        (Noun::Descendants, _) => list(call, world, id, Relation::Descendants),
        (Noun::Children, _) => list(call, world, id, Relation::Children),
        (Noun::Siblings, _) => siblings(call, world, id),
        (Noun::Parents, _) if call.profile.describes_ancestors() => tree(call, world, id),
        (Noun::Parents, _) => Ok(parents(call, world, id)),
        (Noun::Tree, _) => tree(call, world, id),
        (Noun::Reseller, _) => promote(world, id, verb == "PUT"),
        (Noun::ApiKey, "PUT") => renew_api_key(world, id),
        (Noun::ApiKey, _) => api_key(world, id),
        (_, "PUT") => create(call, world, Some(id)),
        (_, "POST" | "PATCH") => change(call, world, id, verb == "PATCH"),
        (_, "DELETE") => remove(call, world, id),
        _ => {
            let account = existing(world, id)?;
            precondition::check(call, Some(&format!("\"{}\"", account.revision)))?;
            Ok(Success::new(shown(world, account)).revision(&account.revision))
        }
    }
}

fn existing<'a>(world: &'a World, id: &str) -> Result<&'a Account, Failure> {
    world.account(id).ok_or_else(|| Failure::bad_identifier(id))
}

/// Returns an account with the fields that the server adds (L7).
fn shown(world: &World, account: &Account) -> Value {
    let mut fields = account.public_fields();
    let reseller = world.reseller_of(account);
    let added = json!({
        "wnm_allow_additions": false,
        "superduper_admin": account.id == world.master(),
        "created": account.created,
        "enabled": true,
        "reseller_id": reseller,
        "is_reseller": account.reseller,
        "billing_mode": if reseller == world.master() { "limits_only" } else { "manual" },
    });
    if let Value::Object(added) = added {
        fields.extend(added);
    }
    Value::Object(fields)
}

/// Creates an account below `parent`, or below the caller if there is no parent.
fn create(call: &Call<'_>, world: &mut World, parent: Option<&str>) -> Result<Success, Failure> {
    let parent = match parent {
        Some(parent) => parent.to_owned(),
        None => call.caller.clone().ok_or_else(Failure::no_credentials)?,
    };
    let mut fields = public_data(call)?;
    let name = fields
        .remove("name")
        .as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned);
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        let mut errors = Object::new();
        errors.insert(
            "name".to_owned(),
            json!({"required": {"message": "Field is required but missing", "value": "name"}}),
        );
        return Err(Failure::invalid(errors));
    };
    let realm = fields
        .remove("realm")
        .as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned);
    let id = world.new_account_id();
    let realm = realm.unwrap_or_else(|| format!("{}.sip.example.com", id.get(..6).unwrap_or(&id)));
    refuse_taken_realm(world, &realm, None)?;
    let mut account = Account::new(&id, &name, &realm);
    account.tree.clone_from(&existing(world, &parent)?.tree);
    account.tree.push(parent.clone());
    account.extra = fields;
    account.created = call.now.saturating_add(GREGORIAN_OFFSET);
    if call.hits.include(FaultKind::HalfCreatedAccount) {
        let location = format!("/v2/accounts/{parent}/{id}");
        return Ok(Success::new(Value::Object(account.public_fields()))
            .created(Some(location))
            .revision(&account.revision));
    }
    let data = shown(world, &account);
    let mut success = Success::new(data);
    if call.profile.locates_new_accounts() {
        let location = format!("/v2/accounts/{parent}/{id}");
        success = success.revision(&account.revision).created(Some(location));
    } else {
        success = success.created(None);
    }
    world.insert_account(account);
    Ok(success)
}

fn change(call: &Call<'_>, world: &mut World, id: &str, merge: bool) -> Result<Success, Failure> {
    let mut fields = public_data(call)?;
    let realm = fields
        .remove("realm")
        .as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned);
    let name = fields
        .remove("name")
        .as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned);
    if let Some(realm) = &realm {
        refuse_taken_realm(world, realm, Some(id))?;
    }
    let account = existing(world, id)?;
    precondition::check(call, Some(&format!("\"{}\"", account.revision)))?;
    if let Some(account) = world.account_mut(id) {
        if !merge {
            account.extra.clear();
        }
        account.extra.extend(fields);
        account.name = name.unwrap_or_else(|| account.name.clone());
        account.realm = realm.unwrap_or_else(|| account.realm.clone());
        account.revision.step();
        if !merge && call.profile.writes_accounts_twice() {
            account.revision.step();
        }
    }
    let account = existing(world, id)?;
    Ok(Success::new(shown(world, account)).revision(&account.revision))
}

fn remove(call: &Call<'_>, world: &mut World, id: &str) -> Result<Success, Failure> {
    let account = existing(world, id)?;
    precondition::check(call, Some(&format!("\"{}\"", account.revision)))?;
    let has_children = world
        .accounts()
        .any(|other| other.tree.iter().any(|ancestor| ancestor == id));
    if has_children {
        let mut errors = Object::new();
        errors.insert(
            "account".to_owned(),
            json!({"has_descendants": {"message": "the account has descendants"}}),
        );
        return Err(Failure::invalid(errors));
    }
    let success = Success::new(shown(world, account)).revision(&account.revision);
    world.remove_account(id);
    Ok(success)
}

fn public_data(call: &Call<'_>) -> Result<Object, Failure> {
    let Value::Object(mut fields) = call.input.data.clone() else {
        return Err(Failure::init_failed());
    };
    fields.retain(|key, _| key != "id" && !key.starts_with('_') && !key.starts_with("pvt_"));
    Ok(fields)
}

fn refuse_taken_realm(world: &World, realm: &str, own: Option<&str>) -> Result<(), Failure> {
    let taken = world.accounts().any(|account| {
        account.realm.eq_ignore_ascii_case(realm) && own != Some(account.id.as_str())
    });
    if !taken {
        return Ok(());
    }
    let mut errors = Object::new();
    errors.insert(
        "realm".to_owned(),
        json!({"unique": {"message": "Account realm already in use", "cause": realm}}),
    );
    Err(Failure::invalid(errors))
}

/// Promotes or demotes a reseller. This makes two writes, and the response shows the first
/// (`setup.reseller.promote.resa` against `crud.account.get_whitelabel_domain`).
fn promote(world: &mut World, id: &str, promoted: bool) -> Result<Success, Failure> {
    if let Some(account) = world.account_mut(id) {
        account.reseller = promoted;
        account.revision.step();
    }
    let account = existing(world, id)?;
    let location = format!("/v2/accounts/{id}/reseller/{id}");
    let success = Success::new(shown(world, account)).revision(&account.revision);
    world.touch_account(id);
    Ok(if promoted {
        success.created(Some(location))
    } else {
        success
    })
}

/// Handles `/v2/accounts/{id}/api_key` (A7).
fn api_key(world: &World, id: &str) -> Result<Success, Failure> {
    let account = existing(world, id)?;
    Ok(Success::new(json!({"api_key": account.api_key})).revision(&account.revision))
}

/// Replaces the API key of an account; the old one is no longer valid (A7).
fn renew_api_key(world: &mut World, id: &str) -> Result<Success, Failure> {
    if let Some(account) = world.account_mut(id) {
        account.renew_api_key();
    }
    Ok(api_key(world, id)?.created(None))
}

/// Lists the accounts below an account (L1–L4).
fn list(
    call: &Call<'_>,
    world: &World,
    root: &str,
    relation: Relation,
) -> Result<Success, Failure> {
    let paged = call.input.truth("paginate") != Some(false);
    let size = match call.input.value("page_size") {
        Some(text) => match text.parse::<usize>() {
            // 4.3 takes it for no limit (kazoo-4.3, statement 16).
            Ok(0) if call.profile.lists_ascend() => usize::MAX,
            Ok(0) | Err(_) => return Err(faulty_page_size()),
            Ok(size) => size,
        },
        None => PAGE_SIZE,
    };
    let request = PageRequest {
        size: paged.then_some(size),
        start_key: call.input.value("start_key").filter(|_| paged),
        ascending: call.profile.lists_ascend(),
        filters: call.input.query.clone(),
    };
    let page = world.list(root, relation, &request);
    let items: Vec<Value> = page
        .accounts
        .iter()
        .map(|account| item(world, account, relation))
        .collect();
    let mut more = Object::new();
    if paged {
        more.insert("page_size".to_owned(), json!(items.len()));
        more.insert("start_key".to_owned(), json!(page.start_key));
        if let Some(next) = page.next_start_key {
            more.insert("next_start_key".to_owned(), json!(next));
        }
    }
    let mut success = with_list_revision(call, Value::Array(items));
    success.more.extend(more);
    Ok(success)
}

fn faulty_page_size() -> Failure {
    Failure::late(
        404,
        "faulty_request",
        json!({"message": "page size must be at least 1"}),
    )
}

fn siblings(call: &Call<'_>, world: &World, id: &str) -> Result<Success, Failure> {
    let parent = existing(world, id)?.tree.last().cloned();
    parent.map_or_else(
        || Ok(with_list_revision(call, json!([]))),
        |parent| list(call, world, &parent, Relation::Children),
    )
}

/// Describes an account as lists do.
fn described(account: &Account) -> Value {
    json!({
        "id": account.id,
        "name": account.name,
        "realm": account.realm,
        "flags": account.extra.get("flags").cloned().unwrap_or_else(|| json!([])),
    })
}

fn item(world: &World, account: &Account, relation: Relation) -> Value {
    let mut item = described(account);
    match relation {
        Relation::Descendants => item["tree"] = json!(account.tree),
        Relation::Children => {
            let below = world
                .accounts()
                .filter(|other| other.tree.contains(&account.id));
            item["descendants_count"] = json!(below.count());
        }
    }
    item
}

/// Adds a meaningless revision to a list, different in every response (E14); an empty list has none (`desc.reseller`).
fn with_list_revision(call: &Call<'_>, items: Value) -> Success {
    let empty = items.as_array().is_none_or(Vec::is_empty);
    let revision = derived_id(&format!("{} {items}", call.request_id));
    let success = Success::new(items);
    if empty {
        success
    } else {
        success.revision(&revision)
    }
}

fn ancestors(call: &Call<'_>, world: &World, id: &str) -> Vec<Value> {
    world
        .account(id)
        .map(|account| account.tree.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|ancestor| world.account(ancestor))
        .map(|ancestor| {
            if call.profile.describes_ancestors() {
                described(ancestor)
            } else {
                json!({"id": ancestor.id, "name": ancestor.name})
            }
        })
        .collect()
}

fn parents(call: &Call<'_>, world: &World, id: &str) -> Success {
    let items = ancestors(call, world, id);
    let size = items.len();
    let items = Value::Array(items);
    let revision = derived_id(&items.to_string());
    Success::new(items)
        .revision(&revision)
        .with("page_size", json!(size))
}

fn tree(call: &Call<'_>, world: &World, id: &str) -> Result<Success, Failure> {
    let account = existing(world, id)?;
    Ok(Success::new(Value::Array(ancestors(call, world, id))).revision(&account.revision))
}
