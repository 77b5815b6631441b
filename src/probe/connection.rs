//! One connection to one host and port: names, TCP, TLS, HTTP.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::content_coding;
use super::names::NameSource;
use super::{Arrival, Authorities, Certificate, Fetch, HttpAnswer, Link, Names};
use crate::model::is_inside;
use crate::transport::{TlsProblem, innermost};

/// How long a connection or a handshake may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take, with its body.
const ANSWER: Duration = Duration::from_secs(15);
/// The largest body that is read: beyond any asset that the platform takes.
const LARGEST: usize = 16 << 20;
/// How many addresses of a host are tried.
const MOST_ADDRESSES: usize = 4;

/// Makes connections, and counts them and their requests.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) names: NameSource,
    pub(super) authorities: Authorities,
    /// Where what stands at an address of a sandbox really listens; nothing else is connected to then.
    pub(super) detours: Option<BTreeMap<SocketAddr, SocketAddr>>,
    /// The address of this machine to connect from.
    pub(super) from: Option<IpAddr>,
    pub(super) connections: AtomicU64,
    pub(super) requests: AtomicU64,
}

/// A host and port, with the connection to it.
pub(super) struct Contact {
    pub(super) arrival: Arrival,
    is_secure: bool,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

/// Keeps the certificates that a server sends while they are verified.
#[derive(Debug)]
struct Witness {
    inner: Arc<dyn ServerCertVerifier>,
    sent: Mutex<Vec<Certificate>>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug)]
enum Protocol<'a> {
    /// HTTP in clear text.
    Clear,
    /// HTTP over TLS.
    Web,
    /// SIP over TLS, by a phone that knows the server by this name.
    Sip(&'a str),
}

impl Connector {
    /// Connects to a host and port, over TLS or in clear text.
    pub(super) async fn contact(&self, is_secure: bool, host: &str, port: u16) -> Contact {
        let protocol = if is_secure {
            Protocol::Web
        } else {
            Protocol::Clear
        };
        self.contact_by(protocol, host, port).await
    }

    /// Shakes hands with a SIP server as a phone does that knows it by `name`, and says nothing.
    pub(super) async fn handshake(&self, name: &str, host: &str, port: u16) -> Arrival {
        let contact = self.contact_by(Protocol::Sip(name), host, port).await;
        contact.arrival
    }

