//! Leases of Kubernetes, against a server that keeps them as Kubernetes does: by version, and refusing what is late.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use emblazon::apply::lease::{
    Attempt, Claim, Clock, KubernetesLease, Lease as _, LeaseError, LeaseScope,
};
use emblazon::model::{ClusterName, Shard};
use jiff::Timestamp;
use serde_json::{Value, json};

const COLLECTION: &str = "/apis/coordination.k8s.io/v1/namespaces/brands/leases";

/// What the server keeps.
#[derive(Default)]
struct Store {
    leases: BTreeMap<String, Value>,
    version: u64,
    /// How many further answers to writes are lost, though the writes arrive.
    silent: u32,
}

type Shared = Arc<Mutex<Store>>;

fn status(code: StatusCode, reason: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code.as_u16(),
    });
    (code, Json(body)).into_response()
}

impl Store {
    fn keep(&mut self, name: &str, mut lease: Value, code: StatusCode) -> Response {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.leases.insert(name.to_owned(), lease.clone());
        if self.silent > 0 {
            self.silent -= 1;
            return status(StatusCode::GATEWAY_TIMEOUT, "Timeout");
        }
        (code, Json(lease)).into_response()
    }
}

async fn list(
    State(store): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let store = store.lock().unwrap();
    let (key, value) = query["labelSelector"].split_once('=').unwrap();
    let items: Vec<&Value> = (store.leases.values())
        .filter(|lease| lease["metadata"]["labels"][key] == value)
        .collect();
    Json(json!({
        "kind": "LeaseList", "apiVersion": "coordination.k8s.io/v1",
        "metadata": {"resourceVersion": store.version.to_string()}, "items": items,
    }))
    .into_response()
}

async fn create(State(store): State<Shared>, Json(lease): Json<Value>) -> Response {
    let mut store = store.lock().unwrap();
    let name = lease["metadata"]["name"].as_str().unwrap().to_owned();
    if store.leases.contains_key(&name) {
        return status(StatusCode::CONFLICT, "AlreadyExists");
    }
    store.keep(&name, lease, StatusCode::CREATED)
}

async fn read(State(store): State<Shared>, Path(name): Path<String>) -> Response {
    match store.lock().unwrap().leases.get(&name) {
        Some(lease) => Json(lease).into_response(),
        None => status(StatusCode::NOT_FOUND, "NotFound"),
    }
}

async fn replace(
    State(store): State<Shared>,
    Path(name): Path<String>,
    Json(lease): Json<Value>,
) -> Response {
    let mut store = store.lock().unwrap();
    let version = |lease: &Value| lease["metadata"]["resourceVersion"].clone();
    match store.leases.get(&name).map(version) {
        None => status(StatusCode::NOT_FOUND, "NotFound"),
        Some(seen) if seen != version(&lease) => status(StatusCode::CONFLICT, "Conflict"),
        Some(_) => store.keep(&name, lease, StatusCode::OK),
    }
}

/// A server, and where it is.
struct Server {
    store: Shared,
    url: String,
}

impl Server {
    async fn start() -> Self {
        let store = Shared::default();
        let routes = Router::new()
            .route(COLLECTION, get(list).post(create))
            .route(&format!("{COLLECTION}/{{name}}"), get(read).put(replace))
            .with_state(Arc::clone(&store));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { store, url }
    }

    fn lease(&self, scope: LeaseScope, now: &Time) -> KubernetesLease {
        let mut config = kube::Config::new(self.url.parse().unwrap());
        "brands".clone_into(&mut config.default_namespace);
        KubernetesLease::at(config, scope, now.clock()).unwrap()
    }

    fn spec(&self, name: &str) -> Value {
        self.store.lock().unwrap().leases[name]["spec"].clone()
    }
}

/// A clock that is set by hand.
#[derive(Clone)]
struct Time(Arc<Mutex<i64>>);

impl Time {
    fn at(seconds: i64) -> Self {
        Self(Arc::new(Mutex::new(seconds)))
    }

    fn pass(&self, seconds: i64) {
        *self.0.lock().unwrap() += seconds;
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_second(*now.lock().unwrap()).unwrap())
    }
}

fn scope(shard: Option<(u32, u32)>) -> LeaseScope {
    let shard = shard.and_then(|(index, count)| Shard::new(index, count));
    LeaseScope::new(&ClusterName::new("production"), shard)
}

fn claim(holder: &str) -> Claim {
    Claim {
        holder: holder.to_owned(),
        purpose: "watch production".to_owned(),
        term: Duration::from_mins(1),
    }
}

