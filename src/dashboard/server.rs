//! The server: its routes, and the rules for every response.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::listener::{Client, LimitedListener};
use super::state::{Counters, Shared};
use super::strict::strict;
use super::unproven::Unproven;
use super::webhook::{Deliveries, Hook};
use super::{HttpConfig, HttpError, api, events, health, hook, metrics, page, platform_event};
use crate::alert::Channels;
use crate::daemon::{PlatformEvents, PublishedStatus, WorkQueue};
use crate::model::Secret;

/// How long a connection may go without a response.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long the last responses may take at shutdown: the daemon has ten seconds in total.
const LAST: Duration = Duration::from_secs(3);

/// The content security policy: only this server is loaded from, no script is inline, and no other page may embed one.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the server shows, and what it feeds.
pub struct Face {
    /// The published status.
    pub published: PublishedStatus,
    /// The queue for interventions.
    pub queue: WorkQueue,
    /// Delivery statistics of alerts.
    pub channels: Channels,
    /// The token for the API and the dashboard.
    pub token: Option<Secret>,
    /// The forge that notifies of pushes.
    pub hook: Option<Hook>,
    /// What the platform tells of its changes.
    pub events: Option<PlatformEvents>,
    /// How long without a heartbeat until the loop is considered dead.
    pub patience: Duration,
}

/// A running server; it stops when dropped.
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    #[cfg(test)]
    shared: std::sync::Weak<Shared>,
}

impl Server {
    /// Starts a server; it accepts requests when this returns.
    pub async fn start(config: &HttpConfig, face: Face) -> Result<Self, HttpError> {
        config.check()?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            access: Access::new(face.token, config.public_url.clone(), &config.hosts)?,
            published: face.published,
            queue: face.queue,
            channels: face.channels,
            public_url: config.public_url.clone(),
            open_metrics: config.open_metrics,
            hook: face.hook,
            events: face.events,
            deliveries: Mutex::new(Deliveries::default()),
            counters: Counters::default(),
            unproven: Unproven::default(),
            listeners: Shared::listeners(),
            patience: face.patience,
            stop: stop.clone(),
        });
        let listener = TcpListener::bind(config.listen).await;
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|source| HttpError::Listen {
            address: config.listen,
            source,
        })?;
        let listener = LimitedListener::new(listener, PATIENCE);
        #[cfg(test)]
        let known = Arc::downgrade(&shared);
        let ending = stop.clone();
        let task = tokio::spawn(async move {
            let service = router(shared).into_make_service_with_connect_info::<Client>();
            let serving = axum::serve(listener, service)
                .with_graceful_shutdown(ending.clone().cancelled_owned());
            let too_late = async {
                ending.cancelled().await;
                tokio::time::sleep(LAST).await;
            };
            tokio::select! {
                _ = serving => {}
                () = too_late => {}
            }
        });
        Ok(Self {
            address,
            stop,
            task: Some(task),
            #[cfg(test)]
            shared: known,
        })
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server, and waits until requests in flight are answered.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let guard = middleware::from_fn_with_state(Arc::clone(&shared), api::guard);
    let guarded = api::router().layer(guard);
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/leaderz", get(health::leads))
        .route("/metrics", get(metrics::serve))
        .route("/webhook", post(hook::hear))
        .route(platform_event::PATH, post(platform_event::hear))
        .route("/events", get(events::serve))
        .nest("/api/v1", guarded)
        .merge(page::router(&shared))
        // `strict` has already read and limited the body.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), strict))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), harden))
        .with_state(shared)
}

/// Adds the headers of every response.
async fn harden(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    let word = HeaderName::from_static;
    set(word("cross-origin-opener-policy"), "same-origin");
    set(word("cross-origin-resource-policy"), "same-origin");
    set(
        word("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    let tls = shared
        .public_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    if tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "attack_tests.rs"]
mod attacks;

#[cfg(test)]
#[path = "truth_tests.rs"]
mod truth;
