//! What a probe saw: plain values, which are judged later.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::Certificate;
use crate::transport::TlsProblem;

/// The addresses of a host, as customers' resolvers give them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// These addresses.
    Found(Vec<IpAddr>),
    /// An address that the caller named.
    Pinned(SocketAddr),
    /// The name does not exist, or has no address.
    Absent,
    /// Nothing is known about the name; holds the reason.
    Unknown(String),
}

/// What became of the connection to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A connection over TLS, with the server's certificate.
    Secure(Certificate),
    /// A connection in clear text.
    Plain,
    /// Nobody listens at the address.
    Refused(SocketAddr),
    /// Something listens, and the handshake failed.
    Untrusted {
        /// Why.
        problem: TlsProblem,
        /// The certificates that the server sent, its own first.
        sent: Vec<Certificate>,
    },
    /// It is not known whether something listens; holds the reason.
    Unknown(String),
}

/// How far a probe came towards one host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The host's addresses.
    pub names: Names,
    /// The connection; `None` without an address.
    pub link: Option<Link>,
    /// How long names, connection and handshake took.
    pub took: Duration,
}

impl Arrival {
    /// Returns whether requests can be sent.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.link, Some(Link::Secure(_) | Link::Plain))
    }
}

/// An answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

impl HttpAnswer {
    /// Returns the first header of a name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Returns all headers of a name, which is given in lower case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let headers = self.headers.iter();
        headers.filter_map(move |(key, value)| (key == name).then_some(value.as_str()))
    }

    /// Returns the body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer, or why there is none.
pub type Fetch = Result<HttpAnswer, String>;

/// A request of the page to the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it was sent; after redirects, the last place.
    pub url: Url,
    /// The origin that a browser names; `None` where the page has the same.
    pub origin: Option<String>,
    /// The answer.
    pub answer: Fetch,
}

/// Everything that a probe saw of one brand. What was not asked is `None`: something before it failed, or the tree does
/// not declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it was seen.
    pub at: Timestamp,
    /// The way to the page.
    pub ui: Arrival,
    /// The answer to `http://HOST/`; `None` if nobody listens there.
    pub plain: Option<Fetch>,
    /// The page, after redirects within its host.
    pub page: Option<(Url, Fetch)>,
    /// The scripts that the page begins with, in its order; those of other hosts are not asked for.
    pub program: Vec<(Url, Fetch)>,
    /// The page's `js/config.js`, after redirects within its host.
    pub config: Option<Fetch>,
    /// The way to the API that the page uses, the last one after redirects; `None` also where the page's origin serves it.
    pub api: Option<Arrival>,
    /// The browser's question whether the page may ask (CORS).
    pub preflight: Option<Call>,
    /// The whitelabel document.
    pub document: Option<Call>,
    /// The logo.
    pub logo: Option<Call>,
    /// The icon.
    pub icon: Option<Call>,
    /// The welcome page.
    pub welcome: Option<Call>,
    /// The servers that phones find for SIP over TLS.
    pub phones: Vec<SipSighting>,
}

/// What a phone meets at a server for SIP over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipSighting {
    /// The way to it, of a phone that knows it by the brand's domain, as phones should (RFC 5922, section 7).
    pub by_domain: Arrival,
    /// The same by the server's own name; absent unless its certificate is not for the domain.
    pub by_server: Option<Arrival>,
}
