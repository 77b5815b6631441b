//! `cargo bench --bench growth`: time and memory by number of accounts, from 1,000 to 100,000, or as many as the
//! arguments say. The accounts have no assets of their own, and the tree is in Git.
//!
//! The cost of `validate` and of the two whole plans grows with the tree. `one account` is a plan with
//! `--changed-since` and `--rev` after one account was renamed and committed: its cost is that of the change, plus
//! listing the folders in `accounts/`.

mod generate;
mod measure;
mod server;

use std::process::Command;
use std::time::Duration;

use generate::{Shape, Tree, sizes};
use measure::{Measured, mebibytes, milliseconds, row, run};
use server::{PROGRAM, Platform, Result};

fn main() -> Result<()> {
    row(&[
        "accounts", "command", "requests", "wall", "cpu", "cpu each", "peak", "each",
    ]
    .map(str::to_owned));
    let runtime = tokio::runtime::Runtime::new()?;
    for accounts in sizes(&[1_000, 3_000, 10_000, 30_000, 100_000]) {
        runtime.block_on(measured(accounts))?;
    }
    Ok(())
}

async fn measured(accounts: usize) -> Result<()> {
    let shape = Shape {
        accounts,
        assets: false,
    };
    let mut tree = Tree::write(shape)?;
    let platform = Platform::start(&tree.path().join("sandbox.yaml"), Duration::ZERO).await?;
    tree.point_at(&platform.api)?;
    git(&tree, &["init", "--quiet"])?;
    commit(&tree)?;
    let cache = tempfile::tempdir()?;
    let folder = tree.path().to_owned();
    let look = async |name: &str, arguments: &[&str], exit: i32| -> Result<()> {
        let before = platform.counts().await?;
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .arg(&folder)
            .env("EMBLAZON_API_KEY", &platform.api_key)
            .env("EMBLAZON_CACHE_DIR", cache.path());
        let measured = run(&mut command)?;
        if measured.status.code() != Some(exit) {
            return Err(format!("{name} ended with {}", measured.status).into());
        }
        let requests = platform.counts().await?.total - before.total;
        line(accounts, name, requests, &measured);
        Ok(())
    };
    look("validate", &["validate"], 0).await?;
    look("--rev", &["validate", "--rev", "HEAD"], 0).await?;
    look("plan, cold", &["plan"], 2).await?;
    look("plan, warm", &["plan"], 2).await?;
    tree.rename(accounts / 2, false)?;
    commit(&tree)?;
    let since = ["plan", "--changed-since", "HEAD~1", "--rev", "HEAD"];
    look("one account", &since, 2).await?;
    Ok(())
}

fn line(accounts: usize, name: &str, requests: u64, measured: &Measured) {
    let each = measured.cpu.as_micros() / accounts as u128;
    row(&[
        accounts.to_string(),
        name.to_owned(),
        requests.to_string(),
        milliseconds(measured.wall),
        milliseconds(measured.cpu),
        format!("{each} µs"),
        mebibytes(measured.peak),
        format!("{} B", measured.peak / accounts as u64),
    ]);
}

fn commit(tree: &Tree) -> Result<()> {
    git(tree, &["add", "--all"])?;
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
    git(
        tree,
        &[&who[..], &["commit", "--quiet", "-m", "m"]].concat(),
    )
}

fn git(tree: &Tree, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    let status = command.current_dir(tree.path()).args(arguments).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("git ended with {status}").into())
    }
}
