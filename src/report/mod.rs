//! Reports in all output formats. Pure: a renderer turns a [`Report`] into text, without access to a clock, terminal or
//! file.
//!
//! A single value, [`Report`], holds the result of a run. Each format renders that value in its own file, so that all
//! formats agree.

mod block;
pub mod brand;
mod build;
pub mod card;
mod dns;
mod ending;
mod escape;
mod finding;
#[cfg(test)]
mod fixture;
pub mod gallery;
pub mod github;
pub mod html;
mod illustration;
pub mod json;
pub mod junit;
mod line;
mod look;
pub mod markdown;
pub mod merge;
mod model;
mod outside;
pub mod picture;
mod places;
mod problem;
mod row;
pub mod sarif;
#[cfg(test)]
mod streaming_tests;
pub mod text;
mod value;

pub use build::{Facts, ShardFacts, report};
pub use dns::{AccountDns, DnsReport, SecondOpinion};
pub(crate) use escape::{visible_json, visible_json_line};
pub use finding::{dns_lines, probe_lines};
pub use illustration::{Illustration, illustrations};
pub use line::{Line, lines};
pub use look::{Look, Looks, is_drawn};
pub use model::{
    BaseReport, Command, Coverage, ObjectCount, ObjectReport, Report, Requests, ShardReport,
    Status, StepReport, Summary, Verb,
};
pub use places::Places;
pub use problem::{Fix, Label, Problem, SourceText, problems};
