//! TLS with a real handshake: a terminator before the sandbox, with certificates of an authority of our own.
//!
//! `tls/` holds the authority's certificate and the server's certificate and key, for `localhost`. Nobody but these
//! tests trusts them.

use std::sync::Arc;

use emblazon::dns::Question;
use emblazon::dns::push::{PowerDnsConfig, PrimaryReader, PushConfig};
use emblazon::live::{ApiError, ClientConfig, Credential, ReadClient};
use emblazon::model::record::{RecordName, RecordType};
use emblazon::model::{AccountId, Secret};
use emblazon::sandbox::{Options, Sandbox};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("tls/server.pem");
pub(crate) const KEY: &[u8] = include_bytes!("tls/server.key.pem");

/// Starts the sandbox behind a TLS terminator and returns both, the latter by its port.
async fn terminated() -> (Sandbox, u16) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let address = sandbox.address();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
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
    (sandbox, port)
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

#[tokio::test]
async fn an_unknown_authority_is_refused_with_advice() {
    let (sandbox, port) = terminated().await;
    let error = connect(&sandbox, format!("https://localhost:{port}"), None)
        .await
        .unwrap_err();
    assert!(
        error.explained().contains("ca_file"),
        "{}",
        error.explained()
    );
    assert_eq!(sandbox.counts().total, 0, "the key was sent to a stranger");
}

#[tokio::test]
async fn another_name_is_refused() {
    let (sandbox, port) = terminated().await;
    let error = connect(
        &sandbox,
        format!("https://127.0.0.1:{port}"),
        Some(AUTHORITY),
    )
    .await
    .unwrap_err();
    assert!(
        error.explained().contains("certificate"),
        "{}",
        error.explained()
    );
    assert_eq!(sandbox.counts().total, 0, "the key was sent to a stranger");
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
    assert!(stranger.contains("`ca_file` names"), "{stranger}");
    assert_eq!(sandbox.counts().total, 0, "the key was sent to a stranger");
    let known = ask(Some(AUTHORITY)).await;
    assert!(!known.contains("ca_file"), "{known}");
    assert_eq!(sandbox.counts().total, 1, "{known}");
}
