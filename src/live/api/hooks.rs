//! The calls that keep webhooks on the root account.

use reqwest::Method;
use serde_json::{Value, json};

use super::read::ReadClient;
use crate::live::error::{ApiError, WriteError};
use crate::live::request::{Body, Envelope, Request};
use crate::live::retry::Repeat;
use crate::model::Object;

/// Keeps webhooks of the root account, and does nothing else (V2). A webhook changes no brand, so it needs no right to
/// write one.
///
/// ```compile_fail,E0599
/// use emblazon::live::HookClient;
/// use emblazon::model::{AccountId, Revision};
///
/// async fn a_keeper_of_hooks_cannot(client: HookClient, account: AccountId, revision: Revision) {
///     client.delete(&account, &revision).await;
/// }
/// ```
#[derive(Clone, Debug)]
pub struct HookClient {
    read: ReadClient,
}

/// A webhook as the list of an account shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHook {
    /// Its id.
    pub id: String,
    /// Its name, which need not be the only one.
    pub name: String,
    /// Where it sends.
    pub uri: String,
    /// Whether it is enabled; the server disables one that fails too often (V4).
    pub is_enabled: bool,
}

impl HookClient {
    /// Creates a client for the webhooks of the account below which everything lies.
    #[must_use]
    pub fn new(read: ReadClient) -> Self {
        Self { read }
    }

    /// Returns whether one hook can tell of every action. Kazoo 4.3 compares `all` literally, so that it never fires
    /// there (V2); only its schema of whitelabels knows `sso_providers` (kazoo-4.3, statement 9).
    pub async fn knows_all_actions(&self) -> Result<bool, ApiError> {
        let schema = self.get(vec!["schemas", "whitelabel"]).await?;
        Ok(schema.data["properties"]["sso_providers"].is_null())
    }

    /// Lists the hooks.
    pub async fn list(&self) -> Result<Vec<StoredHook>, ApiError> {
        let mut request = self.request(Method::GET, self.path(None));
        request.query = vec![("paginate", "false".to_owned())];
        let sent = self.read.transport.send_json(&request).await;
        let list = sent.map_err(|failure| failure.error)?;
        let items = list.data.as_array().into_iter().flatten();
        Ok(items.filter_map(stored).collect())
    }

    /// Reads a hook with all of its public fields; `None` when there is none with this id.
    pub async fn show(&self, id: &str) -> Result<Option<Object>, ApiError> {
        match self.get(self.path(Some(id))).await {
            Ok(Envelope {
                data: Value::Object(fields),
                ..
            }) => Ok(Some(fields)),
            Ok(_) | Err(ApiError::NoWhitelabel | ApiError::NoSuchAccount { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a hook, and returns its id.
    ///
    /// # Errors
    /// [`WriteError::Refused`] when the server does not call that address: it refuses this machine's and listed ones
    /// (V4).
    pub async fn create(&self, hook: &Object) -> Result<String, WriteError> {
        let request = Request {
            body: Body::Envelope(json!({ "data": hook })),
            repeat: Repeat::Once,
            ..self.request(Method::PUT, self.path(None))
        };
        let envelope = self.write(&request).await?;
        let id = envelope.data["id"].as_str().filter(|id| is_id(id));
        id.map(str::to_owned).ok_or_else(|| {
            WriteError::Lost(ApiError::Configuration(
                "the platform created a webhook and did not tell its id".to_owned(),
            ))
        })
    }

    /// Enables a hook that the server disabled.
    pub async fn enable(&self, id: &str) -> Result<(), WriteError> {
        let request = Request {
            body: Body::Envelope(json!({"data": {"enabled": true}})),
            repeat: Repeat::Guarded,
            ..self.request(Method::PATCH, self.path(Some(id)))
        };
        self.write(&request).await.map(|_| ())
    }

    /// Removes a hook.
    pub async fn remove(&self, id: &str) -> Result<(), WriteError> {
        let request = Request {
            repeat: Repeat::Guarded,
            ..self.request(Method::DELETE, self.path(Some(id)))
        };
        self.write(&request).await.map(|_| ())
    }

    fn path<'a>(&'a self, id: Option<&'a str>) -> Vec<&'a str> {
        let mut path = vec!["accounts", self.read.root().as_str(), "webhooks"];
        path.extend(id);
        path
    }

    fn request<'a>(&'a self, method: Method, path: Vec<&'a str>) -> Request<'a> {
        let limits = &self.read.transport.limits;
        Request {
            method,
            ..Request::get(path, limits.list_bytes, limits.write)
        }
    }

    async fn get(&self, path: Vec<&str>) -> Result<Envelope, ApiError> {
        let limits = &self.read.transport.limits;
        let request = Request::get(path, limits.list_bytes, limits.read);
        let sent = self.read.transport.send_json(&request).await;
        sent.map_err(|failure| failure.error)
    }

    async fn write(&self, request: &Request<'_>) -> Result<Envelope, WriteError> {
        let sent = self.read.transport.send_json(request).await;
        sent.map_err(|failure| failure.of_write(&request.body))
    }
}

fn stored(item: &Value) -> Option<StoredHook> {
    let text = |name: &str| item[name].as_str();
    Some(StoredHook {
        id: text("id").filter(|id| is_id(id))?.to_owned(),
        name: text("name").unwrap_or_default().to_owned(),
        uri: text("uri")?.to_owned(),
        is_enabled: item["enabled"].as_bool() != Some(false),
    })
}

/// Returns whether a text can be a segment of a path.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
