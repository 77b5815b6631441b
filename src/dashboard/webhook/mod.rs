//! Pushes that a forge tells of: who may tell, and what is listened to.
//!
//! [`judge`] is the whole rule, and pure: a request is looked at only when it proves that it knows the secret, over
//! the bytes as they came. What it says is a hint and nothing more; the commit is read from the remote. [`Deliveries`]
//! remembers what came, so that a request that is sent again starts nothing.

mod deliveries;
mod judge;

pub use deliveries::Deliveries;
pub use judge::{Delivery, Heard, Hook, Rejection, judge, may_prove};
