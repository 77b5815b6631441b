//! TLS with a real handshake: a terminator before the sandbox, with certificates of an authority of our own.
//!
//! `tls/` holds the certificates of two authorities, and the server's certificates and key, for `localhost`: one of the
//! first authority; of the second a good one, one that expired and one of the future; and one that the server signed
//! itself. Nobody but these tests trusts them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use emblazon::dns::Question;
use emblazon::dns::push::{PowerDnsConfig, PrimaryReader, PushConfig};
use emblazon::live::{ApiError, ClientConfig, Credential, ReadClient};
use emblazon::model::record::{RecordName, RecordType};
use emblazon::model::{AccountId, Secret};
use emblazon::sandbox::{Options, Sandbox};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("tls/server.pem");
pub(crate) const KEY: &[u8] = include_bytes!("tls/server.key.pem");

const SECOND_AUTHORITY: &[u8] = include_bytes!("tls/second-authority.pem");
const SECOND: &[u8] = include_bytes!("tls/second.pem");
const EXPIRED: &[u8] = include_bytes!("tls/expired.pem");
const FUTURE: &[u8] = include_bytes!("tls/future.pem");
const SELF_SIGNED: &[u8] = include_bytes!("tls/self-signed.pem");

/// Starts the sandbox behind a TLS terminator and returns both, the latter by its port.
async fn terminated() -> (Sandbox, u16) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let (port, _) = terminate(sandbox.address(), CERTIFICATE).await;
    (sandbox, port)
}

/// Starts a TLS terminator before a server; returns its port, and how many connections it took.
async fn terminate(address: SocketAddr, certificate: &[u8]) -> (u16, Arc<AtomicU64>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut inside) = acceptor.accept(stream).await
                    && let Ok(mut outside) = TcpStream::connect(address).await
                {
                    let _ = copy_bidirectional(&mut inside, &mut outside).await;
                }
            });
        }
    });
    (port, taken)
}

async fn connect(
    sandbox: &Sandbox,
    api: String,
    ca_pem: Option<&[u8]>,
) -> Result<ReadClient, ApiError> {
    let credential = Credential::ApiKey(Secret::new(sandbox.api_key()));
    let mut config = ClientConfig::new(api, credential);
    config.ca_pem = ca_pem.map(<[u8]>::to_vec);
    ReadClient::connect(config).await
}

#[tokio::test]
async fn a_configured_authority_is_trusted() {
    let (sandbox, port) = terminated().await;
    let client = connect(
        &sandbox,
        format!("https://localhost:{port}"),
        Some(AUTHORITY),
    )
    .await
    .unwrap();
    let master = AccountId::parse(sandbox.account_id()).unwrap();
    assert!(client.whitelabel(&master).await.unwrap().is_none());
}

/// Issue 16, point 15: each mistake of TLS is told in words, with a remedy, after one connection; and who does what the
/// remedy says gets through.
#[tokio::test]
async fn mistakes_of_tls_are_told_in_words_and_tried_once() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let told = async |certificate: &[u8], host: &str, ca_pem: Option<&[u8]>| {
        let before = sandbox.counts().total;
        let (port, taken) = terminate(sandbox.address(), certificate).await;
        let connected = connect(&sandbox, format!("https://{host}:{port}"), ca_pem).await;
        let taken = taken.load(Ordering::SeqCst);
        assert_eq!(taken, 1, "connections");
        match connected {
            Ok(_) => "through".to_owned(),
            Err(error) => {
                let sent = sandbox.counts().total - before;
                assert_eq!(sent, 0, "the key was sent to a stranger");
                error.explained().replace(&port.to_string(), "PORT")
            }
        }
    };
    let second = Some(SECOND_AUTHORITY);
    insta::assert_snapshot!(told(EXPIRED, "localhost", second).await, @"no TLS with localhost:PORT: its certificate has expired on 2020-02-01T00:00:00Z; have the certificate renewed; check this machine's clock, too");
    insta::assert_snapshot!(told(FUTURE, "localhost", second).await, @"no TLS with localhost:PORT: its certificate is not valid yet, but from 2099-01-01T00:00:00Z; check the clocks of this machine and of the authority");
    // Renewed.
    assert_eq!(told(SECOND, "localhost", second).await, "through");
    insta::assert_snapshot!(told(SECOND, "127.0.0.1", second).await, @"no TLS with 127.0.0.1:PORT: its certificate is not for this name, but for localhost; write the URL with a name that the certificate is for, or have one issued for this name");
    insta::assert_snapshot!(told(SECOND, "localhost", Some(AUTHORITY)).await, @"no TLS with localhost:PORT: its certificate comes from an authority that this machine does not know; name a PEM file with the authority's certificate as `ca_file`, when you trust it");
    insta::assert_snapshot!(told(SELF_SIGNED, "localhost", Some(SELF_SIGNED)).await, @"no TLS with localhost:PORT: its certificate is that of an authority (CA:TRUE), which no server may show; give the server a certificate of its own (CA:FALSE) that this authority signed, and name the authority's as `ca_file`");
}

