//! Blackhole: the platform tells of changes over a websocket (B1).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use jiff::SignedDuration;
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{StatusCode, Upgraded};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use url::Url;

use super::read::ReadClient;
use crate::live::error::ApiError;
use crate::model::{AccountId, Revision, Secret};
use crate::transport::parse_json;

/// The pause between two frames: the server refills ten a second, and counts frames from all over (B1).
const PACE: Duration = Duration::from_millis(100);
/// The pause after the server refused a frame because there were too many.
const TOO_MANY: Duration = Duration::from_secs(2);
/// How often the server is asked whether it is still there. It ends a connection that was silent for an hour, and what
/// stands between may do so after a minute.
const PING: Duration = Duration::from_secs(20);
/// How long the server may take to answer a ping or a frame.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a token must still last that is sent along.
const LASTS: SignedDuration = SignedDuration::from_mins(1);

/// The largest message, in bytes, and the most values in it. An event has ten values, without content.
const MESSAGE_BYTES: usize = 64 << 10;
const MESSAGE_VALUES: usize = 1_000;

/// What is subscribed to. The server knows no whitelabel by name; other documents' events are left aside.
const BINDING: &str = "object.*.*";
const WHITELABEL: &str = "whitelabel";

/// What both sides hash to show that they mean a websocket (RFC 6455, section 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// One connection on which the platform tells of changes, a subscription for each account. It reads no brand and
/// writes none.
#[derive(Debug)]
pub struct BlackholeConnection {
    client: ReadClient,
    socket: WebSocketStream<Upgraded>,
    /// The accounts to be told of.
    wanted: BTreeSet<AccountId>,
    /// The accounts whose subscription is to be made or ended.
    queue: VecDeque<AccountId>,
    /// The accounts whose subscription was asked for, and when.
    asked: BTreeMap<AccountId, Instant>,
    token: Secret,
    pace: Interval,
    pings: Interval,
    /// When the server sent something last.
    heard: Instant,
}

/// What the platform tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlackholeEvent {
    /// From now on, it tells of changes of this account.
    Subscribed(AccountId),
    /// It does not tell of this account, for this reason.
    Refused(AccountId, String),
    /// The whitelabel of an account was created, changed or deleted.
    Changed {
        /// The account.
        account: AccountId,
        /// The revision that the change led to, if it is told.
        revision: Option<Revision>,
    },
}

/// Why the platform tells nothing any more. A new connection may help.
#[derive(Debug, Error)]
pub enum BlackholeError {
    /// The login or the connection failed.
    #[error("{}", .0.explained())]
    Api(#[from] ApiError),
    /// There is something else at the URL.
    #[error(
        "{url} answers with status {status} instead of a websocket; Blackhole is at port 5555 of the platform by default, or behind the proxy that gives it TLS"
    )]
    NoWebsocket {
        /// The URL.
        url: String,
        /// The status of the answer.
        status: u16,
    },
    /// The server does not accept the token.
    #[error("Blackhole does not accept the token")]
    Unauthorised,
    /// The server, or what stands between, ended the connection.
    #[error("the connection ended")]
    Ended,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Nothing arrives any more.
    #[error("the platform is silent")]
    Silent,
}

/// A message of the server.
#[derive(Debug, PartialEq, Eq)]
enum ServerMessage {
    Event(BlackholeEvent),
    TooManyFrames(AccountId),
    Unauthorised,
    /// Something else, which is left aside.
    Other,
}

