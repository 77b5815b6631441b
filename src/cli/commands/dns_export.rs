//! `dns export [ACCOUNT…]`

use std::fs;

use anyhow::Context as _;

use crate::cli::args::Several;
use crate::cli::args::{DnsExportArgs, ExportFormat};
use crate::cli::failure::Failure;
use crate::cli::file::{self, Readers};
use crate::cli::tree;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, records, survey};
use crate::dns::export::{
    AccountRecords, OCTODNS_CONFIG_FILE, OCTODNS_PROCESSOR, OCTODNS_PROCESSOR_FILE, json, octodns,
    octodns_config, zone_file,
};
use crate::model::RecordName;
use crate::report::{self, Command, text, visible_json};

pub(crate) fn dns_export(ui: Ui, args: &DnsExportArgs) -> Result<Exit, Failure> {
    let accounts = &args.accounts;
    let tree = tree::open(ui, &accounts.tree, &accounts.choice, Several::First)?;
    if tree.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Validate, &tree));
        ui::page(&text::render(&report, ui.stdout_options()))?;
        return Ok(Exit::of(&report));
    }
    if args.folder.is_some() && args.format != ExportFormat::Octodns {
        let message = "--folder is for --format octodns, which has one file a zone";
        return Err(Failure::Usage(message.to_owned()));
    }
    let mut exported = records::of(&tree, &accounts.names)?;
    if let Some(zone) = &args.zone {
        let zone = RecordName::parse(zone)
            .map_err(|(_, _, problem)| Failure::Usage(format!("--zone {zone} {problem}")))?;
        for account in &mut exported {
            account.zone = Some(zone.clone());
        }
    }
    match args.format {
        ExportFormat::Zone => ui::machine(&zone_file(&exported, args.ttl))?,
        ExportFormat::Json => ui::machine(&visible_json(&json(&exported, args.ttl)))?,
        ExportFormat::Octodns => write_octodns(ui, &exported, args)?,
    }
    Ok(Exit::Done)
}

fn write_octodns(ui: Ui, exported: &[AccountRecords], args: &DnsExportArgs) -> Result<(), Failure> {
    let octodns = octodns(exported, args.ttl);
    for (what, reason) in &octodns.left_out {
        ui.message(&text::visible(&format!("left out: {what}: {reason}")));
    }
    match (&args.folder, octodns.files.len()) {
        (Some(folder), _) => {
            fs::create_dir_all(folder).with_context(|| folder.to_string())?;
            let write = |name: &str, text: &str| {
                let file = folder.join(name);
                file::write_bytes(&file, Readers::AsBefore, text.as_bytes())
                    .with_context(|| file.to_string())
            };
            for (name, text) in &octodns.files {
                write(name, text)?;
            }
            write(OCTODNS_PROCESSOR_FILE, OCTODNS_PROCESSOR)?;
            // Whoever uses it has named a provider in it.
            if !folder.join(OCTODNS_CONFIG_FILE).exists() {
                write(OCTODNS_CONFIG_FILE, &octodns_config(folder.as_str()))?;
            }
            Ok(())
        }
        (None, 0 | 1) => {
            ui.message(
                "octoDNS deletes all other records of a zone; --folder also writes a processor for it that keeps them",
            );
            octodns.files.values().try_for_each(ui::machine)
        }
        (None, zones) => Err(Failure::Usage(format!(
            "octoDNS has one file a zone, and there are {zones}; name a folder with --folder"
        ))),
    }
}
