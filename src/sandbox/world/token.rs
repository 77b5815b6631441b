//! Tokens: JSON Web Tokens that only the sandbox can issue, but anybody can decode (A5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::World;
use crate::model::Digest;

/// The validity of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// Valid, for this account.
    Valid(String),
    /// Issued by the sandbox, but expired.
    Expired,
    /// Not issued by the sandbox.
    Unknown,
}

/// Issues a token for an account; it expires `token_lifetime` seconds after `now` (seconds since 1970).
pub(crate) fn issue(world: &World, account: &str, owner: Option<&str>, now: u64) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"SANDBOX","typ":"JWT"}"#);
    let mut claims = json!({
        "iss": "emblazon sandbox",
        "account_id": account,
        "iat": now,
        "exp": now.saturating_add(world.settings.token_lifetime),
    });
    if let Some(owner) = owner {
        claims["owner_id"] = json!(owner);
    }
    let body = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = sign(world, &body);
    format!("{body}.{signature}")
}

/// Returns the validity of a token at `now` (seconds since 1970).
pub(crate) fn read(world: &World, token: &str, now: u64) -> TokenState {
    let Some((body, signature)) = token.rsplit_once('.') else {
        return TokenState::Unknown;
    };
    if sign(world, body) != signature {
        return TokenState::Unknown;
    }
    let claims: Option<Value> = body
        .split_once('.')
        .and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok())
        .and_then(|claims| serde_json::from_slice(&claims).ok());
    let Some(claims) = claims else {
        return TokenState::Unknown;
    };
    match (claims["account_id"].as_str(), claims["exp"].as_u64()) {
        (Some(_), Some(end)) if end <= now => TokenState::Expired,
        (Some(account), Some(_)) if world.account(account).is_some() => {
            TokenState::Valid(account.to_owned())
        }
        _ => TokenState::Unknown,
    }
}

/// Returns the user that a token was issued to, if any; the token must have been found valid.
pub(crate) fn owner(token: &str) -> Option<String> {
    let (_, claims) = token.rsplit_once('.')?.0.split_once('.')?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Some(claims["owner_id"].as_str()?.to_owned())
}

/// Signs a token with the master's API key; sufficient on loopback, and stable across restarts.
fn sign(world: &World, body: &str) -> String {
    let key = world
        .account(world.master())
        .map_or("", |master| master.api_key.as_str());
    Digest::of(format!("{key}.{body}.{key}").as_bytes())
        .as_str()
        .to_owned()
}
