//! How other machines are reached over HTTP: one set-up of TLS, redirects and proxies for all that speak it.

mod client;

pub use client::{TransportError, client, innermost};
