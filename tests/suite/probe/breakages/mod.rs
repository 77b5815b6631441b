//! One brand that customers see, and everything that hides it: real servers over real TLS on loopback, before the
//! sandbox's user interface and API, each with one thing broken.

pub(crate) mod scenario;
mod server;
pub(crate) mod table;
