//! `init [FOLDER]`

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use camino::Utf8Path;

use crate::cli::Exit;
use crate::cli::args::InitArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::model::in_a_shell;
use crate::tree::init::starter;

/// The live state of the sandbox for the starter tree.
const SANDBOX: &str = include_str!("starter_sandbox.yaml");

pub(crate) fn init(ui: Ui, args: &InitArgs) -> Result<Exit, Failure> {
    let folder = &args.tree;
    if folder.join("emblazon.yaml").exists() {
        let message = format!("{folder} holds a tree already; name another folder");
        return Err(Failure::Usage(message));
    }
    let sandbox = ("sandbox.yaml".to_owned(), SANDBOX.to_owned());
    for (name, text) in starter().into_iter().chain([sandbox]) {
        if write_new(&folder.join(&name), &text)? {
            ui.message(&format!("wrote {}", folder.join(&name)));
        } else {
            ui.message(&format!("kept {}", folder.join(&name)));
        }
    }
    let folder = in_a_shell(folder.as_str());
    ui.message(&format!("next: emblazon plan --sandbox {folder}"));
    Ok(Exit::Done)
}

/// Writes a file unless it exists; returns whether it was written.
fn write_new(file: &Utf8Path, text: &str) -> Result<bool, Failure> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).with_context(|| parent.to_string())?;
    }
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    match opened {
        Ok(mut open) => {
            open.write_all(text.as_bytes())
                .with_context(|| file.to_string())?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(anyhow::Error::from(error).context(file.to_string()).into()),
    }
}
