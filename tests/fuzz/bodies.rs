//! What each fuzz target does with its bytes: it must not panic, and what must hold of the outcome holds.
//!
//! The suite replays the corpora through the same functions on the stable toolchain.
#![allow(dead_code, reason = "each target uses one of them")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use camino::{Utf8Path, Utf8PathBuf};
use emblazon::live::{ClientConfig, Credential, Filter, ReadClient};
use emblazon::model::{AccountId, RecordData, RecordType, Secret};
use emblazon::plan::{FORMAT_VERSION, Plan};
use emblazon::report::{problems, text};
use emblazon::tree::{Listed, ListedKind, ReadError, SourceError, TreeSource, load};
use emblazon::watch::http::webhook::{Forge, Hook, judge};
use tokio::runtime::Runtime;

const CONFIG: &[u8] = b"clusters: {production: {api: \"https://api.example.com\"}}\n";

/// A tree in memory.
struct Files(BTreeMap<Utf8PathBuf, Vec<u8>>);

impl TreeSource for Files {
    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        let listed = |path: &Utf8PathBuf| Listed {
            path: path.clone(),
            kind: ListedKind::File,
        };
        Ok(self.0.keys().map(listed).collect())
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.0.get(path).ok_or(ReadError::Missing)?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        Ok(bytes.clone())
    }

    fn folder(&self) -> Utf8PathBuf {
        Utf8PathBuf::new()
    }
}

/// Loads a tree twice: the same state and the same mistakes, each of which can be shown.
fn loads(files: &[(&str, &[u8])]) {
    let files = files
        .iter()
        .map(|(path, bytes)| (Utf8PathBuf::from(*path), bytes.to_vec()));
    let files = Files(files.collect());
    let (Ok(first), Ok(second)) = (load(&files, None), load(&files, None)) else {
        return;
    };
    assert_eq!(first.desired.digest(), second.desired.digest());
    let shown = |loaded: &emblazon::tree::Loaded| -> Vec<String> {
        problems(&loaded.diagnostics, &loaded.sources)
            .iter()
            .map(|problem| {
                let shown = text::render_problem(problem, text::Options::default());
                shown.as_str().to_owned()
            })
            .collect()
    };
    let problems = shown(&first);
    assert_eq!(problems, shown(&second));
    for problem in problems {
        let is_forged = |character: char| character.is_control() && character != '\n';
        assert!(!problem.contains(is_forged), "{problem:?}");
    }
}

/// The file of an account, and the brand that it extends: YAML, decoding, layers and checks.
pub(crate) fn tree(data: &[u8]) {
    loads(&[
        ("emblazon.yaml", CONFIG),
        ("accounts/acme/account.yaml", data),
        ("brands/gold.yaml", data),
    ]);
}

/// `emblazon.yaml`.
pub(crate) fn config(data: &[u8]) {
    loads(&[("emblazon.yaml", data)]);
}

/// `domains.yaml`.
pub(crate) fn template(data: &[u8]) {
    loads(&[("emblazon.yaml", CONFIG), ("domains.yaml", data)]);
}

/// The text of a record, of each type: what was read can be written and is read again as the same.
pub(crate) fn record(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for name in [
        "A", "AAAA", "CNAME", "MX", "NAPTR", "SRV", "TXT", "CAA", "NS",
    ] {
        let Some(record_type) = RecordType::parse(name) else {
            continue;
        };
        if let Ok(record) = RecordData::parse(record_type, text) {
            let written = record.to_string();
            let again = RecordData::parse(record_type, &written);
            assert_eq!(
                again.ok().as_ref(),
                Some(&record),
                "{name} {text:?} {written:?}"
            );
        }
    }
}

/// A saved plan: what was read is written as the same bytes again and again.
pub(crate) fn plan(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(plan) = Plan::from_json(text) {
        let written = plan.to_json();
        let again = Plan::from_json(&written).map(|plan| plan.to_json());
        assert_eq!(again.ok().as_deref(), Some(written.as_str()));
        if plan.version == FORMAT_VERSION {
            let file = plan.sealed();
            let again = Plan::unsealed(file.as_bytes()).map(|plan| plan.sealed());
            assert_eq!(again.ok(), Some(file));
        }
    }
}

/// The body of a webhook: nobody without the secret is listened to, whatever he says.
pub(crate) fn webhook(data: &[u8]) {
    for forge in [Forge::Github, Forge::Gitlab, Forge::Gitea] {
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
        let mut config = ClientConfig::new(format!("http://127.0.0.1:{port}"), key);
        // A failure is an outcome here, and not to be waited for.
        config.limits.retry.attempts = 1;
        let client = runtime
            .block_on(ReadClient::connect(config))
            .expect("a login");
        Mutex::new(Stage {
            runtime,
            client,
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
