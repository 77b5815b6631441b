//! The HTTP client beneath every API: certificates, connections, no redirects.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use url::Url;

use crate::model::is_loopback;

/// Why an HTTP client could not be created.
#[derive(Debug, Error)]
pub enum TransportError {
    /// The text holds no certificate authorities.
    #[error("`ca_file` holds no PEM certificate")]
    NoCertificate,
    /// TLS cannot be set up.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Returns the builder of a client for the API at `base`; the caller adds its time limits.
///
/// The client follows no redirects, retries nothing by itself, sends no `Referer`, and uses no proxy for this machine.
/// With `https` it trusts the platform's certificate authorities, and those in `ca_pem`.
///
/// # Errors
/// When `ca_pem` holds no certificate.
pub fn client(base: &Url, ca_pem: Option<&[u8]>) -> Result<ClientBuilder, TransportError> {
    let mut builder = Client::builder()
        .user_agent(concat!("emblazon/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never());
    if base.host().as_ref().is_some_and(is_loopback) {
        builder = builder.no_proxy();
    }
    if base.scheme() == "https" {
        with_platform_roots(builder, ca_pem)
    } else {
        without_tls(builder)
    }
}

/// Trusts the platform's certificate authorities, and those from the configured file.
fn with_platform_roots(
    builder: ClientBuilder,
    ca_pem: Option<&[u8]>,
) -> Result<ClientBuilder, TransportError> {
    if CryptoProvider::get_default().is_none() {
        // The platform's verifier takes its cryptography from the process. If another thread was first, it has
        // installed a provider, too, and that is enough.
        let _ = ring::default_provider().install_default();
    }
    let Some(pem) = ca_pem else {
        return Ok(builder);
    };
    let certificates = Certificate::from_pem_bundle(pem)
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or(TransportError::NoCertificate)?;
    Ok(builder.tls_certs_merge(certificates))
}

/// Sets the TLS configuration that even a client for plain HTTP requires; it trusts no authority, and needs no
/// certificate store on the machine.
fn without_tls(builder: ClientBuilder) -> Result<ClientBuilder, TransportError> {
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(tls))
}

/// Returns the message at the bottom of a chain of errors, without the URL.
#[must_use]
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