#[track_caller]
fn is_taken(attempt: Result<Attempt, LeaseError>) -> bool {
    matches!(attempt.unwrap(), Attempt::Taken { .. })
}

/// What each knows of the time does not matter to the other: only how long it saw nothing move.
#[tokio::test]
async fn a_standby_takes_over_when_nothing_moved_for_a_term_by_its_own_clock() {
    let server = Server::start().await;
    let (ahead, behind) = (Time::at(1_000_000), Time::at(50));
    let mut leader = server.lease(scope(None), &ahead);
    let mut standby = server.lease(scope(None), &behind);
    assert!(is_taken(leader.attempt(&claim("leader")).await));
    let spec = server.spec("emblazon-production");
    assert_eq!(spec["leaseDurationSeconds"], json!(60));
    assert!(
        spec["holderIdentity"]
            .as_str()
            .unwrap()
            .starts_with("leader ")
    );
    let Ok(Attempt::Busy(record)) = standby.attempt(&claim("standby")).await else {
        panic!("the leader lives");
    };
    assert_eq!(record.purpose, "watch production");
    for _ in 0..3 {
        behind.pass(50);
        leader.renew(&claim("leader")).await.unwrap();
        assert!(!is_taken(standby.attempt(&claim("standby")).await));
    }
    behind.pass(59);
    assert!(!is_taken(standby.attempt(&claim("standby")).await));
    behind.pass(2);
    let Ok(Attempt::Taken { over: Some(over) }) = standby.attempt(&claim("standby")).await else {
        panic!("the leader is dead");
    };
    assert!(over.holder.starts_with("leader "));
    assert_eq!(
        server.spec("emblazon-production")["leaseTransitions"],
        json!(1)
    );
    assert_eq!(leader.renew(&claim("leader")).await, Err(LeaseError::Lost));
    leader.release().await.unwrap();
    standby.renew(&claim("standby")).await.unwrap();
    standby.release().await.unwrap();
    assert_eq!(
        server.spec("emblazon-production")["holderIdentity"],
        json!("")
    );
    assert!(is_taken(leader.attempt(&claim("leader")).await), "at once");
}

/// Of many that try at the same time one succeeds, each time.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_one_holds() {
    let server = Server::start().await;
    let time = Time::at(0);
    for _ in 0..20 {
        let contenders = ["a", "b", "c"].map(|name| {
            let mut lease = server.lease(scope(None), &time);
            async move {
                let taken = is_taken(lease.attempt(&claim(name)).await);
                (taken, lease)
            }
        });
        let ended = futures_util::future::join_all(contenders).await;
        let mut holders = ended.into_iter().filter(|(taken, _)| *taken);
        let (_, mut holder) = holders.next().unwrap();
        assert!(holders.next().is_none());
        holder.release().await.unwrap();
    }
}

#[tokio::test]
async fn shards_exclude_only_what_overlaps() {
    let server = Server::start().await;
    let time = Time::at(0);
    let mut first = server.lease(scope(Some((1, 3))), &time);
    let mut second = server.lease(scope(Some((2, 3))), &time);
    assert!(is_taken(first.attempt(&claim("first")).await));
    assert!(is_taken(second.attempt(&claim("second")).await));
    let mut whole = server.lease(scope(None), &time);
    for shard in [None, Some((1, 3)), Some((2, 4))] {
        let attempt = server
            .lease(scope(shard), &time)
            .attempt(&claim("other"))
            .await;
        assert!(!is_taken(attempt), "{shard:?}");
    }
    first.release().await.unwrap();
    // The second sleeps for longer than its term: the whole has it, and the second finds out.
    assert!(!is_taken(whole.attempt(&claim("whole")).await));
    time.pass(61);
    assert!(is_taken(whole.attempt(&claim("whole")).await));
    assert_eq!(second.renew(&claim("second")).await, Err(LeaseError::Lost));
    assert!(!is_taken(first.attempt(&claim("first")).await));
}

/// A renewal that arrived and whose answer was lost is no loss.
#[tokio::test]
async fn an_answer_that_was_lost_loses_nothing() {
    let server = Server::start().await;
    let time = Time::at(0);
    let mut lease = server.lease(scope(None), &time);
    assert!(is_taken(lease.attempt(&claim("one")).await));
    server.store.lock().unwrap().silent = 1;
    // The client asks again by itself, and finds that the version moved.
    lease.renew(&claim("one")).await.unwrap();
    lease.renew(&claim("one")).await.unwrap();
    assert!(
        lease
            .remedy()
            .unwrap()
            .contains("--namespace brands delete lease emblazon-production")
    );
}
