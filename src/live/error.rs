//! Every way in which a call to the platform can fail.

use std::borrow::Cow;
use std::time::Duration;

use thiserror::Error;

use super::deadline::Late;
use crate::model::KeyPath;
use crate::transport::{SLOWEST, TlsProblem};

/// Why a call failed: one variant per row of the server's error table (section 1.5 of the contract), and one per way
/// in which no answer comes.
///
/// Holds no credential and no whole answer: the server echoes the token in every body (observed 16) and the API key in
/// the answer to a failed login (trap 41).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// 400 with violated rules by path (E22).
    #[error("the server refused the values: {}", Violation::list(.0))]
    Validation(Vec<Violation>),
    /// 400 to a login: the credential has a form that the server never issues. The tree is not at fault.
    #[error("the server refused the credential: {}", Violation::list(.0))]
    UnusableCredential(Vec<Violation>),
    /// 400 or 500: the server lacks the schema to validate the request with (D11, W14d).
    #[error("the server lacks its schema {schema:?}, and checks nothing without it")]
    SchemaMissing {
        /// The schema's name.
        schema: String,
    },
    /// 400 about the file of an upload (B5, B7).
    #[error("the server refused the file: {}", Violation::list(.0))]
    UnusableFile(Vec<Violation>),
    /// 400, rule `domain.unique`: another account holds the domain, perhaps only as a reservation left from the past
    /// (W19, W22, trap 10).
    #[error("domain {domain:?} is held by another account")]
    DomainInUse {
        /// The domain as it was sent.
        domain: String,
    },
    /// 400, rule `file.maxSize`, where other servers say 413 (B6, trap 33).
    #[error("the upload is too large for the server{}", limit_of(*.limit))]
    TooLarge {
        /// The largest upload in bytes, if the server says so.
        limit: Option<u64>,
    },
    /// 400 (423 is meant): the account is expired or disabled.
    #[error("the account is {state}")]
    AccountLocked {
        /// `expired` or `disabled`.
        state: &'static str,
    },
    /// 400 without rules: the request itself was not understood.
    #[error("the server did not understand the request{}", tail(.message))]
    BadRequest {
        /// The server's message.
        message: String,
    },
    /// 401, either spelling (trap 28): the token is not known, expired, or was revoked.
    #[error("the server does not accept the login{}", if *.multi_factor { " without a second factor" } else { "" })]
    Unauthorised {
        /// Whether it asks for a second factor.
        multi_factor: bool,
    },
    /// 402 with a quote of the costs (C7, trap 29).
    #[error("the whitelabel costs money: {quote}")]
    Billing {
        /// The server's quote, in short.
        quote: String,
    },
    /// 402 although charges were accepted: the account is not in good standing (C7).
    #[error("billing refuses the change{}", tail(.message))]
    BillingStanding {
        /// The server's message.
        message: String,
    },
    /// 403: the path's account is not below the token's, or the master account is needed (A9, A10).
    #[error("the login may not do this")]
    Forbidden,
    /// 404: the account of the path does not exist (E4).
    #[error("no such account: {account}")]
    NoSuchAccount {
        /// The id or realm that the server could not find.
        account: String,
    },
    /// 404, cause `whitelabel`: the account has no whitelabel (W2).
    #[error("the account has no whitelabel")]
    NoWhitelabel,
    /// 404 with an array: the account has no such asset, or no whitelabel at all (B17).
    #[error("no such asset: {asset}")]
    NoSuchAsset {
        /// The asset that was requested.
        asset: String,
    },
    /// 404, cause a domain: no account holds it, or several do (W10, W25).
    #[error("no account, or more than one, answers for domain {domain:?}")]
    UnknownDomain {
        /// The domain of the path.
        domain: String,
    },
    /// 404 to a login: the server does not know the API key, and echoes it (A2, trap 41).
    #[error("the server does not know the API key")]
    UnknownApiKey,
    /// 404 without a cause: the path leads nowhere on this server.
    #[error("the server has no such path{}", tail(.message))]
    NoSuchPath {
        /// The server's message.
        message: String,
    },
    /// 405, without an `Allow` header (trap 34).
    #[error("the server does not allow this method here")]
    MethodNotAllowed,
    /// 406: the server has the answer only in a type that the request does not accept (B13).
    #[error("the server cannot answer in the type that was asked for")]
    NotAcceptable,
    /// 409: the document exists already, or there was a concurrent write (W3, C2).
    #[error("the document is there already, or was written by somebody else just now")]
    Conflict,
    /// 410: the API version is no longer served (E2).
    #[error("this server no longer serves that API version")]
    Gone,
    /// 412: the document no longer has the revision that was read (W15).
    #[error("the document has changed since it was read")]
    PreconditionFailed,
    /// 415: the server does not accept uploads of that type (B3).
    #[error("the server does not take this type of file")]
    UnsupportedType,
    /// 416: the list is larger than the server's memory limit (L2).
    #[error("the list is too large for the server")]
    RangeNotSatisfiable,
    /// 429: the token bucket is empty (C4).
    #[error("the server says: too many requests{}", asked(*.retry_after))]
    TooManyRequests {
        /// How long the server asks to wait; Kazoo itself never says (C5), but a proxy may.
        retry_after: Option<Duration>,
    },
    /// 500 `init failed`: a module of the server crashed, usually because of what is stored (D9).
    #[error("the server aborted the request (init failed)")]
    InitFailed,
    /// 503, 502, 504, or 500 `datastore_fault`: the server or its data store has a problem.
    #[error("the server is not available ({status}{})", tail(.message))]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The server's message.
        message: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// Any other status.
    #[error("the server answered with status {status}{}", tail(.message))]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The server's message.
        message: String,
    },
    /// No connection could be established, so nothing was sent.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// Host and port.
        host: String,
        /// The system's error message.
        reason: String,
        /// Whether there was no reaction at all, so that another attempt would take the whole timeout again.
        is_silent: bool,
    },
    /// The host takes connections, but none of them came to TLS in time, so nothing was sent.
    #[error(
        "{host} takes connections, but did not answer the TLS handshake for {call} within {} s{}",
        .after.as_secs_f64(), tried(*.attempts)
    )]
    HandshakeTimedOut {
        /// Host and port.
        host: String,
        /// The method and the path.
        call: String,
        /// How long connecting may take.
        after: Duration,
        /// The number of attempts.
        attempts: u32,
    },
    /// The TLS handshake failed, so nothing was sent.
    #[error("no TLS with {host}: {problem}")]
    Tls {
        /// Host and port.
        host: String,
        /// What went wrong.
        problem: TlsProblem,
    },
    /// No answer came in time.
    #[error("{host} did not answer {call} within {} s{}", .after.as_secs_f64(), tried(*.attempts))]
    TimedOut {
        /// Host and port.
        host: String,
        /// The method and the path.
        call: String,
        /// The timeout of each attempt.
        after: Duration,
        /// The number of attempts.
        attempts: u32,
        /// Whether the URL begins with `https://`.
        is_tls: bool,
    },
    /// An answer trickled in too slowly.
    #[error(
        "{host} answers {call} too slowly: {} came within {} s{}; at least {SLOWEST} bytes per second are required",
        counted(*.bytes), .after.as_secs_f64(), tried(*.attempts)
    )]
    TooSlow {
        /// Host and port.
        host: String,
        /// The method and the path.
        call: String,
        /// How many bytes arrived.
        bytes: usize,
        /// How long they took.
        after: Duration,
        /// The number of attempts.
        attempts: u32,
    },
    /// The server has been silent for so long that requests to it are suspended for a while, so nothing was sent.
    #[error("not asked: {host} let the last {in_a_row} requests time out")]
    Silent {
        /// Host and port.
        host: String,
        /// How many consecutive requests had no answer.
        in_a_row: u32,
    },
    /// The deadline of the whole run has passed, so nothing was sent.
    #[error("not asked: {0}")]
    Late(Late),
    /// The connection broke before the answer was complete.
    #[error(
        "the connection to {host} broke before the answer to {call} was complete{}: {reason}",
        tried(*.attempts)
    )]
    Transport {
        /// Host and port.
        host: String,
        /// The method and the path.
        call: String,
        /// The number of attempts.
        attempts: u32,
        /// Whether the URL begins with `https://`.
        is_tls: bool,
        /// The system's error message.
        reason: String,
    },
    /// A success whose body is not what the contract specifies.
    #[error("the answer cannot be used: {reason}")]
    Unusable {
        /// What is wrong with it.
        reason: String,
    },
    /// The answer exceeds the size limit.
    #[error("the answer has more than {limit} bytes")]
    AnswerTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A list that the server cannot return completely (L2, trap 39).
    #[error("the server's list of accounts repeats itself and has no end")]
    EndlessList,
    /// A list with more pages than any platform has.
    #[error(
        "the server's list of accounts has no end: {pages} pages were read, and no platform has over {accounts} accounts"
    )]
    TooManyPages {
        /// How many pages were read.
        pages: u32,
        /// How many accounts a list may have.
        accounts: u32,
    },
    /// An update with no keys would wipe the whole whitelabel, or the template (trap 4), so it is not sent.
    #[error("an update without any key would wipe everything, so it was not sent")]
    EmptyDocument,
    /// A top-level key of the settings would hijack the request instead of being stored (E11, observed 1), so the
    /// settings were not sent.
    #[error("key {key:?} would steer the request instead of being stored, so it was not sent")]
    HijackingKey {
        /// Name of the key.
        key: &'static str,
    },
    /// The client cannot be created from the configuration.
    #[error("{0}")]
    Configuration(String),
}