impl BlackholeConnection {
    /// Connects to a URL with `ws://` or `wss://`; TLS, proxies and certificate authorities are those of the client.
    pub async fn connect(client: &ReadClient, url: &Url) -> Result<Self, BlackholeError> {
        let web = web(url)?;
        let transport = &client.transport;
        let http = transport.websocket_client(&web)?;
        let token = transport.token(LASTS, None).await?;
        let key = STANDARD.encode(fastrand::u128(..).to_be_bytes());
        let request = http
            .get(web.clone())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let Ok(sent) = timeout(transport.limits.read, request.send()).await else {
            return Err(BlackholeError::Silent);
        };
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(transport.explain(&web, &error).await.into()),
        };
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
        let is_proven = accepted.is_some_and(|proof| proof.as_bytes() == proof_of(&key).as_bytes());
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !is_proven {
            return Err(BlackholeError::NoWebsocket {
                url: url.to_string(),
                status: response.status().as_u16(),
            });
        }
        let upgraded = response.upgrade().await;
        let upgraded = match upgraded {
            Ok(upgraded) => upgraded,
            Err(error) => return Err(transport.explain(&web, &error).await.into()),
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(MESSAGE_BYTES)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Self {
            client: client.clone(),
            socket,
            wanted: BTreeSet::new(),
            queue: VecDeque::new(),
            asked: BTreeMap::new(),
            token,
            pace: ticks(PACE),
            pings: ticks(PING),
            heard: Instant::now(),
        })
    }

    /// Sets the accounts to be told of. The frames that this needs go out while [`Self::next`] is awaited, ten a second.
    pub fn want(&mut self, accounts: BTreeSet<AccountId>) {
        let changed = self.wanted.symmetric_difference(&accounts);
        self.queue.extend(changed.cloned());
        self.wanted = accounts;
    }

    /// Returns what is told next. May be dropped before it is done, without loss.
    pub async fn next(&mut self) -> Result<BlackholeEvent, BlackholeError> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    self.heard = Instant::now();
                    if let Some(event) = self.take(message)? {
                        return Ok(event);
                    }
                }
                _ = self.pace.tick(), if !self.queue.is_empty() => self.send_frame().await?,
                _ = self.pings.tick() => self.look().await?,
            }
        }
    }

    /// Subscribes to the next account in the queue, or ends its subscription.
    async fn send_frame(&mut self) -> Result<(), BlackholeError> {
        let token = self.client.transport.token(LASTS, None).await?;
        let Some(account) = self.queue.front().cloned() else {
            return Ok(());
        };
        let is_wanted = self.wanted.contains(&account);
        let action = if is_wanted {
            "subscribe"
        } else {
            "unsubscribe"
        };
        let frame = json!({
            "action": action,
            "auth_token": token.expose(),
            "request_id": format!("{action}-{account}"),
            "data": {"account_id": account.as_str(), "binding": BINDING},
        });
        self.token = token;
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.map_err(broken)?;
        // Not before: whoever drops the future has the frame sent again, which says the same.
        self.queue.pop_front();
        if is_wanted {
            self.asked.insert(account, Instant::now());
        }
        Ok(())
    }

    /// Asks whether the server is still there, and gives up when it is not.
    async fn look(&mut self) -> Result<(), BlackholeError> {
        let is_overdue = |since: &Instant| since.elapsed() > PATIENCE;
        if is_overdue(&self.heard) || self.asked.values().any(is_overdue) {
            return Err(BlackholeError::Silent);
        }
        let ping = Message::Ping(Vec::new().into());
        self.socket.send(ping).await.map_err(broken)
    }

    /// Takes a message, and returns what it tells, if anything.
    fn take(
        &mut self,
        message: Option<Result<Message, SocketError>>,
    ) -> Result<Option<BlackholeEvent>, BlackholeError> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return Err(BlackholeError::Ended),
            Some(Ok(_)) => return Ok(None),
            Some(Err(error)) => return Err(broken(error)),
        };
        let clean = |text: &str| self.client.transport.clean(text, &self.token);
        let event = match parsed(&text, &clean) {
            ServerMessage::Event(event) => event,
            ServerMessage::TooManyFrames(account) => {
                self.asked.remove(&account);
                self.queue.push_back(account);
                self.pace.reset_after(TOO_MANY);
                return Ok(None);
            }
            ServerMessage::Unauthorised => return Err(BlackholeError::Unauthorised),
            ServerMessage::Other => return Ok(None),
        };
        if let BlackholeEvent::Subscribed(account) | BlackholeEvent::Refused(account, _) = &event {
            self.asked.remove(account);
        }
        Ok(Some(event))
    }

    /// Ends the connection and logs in anew, because the server did not accept its token.
    pub async fn renew_token(self) -> Result<(), ApiError> {
        let transport = &self.client.transport;
        transport.token(LASTS, Some(&self.token)).await.map(|_| ())
    }
}

/// Reads a message of the server; `clean` takes credentials out of a text, because the server echoes tokens.
fn parsed(text: &str, clean: &dyn Fn(&str) -> String) -> ServerMessage {
    let message = parse_json(text.as_bytes(), MESSAGE_VALUES).unwrap_or_default();
    let account = |text: Option<&str>| AccountId::parse(text?).ok();
    let data = &message["data"];
    if message["action"] == "event" {
        let is_brand = data["type"] == WHITELABEL && data["id"] == WHITELABEL;
        return match account(data["account_id"].as_str()).filter(|_| is_brand) {
            Some(account) => ServerMessage::Event(BlackholeEvent::Changed {
                account,
                revision: data["rev"].as_str().map(Revision::new),
            }),
            None => ServerMessage::Other,
        };
    }
    let request = message["request_id"].as_str();
    let account = account(request.and_then(|request| request.strip_prefix("subscribe-")));
    match (message["status"].as_str(), account) {
        (Some("success"), Some(account)) => {
            ServerMessage::Event(BlackholeEvent::Subscribed(account))
        }
        (Some("error"), account) => refused(&data["errors"], account, clean),
        _ => ServerMessage::Other,
    }
}

