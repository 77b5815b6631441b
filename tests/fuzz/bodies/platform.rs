//! What the platform and a forge answer, and what a forge sends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use emblazon::dashboard::webhook::{Hook, judge};
use emblazon::forge::{CommitStatus, ForgeKind, Mark, Publisher, Target};
use emblazon::live::{ClientConfig, Credential, Filter, ReadClient};
use emblazon::model::{AccountId, Secret};
use tokio::runtime::Runtime;

/// The body of a webhook: nobody without the secret is listened to, whatever he says.
pub(crate) fn webhook(data: &[u8]) {
    for forge in [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea] {
        let hook = Hook {
            forge,
            secret: Secret::new("the secret that nobody guesses"),
            branch: Some("main".to_owned()),
        };
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert("content-type", json);
        assert!(judge(&hook, &headers, data).is_err());
        if let Ok(value) = HeaderValue::from_bytes(data) {
            for name in ["x-hub-signature-256", "x-gitlab-token", "x-gitea-signature"] {
                headers.insert(name, value.clone());
            }
            assert!(judge(&hook, &headers, data).is_err());
        }
    }
}

/// What a server answers to everything but the login.
#[derive(Clone, Default)]
struct Answer(Arc<Mutex<Vec<u8>>>);

impl Answer {
    fn put(&self, body: &[u8]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
    }

    /// Answers the requests of one connection. The first byte of the body chooses the status.
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut head = Vec::new();
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            head.push(byte[0]);
            if !head.ends_with(b"\r\n\r\n") {
                continue;
            }
            let text = String::from_utf8_lossy(&head).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            if stream.read_exact(&mut body).is_err() {
                return;
            }
            let (status, body) = if text.contains("_auth") {
                (201, LOGIN.to_vec())
            } else {
                let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let statuses = [200, 200, 200, 400, 401, 402, 404, 409, 412, 500];
                let first = body.first().copied().unwrap_or_default();
                let status = statuses[usize::from(first) % statuses.len()];
                (status, body.get(1..).unwrap_or_default().to_vec())
            };
            let mut answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            answer.extend(body);
            let sent = stream.write_all(&answer);
            if sent.is_err() {
                return;
            }
            head.clear();
        }
    }
}

const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const LOGIN: &[u8] = br#"{"auth_token":"a.b.c","status":"success","data":{"account_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#;

/// A client of a server that answers what it is told to, kept for all inputs.
struct Stage {
    runtime: Runtime,
    client: ReadClient,
    url: String,
    answer: Answer,
}

fn stage() -> &'static Mutex<Stage> {
    static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();
    STAGE.get_or_init(|| {
        let answer = Answer::default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let port = listener.local_addr().expect("its number").port();
        let serving = answer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        let runtime = Runtime::new().expect("a runtime");
        let key = Credential::ApiKey(Secret::new("f".repeat(64)));
        let url = format!("http://127.0.0.1:{port}");
        let mut config = ClientConfig::new(url.clone(), key);
        // A failure is an outcome here, and not to be waited for.
        config.limits.retry.attempts = 1;
        let client = runtime
            .block_on(ReadClient::connect(config))
            .expect("a login");
        Mutex::new(Stage {
            runtime,
            client,
            url,
            answer,
        })
    })
}

/// The body of an answer of the API, as a document, a template, an account and a list.
pub(crate) fn answer(data: &[u8]) {
    let stage = stage().lock().unwrap_or_else(PoisonError::into_inner);
    stage.answer.put(data);
    let account = AccountId::parse(ID).expect("an id");
    stage.runtime.block_on(async {
        let client = &stage.client;
        if let Ok(Some(document)) = client.whitelabel(&account).await {
            // What would be sent again holds none of the server's own keys (trap 7).
            let settings = document.settings.as_object();
            assert!(!settings.contains_key("id") && !settings.contains_key("_read_only"));
        }
        let _ = client.template().await;
        let _ = client.account(&account).await;
        let _ = client.descendants(&account, &Filter::all()).await;
    });
}

const REPORT: &str = "<!-- emblazon plan production differs -->\nplan\n";

/// The body of an answer of a forge, whatever it is asked.
pub(crate) fn forge(data: &[u8]) {
    let stage = stage().lock().unwrap_or_else(PoisonError::into_inner);
    stage.answer.put(data);
    for kind in [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea] {
        let target = Target {
            kind,
            api: stage.url.parse().expect("a URL"),
            repository: "acme/brands".to_owned(),
            number: Some(7),
            commit: Some("0".repeat(40)),
            link: None,
            token: Secret::new("a token"),
        };
        let mark = Mark::of(REPORT).expect("a mark");
        let publisher = Publisher::new(target, Duration::ZERO).expect("a client");
        stage.runtime.block_on(async {
            let _ = publisher.comment(REPORT).await;
            let _ = publisher.issue("drift", REPORT).await;
            let _ = publisher.status(&CommitStatus::of(&mark)).await;
            // Nobody approved anything in a form that a random body takes.
            let _ = publisher.shown(&mark).await;
        });
    }
}
