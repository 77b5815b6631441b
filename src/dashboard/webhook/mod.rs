//! Notifications of pushes by a forge: authentication and content.
//!
//! [`judge`] is the whole rule, and pure: a request counts only if it proves knowledge of the secret, over the bytes as
//! received. Its content is a hint and nothing more; the commit is read from the remote. [`Deliveries`] remembers what
//! was received, so that a request that is sent again starts nothing.

mod deliveries;
mod judge;

pub use deliveries::Deliveries;
pub use judge::{Delivery, Heard, Hook, Rejection, judge, may_prove};
