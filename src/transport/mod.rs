//! How other machines are reached over HTTP: one set-up of TLS, redirects and proxies for all that speak it.

mod client;
mod retry_after;

pub use client::{TransportError, client, innermost};
pub use retry_after::retry_after;
