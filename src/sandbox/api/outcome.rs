//! The outcome of a handler: a success, or an error with its wording.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::model::Object;

/// Pseudo-status for a connection that is closed without a response; not a valid HTTP status.
pub(super) const NO_ANSWER: u16 = 0;

/// The successful result of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Success {
    /// 200 or 201.
    pub(crate) status: u16,
    /// The member `data`; absent in one special case (`domains.sys.post.array`).
    pub(crate) data: Option<Value>,
    /// The revision in the body, and the entity tag of a GET (W15, W16).
    pub(crate) revision: Option<String>,
    /// Further members: `page_size`, `start_key`, `metadata` …
    pub(crate) more: Object,
    /// The header `location`.
    pub(crate) location: Option<String>,
    /// The bytes of an asset, instead of JSON.
    pub(crate) asset: Option<AssetBody>,
    /// The token issued to the caller, in the response to a login.
    pub(crate) issued_token: Option<String>,
}

/// The file in the response to a GET of an asset.
#[derive(Clone, Debug)]
pub(crate) struct AssetBody {
    /// The attachment's name.
    pub(crate) name: String,
    /// The bytes.
    pub(crate) bytes: Bytes,
}

impl Success {
    pub(crate) fn new(data: Value) -> Self {
        Self {
            status: 200,
            data: Some(data),
            revision: None,
            more: Object::new(),
            location: None,
            asset: None,
            issued_token: None,
        }
    }

    pub(crate) fn created(mut self, location: Option<String>) -> Self {
        self.status = 201;
        self.location = location;
        self
    }

    pub(crate) fn revision(mut self, revision: &(impl ToString + ?Sized)) -> Self {
        self.revision = Some(revision.to_string());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

/// An error response.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(super) Box<Refusal>);

#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) stage: Stage,
    pub(super) message: String,
    pub(super) data: Option<Value>,
    pub(super) more: Object,
    pub(super) etag: Option<String>,
    pub(super) for_asset: bool,
}

/// The stage at which a request failed, which determines headers and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The body could not be parsed; neither the path nor the token was checked.
    Reading,
    /// Before the content type of the response was negotiated: no `content-type`.
    Deciding,
    /// In the handler.
    Handling,
    /// The HTTP layer itself refused: an empty body (E22's rows 404, 406, 412, 415), or 304.
    Protocol,
}

impl Failure {
    fn of(status: u16, stage: Stage, message: &str, data: Option<Value>) -> Self {
        Self(Box::new(Refusal {
            status,
            stage,
            message: message.to_owned(),
            data,
            more: Object::new(),
            etag: None,
            for_asset: false,
        }))
    }

    /// 400: Kazoo cannot parse the body (E7, E9, B6).
    pub(crate) fn unreadable(data: &Value) -> Self {
        Self::of(400, Stage::Reading, "validation error", Some(data.clone()))
    }

    /// 410: the API version is gone (E2).
    pub(crate) fn gone() -> Self {
        Self::of(
            410,
            Stage::Reading,
            "gone",
            Some(json!(
                "API version 1 is not supported. Please upgrade your code to use version 2."
            )),
        )
    }

    /// An error raised before the handler runs.
    pub(crate) fn early(status: u16, message: &str, data: Value) -> Self {
        Self::of(status, Stage::Deciding, message, Some(data))
    }

    /// An error raised by the handler.
    pub(crate) fn late(status: u16, message: &str, data: Value) -> Self {
        Self::of(status, Stage::Handling, message, Some(data))
    }

    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::of(status, Stage::Protocol, "", None)
    }

    /// The server process crashes and the connection is closed (observed 11).
    pub(crate) fn no_answer() -> Self {
        Self::empty(NO_ANSWER)
    }

    /// 304, with the ETag of the unmodified document.
    pub(crate) fn not_modified(etag: Option<&str>) -> Self {
        let mut failure = Self::empty(304);
        failure.0.etag = etag.map(str::to_owned);
        failure.0.for_asset = etag.is_none();
        failure
    }

    /// 404: something with that name does not exist (W2, W10).
    pub(crate) fn bad_identifier(cause: &str) -> Self {
        Self::late(
            404,
            "bad_identifier",
            json!({"message": "bad identifier", "cause": cause}),
        )
    }

    /// 409: the document already exists, or somebody else changed it first (W3, C2).
    pub(crate) fn conflict() -> Self {
        Self::late(
            409,
            "datastore_conflict",
            json!({"message": "conflicting documents"}),
        )
    }

    /// 400: the violated rules by path (E22).
    pub(crate) fn invalid(errors: Object) -> Self {
        Self::late(400, "validation error", Value::Object(errors))
    }

    /// 500: the module crashed (D9, observed 7); no `data`.
    pub(crate) fn init_failed() -> Self {
        Self::of(500, Stage::Handling, "init failed", None)
    }

    /// 401: no token, or one that the sandbox did not issue.
    pub(crate) fn no_credentials() -> Self {
        Self::early(
            401,
            "invalid_credentials",
            json!({"message": "invalid credentials"}),
        )
    }

    /// 401: the token has expired (A5, trap 28).
    pub(crate) fn expired() -> Self {
        Self::early(401, "invalid credentials", json!({}))
    }

    /// 403: the token has no access to the account (A9).
    pub(crate) fn forbidden() -> Self {
        Self::early(403, "forbidden", json!({"message": "forbidden"}))
    }

    /// 429: the token bucket is empty (C4).
    pub(crate) fn too_many() -> Self {
        Self::early(
            429,
            "too_many_requests",
            json!({"message": "too many requests"}),
        )
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.more.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn merge(mut self, more: &Object) -> Self {
        self.0.more.extend(more.clone());
        self
    }
}
