//! `completions SHELL`

use clap::CommandFactory as _;

use crate::cli::Exit;
use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::failure::Failure;
use crate::cli::ui;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "emblazon", &mut script);
    ui::machine(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
