//! Leads a browser where the prober itself connects: by its names, to the addresses that it allows, from where it is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::Prober;

/// The longest request for a connection.
const LONGEST: usize = 8192;
/// How long such a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections a page may have open: beyond what a browser makes.
const MOST: usize = 256;

/// A proxy on this machine that knows `CONNECT` only (RFC 9110, section 9.3.6); ends when dropped.
#[derive(Debug)]
pub struct Tunnel {
    address: SocketAddr,
    task: AbortHandle,
}

impl Tunnel {
    /// Opens it, for what a prober may reach.
    ///
    /// # Errors
    /// When this machine gives it no port.
    pub async fn open(prober: Prober) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, Arc::new(prober))).abort_handle();
        Ok(Self { address, task })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, prober: Arc<Prober>) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while open.try_join_next().is_some() {}
        if open.len() < MOST {
            let prober = Arc::clone(&prober);
            open.spawn(async move {
                // The browser shows what went wrong.
                let _ = lead(stream, &prober).await;
            });
        }
    }
}

async fn lead(mut browser: TcpStream, prober: &Prober) -> io::Result<()> {
    let head = match timeout(PATIENCE, head(&mut browser)).await {
        Ok(head) => head?,
        Err(_) => return Ok(()),
    };
    let Some((host, port)) = wanted(&head) else {
        let refused =
            b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\r\n";
        return browser.write_all(refused).await;
    };
    match prober.dial(host, port).await {
        Ok(mut server) => {
            browser.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut browser, &mut server).await?;
            Ok(())
        }
        Err(reason) => {
            tracing::debug!(host, port, reason, "the browser cannot go there");
            let refused = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
            browser.write_all(refused).await
        }
    }
}

/// Reads a request up to its empty line; a browser sends nothing more before it is answered.
async fn head(browser: &mut TcpStream) -> io::Result<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") && read.len() < LONGEST {
        let byte = browser.read_u8().await?;
        read.push(byte);
    }
    String::from_utf8(read).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Returns the host and port of a request for a connection.
fn wanted(head: &str) -> Option<(&str, u16)> {
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    let (host, port) = target.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_are_wanted() {
        #[track_caller]
        fn check(head: &str, expected: Option<(&str, u16)>) {
            assert_eq!(wanted(head), expected);
        }
        check(
            "CONNECT portal.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            Some(("portal.example.com", 443)),
        );
        check(
            "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n\r\n",
            Some(("[2001:db8::1]", 8443)),
        );
        check("CONNECT portal.example.com HTTP/1.1\r\n\r\n", None);
        check("CONNECT portal.example.com:70000 HTTP/1.1\r\n\r\n", None);
        check("GET http://portal.example.com/ HTTP/1.1\r\n\r\n", None);
    }
}
