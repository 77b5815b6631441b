//! Who may ask, and who may order.

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

/// The cookie that the tokens of forms are bound to.
pub(super) const FORM_COOKIE: &str = "emblazon_form";

/// The cookie of the name that was given last; it opens nothing.
const NAME_COOKIE: &str = "emblazon_name";

/// Decides who may ask and order.
#[derive(Debug)]
pub(super) struct Access {
    token: Option<Secret>,
    /// Known to this process alone: forms end with it.
    key: Secret,
    public: Option<Url>,
    /// Further names that it is asked by.
    names: Vec<String>,
    attempts: Mutex<Attempts>,
    sessions: Mutex<Sessions>,
}

/// What a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It showed the token itself, which no other site can make a browser do.
    Token,
    /// Its cookie says that somebody showed the token.
    Session,
    /// No token is wanted, and it comes from this machine by this machine's name.
    Local,
    /// It may nothing.
    Refused,
    /// It showed a wrong token, as its client did too often lately.
    Limited,
}

/// Who sends a request, and what it may do; found out once a request, before anybody answers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    pub(super) entry: Entry,
    pub(super) client: IpAddr,
}

/// Says why nobody is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginError {
    /// The token is wrong.
    Wrong,
    /// It is wrong, and so were too many of this client lately.
    TooMany,
}

impl Entry {
    /// Tells whether it may look, and order.
    pub(super) fn is_in(self) -> bool {
        match self {
            Self::Token | Self::Session | Self::Local => true,
            Self::Refused | Self::Limited => false,
        }
    }

    /// Returns the word for the history.
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

    /// Tells whether there is a token to show.
    pub(super) fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Decides what a request may do. A wrong token counts against its client; call it once a request.
    pub(super) fn entry(&self, headers: &HeaderMap, client: IpAddr, now: Timestamp) -> Entry {
        let Some(token) = &self.token else {
            // A page elsewhere can give its own name this machine's address, and then read what is here.
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

    /// Opens a session for whoever knows the token, and returns its cookie. Wrong tokens of others change nothing about
    /// that.
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
        // Without a random number there is nothing that opens only this session.
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
        // No change is made in two parts.
        (self.attempts.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        (self.sessions.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether the daemon is asked by a name of its own: a page elsewhere can give *its* name the daemon's address,
    /// and is then its own origin to the browser. An address is no name, and cannot be given to anybody.
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

    /// Returns what the forms of a page carry, and the cookie to set when the browser has none yet.
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

    /// Tells whether a form was filled in on a page of this daemon: it carries what only that page was given, and the
    /// browser says that it comes from here.
    pub(super) fn is_own_form(&self, headers: &HeaderMap, given: &str) -> bool {
        let bound = cookie(headers, FORM_COOKIE)
            .is_some_and(|value| is_same(&Secret::new(self.form_token(value)), given));
        bound && self.is_own_origin(headers)
    }

    /// Tells whether the browser says that a request comes from a page of this daemon. What is no browser says nothing.
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
        // The scheme is not compared: what stands in front may take off TLS.
        let same = |host: &str| {
            let here = Url::parse(&format!("{}://{host}", origin.scheme()));
            here.is_ok_and(|here| here.origin() == origin.origin())
        };
        text(header::HOST).is_some_and(same)
    }

    /// Returns the cookie that keeps a name in its browser, so that it need not be typed again.
    pub(super) fn remember_name(&self, name: &str) -> Option<String> {
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        (!name.is_empty()).then(|| self.set_cookie(NAME_COOKIE, &encoded))
    }

    /// Returns the name that was given last from a browser; empty when none was.
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

/// Returns the host that a request names.
fn host(headers: &HeaderMap) -> Option<Host<String>> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let url = Url::parse(&format!("http://{host}")).ok()?;
    // What is no authority alone is no host.
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
