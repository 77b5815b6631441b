//! Input that means harm: it ends in a diagnostic or an error, within bounds that are counted in bytes.

mod apply;
mod files;
mod modes;
mod names;
mod server;
mod yaml;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a process may take in all, in KiB: the program itself, its threads' stacks, and what it reads.
const MEMORY: u32 = 768 << 10;

/// Runs the command in a folder with no more memory than is allowed; beyond it the process dies.
fn bounded(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_emblazon"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        // One heap for all threads: each further one would reserve addresses that nothing uses.
        .env("MALLOC_ARENA_MAX", "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command.output().unwrap()
}
