//! `cargo bench --bench validate`: time and memory of `emblazon validate`, next to a program that only reads the same
//! files and parses the YAML files with `serde_yaml`, on one thread. `again` is a second run with a warm picture cache.
//!
//! Numbers as arguments are used as the numbers of accounts, instead of 1,000, 10,000 and 100,000.

mod generate;
mod measure;

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

use generate::{Shape, Tree, sizes};
use measure::{mebibytes, milliseconds, row, run};

/// Argument that makes this program the one that only reads.
const MERELY: &str = "--merely-read";

/// Above this many accounts, drawing the pictures takes longer than inspecting them.
const MOST_WITH_ASSETS: usize = 10_000;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, folder, ..] = arguments.as_slice()
        && first == MERELY
    {
        return read_and_parse(Path::new(folder));
    }
    row(&[
        "accounts", "assets", "files", "program", "wall", "cpu", "peak",
    ]
    .map(str::to_owned));
    for accounts in sizes(&[1_000, 10_000, 100_000]) {
        for assets in [false, true] {
            if assets && accounts > MOST_WITH_ASSETS {
                continue;
            }
            let tree = Tree::write(Shape { accounts, assets })?;
            let cache = tempfile::tempdir()?;
            let validate = || {
                let mut validate = Command::new(env!("CARGO_BIN_EXE_emblazon"));
                validate.env("EMBLAZON_CACHE_DIR", cache.path());
                validate.arg("validate").arg(tree.path());
                validate
            };
            let mut merely = Command::new(env::current_exe()?);
            merely.arg(MERELY).arg(tree.path());
            let again = [("again", validate())];
            let again = again.into_iter().filter(|_| assets);
            let programs = [("serde_yaml", merely), ("validate", validate())];
            for (name, mut command) in programs.into_iter().chain(again) {
                let measured = run(&mut command)?;
                assert!(
                    measured.status.success(),
                    "{name} ended with {}",
                    measured.status
                );
                row(&[
                    accounts.to_string(),
                    if assets { "3 each" } else { "none" }.to_owned(),
                    tree.files.to_string(),
                    name.to_owned(),
                    milliseconds(measured.wall),
                    milliseconds(measured.cpu),
                    mebibytes(measured.peak),
                ]);
            }
        }
    }
    Ok(())
}

/// Reads what `validate` reads, keeps the parsed YAML, and does nothing with it.
fn read_and_parse(folder: &Path) -> io::Result<()> {
    let mut kept = Vec::new();
    for name in ["emblazon.yaml", "domains.yaml"] {
        kept.push(parse(&folder.join(name))?);
    }
    for folder in ["brands", "accounts"].map(|name| folder.join(name)) {
        read_folder(&folder, &mut kept)?;
    }
    assert!(!kept.is_empty(), "there was something to read");
    Ok(())
}

fn read_folder(folder: &Path, kept: &mut Vec<serde_yaml::Value>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            read_folder(&path, kept)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            kept.push(parse(&path)?);
        } else {
            fs::read(&path)?;
        }
    }
    Ok(())
}

fn parse(path: &Path) -> io::Result<serde_yaml::Value> {
    serde_yaml::from_str(&fs::read_to_string(path)?).map_err(io::Error::other)
}
