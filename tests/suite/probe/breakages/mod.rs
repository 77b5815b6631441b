//! One brand that customers see, and everything that hides it: real servers over real TLS on loopback, before the
//! sandbox's user interface and API, each with one thing broken.

pub(crate) mod scenario;
mod server;
pub(crate) mod table;
mod web;

use table::Breakage;

/// Everything that can hide a brand, and what looks as if it did.
pub(crate) fn all() -> impl Iterator<Item = &'static Breakage> {
    table::BREAKAGES.iter().chain(web::BREAKAGES)
}
