//! Starts the stand-in for Monster UI, and the API over TLS that it asks.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Authority, Term, TlsListener, page};
use crate::sandbox::SandboxError;
use crate::sandbox::connection::{Connection, FaultyListener};

/// For how long the authority's own certificate is valid.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(24 * 3650);

/// The user interface of a seed: what stands at which address. The servers listen on loopback, wherever they stand for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UiSeed {
    /// The address that the user interface stands for, at ports 80 and 443.
    pub at: IpAddr,
    /// The page's `api.default`.
    pub api: Url,
    /// The address that the API stands for, at the port of `api`.
    pub api_at: IpAddr,
    /// For how many days the certificates are valid.
    #[serde(default = "UiSeed::usual_days")]
    pub certificate_days: u16,
}

impl UiSeed {
    fn usual_days() -> u16 {
        90
    }
}

/// The running servers.
#[derive(Debug)]
pub(crate) struct UiServer {
    pub(crate) authority: Arc<Authority>,
    /// Where what stands at an address really listens.
    pub(crate) detours: BTreeMap<SocketAddr, SocketAddr>,
}

impl UiServer {
    /// Starts the page over TLS, its redirect from clear text, and `api` over TLS.
    pub(crate) async fn start(
        seed: &UiSeed,
        api: Router,
        stop: &CancellationToken,
    ) -> Result<Self, SandboxError> {
        let now = Timestamp::now();
        let term = Term {
            from: now - SignedDuration::from_hours(1),
            until: now + VALID_FOR,
        };
        let authority = Arc::new(Authority::new("emblazon sandbox", term)?);
        let valid_for = SignedDuration::from_hours(24 * i64::from(seed.certificate_days));
        let issuer = (&authority, valid_for);
        let port = seed.api.port_or_known_default().unwrap_or(443);
        let ui = secure(page::service(seed.api.as_str()), issuer, stop).await?;
        let plain = clear(page::redirect(), stop).await?;
        let api = secure(api, issuer, stop).await?;
        let detours = [
            (SocketAddr::new(seed.at, 443), ui),
            (SocketAddr::new(seed.at, 80), plain),
            (SocketAddr::new(seed.api_at, port), api),
        ];
        Ok(Self {
            authority,
            detours: detours.into_iter().collect(),
        })
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr), SandboxError> {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let failed = |source| SandboxError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn secure(
    service: Router,
    (authority, valid_for): (&Arc<Authority>, SignedDuration),
    stop: &CancellationToken,
) -> Result<SocketAddr, SandboxError> {
    let (listener, address) = listen().await?;
    let inner = FaultyListener::new(listener, Arc::new(AtomicU64::new(0)));
    let listener = TlsListener::new(
        inner,
        address,
        (Arc::clone(authority), valid_for),
        stop.clone(),
    )
    .map_err(SandboxError::Tls)?;
    let service = service.into_make_service_with_connect_info::<Connection>();
    let ending = stop.clone();
    tokio::spawn(async move {
        let _ = axum::serve(listener, service)
            .with_graceful_shutdown(ending.cancelled_owned())
            .await;
    });
    Ok(address)
}

async fn clear(service: Router, stop: &CancellationToken) -> Result<SocketAddr, SandboxError> {
    let (listener, address) = listen().await?;
    let ending = stop.clone();
    tokio::spawn(async move {
        let _ = axum::serve(listener, service)
            .with_graceful_shutdown(ending.cancelled_owned())
            .await;
    });
    Ok(address)
}
