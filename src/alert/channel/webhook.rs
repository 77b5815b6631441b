//! Any receiver of JSON.

use jiff::Timestamp;
use serde_json::Value;

use super::AlertError;
use super::http::{Endpoint, send};
use super::template::Template;
use crate::alert::Notice;
use crate::forge::signed;
use crate::model::Secret;

/// Posts messages as JSON.
#[derive(Clone, Debug)]
pub struct WebhookChannel {
    endpoint: Endpoint,
    secret: Option<Secret>,
    body: Option<Template>,
}

impl WebhookChannel {
    /// Creates a channel to a receiver. With a secret, messages are signed; with a body, they have that shape instead
    /// of the notice's own.
    pub fn new(url: &str, secret: Option<Secret>, body: Option<Value>) -> Result<Self, AlertError> {
        Ok(Self {
            endpoint: Endpoint::new(url, "the URL of a webhook in alerts")?,
            secret,
            body: body.map(Template::new).transpose()?,
        })
    }

    /// Posts a notice. The signature is HMAC-SHA256 over the time, a dot and the body, so that the receiver can detect
    /// a replayed request.
    pub(super) async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), AlertError> {
        let body = match &self.body {
            Some(template) => template.fill(notice).to_string(),
            None => serde_json::to_string(notice).unwrap_or_default(),
        };
        let time = now.as_second().to_string();
        let mut request = self
            .endpoint
            .post()
            .header("content-type", "application/json")
            .header("x-emblazon-delivery", &notice.id)
            .header("x-emblazon-timestamp", &time);
        if let Some(secret) = &self.secret {
            let signature = signed(secret, format!("{time}.{body}").as_bytes());
            request = request.header("x-emblazon-signature-256", format!("sha256={signature}"));
        }
        send(request.body(body)).await
    }
}
