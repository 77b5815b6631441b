//! GitOps for the branding of a Kazoo telephony platform.
pub mod apply;
pub mod diag;
pub mod diff;
pub mod dns;
pub mod live;
pub mod model;
pub mod plan;
pub mod sandbox;
pub mod tree;
