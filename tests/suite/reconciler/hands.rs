//! Work by hand: requests that owe nothing to the code under test, as an administrator's script sends them.

use std::time::Duration;

use emblazon::live::ReadClient;
use emblazon::model::{AccountId, AssetKind, Secret};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::platform::Platform;

/// How often a request is sent when the server asks for patience.
const TRIES: u32 = 8;

/// An account that a scenario made.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its name in trees.
    pub(super) name: &'static str,
    pub(super) id: AccountId,
    pub(super) realm: String,
}

/// A hand on the platform. It shows neither key nor token: answers echo both, so no message holds a body.
pub(super) struct Hands {
    client: reqwest::Client,
    base: String,
    token: Secret,
    own: AccountId,
}

/// An answer.
struct Answer {
    status: StatusCode,
    attachment: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn data(&self) -> Value {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["data"].take()
    }

    fn revision(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["revision"].as_str().unwrap_or_default().to_owned()
    }
}

impl Hands {
    /// Logs in; the reconciler's client knows the account.
    pub(super) async fn new(platform: &Platform, reader: &ReadClient) -> Self {
        // The answer is the same in every test of the process: there is one provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = platform.api.trim_end_matches('/');
        let mut hands = Self {
            client: reqwest::Client::builder()
                .timeout(Duration::from_mins(1))
                .build()
                .unwrap(),
            base: base.trim_end_matches("/v2").to_owned(),
            token: Secret::new(""),
            own: reader.root().clone(),
        };
        let login = json!({"api_key": platform.key.expose()});
        let answer = hands.json(Method::PUT, "/api_auth", &login).await;
        assert_eq!(answer.status, StatusCode::CREATED, "the login by hand");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        hands.token = Secret::new(body["auth_token"].as_str().unwrap());
        hands
    }

