//! The whole project from outside: over HTTP, against the sandbox.

mod conformance;
