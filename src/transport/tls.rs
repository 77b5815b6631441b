//! Explains why a TLS handshake failed, and what to do about it.

use std::error::Error as StdError;
use std::io;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error as TlsError};
use thiserror::Error;

/// Why a TLS handshake failed. A retry gives the same result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsProblem {
    /// The answer is not a TLS record.
    #[error("this port does not speak TLS; it probably speaks http")]
    NotTls,
    /// The certificate is marked as an authority's.
    #[error("its certificate is that of an authority (CA:TRUE), which no server may show")]
    CaUsedAsServer,
    /// The certificate has expired; holds the end of its validity, if known.
    #[error("its certificate has expired{}", on(*.0))]
    Expired(Option<Timestamp>),
    /// The certificate is not valid yet; holds the start of its validity, if known.
    #[error("its certificate is not valid yet{}", from(*.0))]
    NotValidYet(Option<Timestamp>),
    /// The certificate is for other names, which are listed if known.
    #[error("its certificate is not for this name{}", but_for(.0))]
    WrongName(Vec<String>),
    /// No trusted authority issued the certificate.
    #[error("its certificate comes from an authority that this machine does not know")]
    UnknownAuthority,
    /// The authority revoked the certificate.
    #[error("its certificate was revoked")]
    Revoked,
    /// Something else is wrong with the certificate.
    #[error("its certificate cannot be used: {0}")]
    Certificate(String),
    /// The server closed the connection instead of answering the handshake.
    #[error("the server closed the connection instead of shaking hands")]
    Closed,
    /// The server aborted the handshake.
    #[error("the server aborted the handshake: {0}")]
    Refused(String),
    /// Anything else.
    #[error("the handshake failed: {0}")]
    Other(String),
}

impl TlsProblem {
    /// Returns the problem if an error comes from a handshake.
    #[must_use]
    pub fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = handshake(error) {
                return Some(Self::from(found));
            }
            next = error.source();
        }
        // rustls has no error of its own for it.
        let is_cut = |error: &io::Error| {
            error.kind() == io::ErrorKind::UnexpectedEof && error.to_string() == "tls handshake eof"
        };
        has_io(error, &is_cut).then_some(Self::Closed)
    }

    /// Returns the problem if an error from connecting to a port that is to speak TLS comes from the handshake.
    #[must_use]
    pub fn of_connecting(error: &(dyn StdError + 'static)) -> Option<Self> {
        // A port where nobody listens refuses the connection; only one that was made can be reset.
        let is_reset = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionReset;
        Self::of(error).or_else(|| has_io(error, &is_reset).then_some(Self::Closed))
    }

    /// Returns what the user should do about it: one lower-case fragment.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotTls | Self::Closed => {
                "name the port that speaks https, or write http:// (to another machine only with `allow_plain_http: true`)"
            }
            Self::CaUsedAsServer => {
                "give the server a certificate of its own (CA:FALSE) that this authority signed, and name the authority's as `ca_file`"
            }
            Self::Expired(_) => "have the certificate renewed; check this machine's clock, too",
            Self::NotValidYet(_) => "check the clocks of this machine and of the authority",
            Self::WrongName(_) => {
                "write the URL with a name that the certificate is for, or have one issued for this name"
            }
            Self::UnknownAuthority => {
                "name a PEM file with the authority's certificate as `ca_file`, when you trust it"
            }
            Self::Revoked => "have a new certificate issued",
            Self::Certificate(_) => "have another certificate issued",
            Self::Refused(_) | Self::Other(_) => {
                "check that the port is the API's, and that it speaks TLS 1.2 or 1.3"
            }
        }
    }

    /// Returns problem and remedy as one line.
    #[must_use]
    pub fn explained(&self) -> String {
        format!("{self}; {}", self.remedy())
    }
}

/// Finds the TLS error in an error; an I/O error does not return what it wraps as its source.
fn handshake<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    let inner: &'a (dyn StdError + 'static) = inner;
    handshake(inner)
}

/// Returns whether an error is, or comes from, an I/O error that is looked for.
fn has_io(error: &(dyn StdError + 'static), is_it: &dyn Fn(&io::Error) -> bool) -> bool {
    let found = error.downcast_ref::<io::Error>();
    if found.is_some_and(is_it) {
        return true;
    }
    let inner = found.and_then(|error| error.get_ref());
    let is_inside = inner.is_some_and(|inner| has_io(inner, is_it));
    is_inside || error.source().is_some_and(|source| has_io(source, is_it))
}

impl From<&TlsError> for TlsProblem {
    fn from(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidMessage(_) => Self::NotTls,
            TlsError::InvalidCertificate(error) => certificate(error),
            TlsError::AlertReceived(alert) => Self::Refused(format!("{alert:?}")),
            other => Self::Other(other.to_string()),
        }
    }
}

fn certificate(error: &CertificateError) -> TlsProblem {
    match error {
        CertificateError::Expired => TlsProblem::Expired(None),
        CertificateError::ExpiredContext { not_after, .. } => {
            TlsProblem::Expired(timestamp(*not_after))
        }
        CertificateError::NotValidYet => TlsProblem::NotValidYet(None),
        CertificateError::NotValidYetContext { not_before, .. } => {
            TlsProblem::NotValidYet(timestamp(*not_before))
        }
        CertificateError::NotValidForName => TlsProblem::WrongName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            TlsProblem::WrongName(presented.iter().map(|name| bare(name)).collect())
        }
        CertificateError::UnknownIssuer => TlsProblem::UnknownAuthority,
        CertificateError::Revoked => TlsProblem::Revoked,
        // rustls has no variant of its own for it.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            TlsProblem::CaUsedAsServer
        }
        other => TlsProblem::Certificate(other.to_string()),
    }
}

/// Extracts the name from `DnsName("api.example.com")`.
fn bare(presented: &str) -> String {
    let name = presented.split('"').nth(1).unwrap_or(presented);
    name.chars()
        .filter(char::is_ascii_graphic)
        .take(100)
        .collect()
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok()
}

fn on(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" on {time}"))
}

fn from(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(", but from {time}"))
}

/// Lists the first names of a certificate; a hostile one may have any number.
fn but_for(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let (shown, more) = names.split_at(names.len().min(SHOWN));
    match (shown, more.len()) {
        ([], _) => String::new(),
        (shown, 0) => format!(", but for {}", shown.join(", ")),
        (shown, more) => format!(", but for {} and {more} more", shown.join(", ")),
    }
}