    async fn send(&self, method: Method, path: &str, content: Option<(&str, Vec<u8>)>) -> Answer {
        let url = format!("{}/v2{path}", self.base);
        let mut tries = 0;
        loop {
            let mut request = self
                .client
                .request(method.clone(), &url)
                .header(header::ACCEPT, "*/*");
            if !self.token.expose().is_empty() {
                request = request.header("X-Auth-Token", self.token.expose());
            }
            if let Some((content_type, bytes)) = &content {
                let content_type = (*content_type).to_owned();
                request = request.header(header::CONTENT_TYPE, content_type);
                request = request.body(bytes.clone());
            }
            let answer = request.send().await.unwrap();
            tries += 1;
            let status = answer.status();
            if matches!(status.as_u16(), 429 | 503) && tries < TRIES {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            let disposition = answer.headers().get(header::CONTENT_DISPOSITION);
            let attachment = disposition
                .and_then(|value| value.to_str().ok()?.split_once("filename="))
                .map(|(_, name)| name.trim_matches('"').to_owned());
            return Answer {
                status,
                attachment,
                body: answer.bytes().await.unwrap().to_vec(),
            };
        }
    }

    async fn json(&self, method: Method, path: &str, data: &Value) -> Answer {
        let body = json!({"data": data}).to_string().into_bytes();
        self.send(method, path, Some(("application/json", body)))
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Makes an account below the key's own.
    pub(super) async fn create_account(&self, name: &'static str, label: &str) -> Account {
        let realm = format!("{name}-{label}.sip.example.com");
        let data = json!({"name": format!("emblazon-test-{label}-{name}"), "realm": realm});
        let path = format!("/accounts/{}", self.own);
        let answer = self.json(Method::PUT, &path, &data).await;
        assert_eq!(answer.status, StatusCode::CREATED, "making account {name}");
        let id = answer.data()["id"].as_str().unwrap().to_owned();
        Account {
            name,
            id: AccountId::parse(&id).unwrap(),
            realm,
        }
    }

    /// Removes an account with its whitelabel, which releases its domain (W7); tells what stayed.
    pub(super) async fn remove_account(&self, id: &AccountId) -> Result<(), String> {
        for path in [
            format!("/accounts/{id}/whitelabel"),
            format!("/accounts/{id}"),
        ] {
            let status = self.send(Method::DELETE, &path, None).await.status;
            if !status.is_success() && status != StatusCode::NOT_FOUND {
                return Err(format!("DELETE /v2{path} answered {status}"));
            }
        }
        Ok(())
    }

    /// Deletes a whitelabel.
    pub(super) async fn delete(&self, account: &Account) {
        let path = format!("/accounts/{}/whitelabel", account.id);
        let answer = self.send(Method::DELETE, &path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{} by hand", account.name);
    }

    /// Tells whether the key is the master's, who alone may write the template (A10).
    pub(super) async fn is_master(&self) -> bool {
        let answer = self.get(&format!("/accounts/{}", self.own)).await;
        answer.data()["superduper_admin"] == true
    }

    /// Creates a whitelabel.
    pub(super) async fn create(&self, account: &Account, settings: &Value) {
        let path = format!("/accounts/{}/whitelabel", account.id);
        let answer = self.json(Method::PUT, &path, settings).await;
        assert_eq!(
            answer.status,
            StatusCode::CREATED,
            "{} by hand",
            account.name
        );
        self.await_revision(&account.id, &answer.revision()).await;
    }

    /// Replaces all settings, whatever the revision is; tells whether the server took them.
    pub(super) async fn try_replace(&self, account: &Account, settings: &Value) -> bool {
        let path = format!("/accounts/{}/whitelabel", account.id);
        let answer = self.json(Method::POST, &path, settings).await;
        if answer.status.is_success() {
            self.await_revision(&account.id, &answer.revision()).await;
        }
        answer.status.is_success()
    }

    pub(super) async fn replace(&self, account: &Account, settings: &Value) {
        let taken = self.try_replace(account, settings).await;
        assert!(taken, "{} by hand", account.name);
    }

    /// Waits until reads show a write, which on a cluster may take a moment (C3, trap 38).
    pub(super) async fn await_revision(&self, account: &AccountId, revision: &str) {
        let path = format!("/accounts/{account}/whitelabel");
        for look in 0..TRIES {
            if self.get(&path).await.revision() == revision {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20) * 2_u32.pow(look)).await;
        }
        panic!("revision {revision} of {account} does not show");
    }

    /// Reads the settings, without the `id` that the server adds; `None` when there is no whitelabel.
    pub(super) async fn settings(&self, account: &Account) -> Option<Value> {
        let path = format!("/accounts/{}/whitelabel", account.id);
        Self::settings_of(&self.get(&path).await)
    }

    /// Reads what the public sees below a domain.
    pub(super) async fn public(&self, domain: &str) -> Option<Value> {
        Self::settings_of(&self.get(&format!("/whitelabel/{domain}")).await)
    }

    fn settings_of(answer: &Answer) -> Option<Value> {
        if answer.status == StatusCode::NOT_FOUND {
            return None;
        }
        assert_eq!(answer.status, StatusCode::OK, "reading by hand");
        let mut data = answer.data();
        let settings = data.as_object_mut().unwrap();
        settings.retain(|key, _| key != "id" && !key.starts_with('_'));
        Some(data)
    }

    /// Uploads an asset under a name that no program gives.
    pub(super) async fn upload(&self, account: &Account, kind: AssetKind, bytes: &[u8]) {
        let content_type = match kind {
            AssetKind::Logo => "image/png",
            AssetKind::Icon => "image/x-icon",
            AssetKind::Welcome => "text/html",
        };
        let path = format!("/accounts/{}/whitelabel/{kind}?filename=byhand", account.id);
        let content = Some((content_type, bytes.to_vec()));
        let answer = self.send(Method::POST, &path, content).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{kind} of {} by hand",
            account.name
        );
        self.await_revision(&account.id, &answer.revision()).await;
    }

    /// Reads an asset and its attachment's name; what the server shows in its place is none (observed 2).
    pub(super) async fn asset(
        &self,
        account: &Account,
        kind: AssetKind,
    ) -> Option<(String, Vec<u8>)> {
        let path = format!("/accounts/{}/whitelabel/{kind}", account.id);
        let answer = self.get(&path).await;
        if answer.status == StatusCode::NOT_FOUND {
            return None;
        }
        assert_eq!(answer.status, StatusCode::OK, "{kind} of {}", account.name);
        let attachment = answer.attachment.unwrap_or_default();
        attachment
            .starts_with(kind.as_str())
            .then_some((attachment, answer.body))
    }

    pub(super) async fn asset_bytes(&self, account: &Account, kind: AssetKind) -> Option<Vec<u8>> {
        self.asset(account, kind).await.map(|(_, bytes)| bytes)
    }

    /// Reads the system's template, raw (D5).
    pub(super) async fn template(&self) -> Value {
        let path = "/whitelabel/domains?domain=%7B%7Bdomain%7D%7D";
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "reading the template");
        answer.data()
    }

    /// Replaces the system's template.
    pub(super) async fn replace_template(&self, template: &Value) -> Result<(), String> {
        let path = "/whitelabel/domains";
        let status = self.json(Method::POST, path, template).await.status;
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("POST /v2{path} answered {status}"))
        }
    }
}
