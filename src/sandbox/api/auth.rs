//! Authentication, rate limiting and authorisation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use super::route::Noun;
use super::schemas;
use crate::sandbox::bucket::Bucket;
use crate::sandbox::world::{Account, ServerSettings, TokenState, World, issue, read};

/// The token buckets for rate limiting, by caller and account (C4).
#[derive(Debug, Default)]
pub(crate) struct Buckets(BTreeMap<String, Bucket>);

impl Buckets {
    /// Takes one token for a request and returns the number left.
    ///
    /// # Errors
    /// 429 when the bucket is empty.
    pub(crate) fn consume(
        &mut self,
        call: &Call<'_>,
        settings: &ServerSettings,
        now_millis: u64,
    ) -> Result<u32, Failure> {
        let account = call.account.as_deref().unwrap_or("no_account");
        let name = format!("{}/{account}", call.request.peer);
        let bucket = self.0.entry(name).or_default();
        let left = bucket.take(settings, now_millis);
        left.ok_or_else(Failure::too_many)
    }
}

/// Extracts the token (A1) and identifies its account.
///
/// # Errors
/// 401 with the other wording when the token has expired (trap 28).
pub(crate) fn identify(call: &mut Call<'_>, world: &World) -> Result<(), Failure> {
    let typed = call.request.header("authorization").map(|value| {
        let (_, token) = value.split_once(' ').unwrap_or(("", value));
        token.to_owned()
    });
    let plain = call
        .request
        .header("x-auth-token")
        .map(str::to_owned)
        .or_else(|| call.input.value("auth_token"));
    // Observed 6: the value of `Authorization` is echoed, but authenticates nobody.
    call.token = plain.clone().or(typed);
    let Some(token) = plain else { return Ok(()) };
    match read(world, &token, call.now) {
        TokenState::Valid(account) => call.caller = Some(account),
        TokenState::Expired => return Err(Failure::expired()),
        TokenState::Unknown => {}
    }
    Ok(())
}

/// Returns whether a request needs no token (A11, observed 6).
pub(crate) fn is_public(call: &Call<'_>) -> bool {
    let reads = call.request.method == "GET";
    match call.noun {
        Noun::ApiAuth | Noun::UserAuth => true,
        Noun::Schemas | Noun::Schema(_) => reads,
        Noun::Asset(_) | Noun::ByDomain(_) | Noun::AssetByDomain(..) | Noun::Domains => {
            reads && (call.account.is_none() || call.profile.opens_account_reads())
        }
        _ => false,
    }
}

/// Checks the caller's rights (A9, A10).
///
/// # Errors
/// 403.
pub(crate) fn authorise(call: &Call<'_>, world: &World) -> Result<(), Failure> {
    let Some(caller) = &call.caller else {
        return Ok(());
    };
    let reads = call.request.method == "GET";
    let allowed = match (&call.account, &call.noun) {
        (Some(account), _) => is_public(call) || world.may_act(caller, account),
        (None, Noun::Domains) => reads || caller == world.master(),
        (None, Noun::SchemaValidation(_) | Noun::Accounts) => caller == world.master(),
        (None, _) => true,
    };
    let needs_master = call.noun == Noun::Reseller;
    if allowed && (!needs_master || caller == world.master()) {
        Ok(())
    } else {
        Err(Failure::forbidden())
    }
}

/// Handles `PUT /v2/api_auth` (A2).
pub(crate) fn api_auth(call: &Call<'_>, world: &World) -> Result<Success, Failure> {
    let mut data = call.input.data.clone();
    schemas::check("api_auth", &mut data, call.profile)?;
    let key = data["api_key"].as_str().unwrap_or_default();
    let found = world.accounts().find(|account| account.api_key == key);
    let Some(account) = found else {
        // Trap 41: the key is echoed.
        return Err(Failure::late(404, "bad identifier", json!([key])).with("page_size", json!(0)));
    };
    let location = format!("/v2/api_auth/{}", account.id);
    Ok(login(call, world, account, None, location))
}

/// Handles `PUT /v2/user_auth` (A3).
pub(crate) fn user_auth(call: &Call<'_>, world: &World) -> Result<Success, Failure> {
    let mut data = call.input.data.clone();
    schemas::check("user_auth", &mut data, call.profile)?;
    let refused = || {
        Failure::late(
            401,
            "invalid_credentials",
            json!({"message": "invalid credentials"}),
        )
    };
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let realm = text("account_realm").or_else(|| text("realm"));
    let account = match (text("account_name"), realm) {
        (Some(name), _) => world
            .accounts()
            .find(|account| account.name.eq_ignore_ascii_case(name)),
        (None, Some(realm)) => world
            .accounts()
            .find(|account| account.realm.eq_ignore_ascii_case(realm)),
        (None, None) => None,
    }
    .ok_or_else(refused)?;
    let credentials = text("credentials").unwrap_or_default().to_lowercase();
    let sha = text("method") == Some("sha");
    let user = account
        .users
        .iter()
        .find(|user| credentials == if sha { &user.sha1 } else { &user.md5 }.as_str())
        .ok_or_else(|| refused().with("page_size", json!(0)))?;
    let location = format!("/v2/user_auth/{}", user.id);
    Ok(login(call, world, account, Some(&user.id), location))
}

/// Handles `GET` and `DELETE /v2/token_auth` (A6, A7): a JWT stays valid until it expires.
pub(crate) fn token_auth(call: &Call<'_>, world: &World) -> Result<Success, Failure> {
    let account = call
        .caller
        .as_deref()
        .and_then(|caller| world.account(caller))
        .ok_or_else(Failure::no_credentials)?;
    Ok(Success::new(profile_of(world, account, None)))
}

fn login(
    call: &Call<'_>,
    world: &World,
    account: &Account,
    owner: Option<&str>,
    location: String,
) -> Success {
    let mut success = Success::new(profile_of(world, account, owner))
        .created(Some(location))
        .revision("automatic")
        .with("page_size", json!(1));
    success.issued_token = Some(issue(world, &account.id, owner, call.now));
    success
}

/// Returns the account profile in a login response (A4).
fn profile_of(world: &World, account: &Account, owner: Option<&str>) -> Value {
    let mut data = json!({
        "account_id": account.id,
        "account_name": account.name,
        "apps": [],
        "capabilities": {"voicemail": {"transcription": {"available": false, "default": false}}},
        "cluster_id": crate::sandbox::world::derived_id("cluster"),
        "is_master_account": account.id == world.master(),
        "is_reseller": account.reseller,
        "language": "en-US",
        "reseller_id": world.reseller_of(account),
        "ui_config": {},
    });
    if let Some(owner) = owner {
        data["owner_id"] = json!(owner);
    }
    data
}
