//! Runs against the sandbox.

mod assets;
mod documents;
mod guards;
mod run;
mod template;