/// One rule that a value violates, as the server reports it (E22).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key; the server escapes dots as [`KeyPath`] does (observed 9).
    pub path: KeyPath,
    /// The rule's name, such as `type` or `wrong_format`.
    pub rule: String,
    /// The server's message.
    pub message: String,
}

impl Violation {
    /// Returns whether it is about a provider of single sign-on, which Kazoo 4.3 checks (kazoo-4.3, statement 8).
    fn is_of_provider(&self) -> bool {
        self.path.segments().next().as_deref() == Some("sso_providers")
    }

    /// Formats violations as one line, sorted.
    pub(super) fn list(violations: &[Self]) -> String {
        let mut list: Vec<String> = violations
            .iter()
            .map(|violation| {
                let said = if violation.message.is_empty() {
                    &violation.rule
                } else {
                    &violation.message
                };
                format!("{}: {said}", violation.path)
            })
            .collect();
        list.sort();
        list.join("; ")
    }
}

impl ApiError {
    /// Returns what the user should do about it: one lower-case fragment.
    #[must_use]
    pub fn advice(&self) -> Cow<'static, str> {
        match self {
            Self::TooManyRequests { retry_after } if let Some(wait) = waited(*retry_after) => {
                format!("try again in {wait} s; another client may share this address").into()
            }
            Self::Unavailable { retry_after, .. } if let Some(wait) = waited(*retry_after) => {
                format!("try again in {wait} s; if it persists, ask the platform's operator").into()
            }
            Self::Validation(violations) if violations.iter().any(Violation::is_of_provider) => {
                "declare `sso_providers` with a url for each provider, or `sso_providers: null` to remove them; what the tree does not declare is sent back as it is with each write, and this server refuses it".into()
            }
            other => other.fixed_advice().into(),
        }
    }

    /// Returns the advice that depends on no number of the server's.
    fn fixed_advice(&self) -> &'static str {
        match self {
            Self::Validation(_) => {
                "correct these keys in the tree; this server may know another schema than emblazon"
            }
            Self::DomainInUse { .. } => {
                "find the account that holds it (it may hold a domain that its settings no longer show) and release it there first"
            }
            Self::UnusableCredential(_) => {
                "correct the API key, or the user, password and account, where `auth` or the environment has it; an API key has 64 characters"
            }
            Self::SchemaMissing { .. } => {
                "run `sup kapps_maintenance refresh system_schemas` on the platform, then try again"
            }
            Self::UnusableFile(_) => "look at the file in the tree: it may be empty or damaged",
            Self::TooLarge { .. } => "make the file smaller",
            Self::AccountLocked { .. } => {
                "have the account enabled again, or take it out of the tree"
            }
            Self::BadRequest { .. } | Self::Unusable { .. } => {
                "check that the URL is that of a Kazoo API; run again with -vv and look for a proxy that rewrites"
            }
            Self::Unauthorised { multi_factor: true } => {
                "use an API key, or a token from an interactive login"
            }
            Self::Unauthorised {
                multi_factor: false,
            } => "check the API key, the password or the token; a given token lasts about an hour",
            Self::Billing { .. } => {
                "if the charges are wanted, set `billing: accept` in the policy of emblazon.yaml, or allow them once with `apply --allow billing --expect DIGEST`"
            }
            Self::BillingStanding { .. } => "settle the account's bills first",
            Self::Forbidden => {
                "log in with an account above it; the domain template needs the master account"
            }
            Self::NoSuchAccount { .. } => {
                "check the account's id in the tree and the cluster that was chosen"
            }
            Self::NoWhitelabel => "plan again: it was removed meanwhile, or never created",
            Self::NoSuchAsset { .. } => "plan again",
            Self::UnknownDomain { .. } => {
                "apply the account's settings again; that repairs its registration"
            }
            Self::UnknownApiKey => {
                "check the API key: it has 64 characters and belongs to one cluster"
            }
            Self::NoSuchPath { .. } | Self::MethodNotAllowed | Self::Gone => {
                "check the URL (without /v2 at its end) and that crossbar runs cb_whitelabel"
            }
            Self::NotAcceptable => "look for a proxy that changes the Accept header",
            Self::Conflict | Self::PreconditionFailed => {
                "plan again, look at the difference, and apply that plan"
            }
            Self::UnsupportedType => {
                "use PNG, JPEG or GIF (and ICO for icons), HTML for the welcome page"
            }
            Self::TooManyPages { .. } => {
                "check that the URL is that of a Kazoo API; declare a `root` closer to the accounts"
            }
            Self::RangeNotSatisfiable | Self::EndlessList => {
                "declare a `root` closer to the accounts, or name accounts by id instead of by realm"
            }
            Self::TooManyRequests { .. } => {
                "wait a minute and try again; another client may share this address"
            }
            Self::InitFailed => {
                "check the server's log; a broken domain template or request often is the cause"
            }
            Self::Unavailable { .. } => {
                "try again later; if it persists, ask the platform's operator"
            }
            Self::Unexpected { .. } => "check the server's log, or for a proxy in between",
            Self::Connect { .. } => {
                "check the URL's host and port, and whether a firewall is on the way"
            }
            Self::Tls { problem, .. } => problem.remedy(),
            Self::TimedOut { is_tls: false, .. } => {
                "check that the port is the API's (a port that speaks https may say nothing to http://) and how the server is"
            }
            Self::TimedOut { is_tls: true, .. } | Self::TooSlow { .. } | Self::Silent { .. } => {
                "check that the port is the API's, and how the server is"
            }
            Self::HandshakeTimedOut { .. } => {
                "name the port that speaks https (a port that speaks http may say nothing to https://), and check how the server is"
            }
            Self::Late(_) => "give it more time with `--deadline`",
            Self::Transport { is_tls: false, .. } => {
                "try again; if it persists, check the port: one that speaks https breaks http:// off"
            }
            Self::Transport { is_tls: true, .. } => {
                "try again; if it persists, look for a proxy or a firewall that cuts connections"
            }
            Self::AnswerTooLarge { .. } => "check the URL; no brand needs that much",
            Self::EmptyDocument => "declare at least one key, or `whitelabel: null` to remove it",
            Self::HijackingKey { .. } => {
                "remove that key, from the tree or from the live document by hand"
            }
            Self::Configuration(_) => "correct the cluster's entry in emblazon.yaml",
        }
    }

    /// Returns whether the server does not accept the credential, so that nothing can be read.
    #[must_use]
    pub fn is_of_the_credential(&self) -> bool {
        matches!(
            self,
            Self::Unauthorised { .. } | Self::UnknownApiKey | Self::UnusableCredential(_)
        )
    }

    /// Returns message and advice as one line, for places that store only a text.
    #[must_use]
    pub fn explained(&self) -> String {
        format!("{self}; {}", self.advice())
    }
}

