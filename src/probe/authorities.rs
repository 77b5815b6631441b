//! The certificate authorities that a probe trusts, as customers' browsers do.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{RootCertStore, client::VerifierBuilderError};
use thiserror::Error;

/// The certificate authorities that are trusted.
#[derive(Clone, Debug)]
pub struct Authorities {
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    pub(super) provider: Arc<CryptoProvider>,
    given: Vec<u8>,
}

/// Why certificates could not be checked.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// The text holds no certificate authorities.
    #[error("`ca_file` holds no PEM certificate")]
    NoCertificate,
    /// The machine's authorities, or the given ones, cannot be used.
    #[error(
        "no certificate authorities to trust ({0}); install ca-certificates, or name a `ca_file`"
    )]
    Unusable(#[from] rustls::Error),
    /// The given ones cannot be used.
    #[error("the certificates of `ca_file` cannot be used: {0}")]
    Refused(#[from] VerifierBuilderError),
}

impl Authorities {
    /// Trusts this machine's authorities, and those of a PEM text.
    ///
    /// # Errors
    /// When there are none.
    pub fn of_this_machine(extra: Option<&[u8]>) -> Result<Self, AuthorityError> {
        let provider = Arc::new(ring::default_provider());
        let given = extra.unwrap_or_default().to_owned();
        let extra = extra.map(certificates).transpose()?.unwrap_or_default();
        let verifier =
            rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
        Ok(Self {
            verifier: Arc::new(verifier),
            provider,
            given,
        })
    }

    /// Trusts only the authorities of a PEM text, as in a sandbox.
    ///
    /// # Errors
    /// When it holds none.
    pub fn only(pem: &[u8]) -> Result<Self, AuthorityError> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate)?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build()?;
        Ok(Self {
            verifier,
            provider,
            given: pem.to_owned(),
        })
    }

    /// Returns the authorities that were given beside those of this machine, in PEM; empty if none were.
    #[must_use]
    pub fn given(&self) -> &[u8] {
        &self.given
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found
        .ok()
        .filter(|found| !found.is_empty())
        .ok_or(AuthorityError::NoCertificate)
}
