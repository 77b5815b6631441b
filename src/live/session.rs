//! The token: fetched once, and renewed when the server no longer accepts it.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::config::Credential;
use super::error::ApiError;
use super::redact::Redaction;
use crate::model::{AccountId, Secret, md5_hex};
use crate::tree::UserAccount;

/// The result of a login.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub token: Secret,
    /// The token's own account.
    pub account: Option<AccountId>,
}

/// Holds the credential and the current token.
#[derive(Debug)]
pub(super) struct Session {
    credential: Credential,
    state: Mutex<State>,
}

/// State of the login. The task that holds its lock logs in; the others wait, and share the result.
#[derive(Debug)]
pub(super) enum State {
    /// There was no login yet.
    Fresh,
    /// There is a token.
    LoggedIn(Login),
    /// The server rejected the credential; trying again would only fill its log.
    Rejected(ApiError),
}

impl Session {
    pub(super) fn new(credential: Credential) -> Self {
        let state = match &credential {
            Credential::Token(token) => State::LoggedIn(Login {
                token: token.clone(),
                account: account_of_token(token),
            }),
            Credential::ApiKey(_) | Credential::User { .. } => State::Fresh,
        };
        Self {
            credential,
            state: Mutex::new(state),
        }
    }

    /// Returns whether logging in again may give a new token.
    pub(super) fn is_renewable(&self) -> bool {
        !matches!(self.credential, Credential::Token(_))
    }

    /// Locks the state, for a task that logs in if necessary.
    pub(super) async fn lock(&self) -> tokio::sync::MutexGuard<'_, State> {
        self.state.lock().await
    }

    /// Returns the login's path below `/v2` and its envelope (A2, A3); `None` for a given token.
    pub(super) fn login_request(&self) -> Option<(&'static str, Value)> {
        match &self.credential {
            Credential::Token(_) => None,
            Credential::ApiKey(key) => {
                Some(("api_auth", json!({"data": {"api_key": key.expose()}})))
            }
            Credential::User {
                user,
                password,
                account,
            } => {
                let (name, value) = match account {
                    UserAccount::Name(name) => ("account_name", name),
                    UserAccount::Realm(realm) => ("account_realm", realm),
                    UserAccount::PhoneNumber(number) => ("phone_number", number),
                };
                let credentials = md5_hex(format!("{user}:{}", password.expose()).as_bytes());
                Some((
                    "user_auth",
                    json!({"data": {"credentials": credentials, "method": "md5", name: value}}),
                ))
            }
        }
    }

    /// Returns the redaction of all secrets; `token` is the one that was sent.
    pub(super) fn redaction(&self, token: Option<&Secret>) -> Redaction {
        let derived = match &self.credential {
            Credential::User { user, password, .. } => Some(Secret::new(md5_hex(
                format!("{user}:{}", password.expose()).as_bytes(),
            ))),
            Credential::ApiKey(_) | Credential::Token(_) => None,
        };
        let given = match &self.credential {
            Credential::ApiKey(secret) | Credential::Token(secret) => secret,
            Credential::User { password, .. } => password,
        };
        Redaction::new(
            [given.clone()]
                .into_iter()
                .chain(token.cloned())
                .chain(derived),
        )
    }
}

fn account_of_token(token: &Secret) -> Option<AccountId> {
    AccountId::parse(claims(token)?.get("account_id")?.as_str()?).ok()
}

/// Returns when a token ends, if it says so.
pub(super) fn end_of_token(token: &Secret) -> Option<Timestamp> {
    Timestamp::from_second(claims(token)?.get("exp")?.as_i64()?).ok()
}

/// Reads a token's payload, which is readable without the key (A5).
fn claims(token: &Secret) -> Option<Value> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.expose().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_ends_of_tokens() {
        #[track_caller]
        fn check(token: &str, expected: Option<&str>) {
            let account = account_of_token(&Secret::new(token));
            assert_eq!(account.as_ref().map(AccountId::as_str), expected, "{token}");
            let end = end_of_token(&Secret::new(token)).map(Timestamp::as_second);
            assert_eq!(end, expected.map(|_| 1), "{token}");
        }
        // {"account_id":"59bf4a8641b8a1d827710bfc558510c9","exp":1}
        check(
            "eyJh.eyJhY2NvdW50X2lkIjoiNTliZjRhODY0MWI4YTFkODI3NzEwYmZjNTU4NTEwYzkiLCJleHAiOjF9.sig",
            Some("59bf4a8641b8a1d827710bfc558510c9"),
        );
        check("opaque", None);
        check("a.!!.c", None);
    }

    /// The credentials have the form of a recorded, successful `user_auth`: an MD5 (A3).
    #[test]
    fn login_requests() {
        let session = Session::new(Credential::User {
            user: "admin".to_owned(),
            password: Secret::new("canary"),
            account: UserAccount::Realm("acme.sip.example.com".to_owned()),
        });
        let (path, body) = session.login_request().expect("a user logs in");
        assert_eq!(path, "user_auth");
        assert_eq!(
            body,
            json!({"data": {
                "credentials": md5_hex(b"admin:canary"), "method": "md5",
                "account_realm": "acme.sip.example.com",
            }})
        );
        assert!(!format!("{session:?}").contains("canary"));
    }
}
