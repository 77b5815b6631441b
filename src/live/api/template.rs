//! The call that replaces the system's domain template.

use reqwest::Method;
use serde_json::json;

use super::read::ReadClient;
use crate::live::error::{ApiError, WriteError};
use crate::live::request::{Body, Request, RequestId};
use crate::live::retry::Repeat;
use crate::model::DomainTemplate;

/// Replaces the system's domain template, and does nothing else.
///
/// The account-scoped path tests an account's domains; the same path without an account replaces the template of the
/// whole cluster (D7, trap 5). Only this type has that call, so it cannot be made by forgetting an argument.
///
/// ```compile_fail,E0599
/// use emblazon::live::{RequestId, WriteClient};
/// use emblazon::model::DomainTemplate;
///
/// async fn a_writer_of_whitelabels_cannot(client: WriteClient, template: DomainTemplate) {
///     client.replace(&template, &RequestId::new("x")).await;
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TemplateWriter {
    read: ReadClient,
}

impl TemplateWriter {
    /// Creates a writer, which has the right to replace the template.
    #[must_use]
    pub fn new(read: ReadClient) -> Self {
        Self { read }
    }

    /// Returns the client that only reads.
    #[must_use]
    pub fn read(&self) -> &ReadClient {
        &self.read
    }

    /// Replaces the template as a whole; there is no revision, so the last writer wins (D7, trap 42).
    ///
    /// # Errors
    /// An empty template would erase the cluster's (D10, trap 4) and is not sent.
    pub async fn replace(
        &self,
        template: &DomainTemplate,
        request: &RequestId,
    ) -> Result<(), WriteError> {
        if template.0.is_empty() {
            return Err(WriteError::NotSent(ApiError::EmptyDocument));
        }
        let transport = &self.read.transport;
        let limits = &transport.limits;
        let path = vec!["whitelabel", "domains"];
        let call = Request {
            method: Method::POST,
            body: Body::Envelope(json!({ "data": template })),
            id: Some(request),
            repeat: Repeat::Guarded,
            ..Request::get(path, limits.document_bytes, limits.write)
        };
        transport
            .send(&call)
            .await
            .map_err(|failure| failure.of_write(&call.body))?;
        Ok(())
    }
}
