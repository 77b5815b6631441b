//! Anything → text. Pure: a renderer takes a [`Report`] and gives a text; it knows no clock, terminal or file.
//!
//! One value, [`Report`], holds what a run has to say; one file a format turns it into bytes, so that
//! every format says the same.

mod build;
mod dns;
pub mod json;
mod model;
mod problem;
pub mod text;

pub use build::{Facts, report};
pub use dns::{AccountDns, DnsReport, SecondOpinion};
pub use model::{
    BaseReport, Command, Coverage, ObjectReport, Report, Requests, Status, StepReport, Summary,
    Verb,
};
pub use problem::{Label, Problem, SourceText, problems};