    /// Connects to a host and port without a word.
    pub(super) async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let addresses = match self.names.find(host, port).await {
            Names::Absent => return Err("it has no address".to_owned()),
            Names::Unknown(reason) => return Err(reason),
            Names::Pinned(address) => vec![address],
            Names::Found(addresses) => self.allowed(&addresses, port)?,
        };
        let mut failed = "it has no address to try".to_owned();
        for address in addresses {
            let opened = match self.place_of(address) {
                Ok(place) => timeout(CONNECT, self.open(place)).await,
                Err(reason) => {
                    failed = reason;
                    continue;
                }
            };
            match opened {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = format!("{address}: {error}"),
                Err(_) => failed = format!("{address} did not answer"),
            }
        }
        Err(failed)
    }

    async fn contact_by(&self, protocol: Protocol<'_>, host: &str, port: u16) -> Contact {
        let started = Instant::now();
        let names = self.names.find(host, port).await;
        let (link, sender) = match &names {
            Names::Absent | Names::Unknown(_) => (None, None),
            Names::Pinned(address) => {
                let (link, sender) = self.reach(&[*address], protocol, host).await;
                (Some(link), sender)
            }
            Names::Found(addresses) => {
                let (link, sender) = match self.allowed(addresses, port) {
                    Ok(allowed) => self.reach(&allowed, protocol, host).await,
                    Err(reason) => (Link::Unknown(reason), None),
                };
                (Some(link), sender)
            }
        };
        Contact {
            arrival: Arrival {
                host: host.to_owned(),
                port,
                names,
                link,
                took: started.elapsed(),
            },
            is_secure: !matches!(protocol, Protocol::Clear),
            sender,
        }
    }

    /// Leaves out addresses that DNS may not lead us to: a tree or a page must not make this machine ask its own network.
    fn allowed(&self, addresses: &[IpAddr], port: u16) -> Result<Vec<SocketAddr>, String> {
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in addresses {
            let address = SocketAddr::new(*address, port);
            let is_known = |detours: &BTreeMap<_, _>| detours.contains_key(&address);
            if is_inside(address.ip()) && !self.detours.as_ref().is_some_and(is_known) {
                refused = Some(address.ip());
            } else {
                allowed.push(address);
            }
        }
        allowed.truncate(MOST_ADDRESSES);
        match refused {
            Some(address) if allowed.is_empty() => Err(format!(
                "{address} is not a public address, so nothing was sent there"
            )),
            _ => Ok(allowed),
        }
    }

    /// Connects to one of these addresses, as far as they can be reached from where this prober is.
    async fn reach(
        &self,
        addresses: &[SocketAddr],
        protocol: Protocol<'_>,
        host: &str,
    ) -> (Link, Option<SendRequest<Empty<Bytes>>>) {
        let mut reachable = Vec::new();
        let mut reason = None;
        for address in addresses {
            match self.place_of(*address) {
                Ok(place) => reachable.push(place),
                Err(refused) => reason = reason.or(Some(refused)),
            }
        }
        match reason.filter(|_| reachable.is_empty()) {
            Some(reason) => (Link::Unknown(reason), None),
            None => self.connect(&reachable, protocol, host).await,
        }
    }

    /// Returns where to connect for an address, or why that is not possible from here.
    fn place_of(&self, address: SocketAddr) -> Result<SocketAddr, String> {
        if let Some(detours) = &self.detours {
            return detours.get(&address).copied().ok_or_else(|| {
                format!("nothing stands at {address} in the sandbox, and nothing outside is asked")
            });
        }
        match self.from {
            Some(from) if from.is_ipv4() != address.is_ipv4() => Err(format!(
                "{} cannot be reached from {from}, because one is an IPv4 address and the other an IPv6 address; probe this host without --from",
                address.ip()
            )),
            Some(_) | None => Ok(address),
        }
    }

    async fn connect(
        &self,
        addresses: &[SocketAddr],
        protocol: Protocol<'_>,
        host: &str,
    ) -> (Link, Option<SendRequest<Empty<Bytes>>>) {
        let mut failed = Link::Unknown("it has no address to try".to_owned());
        for address in addresses {
            match timeout(CONNECT, self.open(*address)).await {
                Ok(Ok(stream)) => {
                    return match protocol {
                        Protocol::Clear => speak(Link::Plain, stream).await,
                        Protocol::Web => self.secure(stream, host, true).await,
                        Protocol::Sip(name) => self.secure(stream, name, false).await,
                    };
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    failed = Link::Refused(*address);
                }
                Ok(Err(error)) if !matches!(failed, Link::Refused(_)) => {
                    failed = Link::Unknown(format!("{address}: {error}"));
                }
                Err(_) if !matches!(failed, Link::Refused(_)) => {
                    failed = Link::Unknown(format!(
                        "{address} did not answer within {} seconds",
                        CONNECT.as_secs()
                    ));
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        (failed, None)
    }

    async fn open(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Of the other family are only the places of a sandbox.
        if let Some(from) = self.from.filter(|from| from.is_ipv4() == address.is_ipv4()) {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        self.connections.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    async fn secure(
        &self,
        stream: TcpStream,
        host: &str,
        is_web: bool,
    ) -> (Link, Option<SendRequest<Empty<Bytes>>>) {
        let witness = Arc::new(Witness {
            inner: Arc::clone(&self.authorities.verifier),
            sent: Mutex::default(),
        });
        let shaken = match (
            self.tls(&witness, is_web),
            ServerName::try_from(host.to_owned()),
        ) {
            (Ok(config), Ok(name)) => {
                let connector = TlsConnector::from(Arc::new(config));
                timeout(CONNECT, connector.connect(name, stream)).await
            }
            (Err(error), _) => return (Link::Unknown(format!("no TLS here: {error}")), None),
            (_, Err(error)) => return (Link::Unknown(error.to_string()), None),
        };
        let mut sent = witness.certificates();
        let problem = match shaken {
            Ok(Ok(stream)) if !sent.is_empty() => {
                let link = Link::Secure(sent.swap_remove(0));
                return if is_web {
                    speak(link, stream).await
                } else {
                    (link, None)
                };
            }
            Ok(Ok(_)) => Some(TlsProblem::Certificate("it cannot be read".to_owned())),
            Ok(Err(error)) => match TlsProblem::of_connecting(&error) {
                Some(problem) => Some(problem),
                None => return (Link::Unknown(innermost(&error)), None),
            },
            Err(_) => None,
        };
        let link = match problem {
            Some(problem) => Link::Untrusted { problem, sent },
            None => Link::Unknown(format!(
                "the TLS handshake did not end within {} seconds",
                CONNECT.as_secs()
            )),
        };
        (link, None)
    }

    fn tls(&self, witness: &Arc<Witness>, is_web: bool) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::clone(&self.authorities.provider);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        if is_web {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(config)
    }
}

impl Contact {
    /// Sends a request, over the connection at hand; makes another one only if the server closed it.
    pub(super) async fn send(
        &mut self,
        connector: &Connector,
        method: Method,
        url: &Url,
        headers: &[(&str, String)],
    ) -> Fetch {
        let is_closed = self.sender.as_ref().is_none_or(SendRequest::is_closed);
        if is_closed && self.arrival.is_connected() {
            let (host, port) = (self.arrival.host.clone(), self.arrival.port);
            let again = connector.contact(self.is_secure, &host, port).await;
            self.sender = again.sender;
        }
        let Some(sender) = &mut self.sender else {
            return Err("the server closed the connection, and takes no other".to_owned());
        };
        let request = request(method, url, headers).map_err(|error| error.to_string())?;
        connector.requests.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let answered = timeout(ANSWER, exchange(sender, request)).await;
        match answered {
            Ok(Ok(answer)) => Ok(HttpAnswer {
                took: started.elapsed(),
                ..answer
            }),
            Ok(Err(reason)) => {
                self.sender = None;
                Err(reason)
            }
            Err(_) => {
                self.sender = None;
                Err(format!("no answer within {} seconds", ANSWER.as_secs()))
            }
        }
    }
}

async fn exchange(
    sender: &mut SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
) -> Result<HttpAnswer, String> {
    let told = |error: hyper::Error| innermost(&error);
    sender.ready().await.map_err(told)?;
    let response = sender.send_request(request).await.map_err(told)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST).collect().await;
    let body = body.map_err(|error| format!("its body could not be read: {error}"))?;
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let mut answer = HttpAnswer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: Vec::new(),
        took: Duration::ZERO,
    };
    let codings = answer.headers("content-encoding");
    answer.body = content_coding::decoded(codings, body.to_bytes().to_vec(), LARGEST)?;
    Ok(answer)
}

fn request(
    method: Method,
    url: &Url,
    headers: &[(&str, String)],
) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let authority = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", authority)
        .header(
            "user-agent",
            concat!("emblazon/", env!("CARGO_PKG_VERSION"), " (probe)"),
        );
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Empty::new())
}

/// Begins to speak HTTP on a stream.
async fn speak(
    link: Link,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> (Link, Option<SendRequest<Empty<Bytes>>>) {
    match http1::handshake(TokioIo::new(stream)).await {
        Ok((sender, connection)) => {
            tokio::spawn(connection);
            (link, Some(sender))
        }
        Err(error) => (Link::Unknown(innermost(&error)), None),
    }
}

impl Witness {
    fn certificates(&self) -> Vec<Certificate> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let parsed = all.filter_map(|certificate| Certificate::parse(certificate));
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = parsed.collect();
        let inner = &self.inner;
        inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
