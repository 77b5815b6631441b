//! `schema [FOLDER]`

use std::fs;

use anyhow::Context as _;

use super::policy_test::PolicyTests;
use crate::cli::Exit;
use crate::cli::args::SchemaArgs;
use crate::cli::failure::Failure;
use crate::cli::file::{self, Readers};
use crate::cli::ui::Ui;
use crate::report::json;
use crate::tree::schema;

pub(crate) fn schema(ui: Ui, args: &SchemaArgs) -> Result<Exit, Failure> {
    fs::create_dir_all(&args.folder).with_context(|| args.folder.to_string())?;
    for (name, text) in schemas() {
        let file = args.folder.join(name);
        file::write_bytes(&file, Readers::AsBefore, text.as_bytes())
            .with_context(|| file.to_string())?;
        ui.message(&format!("wrote {file}"));
    }
    Ok(Exit::Done)
}

/// Returns every schema with its file name.
pub(crate) fn schemas() -> Vec<(&'static str, String)> {
    let tree = schema::schemas()
        .into_iter()
        .map(|(name, schema)| (name, schema::render(&schema)));
    let watch = schemars::schema_for!(crate::config::WatchConfig);
    let trust = schemars::schema_for!(crate::live::TrustConfig);
    let audit = schemars::schema_for!(crate::apply::AuditLine);
    let policy_tests = schemars::schema_for!(PolicyTests);
    tree.chain([
        (
            "policy-tests.schema.json",
            schema::render(policy_tests.as_value()),
        ),
        ("audit.schema.json", schema::render(audit.as_value())),
        ("trust.schema.json", schema::render(trust.as_value())),
        ("report.schema.json", json::schema()),
        ("probe.schema.json", json::probe_schema()),
        ("watch.schema.json", schema::render(watch.as_value())),
        ("watch-api.schema.json", crate::dashboard::schema()),
    ])
    .collect()
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
