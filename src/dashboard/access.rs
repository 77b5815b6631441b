//! Authentication of requests, and what they may do.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use url::{Host, Url};

use super::HttpError;
use super::attempts::Attempts;
use super::config::check_token;
use super::sessions::Sessions;
use crate::forge::{is_same, signed};
use crate::model::{Secret, is_loopback};

/// The cookie of a session.
pub(super) const SESSION_COOKIE: &str = "emblazon_session";

/// The cookie that form tokens are bound to.
pub(super) const FORM_COOKIE: &str = "emblazon_form";

/// The cookie of the last name given; it grants nothing.
const NAME_COOKIE: &str = "emblazon_name";

/// Decides what requests may do.
#[derive(Debug)]
pub(super) struct Access {
    token: Option<Secret>,
    /// Known to this process alone, so form tokens end with it.
    key: Secret,
    public: Option<Url>,
    /// Further host names of the daemon.
    names: Vec<String>,
    attempts: Mutex<Attempts>,
    sessions: Mutex<Sessions>,
}

/// What a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It has the token itself, which no other site can make a browser send.
    Token,
    /// Its cookie belongs to a session that was opened with the token.
    Session,
    /// No token is configured, and it comes from this machine by one of this machine's names.
    Local,
    /// It may do nothing.
    Refused,
    /// It has a wrong token, and so had too many requests of its client lately.
    Limited,
}

/// Who sends a request, and what it may do; determined once per request, before it is handled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    pub(super) entry: Entry,
    pub(super) client: IpAddr,
}

/// Why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginError {
    /// The token is wrong.
    Wrong,
    /// The token is wrong, and so were too many of this client lately.
    TooMany,
}

impl Entry {
    /// Returns whether it may read and intervene.
    pub(super) fn is_in(self) -> bool {
        match self {
            Self::Token | Self::Session | Self::Local => true,
            Self::Refused | Self::Limited => false,
        }
    }

    /// Returns the wording for the history.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "with the token",
            Self::Session => "logged in",
            Self::Local => "on this machine",
            Self::Refused | Self::Limited => "refused",
        }
    }
}

impl Access {
    pub(super) fn new(
        token: Option<Secret>,
        public: Option<Url>,
        names: &[String],
    ) -> Result<Self, HttpError> {
        if let Some(token) = &token {
            check_token(token)?;
        }
        Ok(Self {
            token,
            key: Secret::new(random()?),
            public,
            names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
            attempts: Mutex::default(),
            sessions: Mutex::default(),
        })
    }

    /// Returns whether a token is configured.
    pub(super) fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Decides what a request may do. A wrong token counts against its client, so call it once per request.
    pub(super) fn entry(&self, headers: &HeaderMap, client: IpAddr, now: Timestamp) -> Entry {
        let Some(token) = &self.token else {
            // DNS rebinding: a page elsewhere can point its own name to this machine's address, and then read what is
            // here.
            return if host(headers).is_some_and(|host| is_local(&host)) {
                Entry::Local
            } else {
                Entry::Refused
            };
        };
        let shown = bearer(headers);
        if shown.is_some_and(|given| is_same(token, given)) {
            return Entry::Token;
        }
        let session = cookie(headers, SESSION_COOKIE);
        if session.is_some_and(|id| self.sessions().is_open(id, now)) {
            return Entry::Session;
        }
        if shown.is_some() && self.attempts().is_too_many(client, now) {
            return Entry::Limited;
        }
        Entry::Refused
    }

    /// Opens a session for whoever knows the token, and returns its cookie. Wrong tokens of others cannot prevent that.
    pub(super) fn log_in(
        &self,
        given: &str,
        client: IpAddr,
        now: Timestamp,
    ) -> Result<String, LoginError> {
        let is_right = (self.token.as_ref()).is_some_and(|token| is_same(token, given));
        if !is_right {
            return Err(if self.attempts().is_too_many(client, now) {
                LoginError::TooMany
            } else {
                LoginError::Wrong
            });
        }
        // Without a random number there is no secret session id.
        let id = random().map_err(|_| LoginError::Wrong)?;
        self.sessions().open(&id, now);
        Ok(self.set_cookie(SESSION_COOKIE, &id))
    }

