//! The `emblazon` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    emblazon::cli::run(std::env::args_os())
}
