//! A listener that limits the number of connections, and closes idle ones.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::slots::{ConnectionSlots, Place, Slot};

/// How long a new connection may take until its first response: a client sends its request at once, and then has
/// [`super::body::TIME`] for the body.
const FIRST: Duration = Duration::from_secs(20);

/// Accepts connections up to a limit, and closes those without a response for too long: of a client that sends byte
/// after byte, of one that does not read, and of one that is idle. When there are too many, silent ones are closed
/// first.
pub(super) struct LimitedListener {
    inner: TcpListener,
    slots: ConnectionSlots,
    patience: Duration,
}

/// Who sends a request, and on which connection.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) place: Place,
}

impl LimitedListener {
    pub(super) fn new(inner: TcpListener, patience: Duration) -> Self {
        Self {
            inner,
            slots: ConnectionSlots::default(),
            patience,
        }
    }
}

impl Connected<IncomingStream<'_, LimitedListener>> for Client {
    fn connect_info(stream: IncomingStream<'_, LimitedListener>) -> Self {
        Self {
            address: *stream.remote_addr(),
            place: stream.io().slot.place(),
        }
    }
}

impl Listener for LimitedListener {
    type Io = TimedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.inner).await;
        let _ = stream.set_nodelay(true);
        let slot = self.slots.enter(address.ip()).await;
        let stream = TimedStream {
            inner: stream,
            patience: self.patience,
            end: Box::pin(tokio::time::sleep(FIRST.min(self.patience))),
            closing: Box::pin(slot.closing().cancelled_owned()),
            slot,
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection that ends when nothing could be written to it for too long, or when its slot is needed.
pub(super) struct TimedStream {
    inner: TcpStream,
    patience: Duration,
    end: Pin<Box<Sleep>>,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    slot: Slot,
}

impl TimedStream {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.closing.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn wrote(&mut self) {
        let end = Instant::now() + self.patience;
        self.end.as_mut().reset(end);
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(_)) = result {
            self.wrote();
        } else {
            self.check(cx)?;
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
