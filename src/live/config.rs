//! How to reach a cluster, with all references resolved.

use std::time::Duration;

use camino::Utf8PathBuf;
use url::Url;

use super::activity::Activity;
use super::deadline::Deadline;
use super::error::ApiError;
use super::retry::RetryPolicy;
use crate::model::{Identity, Secret, is_loopback};
use crate::tree::{ResellerKey, UserAccount};

/// How many JSON values an answer may have, other than a list. A whitelabel with every key has 40, a domain template of
/// a hundred hosts about 700; a value can take a hundred times as many bytes in memory as on the wire.
pub(super) const DOCUMENT_VALUES: usize = 20_000;

/// How many JSON values a page of a list may have: a hundred thousand accounts of ten values each, in one piece.
pub(super) const LIST_VALUES: usize = 1_000_000;

/// Everything that a client needs to reach one cluster; holds the credential, and never shows it.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The base URL of the API, without `/v2`.
    pub api: String,
    /// How to log in.
    pub credential: Credential,
    /// Where the credential comes from, in words; absent when it was made here.
    pub credential_origin: Option<String>,
    /// The keys of resellers; absent where one credential writes everything.
    pub divided: Option<DividedKeys>,
    /// The account that all others are below; `None` for the token's own account.
    pub root: Option<Identity>,
    /// Whether `http://` may be used to a host that is not loopback.
    pub allow_plain_http: bool,
    /// Further certificate authorities, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Limits of time, size and number.
    pub limits: Limits,
    /// Tracks the requests that the client waits for.
    pub activity: Activity,
    /// When the client must stop sending requests; no limit by default.
    pub deadline: Deadline,
    /// Seed of the jitter of pauses and of request ids.
    pub seed: u64,
}

/// Keys that write the accounts of resellers, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DividedKeys {
    /// The tree's folder, where relative paths and commands of secrets start.
    pub top: Utf8PathBuf,
    /// The keys.
    pub keys: Vec<ResellerKey>,
}

/// A resolved credential.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `api_auth` with an API key (A2).
    ApiKey(Secret),
    /// A token obtained elsewhere; it cannot be renewed.
    Token(Secret),
    /// `user_auth` (A3).
    User {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
        /// The account that the user belongs to.
        account: UserAccount,
    },
}

/// Limits of time, size and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many requests may be in flight; the client starts with two.
    pub concurrency: u16,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long one read may take, from sending to the answer's last byte.
    pub read: Duration,
    /// How long one page of a list may take.
    pub list: Duration,
    /// How long an answer may stall in total before it is abandoned as too slow.
    pub drops: Duration,
    /// How long one write may take; an upload takes longer than a read.
    pub write: Duration,
    /// How many times, and for how long, to retry.
    pub retry: RetryPolicy,
    /// The largest JSON answer, in bytes after decompression.
    pub document_bytes: usize,
    /// The largest page of a list, in bytes after decompression.
    pub list_bytes: usize,
    /// The largest asset, in bytes; the server accepts 8,000,000 (B6).
    pub asset_bytes: usize,
    /// How many accounts to request per page of a list.
    pub page_size: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 32,
            connect: Duration::from_secs(10),
            // A real server answers within 30 ms; one that takes hundreds of times that gains nothing from more time.
            read: Duration::from_secs(20),
            list: Duration::from_mins(1),
            drops: Duration::from_secs(10),
            write: Duration::from_mins(1),
            retry: RetryPolicy::default(),
            document_bytes: 8 << 20,
            list_bytes: 64 << 20,
            asset_bytes: 16 << 20,
            page_size: 500,
        }
    }
}

impl ClientConfig {
    /// Creates a configuration with the default limits.
    #[must_use]
    pub fn new(api: impl Into<String>, credential: Credential) -> Self {
        Self {
            api: api.into(),
            credential,
            credential_origin: None,
            divided: None,
            root: None,
            allow_plain_http: false,
            ca_pem: None,
            limits: Limits::default(),
            activity: Activity::default(),
            deadline: Deadline::default(),
            seed: 0,
        }
    }

    /// Checks the base URL and normalizes it so that paths can be appended.
    pub(super) fn base(&self) -> Result<Url, ApiError> {
        let wrong = |text: &str| Err(ApiError::Configuration(text.to_owned()));
        let Ok(mut url) = Url::parse(&self.api) else {
            return wrong("`api` is not a URL");
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return wrong("`api` must be an https:// or http:// URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("`api` must not hold credentials; declare them under `auth`");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("`api` must not have a query or a fragment");
        }
        if url.scheme() == "http"
            && !url.host().as_ref().is_some_and(is_loopback)
            && !self.allow_plain_http
        {
            return wrong(
                "`api` is http:// to another machine, which would send the token unencrypted over the network; use https:// or set `allow_plain_http: true`",
            );
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/v2").unwrap_or(path).to_owned();
        url.set_path(&path);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        #[track_caller]
        fn check(api: &str, allow_plain_http: bool, expected: Result<&str, &str>) {
            let mut config = ClientConfig::new(api, Credential::Token(Secret::new("canary")));
            config.allow_plain_http = allow_plain_http;
            let base = config.base();
            match (&base, expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                _ => panic!("{api}: {base:?}, expected {expected:?}"),
            }
        }
        check(
            "https://api.example.com:8443",
            false,
            Ok("https://api.example.com:8443/"),
        );
        check(
            "https://example.com/kazoo/v2/",
            false,
            Ok("https://example.com/kazoo"),
        );
        check("http://127.0.0.1:8000", false, Ok("http://127.0.0.1:8000/"));
        check("http://[::1]:8000/", false, Ok("http://[::1]:8000/"));
        check("http://localhost:8000", false, Ok("http://localhost:8000/"));
        check(
            "http://api.example.com:8000",
            false,
            Err("allow_plain_http"),
        );
        check(
            "http://localhost.example.com",
            false,
            Err("allow_plain_http"),
        );
        check(
            "http://api.example.com:8000",
            true,
            Ok("http://api.example.com:8000/"),
        );
        check(
            "https://u:canary@example.com",
            false,
            Err("must not hold credentials"),
        );
        check("https://example.com/?auth_token=x", false, Err("query"));
        check("ftp://example.com", false, Err("https://"));
        check("example.com", false, Err("not a URL"));
    }
}
