//! Accepts connections over TLS, with a certificate for whatever name is asked for.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::ring::{default_provider, sign::any_ecdsa_type};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Authority, Term};
use crate::sandbox::connection::{Connection, FaultyListener, FaultyStream};

/// How many connections may wait to be served.
const WAITING: usize = 64;
/// A listener whose connections have shaken hands. A slow handshake keeps nobody else waiting.
pub(crate) struct TlsListener {
    ready: Receiver<(TlsStream<FaultyStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Accepts the connections of another listener until `stop`, with certificates that are valid for so long.
    pub(crate) fn new(
        mut inner: FaultyListener,
        address: SocketAddr,
        (authority, valid_for): (Arc<Authority>, SignedDuration),
        stop: CancellationToken,
    ) -> Result<Self, rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(OnDemand {
                authority,
                valid_for,
                issued: Mutex::default(),
            }));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (sender, ready) = channel(WAITING);
        tokio::spawn(async move {
            loop {
                let (stream, peer) = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = Listener::accept(&mut inner) => accepted,
                };
                tokio::spawn(shake(acceptor.clone(), stream, peer, sender.clone()));
            }
        });
        Ok(Self { ready, address })
    }
}

async fn shake(
    acceptor: TlsAcceptor,
    stream: FaultyStream,
    peer: SocketAddr,
    sender: Sender<(TlsStream<FaultyStream>, SocketAddr)>,
) {
    // Who does not trust the authority ends the handshake, which is nobody's fault here.
    if let Ok(stream) = acceptor.accept(stream).await {
        let _ = sender.send((stream, peer)).await;
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<FaultyStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<FaultyStream>, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The sandbox is stopping.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        stream.io().get_ref().0.connection()
    }
}

/// Issues a certificate for each name when it is asked for first.
#[derive(Debug)]
struct OnDemand {
    authority: Arc<Authority>,
    /// For how long a certificate is valid.
    valid_for: SignedDuration,
    issued: Mutex<BTreeMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for OnDemand {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or("localhost");
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = issued.get(name) {
            return Some(Arc::clone(found));
        }
        let now = Timestamp::now();
        let term = Term {
            from: now - SignedDuration::from_hours(1),
            until: now + self.valid_for,
        };
        let made = self.authority.issue(&[name], term).ok()?;
        let key = any_ecdsa_type(&made.key).ok()?;
        let certified = Arc::new(CertifiedKey::new(made.chain, key));
        issued.insert(name.to_owned(), Arc::clone(&certified));
        Some(certified)
    }
}
