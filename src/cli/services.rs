//! The services around the daemon's loop: HTTP server, alerts, and service manager.

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use camino::Utf8Path;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::failure::Failure;
use super::ui::Ui;
use crate::alert::{AlertsConfig, Channels, announce};
use crate::apply::make_directory;
use crate::config::{EventsConfig, ForgeConfig};
use crate::daemon::{
    EventChannel, Events, Notification, Place, PlatformEvents, PublishedStatus, ServiceManager,
    Setup, State, WorkQueue,
};
use crate::dashboard::webhook::Hook;
use crate::dashboard::{EVENT_PATH, Face, HttpConfig, Server, WebhookConfig};
use crate::forge::Target;
use crate::live::SecretConfig;

/// How long the loop may be silent beyond its usual pause, because a run on a slow platform takes time.
const SLOW: Duration = Duration::from_mins(10);

/// Deadline of the last alerts: the daemon has ten seconds in all to end.
const LAST: Duration = Duration::from_secs(3);

/// Interval of status lines to the service manager.
const STATUS: Duration = Duration::from_secs(30);

/// Configuration of the services.
pub(crate) struct Wanted<'w> {
    /// The HTTP server.
    pub(crate) http: Option<HttpConfig>,
    /// The alerts.
    pub(crate) alerts: AlertsConfig,
    /// What the platform tells of its changes.
    pub(crate) events: Option<EventsConfig>,
    /// The folder against which relative paths are resolved.
    pub(crate) top: &'w Utf8Path,
    /// The daemon's own setup.
    pub(crate) setup: &'w Setup,
}

/// The running services.
pub(crate) struct Services {
    server: Option<Server>,
    /// What the platform tells, for the loop.
    pub(crate) events: Option<Events>,
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Services {
    /// Starts the services. Mistakes in the configuration are reported before anything runs.
    pub(crate) async fn start(
        ui: Ui,
        wanted: Wanted<'_>,
        published: &PublishedStatus,
        queue: &WorkQueue,
    ) -> Result<Self, Failure> {
        let Wanted {
            http,
            alerts,
            events,
            top,
            setup,
        } = wanted;
        let wrong = |error: &dyn std::error::Error| Failure::Usage(error.to_string());
        let environment = |name: &str| env::var(name).ok();
        let patience = Duration::try_from(setup.poll).unwrap_or_default() + SLOW;
        let mut announcer = alerts
            .resolve(top, &environment)
            .await
            .map_err(|error| wrong(&error))?;
        announcer.patience = patience;
        announcer.memory = Some(setup.state.join("alerts.json").into());
        let public = http.as_ref().and_then(|http| http.public_url.as_ref());
        announcer.link = public.map(ToString::to_string);
        let channels = Channels::default();
        let told = match &events {
            Some(events) => Some(known_secret(events, top).await?),
            None => None,
        };
        let public = public.cloned();
        let hears_webhooks = (events.as_ref()).is_some_and(|events| events.blackhole.is_none());
        let server = match http {
            Some(http) => {
                let token = fetched(http.token.as_ref(), top).await?;
                let hook = match &http.webhook {
                    Some(hook) => Some(webhook(hook, setup, top).await?),
                    None => None,
                };
                let face = Face {
                    published: published.clone(),
                    queue: queue.clone(),
                    channels: channels.clone(),
                    token,
                    hook,
                    events: (told.clone()).filter(|_| hears_webhooks),
                    patience,
                };
                let server = Server::start(&http, face).await;
                let server = server.map_err(|error| wrong(&error))?;
                ui.message(&format!("the dashboard is at http://{}", server.address()));
                Some(server)
            }
            None => None,
        };
        let events = match events.zip(told) {
            Some((events, told)) => {
                let address = server.as_ref().map(Server::address);
                let channel = match events.blackhole {
                    Some(url) => EventChannel::Blackhole { url },
                    None => EventChannel::Webhooks {
                        owner: events.hooks.unwrap_or_default(),
                        url: event_url(public.as_ref(), address)?,
                    },
                };
                Some(Events { channel, told })
            }
            None => None,
        };
        let stop = CancellationToken::new();
        let mut tasks = Vec::new();
        if announcer.tells_anybody() {
            make_directory(setup.state.as_std_path()).with_context(|| setup.state.to_string())?;
            tasks.push(tokio::spawn(announce(
                announcer,
                published.clone(),
                channels,
                stop.clone(),
            )));
        }
        let manager = ServiceManager::find(&environment);
        manager.tell(&Notification::Ready);
        tasks.push(tokio::spawn(report(
            manager,
            published.clone(),
            queue.clone(),
            patience,
            stop.clone(),
        )));
        Ok(Self {
            server,
            events,
            tasks,
            stop,
        })
    }

    /// Stops the services; answers and alerts in flight are finished.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        let serving = async {
            if let Some(server) = self.server {
                server.stop().await;
            }
        };
        let telling = async {
            for task in self.tasks {
                let _ = task.await;
            }
        };
        let telling = tokio::time::timeout(LAST, telling);
        let ((), told) = tokio::join!(serving, telling);
        if told.is_err() {
            tracing::warn!(
                "somebody who is to be told does not answer; the last messages are given up"
            );
        }
    }
}

