//! Calls that read one object.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::live::activity::Activity;
use crate::live::client::Transport;
use crate::live::config::ClientConfig;
use crate::live::deadline::Deadline;
use crate::live::error::ApiError;
use crate::live::facts::facts;
use crate::live::failure::Failure;
use crate::live::pace::RequestKind;
use crate::live::request::{Answer, Envelope, Request};
use crate::model::{
    AccountId, AssetFacts, AssetKind, AssetType, DomainTemplate, Identity, Object, PLACEHOLDER,
    Revision, Settings,
};

/// Reads from one cluster. It has no method that could change anything there (invariant 2); cheap to
/// clone.
///
/// ```compile_fail,E0599
/// use emblazon::live::{ReadClient, RequestId};
/// use emblazon::model::{AccountId, Revision};
///
/// async fn a_reader_cannot_write(client: ReadClient, account: AccountId, revision: Revision) {
///     client.delete(&account, &revision, &RequestId::new("x")).await;
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ReadClient {
    pub(super) transport: Arc<Transport>,
    root: AccountId,
    /// Where the credential comes from, in words.
    key: Arc<str>,
    /// With what further clients are made that write with keys of resellers; absent where this one writes everything.
    divided: Option<Arc<ClientConfig>>,
}

/// What the credential of a sandbox is called, which no tree and no environment names.
const MADE_HERE: &str = "a key of the sandbox's own";

/// A live whitelabel document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The document's revision, for `If-Match`.
    pub revision: Revision,
    /// The document's public keys.
    pub settings: Settings,
}

/// The result of a conditional read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live) enum Revalidated {
    /// The document still has the known revision.
    Unchanged,
    /// The current document; `None` when the server says that there is no whitelabel.
    Now(Option<Document>),
}

/// A live asset with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetContent {
    /// The stored bytes.
    pub bytes: Vec<u8>,
    /// The attachment's name, as the server sends it; never to be used as a path (B10, observed 4).
    pub attachment: Option<String>,
    /// What the bytes are, from the bytes themselves; the answer's content type is unreliable (B14).
    pub facts: AssetFacts,
}

/// The properties of an account (L7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Account id.
    pub id: AccountId,
    /// Display name.
    pub name: String,
    /// SIP realm.
    pub realm: String,
    /// Whether it is the master account, the only one that may write the domain template (A10).
    pub superduper: bool,
    /// Whether it is a reseller.
    pub is_reseller: bool,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// The result of the server's test of a domain: record type → host → result (D12).
pub type DomainTest = BTreeMap<String, BTreeMap<String, HostTest>>;

/// The result of the server's test for one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HostTest {
    /// The expanded text of the template.
    #[serde(default)]
    pub expected: Vec<String>,
    /// What the server's queries returned; empty also when they failed (D13).
    #[serde(default)]
    pub actual: Vec<String>,
}

impl ReadClient {
    /// Logs in and finds the root account.
    ///
    /// # Errors
    /// When the configuration is wrong, the login is refused, or the root cannot be determined: a given token that
    /// does not name its account needs a configured root.
    pub async fn connect(config: ClientConfig) -> Result<Self, ApiError> {
        let transport = Arc::new(Transport::new(&config)?);
        let divided = config.divided.is_some().then(|| Arc::new(config.clone()));
        let key: Arc<str> = config
            .credential_origin
            .as_deref()
            .unwrap_or(MADE_HERE)
            .into();
        let own = transport.own_account().await?;
        let root = match (config.root, own) {
            (Some(Identity::Id(id)), _) => id,
            (None, Some(own)) => own,
            (Some(Identity::Realm(realm)), Some(own)) => {
                let start = Self {
                    transport: Arc::clone(&transport),
                    root: own.clone(),
                    key: Arc::clone(&key),
                    divided: None,
                };
                start.by_realm(&own, realm.as_str()).await?
            }
            (None | Some(Identity::Realm(_)), None) => {
                return Err(ApiError::Configuration(
                    "the token does not say whose it is; declare `root` with an account id"
                        .to_owned(),
                ));
            }
        };
        Ok(Self {
            transport,
            root,
            key,
            divided,
        })
    }

    /// Returns the account below which everything lies.
    #[must_use]
    pub fn root(&self) -> &AccountId {
        &self.root
    }

    /// Returns where the credential comes from, in words; never the credential.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the configuration with the keys of resellers, if there are any.
    pub(in crate::live) fn divided(&self) -> Option<&ClientConfig> {
        self.divided.as_deref()
    }