/// Why a write failed, and what that means for the object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The server refused it (4xx); nothing was changed.
    #[error("refused: {0}")]
    Refused(#[source] ApiError),
    /// It was, or may have been, processed, with an unknown outcome: no answer, a truncated one, a 5xx (the settings
    /// may be saved although the account's registration failed, W21, and a failed upload may have destroyed the
    /// document, B12), or a 409 to an upload (B12). Read again before anything else.
    #[error("its outcome is unknown: {0}")]
    Lost(#[source] ApiError),
    /// It was certainly not processed: no connection, no login, or refused by the client itself.
    #[error("not sent: {0}")]
    NotSent(#[source] ApiError),
}

impl WriteError {
    /// Returns the underlying error, whatever it means for the object.
    #[must_use]
    pub fn cause(&self) -> &ApiError {
        match self {
            Self::Refused(cause) | Self::Lost(cause) | Self::NotSent(cause) => cause,
        }
    }
}

fn asked(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| {
        format!(", and asks to wait {} s", wait.as_secs())
    })
}

/// Returns how many seconds the server asks to wait, if it asks for any.
fn waited(wait: Option<Duration>) -> Option<u64> {
    wait.map(|wait| wait.as_secs())
        .filter(|seconds| *seconds > 0)
}

fn counted(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        more => format!("{more} bytes"),
    }
}

fn tried(attempts: u32) -> String {
    match attempts {
        0 | 1 => String::new(),
        2 => ", tried twice".to_owned(),
        more => format!(", tried {more} times"),
    }
}

fn limit_of(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| {
        format!(", which takes up to {limit} bytes")
    })
}

fn tail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}
