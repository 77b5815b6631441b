//! `cargo bench --bench validate`: how long `emblazon validate` takes, and how much memory.

mod generate;
mod measure;

use std::process::Command;

use generate::{Shape, Tree};
use measure::{mebibytes, milliseconds, row, run};

fn main() -> std::io::Result<()> {
    row(&["accounts", "assets", "files", "wall", "cpu", "peak"].map(str::to_owned));
    for accounts in [1_000, 10_000] {
        for assets in [false, true] {
            let tree = Tree::write(Shape { accounts, assets })?;
            let mut command = Command::new(env!("CARGO_BIN_EXE_emblazon"));
            let measured = run(command.arg("validate").arg(tree.path()))?;
            assert!(
                measured.status.success(),
                "validate ended with {}",
                measured.status
            );
            row(&[
                accounts.to_string(),
                if assets { "3 each" } else { "none" }.to_owned(),
                tree.files.to_string(),
                milliseconds(measured.wall),
                milliseconds(measured.cpu),
                mebibytes(measured.peak),
            ]);
        }
    }
    Ok(())
}
