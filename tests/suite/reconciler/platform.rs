//! Where a scenario runs: on the Kazoo that the environment names, or on a sandbox of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use emblazon::live::{ClientConfig, Credential, ReadClient, RetryPolicy};
use emblazon::model::Secret;
use emblazon::sandbox::{Counts, Options, Profile, Sandbox};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::cli::emblazon;

/// The base URL, up to and without `/v2`.
const API: &str = "EMBLAZON_TEST_API";
/// The API key of the account below which everything happens.
const API_KEY: &str = "EMBLAZON_TEST_API_KEY";

/// Whose turn it is on a platform that all scenarios share.
static TURN: Mutex<()> = Mutex::const_new(());

/// A kind of server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    profile: Profile,
    /// Its store keeps attachments in the order of their names instead of that of their uploads.
    sorts_attachments: bool,
}

/// A platform to run one scenario on.
pub(super) struct Platform {
    pub(super) api: String,
    pub(super) key: Secret,
    /// The sandbox, when it is one of ours.
    pub(super) sandbox: Option<Sandbox>,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Platform {
    /// Returns the servers to run on: the one that the environment names is what it is.
    pub(super) fn servers() -> Vec<Server> {
        let of = |profile| Server {
            profile,
            sorts_attachments: false,
        };
        match variable(API) {
            Some(_) => vec![of(Profile::default())],
            None => vec![
                of(Profile::Master),
                of(Profile::V43),
                of(Profile::V5),
                Server {
                    sorts_attachments: true,
                    ..of(Profile::Master)
                },
            ],
        }
    }

    /// Takes the platform that the environment names, when it is its turn, or starts a sandbox.
    pub(super) async fn open(server: Server) -> Self {
        match (variable(API), variable(API_KEY)) {
            (Some(api), Some(key)) => Self {
                api,
                key: Secret::new(key),
                sandbox: None,
                _turn: Some(TURN.lock().await),
            },
            (None, None) => {
                let mut options = Options {
                    profile: server.profile,
                    ..Options::default()
                };
                if server.sorts_attachments {
                    options.seed = options.seed.with_sorted_attachments();
                }
                let sandbox = Sandbox::start(options).await.unwrap();
                Self {
                    api: sandbox.url(),
                    key: Secret::new(sandbox.api_key()),
                    sandbox: Some(sandbox),
                    _turn: None,
                }
            }
            _ => panic!("{API} and {API_KEY} belong together; set both, or none"),
        }
    }

    /// Tells whether it is somebody's own: it may be slow, and a read may show what was there before.
    pub(super) fn is_external(&self) -> bool {
        self.sandbox.is_none()
    }

    /// Logs the reconciler's client in.
    pub(super) async fn client(&self) -> ReadClient {
        let mut config = ClientConfig::new(&self.api, Credential::ApiKey(self.key.clone()));
        // Whoever put the address into the environment allowed it by name.
        config.allow_plain_http = true;
        if !self.is_external() {
            config.limits.retry = RetryPolicy {
                attempts: 3,
                first_pause: Duration::ZERO,
                longest_pause: Duration::ZERO,
                limited_pause: Duration::ZERO,
                deadline: Duration::from_mins(1),
            };
        }
        ReadClient::connect(config).await.unwrap()
    }
}

/// Reads a variable; an empty one counts as none.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// A sandbox in a process of its own; it ends with the value.
struct Served {
    process: Child,
    api: String,
    key: String,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let mut process = emblazon(folder)
            .args(["sandbox", "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        Self {
            api: text("api"),
            key: text("api_key"),
            process,
        }
    }

    fn counts(&self) -> Counts {
        let address = self.api.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!("GET /sandbox/counts HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This very program runs some scenarios again, on a sandbox that it knows by URL and key only.
#[test]
fn the_environment_names_the_platform() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("reconciler::domains::w23_two_accounts_swap_their_domains")
        .arg("reconciler::concurrency::a_plan_costs_few_requests")
        .arg("reconciler::template::a_replaced_template_keeps_what_is_not_declared")
        .env(API, &served.api)
        .env(API_KEY, &served.key)
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8(told).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("3 passed"), "{told}");
    assert!(
        told.contains("left out: only a sandbox of ours counts"),
        "{told}"
    );
    assert!(!told.contains(&served.key), "the key was shown");
    let counts = served.counts();
    let made = counts.of("PUT", "account");
    assert_eq!((made, counts.of("DELETE", "account")), (2, 2));
}
