//! The running sandbox: a server on loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::{self, Answer, Buckets, Request, Server};
use super::blackhole::{self, Blackhole, Upgrade};
use super::capacity::{Capacity, Queue};
use super::clock::Clock;
use super::connection::{Connection, FaultyListener};
use super::delivery::{Sender, deliver};
use super::dns::DnsServer;
use super::faults::{FaultScript, Hits};
use super::gzip;
use super::record::Recorder;
use super::ui::UiServer;
use super::world::{Delivery, ObjectChange, Store, World};
use super::{Counts, Fault, FaultKind, Profile, SandboxError, Seed};

/// The largest request body that is read at all; a real server's limit is lower (B6).
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// How many changes a connection of Blackhole may be behind before it misses some.
const CHANGES: usize = 4096;

/// The smallest body that is compressed, as in the real server's HTTP layer.
const COMPRESSED_FROM: usize = 300;

/// Options for starting a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; port 0 selects a free one.
    pub listen: SocketAddr,
    /// The emulated version.
    pub profile: Profile,
    /// The initial state; an existing state folder takes precedence.
    pub seed: Seed,
    /// The folder to persist the state in.
    pub state: Option<PathBuf>,
    /// Scripted faults, in addition to those of the seed.
    pub faults: Vec<Fault>,
    /// The file to append requests and responses to.
    pub record: Option<PathBuf>,
    /// The capacity; unlimited if absent.
    pub capacity: Option<Capacity>,
    /// The port of the DNS servers, if the seed has any; 0 selects a free one.
    pub dns_port: u16,
}

impl Default for Options {
    /// Returns an empty sandbox on a free port of 127.0.0.1 that imitates master.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            profile: Profile::default(),
            seed: Seed::default(),
            state: None,
            faults: Vec::new(),
            record: None,
            capacity: None,
            dns_port: 0,
        }
    }
}

impl Options {
    /// Returns the default options with the given seed.
    #[must_use]
    pub fn seeded(seed: Seed) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }
}

/// A running sandbox. It stops when dropped, which also ends hanging requests.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    api_key: String,
    account_id: String,
    dns: Option<Arc<DnsServer>>,
    ui: Option<UiServer>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// The state shared by all connections.
#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    profile: Profile,
    deliveries: UnboundedSender<Delivery>,
    changes: broadcast::Sender<ObjectChange>,
    server: Mutex<Server>,
    faults: Mutex<FaultScript>,
    counts: Mutex<Counts>,
    recorder: Mutex<Option<Recorder>>,
    store: Option<Store>,
    queue: Option<Queue>,
    clock: Clock,
    connections: Arc<AtomicU64>,
    requests: AtomicU64,
    stop: CancellationToken,
}

