//! Runs against the sandbox.

mod assets;
mod documents;
mod guards;
mod records;
mod run;
mod template;
