//! Where a scenario runs: on the Kazoo that the environment names, or on a sandbox of its own.

use std::time::Duration;

use emblazon::live::{ClientConfig, Credential, ReadClient, RetryPolicy};
use emblazon::model::Secret;
use emblazon::sandbox::{Options, Sandbox};
use tokio::sync::{Mutex, MutexGuard};

/// The base URL, up to and without `/v2`.
const API: &str = "EMBLAZON_TEST_API";
/// The API key of the account below which everything happens.
const API_KEY: &str = "EMBLAZON_TEST_API_KEY";

/// Whose turn it is on a platform that all scenarios share.
static TURN: Mutex<()> = Mutex::const_new(());

/// A platform to run one scenario on.
pub(super) struct Platform {
    pub(super) api: String,
    pub(super) key: Secret,
    /// The sandbox, when it is one of ours.
    pub(super) sandbox: Option<Sandbox>,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Platform {
    /// Takes the platform that the environment names, when it is its turn, or starts a sandbox.
    pub(super) async fn open() -> Self {
        match (variable(API), variable(API_KEY)) {
            (Some(api), Some(key)) => Self {
                api,
                key: Secret::new(key),
                sandbox: None,
                _turn: Some(TURN.lock().await),
            },
            (None, None) => {
                let sandbox = Sandbox::start(Options::default()).await.unwrap();
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
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