fn refused(
    errors: &Value,
    account: Option<AccountId>,
    clean: &dyn Fn(&str) -> String,
) -> ServerMessage {
    let errors: Vec<&str> = (errors.as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let says = |part: &str| errors.iter().any(|error| error.contains(part));
    if says("to authenticate token") || says("invalid token") {
        return ServerMessage::Unauthorised;
    }
    match account {
        Some(account) if says("rate limiting") => ServerMessage::TooManyFrames(account),
        Some(account) => {
            let reason = clean(&errors.join("; "));
            ServerMessage::Event(BlackholeEvent::Refused(account, reason))
        }
        None => ServerMessage::Other,
    }
}

/// Returns the URL with the scheme of the request that becomes a websocket.
fn web(url: &Url) -> Result<Url, ApiError> {
    let wrong = || ApiError::Configuration("it is no ws:// or wss:// URL with a host".to_owned());
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        _ => return Err(wrong()),
    };
    let rest = url.as_str().split_once(':').map(|(_, rest)| rest);
    let web = Url::parse(&format!("{scheme}:{}", rest.unwrap_or_default()));
    web.map_err(|_| wrong())
}

fn proof_of(key: &str) -> String {
    let text = format!("{key}{MAGIC}");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn broken(error: SocketError) -> BlackholeError {
    match error {
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => BlackholeError::Ended,
        error => BlackholeError::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "acacacacacacacacacacacacacacacac";

    #[test]
    fn what_messages_mean() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let text = text.replace("ACME", ACCOUNT);
            let found = match parsed(&text, &|text| text.replace("canary", "…")) {
                ServerMessage::Event(BlackholeEvent::Subscribed(account)) => {
                    assert_eq!(account.as_str(), ACCOUNT);
                    "subscribed".to_owned()
                }
                ServerMessage::Event(BlackholeEvent::Refused(_, reason)) => {
                    format!("refused: {reason}")
                }
                ServerMessage::Event(BlackholeEvent::Changed { revision, .. }) => {
                    format!(
                        "changed: {}",
                        revision.map_or("-".to_owned(), |it| it.to_string())
                    )
                }
                other => format!("{other:?}").split('(').next().unwrap().to_owned(),
            };
            assert_eq!(found, expected, "{text}");
        }
        let reply = |status: &str, data: &str| {
            format!(
                r#"{{"action":"reply","request_id":"subscribe-ACME","status":"{status}","data":{data}}}"#
            )
        };
        let event =
            |data: &str| format!(r#"{{"action":"event","name":"doc_edited","data":{data}}}"#);
        check(
            &reply("success", r#"{"subscribed":["object.*.*"]}"#),
            "subscribed",
        );
        check(
            &reply(
                "error",
                r#"{"errors":["unauthorized account id","canary"]}"#,
            ),
            "refused: unauthorized account id; …",
        );
        check(
            &reply(
                "error",
                r#"{"errors":["rate limiting threshold hit for 127.0.0.1:1!"]}"#,
            ),
            "TooManyFrames",
        );
        check(
            &reply(
                "error",
                r#"{"errors":["failed to authenticate token canary"]}"#,
            ),
            "Unauthorised",
        );
        check(
            &event(r#"{"type":"whitelabel","id":"whitelabel","rev":"3-aa","account_id":"ACME"}"#),
            "changed: 3-aa",
        );
        check(
            &event(r#"{"type":"whitelabel","id":"whitelabel","account_id":"ACME"}"#),
            "changed: -",
        );
        for other in [
            event(r#"{"type":"account","id":"ACME","account_id":"ACME"}"#),
            event(r#"{"type":"whitelabel","id":"whitelabel","account_id":"../x"}"#),
            event("[]"),
            r#"{"action":"reply","request_id":"unsubscribe-ACME","status":"success"}"#.to_owned(),
            r#"{"action":"reply","status":"error"}"#.to_owned(),
            "[".to_owned(),
            String::new(),
            "[0]".repeat(2_000),
        ] {
            check(&other, "Other");
        }
    }

    #[test]
    fn urls_of_websockets() {
        #[track_caller]
        fn check(url: &str, expected: Option<&str>) {
            let found = web(&Url::parse(url).unwrap()).ok();
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{url}");
        }
        check("ws://127.0.0.1:5555", Some("http://127.0.0.1:5555/"));
        check(
            "wss://api.example.com/blackhole",
            Some("https://api.example.com/blackhole"),
        );
        check("https://api.example.com", None);
    }
}
