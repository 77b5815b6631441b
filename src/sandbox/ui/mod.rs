//! A stand-in for Monster UI over TLS, with a certificate authority of its own.
//!
//! The page asks for what Monster UI asks for, in the same order and with the same headers (U1, U3, U4), so that a
//! browser shows a brand, or the vendor's, for the same reasons. It has nothing else of it.
//!
//! - `authority` issues certificates; `tls` accepts connections over TLS.
//! - `page` serves the page; `server` starts it, and says where everything stands.

mod authority;
mod page;
mod server;
mod tls;

pub use authority::{Authority, Issued, Term};
pub use server::UiSeed;
pub(crate) use server::UiServer;
pub(crate) use tls::TlsListener;
