//! HTTP/2 where the server offers it: however much is asked at once, one connection carries it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::http::{Request, Response};
use emblazon::live::{ClientConfig, Credential, ReadClient};
use emblazon::model::{AccountId, Secret};
use emblazon::sandbox::{Options, Sandbox, Seed};
use futures_util::future::join_all;
use h2::RecvStream;
use h2::server::SendResponse;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::tls::{AUTHORITY, CERTIFICATE, KEY};
use crate::wire;

/// What the stand-in saw.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicU64,
    requests: AtomicU64,
    /// Answers that went out compressed.
    compressed: AtomicU64,
}

impl Seen {
    fn numbers(&self) -> [u64; 3] {
        [&self.connections, &self.requests, &self.compressed]
            .map(|number| number.load(Ordering::Relaxed))
    }
}

/// Serves the sandbox over TLS and HTTP/2, and nothing else.
async fn serve(sandbox: SocketAddr, seen: Arc<Seen>) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(connection(
                acceptor.clone(),
                stream,
                sandbox,
                Arc::clone(&seen),
            ));
        }
    });
    port
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    sandbox: SocketAddr,
    seen: Arc<Seen>,
) {
    let stream = acceptor.accept(stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut requests = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = requests.accept().await {
        seen.requests.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(answer(request, respond, sandbox, Arc::clone(&seen)));
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    sandbox: SocketAddr,
    seen: Arc<Seen>,
) {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        body.extend_from_slice(&chunk.unwrap());
    }
    let headers = head.headers.iter();
    let passed = wire::Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: headers
            .filter(|(name, _)| *name != "content-length")
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: (!body.is_empty()).then_some(body),
    };
    let answer = wire::send(sandbox, &passed).await;
    let mut response = Response::builder().status(answer.status);
    for name in ["content-type", "content-encoding", "etag"] {
        if let Some(value) = answer.header(name) {
            response = response.header(name, value);
        }
    }
    let is_compressed = answer.header("content-encoding") == Some("gzip");
    seen.compressed
        .fetch_add(u64::from(is_compressed), Ordering::Relaxed);
    let mut body = respond
        .send_response(response.body(()).unwrap(), false)
        .unwrap();
    body.send_data(Bytes::from(answer.body), true).unwrap();
}

#[tokio::test]
async fn one_connection_carries_all() {
    let long = "x".repeat(4096);
    let seed = format!("accounts:\n  - name: Master\n    whitelabel: {{ company_name: {long} }}\n");
    let seed = Seed::parse(&seed, Path::new("")).unwrap();
    let sandbox = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let witness = Arc::new(Seen::default());
    let port = serve(sandbox.address(), Arc::clone(&witness)).await;
    let credential = Credential::ApiKey(Secret::new(sandbox.api_key()));
    let mut config = ClientConfig::new(format!("https://localhost:{port}"), credential);
    config.ca_pem = Some(AUTHORITY.to_vec());
    config.limits.concurrency = 32;
    let client = ReadClient::connect(config).await.unwrap();
    let master = AccountId::parse(sandbox.account_id()).unwrap();
    let [_, login, before] = witness.numbers();
    let answers = join_all((0..200).map(|_| client.whitelabel(&master))).await;
    for answer in answers {
        let whitelabel = answer.unwrap().unwrap();
        assert_eq!(
            whitelabel.settings.as_object().get("company_name"),
            Some(&json!(long))
        );
    }
    let [connections, requests, compressed] = witness.numbers();
    assert_eq!((connections, requests - login), (1, 200));
    assert_eq!(compressed - before, 200, "each answer came compressed");
}
