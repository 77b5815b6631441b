//! `cargo bench --bench render`: the cost of rendering 10,000 changes in each format, or those of as many accounts as the
//! arguments say.
//!
//! A plan is made once, against a sandbox in another process, and saved; then `show` renders it in each format. The
//! first row is the cost of reading the plan, so that the rest is the renderer's; the last is that of opening the page.

mod edited;
mod generate;
mod measure;

use std::path::Path;
use std::process::Command;

use generate::{Shape, sizes};
use measure::{mebibytes, milliseconds, row, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_emblazon");
const FORMATS: [&str; 7] = [
    "github", "text", "json", "markdown", "sarif", "junit", "html",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    row(&["format", "changes", "bytes", "wall", "cpu", "peak"].map(str::to_owned));
    for accounts in sizes(&[100, 1_000]) {
        let shape = Shape {
            accounts,
            assets: false,
        };
        let tree = edited::write(shape)?;
        let plan = tree.path().join("plan");
        let made = Command::new(PROGRAM)
            .args([
                "plan",
                "--sandbox",
                "--skip-dns",
                "--format",
                "json",
                "--out",
            ])
            .arg(&plan)
            .arg(tree.path())
            .output()?;
        assert_eq!(
            made.status.code(),
            Some(2),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        for format in FORMATS {
            let file = tree.path().join(format);
            let mut command = Command::new(PROGRAM);
            command
                .args(["show", "--format", "github"])
                .arg(format!("--output={format}={}", file.display()))
                .arg(&plan);
            let measured = run(&mut command)?;
            assert!(
                measured.status.code().is_some_and(|code| code != 1),
                "{format}"
            );
            row(&[
                format.to_owned(),
                (accounts * edited::EDITED_KEYS).to_string(),
                std::fs::metadata(&file)?.len().to_string(),
                milliseconds(measured.wall),
                milliseconds(measured.cpu),
                mebibytes(measured.peak),
            ]);
        }
        opened(&tree.path().join("html"), accounts)?;
    }
    Ok(())
}

/// Measures how long Chromium, where it is installed, takes to start and to open the page.
fn opened(page: &Path, accounts: usize) -> std::io::Result<()> {
    let mut browser = Command::new("chromium");
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]);
    let measured = match run(browser.arg(page)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        measured => measured?,
    };
    row(&[
        "opened".to_owned(),
        (accounts * edited::EDITED_KEYS).to_string(),
        "-".to_owned(),
        milliseconds(measured.wall),
        "-".to_owned(),
        "-".to_owned(),
    ]);
    Ok(())
}
