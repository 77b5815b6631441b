//! A small HTTP/1.1 exchange: a client library would not send all that was recorded (a body
//! without content type, `//` in a path, braces in a query).

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path without its query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    /// `None` sends neither a body nor a length.
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Fails unless the answer has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the body as JSON, null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the number of the revision in the body.
    pub(crate) fn generation(&self) -> u64 {
        let body = self.json();
        let revision = body["revision"].as_str().unwrap();
        revision.split('-').next().unwrap().parse().unwrap()
    }
}

pub(crate) async fn send(address: SocketAddr, request: &Request) -> Answer {
    parse(&exchange(address, request).await)
}

/// Sends a request and returns all bytes that come until the connection ends, which may be none.
pub(crate) async fn exchange(address: SocketAddr, request: &Request) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = format!(
        "{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n",
        request.method,
        request.target()
    )
    .into_bytes();
    for (name, value) in &request.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if let Some(body) = &request.body {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
    } else {
        bytes.extend_from_slice(b"\r\n");
    }
    stream.write_all(&bytes).await.unwrap();
    let mut received = Vec::new();
    let mut chunk = [0; 8192];
    // A connection that a fault ends may end with an error; what came before it counts.
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        received.extend_from_slice(&chunk[..count]);
    }
    received
}

fn parse(received: &[u8]) -> Answer {
    let head = received
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .expect("the head of an answer ends");
    let text = String::from_utf8(received[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    Answer {
        status: status.parse().unwrap(),
        headers: lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect(),
        body: received[head + 4..].to_vec(),
    }
}

/// Unwraps a compressed body, by having a real client receive it.
pub(crate) async fn gunzip(body: &[u8]) -> Vec<u8> {
    // The answer is the same in every test of the process: there is one provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let received = stream.read(&mut request).await.unwrap();
        assert!(received > 0);
        stream.write_all(&answer).await.unwrap();
    };
    let client = async { reqwest::get(url).await.unwrap().bytes().await.unwrap() };
    let ((), bytes) = tokio::join!(server, client);
    bytes.to_vec()
}
