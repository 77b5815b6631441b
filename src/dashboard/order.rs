//! What a person or a program asks for, as it arrived.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::access::Admitted;
use super::intervene::{self, Refused};
use super::state::Shared;
use crate::daemon::Author;

/// The body of a request that asks for something, with what its handler needs to carry it out.
pub(super) struct Order {
    pub(super) shared: Arc<Shared>,
    pub(super) admitted: Admitted,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Order {
    /// Returns who asks, and why. Empty values count as not given.
    pub(super) fn author(&self, by: Option<&str>, reason: Option<&str>) -> Result<Author, Refused> {
        intervene::author(self.admitted, by, reason)
    }
}

impl FromRequest<Arc<Shared>> for Order {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let admitted = Extension::from_request_parts(&mut parts, shared).await;
        let Extension(admitted) = admitted.map_err(IntoResponse::into_response)?;
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), shared).await;
        Ok(Self {
            shared: Arc::clone(shared),
            admitted,
            headers,
            body: body.map_err(IntoResponse::into_response)?,
        })
    }
}
