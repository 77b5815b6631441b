//! Who may ask, and who may order.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom as _, SystemRandom};
use url::{Host, Url};

use super::HttpError;
use super::config::check_token;
use super::webhook::{is_same, signed};
use crate::model::{Secret, is_loopback};

/// How long a session lasts: a working day.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

/// How many wrong tokens are looked at in a minute.
const ATTEMPTS: u32 = 10;

/// The cookie of a session.
pub(super) const SESSION_COOKIE: &str = "emblazon_session";

/// The cookie that the tokens of forms are bound to.
pub(super) const FORM_COOKIE: &str = "emblazon_form";

/// Decides who may ask and order.
#[derive(Debug)]
pub(super) struct Access {
    token: Option<Secret>,
    /// Known to this process alone: forms and sessions end with it.
    key: Secret,
    public: Option<Url>,
    attempts: Mutex<(Timestamp, u32)>,
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
}

impl Access {
    pub(super) fn new(token: Option<Secret>, public: Option<Url>) -> Result<Self, HttpError> {
        if let Some(token) = &token {
            check_token(token)?;
        }
        Ok(Self {
            token,
            key: Secret::new(random()?),
            public,
            attempts: Mutex::new((Timestamp::MIN, 0)),
        })
    }

    /// Tells whether there is a token to show.
    pub(super) fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Decides what a request may do.
    pub(super) fn entry(&self, headers: &HeaderMap, now: Timestamp) -> Entry {
        let Some(token) = &self.token else {
            // A page elsewhere can give its own name this machine's address, and then read what is here.
            return if is_local_name(headers) {
                Entry::Local
            } else {
                Entry::Refused
            };
        };
        if bearer(headers).is_some_and(|given| is_same(token, given)) {
            Entry::Token
        } else if cookie(headers, SESSION_COOKIE).is_some_and(|value| self.is_session(value, now)) {
            Entry::Session
        } else {
            Entry::Refused
        }
    }

    /// Opens a session for whoever knows the token; `None` when it is wrong, or when too many were wrong lately.
    pub(super) fn log_in(&self, given: &str, now: Timestamp) -> Option<String> {
        let token = self.token.as_ref()?;
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(attempts.0) >= SignedDuration::from_mins(1) {
            *attempts = (now, 0);
        }
        if attempts.1 >= ATTEMPTS {
            return None;
        }
        if !is_same(token, given) {
            attempts.1 += 1;
            return None;
        }
        let end = (now + SESSION).as_second();
        Some(self.set_cookie(SESSION_COOKIE, &format!("{end}.{}", self.seal(end))))
    }

    /// Returns the cookie that ends a session.
    pub(super) fn log_out(&self) -> String {
        format!("{}; Max-Age=0", self.set_cookie(SESSION_COOKIE, ""))
    }

    fn is_session(&self, value: &str, now: Timestamp) -> bool {
        let Some((end, seal)) = value.split_once('.') else {
            return false;
        };
        let Ok(end) = end.parse::<i64>() else {
            return false;
        };
        now.as_second() < end && is_same(&Secret::new(self.seal(end)), seal)
    }

    fn seal(&self, end: i64) -> String {
        signed(&self.key, format!("session until {end}").as_bytes())
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

fn is_local_name(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| Url::parse(&format!("http://{host}")).ok());
    let host = url.as_ref().and_then(Url::host);
    host.is_some_and(|host: Host<&str>| is_loopback(&host))
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
