//! Requests and answers, before they are interpreted.

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::config::DOCUMENT_VALUES;
use super::pace::RequestKind;
use super::retry::Repeat;
use super::subject::Subject;
use crate::model::{AccountId, Object, Revision};

/// The id of a request, sent to the server and found in its logs (`X-Request-ID`, E12, observed 12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(String);

impl RequestId {
    /// Creates an id; characters that a header cannot hold are left out.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        let visible = text.as_ref().chars().filter(char::is_ascii_graphic);
        Self(visible.take(64).collect())
    }

    /// Returns the id as sent in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One request, complete except for the token. It must not be shown: a login's body holds the credential.
#[derive(Clone)]
pub(super) struct Request<'a> {
    pub method: Method,
    /// The path below `/v2`, one item per segment, not encoded.
    pub path: Vec<&'a str>,
    pub query: Vec<(&'static str, String)>,
    pub body: Body<'a>,
    pub if_match: Option<&'a Revision>,
    /// Answered with [`Answer::is_unchanged`] while the document has this revision (W15).
    pub if_none_match: Option<&'a Revision>,
    pub id: Option<&'a RequestId>,
    pub repeat: Repeat,
    pub kind: RequestKind,
    pub subject: Subject<'a>,
    /// The largest answer, in bytes.
    pub cap: usize,
    /// How many values the answer's JSON may have.
    pub values: usize,
    pub timeout: Duration,
}

/// The body of a request.
#[derive(Clone)]
pub(super) enum Body<'a> {
    Nothing,
    /// A JSON envelope, built from typed values only (observed 1).
    Envelope(Value),
    /// A file: its content type and bytes.
    File(&'static str, &'a [u8]),
}

impl<'a> Request<'a> {
    /// Builds a read of a path below `/v2`.
    pub(super) fn get(path: Vec<&'a str>, cap: usize, timeout: Duration) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: Body::Nothing,
            if_match: None,
            if_none_match: None,
            id: None,
            repeat: Repeat::Read,
            kind: RequestKind::Other,
            subject: Subject::default(),
            cap,
            values: DOCUMENT_VALUES,
            timeout,
        }
    }

    /// Sets the account that the path names.
    pub(super) fn about_account(mut self, account: &'a AccountId) -> Self {
        self.subject.account = Some(account.as_str());
        self
    }

    /// Sets the domain that the path names.
    pub(super) fn about_domain(mut self, domain: &'a str) -> Self {
        self.subject.domain = Some(domain);
        self
    }
}

/// A successful answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub body: Vec<u8>,
    /// The attachment's name, as the server sends it; never to be used as a path (observed 4).
    pub attachment: Option<String>,
    /// Whether the document still has the request's revision; there is no body then.
    pub is_unchanged: bool,
}

/// The parsed envelope of a JSON answer.
#[derive(Debug)]
pub(super) struct Envelope {
    pub data: Value,
    pub members: Object,
}

impl Envelope {
    /// Returns a string member of the envelope itself, such as `revision` or `auth_token`.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }
}