    /// Ends the session of a request, and returns the cookie that makes its browser forget it.
    pub(super) fn log_out(&self, headers: &HeaderMap) -> String {
        if let Some(id) = cookie(headers, SESSION_COOKIE) {
            self.sessions().close(id);
        }
        format!("{}; Max-Age=0", self.set_cookie(SESSION_COOKIE, ""))
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        // Every change is made in one go, so a poisoned lock still guards a consistent value.
        (self.attempts.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        (self.sessions.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a request uses a name of the daemon's own: a page elsewhere can point *its* name to the daemon's
    /// address (DNS rebinding), and is then the same origin to the browser. An IP address is not a name, so it cannot
    /// be rebound.
    pub(super) fn is_own_name(&self, headers: &HeaderMap) -> bool {
        let Some(host) = host(headers) else {
            return false;
        };
        if is_local(&host) || self.token.is_none() {
            return is_local(&host);
        }
        match host {
            Host::Ipv4(_) | Host::Ipv6(_) => true,
            Host::Domain(name) => {
                let public = self.public.as_ref().and_then(Url::host_str);
                public == Some(&*name) || self.names.contains(&name)
            }
        }
    }

    /// Returns the token for the forms of a page, and the cookie to set if the browser has none yet.
    pub(super) fn form(&self, headers: &HeaderMap) -> Result<(String, Option<String>), HttpError> {
        if let Some(value) = cookie(headers, FORM_COOKIE).filter(|value| !value.is_empty()) {
            return Ok((self.form_token(value), None));
        }
        let value = random()?;
        Ok((
            self.form_token(&value),
            Some(self.set_cookie(FORM_COOKIE, &value)),
        ))
    }

    /// Returns whether a form was filled in on a page of this daemon: it carries the token that only that page was
    /// given, and the browser reports that it comes from here.
    pub(super) fn is_own_form(&self, headers: &HeaderMap, given: &str) -> bool {
        let bound = cookie(headers, FORM_COOKIE)
            .is_some_and(|value| is_same(&Secret::new(self.form_token(value)), given));
        bound && self.is_own_origin(headers)
    }

    /// Returns whether the browser reports that a request comes from a page of this daemon. A client that is not a
    /// browser reports nothing, and passes.
    pub(super) fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        if text(header::HeaderName::from_static("sec-fetch-site"))
            .is_some_and(|site| !matches!(site, "same-origin" | "none"))
        {
            return false;
        }
        let Some(origin) = text(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = Url::parse(origin) else {
            return false;
        };
        if let Some(public) = &self.public
            && origin.origin() == public.origin()
        {
            return true;
        }
        // The scheme is not compared: a proxy in front may terminate TLS.
        let same = |host: &str| {
            let here = Url::parse(&format!("{}://{host}", origin.scheme()));
            here.is_ok_and(|here| here.origin() == origin.origin())
        };
        text(header::HOST).is_some_and(same)
    }

    /// Returns the cookie that keeps a name in the browser, so that it need not be typed again.
    pub(super) fn remember_name(&self, name: &str) -> Option<String> {
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        (!name.is_empty()).then(|| self.set_cookie(NAME_COOKIE, &encoded))
    }

    /// Returns the last name given in a browser; empty when none was.
    pub(super) fn known_name(headers: &HeaderMap) -> String {
        let kept = cookie(headers, NAME_COOKIE).unwrap_or_default();
        let pair = format!("name={kept}");
        let name = url::form_urlencoded::parse(pair.as_bytes()).next();
        name.map(|(_, name)| name.into_owned()).unwrap_or_default()
    }

    fn form_token(&self, cookie: &str) -> String {
        signed(&self.key, format!("form of {cookie}").as_bytes())
    }

    fn set_cookie(&self, name: &str, value: &str) -> String {
        let tls = self
            .public
            .as_ref()
            .is_some_and(|url| url.scheme() == "https");
        let secure = if tls { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim_start())
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Returns the host in the `Host` header of a request.
fn host(headers: &HeaderMap) -> Option<Host<String>> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let url = Url::parse(&format!("http://{host}")).ok()?;
    // Anything more than an authority is not a host.
    let is_plain = url.path() == "/" && url.username().is_empty() && url.password().is_none();
    is_plain.then(|| url.host().map(|host| host.to_owned()))?
}

fn is_local(host: &Host<String>) -> bool {
    is_loopback(&match host {
        Host::Domain(name) => Host::Domain(&**name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    })
}

fn random() -> Result<String, HttpError> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| HttpError::Random)?;
    Ok(crate::model::Digest::of(&bytes).as_str().to_owned())
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
