//! Delivers what webhooks tell, and what can go wrong on the way.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use url::Url;
use url::form_urlencoded::Serializer;

use super::FaultKind;
use super::faults::{FindHits, Hits};
use super::world::Delivery;

/// The method by which a script of faults names a delivery; its path is that of the whitelabel that changed.
const METHOD: &str = "HOOK";
/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The server that deliveries come from.
pub(super) struct Sender {
    /// The faults of deliveries.
    pub(super) hits: FindHits,
    /// Notes that a hook could not be delivered.
    pub(super) failed: Box<dyn Fn(&str) + Send + Sync>,
    /// Returns how long after an error of the connection a delivery is tried again.
    pub(super) pause: Box<dyn Fn() -> Duration + Send + Sync>,
    /// Cancelled when the server stops.
    pub(super) stop: CancellationToken,
}

/// Delivers until the sandbox stops.
pub(super) async fn deliver(sender: Sender, mut inbox: UnboundedReceiver<Delivery>) {
    let sender = Arc::new(sender);
    let stop = sender.stop.clone();
    let mut held: Option<Delivery> = None;
    loop {
        let delivery = tokio::select! {
            delivery = inbox.recv() => delivery,
            () = stop.cancelled() => None,
        };
        let Some(delivery) = delivery else { return };
        let path = format!("/v2/accounts/{}/whitelabel", delivery.account);
        let hits = (sender.hits)(METHOD, &path);
        if hits.include(FaultKind::LostEvent) {
            continue;
        }
        if hits.include(FaultKind::SwappedEvent) && held.is_none() {
            held = Some(delivery);
            continue;
        }
        if hits.include(FaultKind::ForgedEvent) {
            start(&sender, forged(&delivery), &hits);
        }
        if hits.include(FaultKind::DoubledEvent) {
            start(&sender, delivery.clone(), &hits);
        }
        match held.take() {
            // One after the other, so that the order is certain.
            Some(earlier) => {
                let sender = Arc::clone(&sender);
                tokio::spawn(async move {
                    send(&sender, &delivery).await;
                    send(&sender, &earlier).await;
                });
            }
            None => start(&sender, delivery, &hits),
        }
    }
}

/// Returns what somebody sends who does not know the hook's own values.
fn forged(delivery: &Delivery) -> Delivery {
    let mut forged = delivery.clone();
    for (name, value) in &mut forged.body {
        if !matches!(name.as_str(), "id" | "account_id" | "action" | "type") {
            *value = json!("forged");
        }
    }
    forged
}

fn start(sender: &Arc<Sender>, delivery: Delivery, hits: &Hits) {
    let (sender, delay) = (Arc::clone(sender), hits.delay());
    tokio::spawn(async move {
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        send(&sender, &delivery).await;
    });
}

/// Sends, and sends again after an error of the connection, but not after a status (V4).
async fn send(sender: &Sender, delivery: &Delivery) {
    let wanted = if delivery.verb == "PUT" { 201 } else { 200 };
    let attempts = delivery.retries.max(1);
    for attempt in 1..=attempts {
        let sent = tokio::time::timeout(PATIENCE, request(delivery)).await;
        match sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(status) if status == wanted => return,
            Ok(_) => {
                (sender.failed)(&delivery.hook);
                return;
            }
            Err(_) => (sender.failed)(&delivery.hook),
        }
        if attempt < attempts {
            tokio::time::sleep((sender.pause)()).await;
        }
    }
}

/// Sends one request, and returns the status of the answer.
async fn request(delivery: &Delivery) -> io::Result<u16> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut url = Url::parse(&delivery.uri).map_err(invalid)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let (mut kind, mut body) = ("application/json", String::new());
    if delivery.verb == "GET" {
        fill(&mut url.query_pairs_mut(), delivery);
    } else if delivery.is_json {
        body = Value::Object(delivery.body.clone()).to_string();
    } else {
        kind = "application/x-www-form-urlencoded";
        let mut form = Serializer::new(String::new());
        fill(&mut form, delivery);
        body = form.finish();
    }
    let query = url.query().map(|query| format!("?{query}"));
    let head = format!(
        "{} {}{} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nX-Hook-ID: {}\r\nX-Account-ID: {}\r\nConnection: close\r\n\r\n",
        delivery.verb,
        url.path(),
        query.unwrap_or_default(),
        body.len(),
        delivery.hook,
        delivery.owner,
    );
    let host = host.trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all((head + &body).as_bytes()).await?;
    let mut answer = BufReader::new(stream.take(64 * 1024));
    let mut line = String::new();
    answer.read_line(&mut line).await?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn fill<T: url::form_urlencoded::Target>(form: &mut Serializer<'_, T>, delivery: &Delivery) {
    for (name, value) in &delivery.body {
        match value {
            Value::String(text) => form.append_pair(name, text),
            other => form.append_pair(name, &other.to_string()),
        };
    }
}
