//! One websocket: the handshake, frames, and what can go wrong on the way.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use super::session::BlackholeSession;
use crate::sandbox::FaultKind;
use crate::sandbox::faults::{FindHits, Hits};
use crate::sandbox::world::{ObjectChange, World};

/// The methods by which a script of faults names the frames of a client, and events; their path is that of the
/// whitelabel.
const FRAME: &str = "SUBSCRIBE";
const EVENT: &str = "BLACKHOLE";

/// What both sides hash to show that they mean a websocket (RFC 6455, section 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A request to become a websocket.
pub(crate) struct Upgrade {
    /// The connection, once it is a websocket.
    connection: OnUpgrade,
    key: String,
    /// Whether it names a protocol, which is refused (B1).
    has_protocol: bool,
}

/// Calls what it is given with the world and the time in milliseconds.
type AskWorld = Box<dyn Fn(&mut dyn FnMut(&World, u64)) + Send + Sync>;

/// What a connection needs of the server.
pub(crate) struct Blackhole {
    /// The faults of frames and events.
    pub(crate) hits: FindHits,
    /// Asks the world.
    pub(crate) ask: AskWorld,
    /// The changes of objects.
    pub(crate) changes: Receiver<ObjectChange>,
    /// How long the client may be silent.
    pub(crate) idle: Duration,
    /// The peer's address.
    pub(crate) peer: String,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}

impl Upgrade {
    /// Returns the request to become a websocket, if it is one.
    pub(crate) fn of(parts: &mut Parts) -> Option<Self> {
        let text = |headers: &HeaderMap, name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let wanted = text(&parts.headers, header::UPGRADE)?;
        if !wanted.eq_ignore_ascii_case("websocket") {
            return None;
        }
        Some(Self {
            key: text(&parts.headers, header::SEC_WEBSOCKET_KEY)?,
            has_protocol: parts.headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL),
            connection: parts.extensions.remove()?,
        })
    }
}

/// Answers the request, and serves the connection once it is a websocket.
pub(crate) fn serve(upgrade: Upgrade, blackhole: Blackhole) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    if upgrade.has_protocol {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    }
    let proof = format!("{}{MAGIC}", upgrade.key);
    let proof = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, proof.as_bytes()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(proof) = HeaderValue::from_str(&proof) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, proof);
    }
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.connection.await {
            let stream = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            talk(socket, blackhole).await;
        }
    });
    response
}

/// Talks until either side ends the connection.
async fn talk(mut socket: Socket, mut blackhole: Blackhole) {
    let mut session = BlackholeSession::new(&blackhole.peer);
    let mut held: Option<ObjectChange> = None;
    let mut heard = Instant::now();
    loop {
        let goes_on = tokio::select! {
            frame = socket.next() => {
                heard = Instant::now();
                match frame {
                    Some(Ok(Message::Text(text))) => {
                        reply(&mut socket, &mut session, &blackhole, &text).await
                    }
                    // A ping is answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => true,
                    Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => false,
                }
            }
            change = blackhole.changes.recv() => match change {
                Ok(change) => tell(&mut socket, &session, &blackhole, &mut held, change).await,
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => false,
            },
            () = tokio::time::sleep_until(heard + blackhole.idle) => {
                let _ = socket.close(None).await;
                false
            }
            () = blackhole.stop.cancelled() => false,
        };
        if !goes_on {
            return;
        }
    }
}

/// Replies to a frame; returns whether the connection goes on.
async fn reply(
    socket: &mut Socket,
    session: &mut BlackholeSession,
    blackhole: &Blackhole,
    text: &str,
) -> bool {
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    let account = frame["data"]["account_id"].as_str().unwrap_or_default();
    let hits = (blackhole.hits)(FRAME, &path(account));
    if hits.include(FaultKind::DropConnection) {
        return false;
    }
    let mut reply = None;
    (blackhole.ask)(&mut |world, now| reply = Some(session.answer(&frame, world, now)));
    if hits.include(FaultKind::Silence) {
        return true;
    }
    match reply {
        Some(reply) => send(socket, &reply).await,
        None => true,
    }
}

/// Tells of a change, if that was subscribed to; returns whether the connection goes on.
async fn tell(
    socket: &mut Socket,
    session: &BlackholeSession,
    blackhole: &Blackhole,
    held: &mut Option<ObjectChange>,
    change: ObjectChange,
) -> bool {
    if session.events(&change).is_empty() {
        return true;
    }
    if change.object != "whitelabel" {
        return send_all(socket, session.events(&change)).await;
    }
    let hits = (blackhole.hits)(EVENT, &path(&change.account));
    if hits.include(FaultKind::DropConnection) {
        return false;
    }
    if hits.include(FaultKind::LostEvent) {
        return true;
    }
    if hits.include(FaultKind::SwappedEvent) && held.is_none() {
        *held = Some(change);
        return true;
    }
    if let Some(delay) = hits.delay() {
        tokio::time::sleep(delay).await;
    }
    let mut told = frames(session, &change, &hits);
    told.extend(
        (held.take())
            .into_iter()
            .flat_map(|held| session.events(&held)),
    );
    send_all(socket, told).await
}

/// Returns the events that tell of a change, with what a fault adds.
fn frames(session: &BlackholeSession, change: &ObjectChange, hits: &Hits) -> Vec<Value> {
    let mut told = Vec::new();
    if hits.include(FaultKind::ForgedEvent) {
        let mut forged = session.events(change);
        for event in &mut forged {
            event["data"]["rev"] = json!("0-forged");
        }
        told.extend(forged);
    }
    if hits.include(FaultKind::DoubledEvent) {
        told.extend(session.events(change));
    }
    told.extend(session.events(change));
    told
}

async fn send_all(socket: &mut Socket, messages: Vec<Value>) -> bool {
    for message in messages {
        if !send(socket, &message).await {
            return false;
        }
    }
    true
}

async fn send(socket: &mut Socket, message: &Value) -> bool {
    let text = Message::text(message.to_string());
    socket.send(text).await.is_ok()
}

fn path(account: &str) -> String {
    format!("/v2/accounts/{account}/whitelabel")
}
