//! The `http` section of the daemon's file.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use crate::forge::ForgeKind;
use crate::live::SecretConfig;

/// The minimum length of a token: a shorter one can be guessed.
pub(super) const SHORTEST_TOKEN: usize = 20;

/// Where the dashboard and its API listen, and who may use them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// The address and port; without a token, only addresses of this machine.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The token for the API and the dashboard: `Authorization: Bearer …`, or the login form.
    pub token: Option<SecretConfig>,
    /// The public URL, such as `https://emblazon.example.com`; alerts link to it, and its scheme decides whether
    /// cookies are for TLS only.
    #[schemars(with = "Option<String>")]
    pub public_url: Option<Url>,
    /// Further host names of the daemon, such as `emblazon.monitoring.svc`, without a port. Names other than these,
    /// that of `public_url`, IP addresses and `localhost` are refused, because a page elsewhere can point its own name
    /// to any address.
    pub hosts: Vec<String>,
    /// Whether `/metrics` can be read without the token. It contains no account names.
    pub open_metrics: bool,
    /// The forge that notifies the daemon of pushes.
    pub webhook: Option<WebhookConfig>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8642)),
            token: None,
            public_url: None,
            hosts: Vec::new(),
            open_metrics: false,
            webhook: None,
        }
    }
}

/// The forge that notifies the daemon of pushes, at `/webhook`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The kind of forge.
    pub forge: ForgeKind,
    /// The secret that is also set in the webhook's settings there.
    pub secret: SecretConfig,
}

/// Why the server cannot start.
#[derive(Debug, Error)]
pub enum HttpError {
    /// Anybody could use it.
    #[error(
        "http.listen is {0}, which others can reach; declare http.token, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// The token can be guessed.
    #[error(
        "http.token has fewer than {SHORTEST_TOKEN} characters; take a longer one, such as from `openssl rand -hex 32`"
    )]
    ShortToken,
    /// The public URL is not valid.
    #[error("http.public_url must be https:// or http:// and a host, without a path; it is {0}")]
    PublicUrl(Url),
    /// A host name is not valid.
    #[error("http.hosts takes bare host names, without a scheme or a port; {0:?} is none")]
    HostName(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address for http.listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The system provides no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl HttpConfig {
    /// Checks what can be checked without the secrets.
    pub fn check(&self) -> Result<(), HttpError> {
        if !self.listen.ip().is_loopback() && self.token.is_none() {
            return Err(HttpError::Open(self.listen));
        }
        let is_name = |name: &&String| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !name.is_empty() && name.bytes().all(is_part)
        };
        if let Some(name) = self.hosts.iter().find(|name| !is_name(name)) {
            return Err(HttpError::HostName(name.clone()));
        }
        match &self.public_url {
            Some(url) if !is_public_url(url) => Err(HttpError::PublicUrl(url.clone())),
            _ => Ok(()),
        }
    }
}

/// Returns whether a URL has a scheme of the web and a host, and nothing else but perhaps a port.
#[must_use]
pub fn is_public_url(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Checks a token that was read from its source.
pub(super) fn check_token(token: &crate::model::Secret) -> Result<(), HttpError> {
    if token.expose().chars().count() < SHORTEST_TOKEN {
        return Err(HttpError::ShortToken);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_could_read_does_not_start() {
        #[track_caller]
        fn check(yaml: &str, expected: Result<(), &str>) {
            let config: HttpConfig = serde_yaml::from_str(yaml).unwrap();
            match (config.check(), expected) {
                (Ok(()), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, expected) => panic!("{yaml}: {got:?} instead of {expected:?}"),
            }
        }
        check("{}", Ok(()));
        check("listen: '[::1]:8642'", Ok(()));
        check("listen: 127.9.9.9:1", Ok(()));
        check("listen: 0.0.0.0:8642", Err("declare http.token"));
        check("listen: '[::]:8642'", Err("declare http.token"));
        check("listen: 192.0.2.1:8642\ntoken: {env: TOKEN}", Ok(()));
        check("public_url: https://watch.example.com", Ok(()));
        check("hosts: [emblazon, emblazon.monitoring.svc]", Ok(()));
        check("hosts: ['emblazon:8642']", Err("http.hosts takes bare"));
        check(
            "public_url: https://watch.example.com/below",
            Err("without a path"),
        );
        check(
            "public_url: https://me:canary@watch.example.com",
            Err("without a path"),
        );
        check(
            "public_url: ftp://watch.example.com",
            Err("http.public_url"),
        );
    }

    #[test]
    fn a_token_cannot_be_guessed() {
        let token = |text: &str| check_token(&crate::model::Secret::new(text)).is_ok();
        assert!(!token("secret"));
        assert!(token(&"x".repeat(20)));
    }
}