    /// Returns whether the other client is a clone of this one, with the same login.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.transport, &other.transport)
    }

    /// Returns the requests that this client and its clones wait for.
    #[must_use]
    pub fn activity(&self) -> &Activity {
        self.transport.activity()
    }

    /// Returns the deadline of this client and its clones.
    #[must_use]
    pub fn deadline(&self) -> &Deadline {
        self.transport.deadline()
    }

    /// Returns the URL that all paths are below.
    pub(in crate::live) fn base(&self) -> &Url {
        self.transport.base()
    }

    /// Reads an account's whitelabel; `None` when the server says that it has none (W2).
    pub async fn whitelabel(&self, account: &AccountId) -> Result<Option<Document>, ApiError> {
        match self.json(&self.document_request(account)).await {
            Ok(envelope) => document(envelope).map(Some),
            Err(ApiError::NoWhitelabel) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads an account's whitelabel unless it still has the known revision.
    pub(in crate::live) async fn whitelabel_unless(
        &self,
        account: &AccountId,
        known: &Revision,
    ) -> Result<Revalidated, ApiError> {
        let mut request = self.document_request(account);
        request.if_none_match = Some(known);
        request.kind = RequestKind::Revision;
        match self.transport.send_if_changed(&request).await {
            Ok(None) => Ok(Revalidated::Unchanged),
            Ok(Some(envelope)) => Ok(Revalidated::Now(Some(document(envelope)?))),
            Err(Failure {
                error: ApiError::NoWhitelabel,
                ..
            }) => Ok(Revalidated::Now(None)),
            Err(failure) => Err(failure.error),
        }
    }

    /// Returns whether the server refuses a request that names another revision than the account's document has, which
    /// protects from overwriting what somebody else wrote: a proxy on the way may drop the header (W15).
    pub(crate) async fn heeds_revisions(&self, account: &AccountId) -> bool {
        let no_such = Revision::new("0-0");
        let mut request = self.document_request(account);
        request.if_match = Some(&no_such);
        matches!(self.json(&request).await, Err(ApiError::PreconditionFailed))
    }

    fn document_request<'a>(&self, account: &'a AccountId) -> Request<'a> {
        let limits = &self.transport.limits;
        let path = vec!["accounts", account.as_str(), "whitelabel"];
        let mut request =
            Request::get(path, limits.document_bytes, limits.read).about_account(account);
        request.kind = RequestKind::Document;
        request
    }

    /// Reads an account's asset; `None` when the server says that there is none.
    ///
    /// The server answers with the welcome if there is no logo; that does not count as a logo (B11, observed 2).
    pub async fn asset(
        &self,
        account: &AccountId,
        kind: AssetKind,
    ) -> Result<Option<AssetContent>, ApiError> {
        let path = vec!["accounts", account.as_str(), "whitelabel", kind.as_str()];
        let request = self.asset_request(path).about_account(account);
        self.asset_answer(kind, &request).await
    }

    /// Reads the system's domain template unexpanded. The whitelabel module writes nothing on this call, except its own
    /// default on a new cluster (D4, D5, trap 36).
    pub async fn template(&self) -> Result<DomainTemplate, ApiError> {
        let limits = &self.transport.limits;
        let path = vec!["whitelabel", "domains"];
        let mut request = Request::get(path, limits.document_bytes, limits.read);
        request.query.push(("domain", PLACEHOLDER.to_owned()));
        let data = object(self.json(&request).await?.data)?;
        DomainTemplate::from_answer(data).map_err(|error| ApiError::Unusable {
            reason: format!("it is no domain template: {error}"),
        })
    }

    /// Lets the server test an account's domain: what it expects and what its own DNS queries return, by type and host
    /// (D12).
    ///
    /// This is the only POST that this client sends; it changes nothing. The server gives no verdict, and an empty list
    /// says nothing, because every failed query returns one (D13, trap 24). The call is slow, and must not be made in a
    /// loop (D16).
    ///
    /// # Errors
    /// When the call fails, or the answer is not such a list.
    pub async fn test_domain(
        &self,
        account: &AccountId,
        domain: &str,
    ) -> Result<DomainTest, ApiError> {
        let limits = &self.transport.limits;
        let path = vec!["accounts", account.as_str(), "whitelabel", "domains"];
        let mut request =
            Request::get(path, limits.document_bytes, limits.write).about_account(account);
        request.method = Method::POST;
        request.query.push(("domain", domain.to_owned()));
        let data = self.json(&request).await?.data;
        serde_json::from_value(data).map_err(|error| ApiError::Unusable {
            reason: format!("it is no domain test: {error}"),
        })
    }

    /// Reads the whitelabel that the public sees at a domain; `None` when no account holds the domain, or several do
    /// (W10, W25). The token is sent along: without it such calls are rate-limited (observed 5).
    pub async fn public_whitelabel(&self, domain: &str) -> Result<Option<Settings>, ApiError> {
        let limits = &self.transport.limits;
        let path = vec!["whitelabel", domain];
        let request = Request::get(path, limits.document_bytes, limits.read).about_domain(domain);
        match self.json(&request).await {
            Ok(envelope) => Ok(Some(Settings::from_answer(object(envelope.data)?))),
            Err(ApiError::UnknownDomain { .. } | ApiError::NoWhitelabel) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads an asset as the public sees it at a domain; `None` when there is none, or no account holds the domain.
    pub async fn public_asset(
        &self,
        domain: &str,
        kind: AssetKind,
    ) -> Result<Option<AssetContent>, ApiError> {
        let path = vec!["whitelabel", domain, kind.as_str()];
        let request = self.asset_request(path).about_domain(domain);
        self.asset_answer(kind, &request).await
    }

    /// Reads an account; `None` when there is no such account.
    pub async fn account(&self, id: &AccountId) -> Result<Option<AccountInfo>, ApiError> {
        let limits = &self.transport.limits;
        let path = vec!["accounts", id.as_str()];
        let request = Request::get(path, limits.document_bytes, limits.read).about_account(id);
        match self.json(&request).await {
            Ok(envelope) => account_info(&envelope.data).map(Some),
            Err(ApiError::NoSuchAccount { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn json(&self, request: &Request<'_>) -> Result<Envelope, ApiError> {
        self.transport
            .send_json(request)
            .await
            .map_err(|failure| failure.error)
    }

    fn asset_request<'a>(&self, path: Vec<&'a str>) -> Request<'a> {
        let limits = &self.transport.limits;
        // No conditionals (412, B15), no Range (observed 11), and an Accept that admits everything (406, B13).
        let mut request = Request::get(path, limits.asset_bytes, limits.read);
        request.kind = RequestKind::Asset;
        request
    }

    async fn asset_answer(
        &self,
        kind: AssetKind,
        request: &Request<'_>,
    ) -> Result<Option<AssetContent>, ApiError> {
        let answer = match self.transport.send(request).await {
            Ok(answer) => answer,
            Err(Failure {
                error:
                    ApiError::NoSuchAsset { .. }
                    | ApiError::NoWhitelabel
                    | ApiError::UnknownDomain { .. },
                ..
            }) => return Ok(None),
            Err(failure) => return Err(failure.error),
        };
        // Kazoo names the attachment (B13). An answer without a name is a proxy's page, or an envelope, and a later
        // upload that carries the asset along would store it as the account's picture.
        if answer.attachment.is_none() {
            return Err(ApiError::Unusable {
                reason: "it names no attachment, so it is no asset".to_owned(),
            });
        }
        Ok(content(kind, answer))
    }
}

/// Builds the document from its answer.
pub(super) fn document(envelope: Envelope) -> Result<Document, ApiError> {
    let revision = envelope.text("revision").map(Revision::new);
    let revision = revision.ok_or_else(|| ApiError::Unusable {
        reason: "it has no revision".to_owned(),
    })?;
    Ok(Document {
        revision,
        settings: Settings::from_answer(object(envelope.data)?),
    })
}

pub(super) fn object(data: Value) -> Result<Object, ApiError> {
    match data {
        Value::Object(object) => Ok(object),
        _ => Err(ApiError::Unusable {
            reason: "its `data` is no object".to_owned(),
        }),
    }
}

fn content(kind: AssetKind, answer: Answer) -> Option<AssetContent> {
    let facts = facts(&answer.body);
    if kind == AssetKind::Logo && is_welcome(answer.attachment.as_deref(), facts.asset_type) {
        return None;
    }
    Some(AssetContent {
        bytes: answer.body,
        attachment: answer.attachment,
        facts,
    })
}

/// Returns whether the answer for the logo is in fact the welcome. A name without a known prefix, from an old server,
/// counts as the logo (B11); without any name, the content decides.
fn is_welcome(attachment: Option<&str>, asset_type: Option<AssetType>) -> bool {
    match attachment {
        Some(name) => name.starts_with(AssetKind::Welcome.as_str()),
        None => asset_type == Some(AssetType::Html),
    }
}

fn account_info(data: &Value) -> Result<AccountInfo, ApiError> {
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let flag = |name: &str| data.get(name).and_then(Value::as_bool);
    let id = AccountId::parse(text("id")).map_err(|error| ApiError::Unusable {
        reason: format!("its account has no id: {error}"),
    })?;
    Ok(AccountInfo {
        id,
        name: text("name").to_owned(),
        realm: text("realm").to_owned(),
        superduper: flag("superduper_admin").unwrap_or(false),
        is_reseller: flag("is_reseller").unwrap_or(false),
        enabled: flag("enabled").unwrap_or(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lone welcome page is shown as the logo.
    #[test]
    fn trap_16_a_welcome_is_no_logo() {
        let html = Some(AssetType::Html);
        assert!(is_welcome(Some("welcome-x.html"), None));
        assert!(!is_welcome(Some("logo-welcome.png"), html));
        assert!(!is_welcome(Some("x.html"), html), "an old server's name");
        assert!(is_welcome(None, html));
        assert!(!is_welcome(None, None));
    }
}
