//! GitOps for the branding of a Kazoo telephony platform.
pub mod apply;
pub mod cli;
pub mod diag;
pub mod diff;
pub mod live;
pub mod model;
pub mod plan;
pub mod report;
pub mod tree;