/// Applies `--listen`, which needs no token and is limited to this machine.
pub(crate) fn listening(
    http: Option<HttpConfig>,
    listen: Option<SocketAddr>,
) -> Option<HttpConfig> {
    match listen {
        Some(listen) => Some(HttpConfig {
            listen,
            ..http.unwrap_or_default()
        }),
        None => http,
    }
}

/// Resolves the forge at which drift is proposed.
pub(crate) async fn forge(config: &ForgeConfig, top: &Utf8Path) -> Result<Target, Failure> {
    let token = fetched(Some(&config.token), top).await?;
    let token = token.context("a forge without a token")?;
    Ok(Target::new(
        config.kind,
        &config.api,
        &config.repository,
        token,
    )?)
}

async fn webhook(config: &WebhookConfig, setup: &Setup, top: &Utf8Path) -> Result<Hook, Failure> {
    let branch = match &setup.source {
        Place::Folder(_) => None,
        Place::Remote { branch, .. } => Some(branch.clone()),
    };
    let secret = fetched(Some(&config.secret), top).await?;
    let secret = secret.context("a webhook without a secret")?;
    Ok(Hook {
        forge: config.forge,
        secret,
        branch,
    })
}

/// Returns what proves an event: nothing yet, where the daemon makes its own hooks.
async fn known_secret(config: &EventsConfig, top: &Utf8Path) -> Result<PlatformEvents, Failure> {
    let told = PlatformEvents::default();
    if let Some(secret) = fetched(config.secret.as_ref(), top).await? {
        told.expect(secret);
    }
    Ok(told)
}

/// Returns where the platform sends events: below the public URL or, where only this machine can reach the daemon, to
/// its own address, which a sandbox calls.
fn event_url(public: Option<&Url>, address: Option<SocketAddr>) -> Result<String, Failure> {
    let base = match (public, address) {
        (Some(public), _) => public.as_str().trim_end_matches('/').to_owned(),
        (None, Some(address)) if address.ip().is_loopback() => format!("http://{address}"),
        (None, _) => {
            return Err(Failure::Usage(
                "events need an address that the platform can reach; declare http.listen and http.public_url, or events.blackhole"
                    .to_owned(),
            ));
        }
    };
    Ok(base + EVENT_PATH)
}

async fn fetched(
    secret: Option<&SecretConfig>,
    top: &Utf8Path,
) -> Result<Option<crate::model::Secret>, Failure> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    let environment = |name: &str| env::var(name).ok();
    let fetched = secret.fetch(top, &environment).await;
    fetched
        .map(Some)
        .map_err(|error| Failure::Usage(format!("http: {error}")))
}

/// Reports the status to the service manager, and a sign of life while the loop is alive.
async fn report(
    manager: ServiceManager,
    published: PublishedStatus,
    queue: WorkQueue,
    patience: Duration,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(manager.interval().unwrap_or(STATUS).min(STATUS));
    let ending = queue.stopped();
    loop {
        let status = published.status();
        if status.is_alive(jiff::Timestamp::now(), patience) {
            manager.tell(&Notification::Alive);
        }
        let count = |state| status.count(state);
        manager.tell(&Notification::Status(format!(
            "{} in sync, {} in progress, {} need a person, {} unknown",
            count(State::Ready),
            count(State::Reconciling),
            count(State::Stalled),
            count(State::Unknown)
        )));
        tokio::select! {
            _ = ticks.tick() => {}
            () = ending.cancelled() => break,
            () = stop.cancelled() => break,
        }
    }
    manager.tell(&Notification::Stopping);
    // Finishing the steps in flight counts as a sign of life.
    while !stop.is_cancelled() {
        manager.tell(&Notification::Alive);
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => {}
        }
    }
}