impl Sandbox {
    /// Starts a sandbox; it accepts requests when this returns.
    ///
    /// # Errors
    /// When the address, the state folder or the recording cannot be used.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let (store, mut world) = opened(&options)?;
        world.settle();
        let recorder = options
            .record
            .map(|file| {
                Recorder::open(&file).map_err(|source| SandboxError::Record { file, source })
            })
            .transpose()?;
        let listener = TcpListener::bind(options.listen)
            .await
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listener.map_err(|source| SandboxError::Listen {
            address: options.listen,
            source,
        })?;
        let account_id = world.master().to_owned();
        let api_key = world
            .account(&account_id)
            .map(|master| master.api_key.clone())
            .unwrap_or_default();
        let dns = match &options.seed.dns {
            Some(seed) => Some(Arc::new(DnsServer::start(seed, options.dns_port).await?)),
            None => None,
        };
        if let (Some(dns), Some(folder)) = (&dns, &options.state) {
            dns.keep_in(folder.join("zones.json"))
                .map_err(|source| SandboxError::State {
                    folder: folder.clone(),
                    source,
                })?;
        }
        let stop = CancellationToken::new();
        let mut faults = options.seed.faults;
        faults.extend(options.faults);
        let connections = Arc::new(AtomicU64::new(0));
        let (deliveries, inbox) = unbounded_channel();
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            profile: options.profile,
            deliveries,
            changes: broadcast::Sender::new(CHANGES),
            server: Mutex::new(Server {
                profile: options.profile,
                buckets: Buckets::default(),
                dns: dns.clone(),
            }),
            faults: Mutex::new(FaultScript::new(faults)),
            counts: Mutex::default(),
            recorder: Mutex::new(recorder),
            store,
            queue: options.capacity.map(Queue::new),
            clock: Clock::default(),
            connections: Arc::clone(&connections),
            requests: AtomicU64::new(0),
            stop: stop.clone(),
        });
        tokio::spawn(deliver(sender(&shared), inbox));
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&shared));
        let ui = match &options.seed.ui {
            Some(seed) => Some(UiServer::start(seed, router.clone(), &stop).await?),
            None => None,
        };
        let service = router.into_make_service_with_connect_info::<Connection>();
        let listener = FaultyListener::new(listener, connections);
        let ending = stop.clone();
        let task = tokio::spawn(async move {
            // Serving only ends through the token; failed accepts are retried internally.
            let _ = axum::serve(listener, service)
                .with_graceful_shutdown(ending.cancelled_owned())
                .await;
        });
        Ok(Self {
            address,
            api_key,
            account_id,
            dns,
            ui,
            shared,
            stop,
            task: Some(task),
        })
    }

    /// Returns the base URL, such as `http://127.0.0.1:8000`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the URL of Blackhole, such as `ws://127.0.0.1:8000/`.
    #[must_use]
    pub fn blackhole_url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// Returns the address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the master's API key.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Returns the master's account id.
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// Returns the DNS servers, if the seed has any.
    #[must_use]
    pub fn dns(&self) -> Option<&DnsServer> {
        self.dns.as_deref()
    }

    /// Returns where what stands at an address of the seed's user interface really listens; empty without one.
    #[must_use]
    pub fn detours(&self) -> BTreeMap<SocketAddr, SocketAddr> {
        let ui = self.ui.as_ref();
        ui.map(|ui| ui.detours.clone()).unwrap_or_default()
    }

    /// Returns the authority that issued the user interface's certificates, in PEM; `None` without one.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        Some(self.ui.as_ref()?.authority.pem())
    }

    /// Returns the request counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Locks the world, to inspect or change it; webhooks and Blackhole tell of a change once the guard is
    /// dropped. Requests wait
    /// meanwhile, so the guard must not be held across an `await`.
    #[must_use]
    pub fn world(&self) -> WorldGuard<'_> {
        WorldGuard {
            world: locked(&self.shared.world),
            shared: &self.shared,
        }
    }

    /// Replaces the scripted faults and resets their counts.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        *locked(&self.shared.faults) = FaultScript::new(faults);
    }

    /// Advances the sandbox's clock: tokens expire and buckets refill without waiting.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Sets the sandbox's clock to a time in seconds since 1970 and stops it.
    pub fn set_clock(&self, unix_seconds: u64) {
        self.shared.clock.set(unix_seconds);
    }

    /// Stops the server and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }

    /// Waits until the server ends, for a command that only serves.
    pub async fn wait(mut self) {
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The world, locked.
#[derive(Debug)]
pub struct WorldGuard<'s> {
    world: MutexGuard<'s, World>,
    shared: &'s Shared,
}

impl Deref for WorldGuard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for WorldGuard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for WorldGuard<'_> {
    fn drop(&mut self) {
        self.shared.tell(&mut self.world);
    }
}

fn opened(options: &Options) -> Result<(Option<Store>, World), SandboxError> {
    let Some(folder) = &options.state else {
        return Ok((None, options.seed.world.clone()));
    };
    let failed = |source| SandboxError::State {
        folder: folder.clone(),
        source,
    };
    let store = Store::open(folder).map_err(failed)?;
    let saved = store.load().map_err(failed)?;
    let mut world = saved.unwrap_or_else(|| options.seed.world.clone());
    world.settings = options.seed.world.settings.clone();
    store.save(&world).map_err(failed)?;
    Ok((Some(store), world))
}

/// Locks a mutex even if it is poisoned, so that the original panic is not masked by another one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: axum::extract::Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == "/sandbox/counts" {
        return counted(&shared);
    }
    let method = parts.method.as_str().to_owned();
    locked(&shared.counts).add(&method, &path);
    let hits = locked(&shared.faults).hits(&method, &path);
    if hits.include(FaultKind::DropConnection) {
        connection.end();
        return Response::default();
    }
    // A partial request must be dropped: treated as an empty body, it would wipe a document (W6).
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        connection.end();
        return Response::default();
    };
    if hits.include(FaultKind::Hang) {
        shared.stop.cancelled().await;
        connection.end();
        return Response::default();
    }
    if let Some(queue) = &shared.queue {
        let took = queue.work().await;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        locked(&shared.counts).busy_micros += micros;
    }
    if let Some(delay) = hits.delay() {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shared.stop.cancelled() => {}
        }
    }
    let upgrade = match hits.status() {
        Some(_) => None,
        None => Upgrade::of(&mut parts),
    };
    if let Some(upgrade) = upgrade {
        return blackhole::serve(upgrade, listener(&shared, connection.peer()));
    }
    let request = Request {
        method,
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        peer: connection.peer().to_owned(),
    };
    let answer = shared.handle(&request, &hits);
    if hits.include(FaultKind::Silence) {
        shared.stop.cancelled().await;
        connection.end();
        return Response::default();
    }
    if answer.lost || hits.include(FaultKind::LostAnswer) {
        connection.end();
    }
    if hits.include(FaultKind::CutBody) {
        connection.end_in_body(answer.body.len() / 2);
    }
    written(answer)
}

