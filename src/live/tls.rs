//! The HTTP client beneath: certificates, connections, no redirects.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig as TlsConfig, RootCertStore};
use url::Url;

use super::config::ClientConfig;
use super::error::ApiError;
use crate::model::is_loopback;

/// How long an idle connection is kept: the server closes it after 120 s (C1).
const IDLE: std::time::Duration = std::time::Duration::from_secs(90);

/// Builds the client for one cluster.
pub(super) fn http_client(config: &ClientConfig, base: &Url) -> Result<Client, ApiError> {
    let mut builder = Client::builder()
        .user_agent(concat!("emblazon/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(config.limits.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(usize::from(config.limits.concurrency));
    if base.host().as_ref().is_some_and(is_loopback) {
        builder = builder.no_proxy();
    }
    let builder = if base.scheme() == "https" {
        with_platform_roots(builder, config.ca_pem.as_deref())?
    } else {
        without_tls(builder)?
    };
    builder
        .build()
        .map_err(|error| ApiError::Configuration(format!("no HTTP client: {}", innermost(&error))))
}

/// The platform's certificate authorities, and those from the configured file.
fn with_platform_roots(
    mut builder: ClientBuilder,
    ca_pem: Option<&[u8]>,
) -> Result<ClientBuilder, ApiError> {
    if CryptoProvider::get_default().is_none() {
        // The platform's verifier takes its cryptography from the process. Another thread that was
        // first installed a provider too, which is all that is wanted.
        let _ = ring::default_provider().install_default();
    }
    if let Some(pem) = ca_pem {
        let certificates = Certificate::from_pem_bundle(pem)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| {
                ApiError::Configuration("`ca_file` holds no PEM certificate".to_owned())
            })?;
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

/// A client for plain HTTP still wants a TLS configuration; this one trusts nobody, and needs no
/// certificate store on the machine.
fn without_tls(builder: ClientBuilder) -> Result<ClientBuilder, ApiError> {
    let tls = TlsConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| ApiError::Configuration(format!("no TLS: {error}")))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(tls))
}

/// Returns the message at the bottom of a chain of errors, without the URL.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
