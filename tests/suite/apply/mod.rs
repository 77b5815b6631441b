//! Runs against the sandbox.

mod assets;
mod documents;
mod run;
mod template;
