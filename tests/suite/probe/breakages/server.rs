//! A server that passes requests on, and changes what comes back.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use emblazon::sandbox::ui::Issued;

/// A request, as far as answers depend on it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    /// Leaves out a header.
    pub(crate) fn without(&mut self, name: &str) {
        self.headers.retain(|(key, _)| key != name);
    }

    /// Compresses the body, whether that was asked for or not.
    pub(crate) fn gzip(&mut self) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body).unwrap();
        self.body = encoder.finish().unwrap();
        self.set("content-encoding", "gzip");
    }

    /// Replaces text in the body, which must be there; an answer to HEAD has none.
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        let text = String::from_utf8(self.body.clone()).unwrap();
        assert!(
            text.is_empty() || text.contains(from),
            "{from} is not in {text}"
        );
        self.body = text.replace(from, to).into_bytes();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// Changes an answer.
pub(crate) type Change = fn(&Asked, &mut Reply);

/// Where requests go.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) client: reqwest::Client,
    /// The URL before the path.
    pub(crate) base: String,
    pub(crate) change: Option<Change>,
}

/// How a port answers.
pub(crate) enum Port {
    Tls(Issued, Backend),
    Clear(Backend),
    /// Nobody listens.
    Closed,
}

/// Starts a server; returns its address, and how many connections it takes.
pub(crate) async fn serve(port: Port) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let (acceptor, backend) = match port {
        Port::Closed => return (address, taken),
        Port::Clear(backend) => (None, backend),
        Port::Tls(issued, backend) => {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(issued.chain, issued.key)
                .unwrap();
            (Some(TlsAcceptor::from(Arc::new(config))), backend)
        }
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(connected(stream, acceptor.clone(), backend.clone()));
        }
    });
    (address, taken)
}

async fn connected(stream: TcpStream, acceptor: Option<TlsAcceptor>, backend: Backend) {
    match acceptor {
        None => speak(stream, &backend).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                speak(stream, &backend).await;
            }
        }
    }
}

/// Answers requests until the other side ends.
async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, backend: &Backend) {
    let mut read = Vec::new();
    loop {
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            let mut more = [0; 4096];
            match stream.read(&mut more).await {
                // TLS where text is spoken: no server waits for more of it.
                Ok(count) if read.is_empty() && count > 0 && more[0] == 0x16 => {
                    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                    return;
                }
                Ok(count) if count > 0 => read.extend_from_slice(&more[..count]),
                _ => return,
            }
            continue;
        };
        let head: Vec<u8> = read.drain(..end + 4).collect();
        let Some(asked) = asked(&String::from_utf8_lossy(&head)) else {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            return;
        };
        let mut reply = backend.answer(&asked).await;
        if asked.method == "HEAD" {
            reply.body.clear();
        }
        if stream.write_all(&written(&reply)).await.is_err() {
            return;
        }
    }
}

fn asked(head: &str) -> Option<Asked> {
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    path.starts_with('/').then(|| Asked {
        method,
        path,
        headers: headers.collect(),
    })
}

fn written(reply: &Reply) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} Answer\r\n", reply.status);
    for (name, value) in &reply.headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    let _ = write!(text, "content-length: {}\r\n\r\n", reply.body.len());
    [text.as_bytes(), &reply.body].concat()
}

impl Backend {
    async fn answer(&self, asked: &Asked) -> Reply {
        let method = reqwest::Method::from_bytes(asked.method.as_bytes()).unwrap();
        let mut request = self
            .client
            .request(method, format!("{}{}", self.base, asked.path));
        for (name, value) in &asked.headers {
            if !matches!(name.as_str(), "host" | "connection" | "accept-encoding") {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let headers = answer.headers().iter().filter(|(name, _)| {
            !matches!(
                name.as_str(),
                "content-length" | "transfer-encoding" | "connection"
            )
        });
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let mut reply = Reply {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        reply.body = answer.bytes().await.unwrap().to_vec();
        if let Some(change) = self.change {
            change(asked, &mut reply);
        }
        reply
    }
}
