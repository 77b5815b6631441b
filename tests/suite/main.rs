//! The whole project from outside: over HTTP, against the sandbox.
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod conformance;
mod sandbox;
mod wire;
