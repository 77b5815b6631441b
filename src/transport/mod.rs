//! HTTP to other machines: one set-up of TLS, redirects and proxies, and one set of limits, for all HTTP clients.

mod body;
mod client;
mod json;
mod retry_after;
mod tls;

pub use body::{BodyError, SLOWEST, read_body};
pub use client::{TransportError, client, innermost};
pub use json::{JsonError, parse_json};
pub use retry_after::retry_after;
pub use tls::TlsProblem;