/// Returns what a connection of Blackhole needs of the server.
fn listener(shared: &Arc<Shared>, peer: &str) -> Blackhole {
    let (hits, ask) = (shared.clone(), shared.clone());
    let idle = locked(&shared.world).settings.blackhole_idle_ms;
    Blackhole {
        hits: Box::new(move |method, path| locked(&hits.faults).hits(method, path)),
        ask: Box::new(move |asking| asking(&locked(&ask.world), ask.clock.unix_millis())),
        changes: shared.changes.subscribe(),
        idle: Duration::from_millis(idle),
        peer: peer.to_owned(),
        stop: shared.stop.clone(),
    }
}

/// Returns what deliveries of webhooks need of the server.
fn sender(shared: &Arc<Shared>) -> Sender {
    let (hits, failed, pause) = (shared.clone(), shared.clone(), shared.clone());
    Sender {
        hits: Box::new(move |method, path| locked(&hits.faults).hits(method, path)),
        failed: Box::new(move |hook| {
            let now = failed.clock.unix_millis();
            locked(&failed.world).delivery_failed(hook, now);
        }),
        pause: Box::new(move || Duration::from_millis(locked(&pause.world).settings.hook_pause_ms)),
        stop: shared.stop.clone(),
    }
}

fn counted(shared: &Shared) -> Response {
    let text = serde_json::to_vec(&shared.counts()).unwrap_or_default();
    written(Answer {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: Bytes::from(text),
        lost: false,
    })
}

impl Shared {
    /// Lets the webhooks and Blackhole tell of what has changed.
    fn tell(&self, world: &mut World) {
        let changes = world.take_changes();
        for delivery in world.deliveries(&changes, self.profile) {
            // Nobody delivers once the sandbox has stopped.
            let _ = self.deliveries.send(delivery);
        }
        for change in changes {
            // Perhaps nobody listens.
            let _ = self.changes.send(change);
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = locked(&self.counts).clone();
        counts.connections = self.connections.load(Ordering::Relaxed);
        counts
    }

    fn handle(&self, request: &Request, hits: &Hits) -> Answer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = request
            .header("x-request-id")
            .map_or_else(|| format!("{number:032x}"), str::to_owned);
        let now = self.clock.unix_millis();
        let mut world = locked(&self.world);
        let mut server = locked(&self.server);
        let mut answer = api::answer(&mut server, &mut world, request, hits, request_id, now);
        let profile = server.profile;
        drop(server);
        let may_have_changed = !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        if let Some(store) = self.store.as_ref().filter(|_| may_have_changed)
            && let Err(error) = store.save(&world)
        {
            tracing::error!(%error, "the sandbox cannot keep its state");
        }
        if let Some(recorder) = locked(&self.recorder).as_mut()
            && let Err(error) = recorder.write(&world, request, &answer)
        {
            tracing::error!(%error, "the sandbox cannot record");
        }
        self.tell(&mut world);
        compress(request, profile, &mut answer);
        locked(&self.counts).answered(answer.status, answer.body.len());
        answer
    }
}

/// Compresses a response body that is long enough, if the client accepts that (E18, observed 15).
fn compress(request: &Request, profile: Profile, answer: &mut Answer) {
    let accepted = request
        .header("accept-encoding")
        .is_some_and(|encodings| encodings.contains("gzip"));
    if accepted && answer.body.len() > COMPRESSED_FROM {
        answer.body = Bytes::from(gzip::wrap(&answer.body));
        answer.headers.push(("content-encoding", "gzip".to_owned()));
        if profile.varies_by_encoding() {
            for (name, value) in &mut answer.headers {
                if *name == "vary" {
                    value.push_str(", accept-encoding");
                }
            }
        }
    }
}

fn written(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("emblazon-sandbox"));
    response
}