/// `https://` to a port that speaks http, and what the remedy leads to.
#[tokio::test]
async fn https_to_a_port_that_speaks_http() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let port = sandbox.address().port();
    let url = format!("https://127.0.0.1:{port}");
    let error = connect(&sandbox, url.clone(), Some(AUTHORITY)).await;
    let told = error.unwrap_err().explained();
    insta::assert_snapshot!(told.replace(&port.to_string(), "PORT"), @"no TLS with 127.0.0.1:PORT: this port does not speak TLS; it probably speaks http; name the port that speaks https, or write http:// (to another machine only with `allow_plain_http: true`)");
    let plain = connect(&sandbox, url.replace("https", "http"), None).await;
    assert!(plain.is_ok(), "{plain:?}");
}

/// The same holds for the API that records are pushed to.
#[tokio::test]
async fn a_primary_is_trusted_by_the_configured_authority_only() {
    let (sandbox, port) = terminated().await;
    let ask = async |ca_pem: Option<&[u8]>| {
        let config = PushConfig::PowerDns(PowerDnsConfig {
            url: format!("https://localhost:{port}"),
            api_key: Secret::new("key"),
            server_id: "localhost".to_owned(),
            ca_pem: ca_pem.map(<[u8]>::to_vec),
        });
        let question = Question {
            name: RecordName::observed("acme.example"),
            record_type: RecordType::A,
        };
        let zone = RecordName::observed("acme.example");
        let primary = PrimaryReader::new(&config).unwrap();
        let read = primary.read(&zone, &[question].into()).await;
        read.unwrap_err().to_string()
    };
    let stranger = ask(None).await;
    let remedy = "as `ca_file`, when you trust it";
    assert!(stranger.contains(remedy), "{stranger}");
    assert_eq!(sandbox.counts().total, 0, "the key was sent to a stranger");
    let known = ask(Some(AUTHORITY)).await;
    assert!(!known.contains("ca_file"), "{known}");
    assert_eq!(sandbox.counts().total, 1, "{known}");
}

/// Says never a word: holds each connection, or closes it after so many bytes.
async fn mute(closes_after: Option<usize>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            match closes_after {
                None => held.push(stream),
                Some(bytes) => drop(stream.read(&mut vec![0; bytes]).await),
            }
        }
    });
    port
}

async fn refused(url: String, set: impl FnOnce(&mut ClientConfig)) -> ApiError {
    let mut config = ClientConfig::new(url, Credential::ApiKey(Secret::new("canary-key")));
    config.ca_pem = Some(AUTHORITY.to_vec());
    set(&mut config);
    ReadClient::connect(config).await.unwrap_err()
}

/// A host that takes connections is not told to be absent, and a port that speaks no TLS not to speak https.
#[tokio::test]
async fn a_handshake_without_an_answer_is_told_as_such() {
    let told = async |closes_after, set: &dyn Fn(&mut ClientConfig)| {
        let port = mute(closes_after).await;
        let error = refused(format!("https://127.0.0.1:{port}"), set).await;
        error.explained().replace(&port.to_string(), "PORT")
    };
    let soon = Duration::from_millis(100);
    let connect = told(None, &|config| config.limits.connect = soon).await;
    insta::assert_snapshot!(connect, @"127.0.0.1:PORT takes connections, but did not answer the TLS handshake for PUT /v2/api_auth within 0.1 s, tried twice; name the port that speaks https (a port that speaks http may say nothing to https://), and check how the server is");
    // The time of the request is over first.
    let read = told(None, &|config| config.limits.read = soon).await;
    insta::assert_snapshot!(read, @"127.0.0.1:PORT did not answer PUT /v2/api_auth within 0.1 s, tried twice; check that the port is the API's, and how the server is");
    let closed = told(Some(9000), &|_| ()).await;
    insta::assert_snapshot!(closed, @"no TLS with 127.0.0.1:PORT: the server closed the connection instead of shaking hands; name the port that speaks https, or write http:// (to another machine only with `allow_plain_http: true`)");
    // With something left unread, the connection is reset.
    assert_eq!(told(Some(1), &|_| ()).await, closed);
}

/// `http://` to a port that speaks https, and what the remedy leads to.
#[tokio::test]
async fn http_to_a_port_that_speaks_https() {
    let (sandbox, port) = terminated().await;
    let error = refused(format!("http://127.0.0.1:{port}"), |config| {
        config.limits.retry.first_pause = Duration::ZERO;
    });
    let told = error.await.explained();
    insta::assert_snapshot!(told.replace(&port.to_string(), "PORT"), @"the connection to 127.0.0.1:PORT broke before the answer to PUT /v2/api_auth was complete, tried 5 times: invalid HTTP version parsed; try again; if it persists, check the port: one that speaks https breaks http:// off");
    let secure = format!("https://localhost:{port}");
    assert!(connect(&sandbox, secure, Some(AUTHORITY)).await.is_ok());
}
