//! The calls that change an account's whitelabel.

use reqwest::Method;
use serde_json::{Map, Value};

use super::read::{Document, ReadClient, document};
use super::write_keys::WriteKeys;
use crate::live::client::Transport;
use crate::live::error::{ApiError, WriteError};
use crate::live::request::{Body, Request, RequestId};
use crate::live::retry::Repeat;
use crate::model::{AccountId, AssetKind, AssetType, Digest, HIJACKING_NAMES, Revision, Settings};
use crate::tree::BillingPolicy;

/// Writes whitelabels. Each method is one request; the caller decides which to make, in which order, and what to do
/// after a failure.
#[derive(Clone, Debug)]
pub struct WriteClient {
    read: ReadClient,
    keys: WriteKeys,
}

impl WriteClient {
    /// Creates a writer, which has the right to change whitelabels. Where resellers have keys of their own, it can write
    /// nothing without [`Self::with_keys`].
    #[must_use]
    pub fn new(read: ReadClient) -> Self {
        let keys = WriteKeys::without_any(&read);
        Self { read, keys }
    }

    /// Creates a writer that writes each account with the key that was found for it.
    #[must_use]
    pub fn with_keys(read: ReadClient, keys: WriteKeys) -> Self {
        Self { read, keys }
    }

    /// Returns where the key of an account comes from, in words.
    ///
    /// # Errors
    /// Why no key may write it.
    pub fn key_of(&self, account: &AccountId) -> Result<&str, &str> {
        Ok(self.keys.of(&self.read, account)?.key())
    }

    fn transport(&self, account: &AccountId) -> Result<&Transport, WriteError> {
        let client = self.keys.of(&self.read, account);
        let client = client
            .map_err(|reason| WriteError::NotSent(ApiError::Configuration(reason.to_owned())))?;
        Ok(&client.transport)
    }

    /// Returns the client that only reads.
    #[must_use]
    pub fn read(&self) -> &ReadClient {
        &self.read
    }

    /// Creates an account's whitelabel (PUT, W3).
    ///
    /// # Errors
    /// [`ApiError::Conflict`] when there is one already, [`ApiError::Billing`] when it costs money and `billing` does
    /// not accept that (C7).
    pub async fn create(
        &self,
        account: &AccountId,
        settings: &Settings,
        billing: BillingPolicy,
        request: &RequestId,
    ) -> Result<Document, WriteError> {
        let mut envelope = envelope(settings)?;
        if billing == BillingPolicy::Accept {
            // Next to `data`, never inside, where it would be stored (C7, trap 29).
            envelope.insert("accept_charges".to_owned(), Value::Bool(true));
        }
        let call = Request {
            method: Method::PUT,
            body: Body::Envelope(Value::Object(envelope)),
            repeat: Repeat::Once,
            ..self.call(account, None, request)
        };
        self.send(account, &call).await
    }

    /// Replaces all public keys of an account's whitelabel (POST, W4). Keys that `settings` lacks are deleted, so it
    /// must be the whole document, undeclared keys included (trap 1).
    ///
    /// # Errors
    /// A document without keys would wipe the whitelabel (W6, trap 4) and is not sent.
    pub async fn update(
        &self,
        account: &AccountId,
        settings: &Settings,
        if_match: &Revision,
        request: &RequestId,
    ) -> Result<Document, WriteError> {
        if settings.as_object().is_empty() {
            return Err(WriteError::NotSent(ApiError::EmptyDocument));
        }
        let call = Request {
            method: Method::POST,
            body: Body::Envelope(Value::Object(envelope(settings)?)),
            if_match: Some(if_match),
            ..self.call(account, None, request)
        };
        self.send(account, &call).await
    }

    /// Uploads an asset and returns the document, two revisions later (B9, trap 14).
    ///
    /// The asset is named by the digest of its bytes, so that it can be distinguished from one uploaded by hand (B10,
    /// observed 4).
    ///
    /// # Errors
    /// After any failure the document may be gone, and its other assets with it (B12, trap 17): read it again.
    pub async fn upload(
        &self,
        account: &AccountId,
        kind: AssetKind,
        asset_type: AssetType,
        bytes: Vec<u8>,
        if_match: &Revision,
        request: &RequestId,
    ) -> Result<Document, WriteError> {
        let name = format!("{}.{}", Digest::of(&bytes), asset_type.extension());
        let call = Request {
            method: Method::POST,
            query: vec![("filename", name)],
            body: Body::File(asset_type.content_type(), &bytes),
            if_match: Some(if_match),
            repeat: Repeat::Once,
            ..self.call(account, Some(kind), request)
        };
        self.send(account, &call).await
    }

    /// Deletes an account's whitelabel with all its assets, and releases its domain (W7, trap 18).
    pub async fn delete(
        &self,
        account: &AccountId,
        if_match: &Revision,
        request: &RequestId,
    ) -> Result<(), WriteError> {
        let call = Request {
            method: Method::DELETE,
            if_match: Some(if_match),
            ..self.call(account, None, request)
        };
        let sent = self.transport(account)?.send(&call).await;
        sent.map_err(|failure| failure.of_write(&call.body))?;
        Ok(())
    }

    fn call<'a>(
        &self,
        account: &'a AccountId,
        asset: Option<AssetKind>,
        request: &'a RequestId,
    ) -> Request<'a> {
        let limits = &self.read.transport.limits;
        let mut path = vec!["accounts", account.as_str(), "whitelabel"];
        path.extend(asset.map(AssetKind::as_str));
        Request {
            id: Some(request),
            repeat: Repeat::Guarded,
            ..Request::get(path, limits.document_bytes, limits.write).about_account(account)
        }
    }

    async fn send(&self, account: &AccountId, call: &Request<'_>) -> Result<Document, WriteError> {
        let answer = self
            .transport(account)?
            .send_json(call)
            .await
            .map_err(|failure| failure.of_write(&call.body))?;
        document(answer).map_err(WriteError::Lost)
    }
}

/// Wraps settings in an envelope, unless one of their names would hijack the request (E11, observed 1).
fn envelope(settings: &Settings) -> Result<Map<String, Value>, WriteError> {
    let data = settings.as_object();
    if let Some(name) = HIJACKING_NAMES
        .iter()
        .find(|name| data.contains_key(**name))
    {
        return Err(WriteError::NotSent(ApiError::HijackingKey { key: name }));
    }
    Ok(Map::from_iter([(
        "data".to_owned(),
        Value::Object(data.clone()),
    )]))
}
