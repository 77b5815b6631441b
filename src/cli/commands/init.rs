//! `init [FOLDER]`

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use camino::Utf8Path;

use crate::cli::Exit;
use crate::cli::args::InitArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;

/// The starter tree, file by file.
const FILES: [(&str, &str); 6] = [
    ("emblazon.yaml", include_str!("init/emblazon.yaml")),
    ("brands/standard.yaml", include_str!("init/standard.yaml")),
    (
        "accounts/example/account.yaml",
        include_str!("init/account.yaml"),
    ),
    (
        "accounts/example/welcome.html",
        include_str!("init/welcome.html"),
    ),
    ("sandbox.yaml", include_str!("init/sandbox.yaml")),
    (".gitignore", include_str!("init/gitignore")),
];

pub(crate) fn init(ui: Ui, args: &InitArgs) -> Result<Exit, Failure> {
    let folder = &args.tree;
    if folder.join("emblazon.yaml").exists() {
        let message = format!("{folder} holds a tree already; name another folder");
        return Err(Failure::Usage(message));
    }
    let schemas = super::schema::schemas();
    let schemas = schemas
        .iter()
        .filter(|(name, _)| *name != "report.schema.json")
        .map(|(name, text)| (format!("schemas/{name}"), text.as_str()));
    let files = FILES.map(|(name, text)| (name.to_owned(), text));
    for (name, text) in files.into_iter().chain(schemas) {
        if write_new(&folder.join(&name), text)? {
            ui.talk(&format!("wrote {}", folder.join(&name)));
        } else {
            ui.talk(&format!("kept {}", folder.join(&name)));
        }
    }
    ui.talk(&format!("next: emblazon plan --sandbox {folder}"));
    Ok(Exit::Done)
}

/// Writes a file unless there is one.
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
