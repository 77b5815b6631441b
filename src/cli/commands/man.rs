//! `man [FOLDER]`

use std::fs;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::Exit;
use crate::cli::args::{Cli, ManArgs};
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};

pub(crate) fn man(ui: Ui, args: &ManArgs) -> Result<Exit, Failure> {
    if let Some(folder) = &args.folder {
        fs::create_dir_all(folder).with_context(|| folder.to_string())?;
        clap_mangen::generate_to(Cli::command(), folder).with_context(|| folder.to_string())?;
        ui.message(&format!("wrote the pages to {folder}"));
    } else {
        let mut page = Vec::new();
        let man = Man::new(Cli::command());
        man.render(&mut page).context("the manual page")?;
        ui::machine(&String::from_utf8_lossy(&page))?;
    }
    Ok(Exit::Done)
}
