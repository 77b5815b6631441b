//! The program as its users meet it: over HTTP, against the sandbox.

mod apply;
mod stage;
