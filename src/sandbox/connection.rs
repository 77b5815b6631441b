//! Connections that a fault can close before or in the middle of a response.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The state of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ConnectionState {
    /// Open, as usual.
    #[default]
    Open,
    /// Closes after this many bytes of the next response body.
    CutBody(usize),
    /// Closed.
    Ended,
}

/// Controls the connection that a request arrived on.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    state: Arc<Mutex<ConnectionState>>,
    peer: Arc<str>,
}

impl Connection {
    /// Closes the connection now; nothing further is sent.
    pub(crate) fn end(&self) {
        self.set(ConnectionState::Ended);
    }

    /// Closes the connection after `kept` bytes of the next response body.
    pub(crate) fn end_in_body(&self, kept: usize) {
        self.set(ConnectionState::CutBody(kept));
    }

    /// Returns the caller's address without its port.
    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    fn set(&self, state: ConnectionState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn get(&self) -> ConnectionState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections and counts them.
pub(crate) struct FaultyListener {
    inner: TcpListener,
    accepted: Arc<AtomicU64>,
}

impl FaultyListener {
    pub(crate) fn new(inner: TcpListener, accepted: Arc<AtomicU64>) -> Self {
        Self { inner, accepted }
    }
}

impl Listener for FaultyListener {
    type Io = FaultyStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (FaultyStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.inner).await;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        // Responses are small; waiting to fill a packet would only add latency.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            state: Arc::default(),
            peer: address.ip().to_string().into(),
        };
        (
            FaultyStream {
                inner: stream,
                connection,
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

impl Connected<IncomingStream<'_, FaultyListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, FaultyListener>) -> Self {
        stream.io().connection.clone()
    }
}

/// A TCP stream that is controlled by its [`Connection`].
pub(crate) struct FaultyStream {
    inner: TcpStream,
    connection: Connection,
}

impl FaultyStream {
    /// Returns what controls this stream.
    pub(crate) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// Returns how many of the bytes may be sent.
    fn allowed(&self, bytes: &[u8]) -> usize {
        match self.connection.get() {
            ConnectionState::Open => bytes.len(),
            ConnectionState::Ended => 0,
            ConnectionState::CutBody(kept) => {
                let head = bytes
                    .windows(4)
                    .position(|end| end == b"\r\n\r\n")
                    .map(|start| start + 4);
                // The head of a response is written in one piece, the body with it or later.
                head.map_or(kept, |head| head + kept).min(bytes.len())
            }
        }
    }

    fn wrote(&self, bytes: &[u8], written: usize) {
        if let ConnectionState::CutBody(kept) = self.connection.get() {
            let head = bytes
                .windows(4)
                .position(|end| end == b"\r\n\r\n")
                .map_or(0, |start| start + 4);
            let left = kept.saturating_sub(written.saturating_sub(head));
            self.connection.set(if left == 0 {
                ConnectionState::Ended
            } else {
                ConnectionState::CutBody(left)
            });
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.connection.get() == ConnectionState::Ended {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = self.allowed(bytes);
        if allowed == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let result = Pin::new(&mut self.inner).poll_write(cx, &bytes[..allowed]);
        if let Poll::Ready(Ok(written)) = result {
            self.wrote(bytes, written);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
