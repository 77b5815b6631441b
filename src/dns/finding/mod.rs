//! What stands behind a domain or threatens it, beyond the verdicts on its hosts. Pure: it compares what was observed.

mod certificate;
mod delegation;
mod kind;
mod mail;
mod memory;
mod signature;
mod sip;
mod wildcard;

pub(super) use certificate::{Permission, certificates, is_for_browsers};
pub(super) use delegation::{of_delegation, of_serials};
pub use kind::{Addressee, DomainFinding, FindingKind, Urgency};
pub(super) use mail::{Mail, ends_search, of_mail};
pub(super) use memory::of_memory;
pub(super) use signature::of_signing;
pub(super) use sip::{of_routes, of_services};
pub(super) use wildcard::of_wildcard;
