//! `cargo bench --bench growth`: time, memory, requests and bytes written by number of accounts: 1,000, 10,000 and
//! 100,000, or as many as the arguments say. The accounts have no assets of their own, and the tree is in Git.
//!
//! One account in ten differs at first. They are applied, `all` differ after one default of the tree changed, and `one
//! account` is a plan with `--changed-since` and `--rev` after one account was renamed and committed: its cost is that of
//! the change, plus listing the folders in `accounts/`. The exponent compares a row with the same one of the size before:
//! 1 where ten times the accounts take ten times the CPU time.

mod generate;
mod measure;
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use generate::{Shape, Tree, sizes};
use measure::{Measured, mebibytes, milliseconds, row, run};
use server::{PROGRAM, Platform, Result};

fn main() -> Result<()> {
    row(&[
        "accounts", "command", "requests", "wall", "cpu", "exponent", "peak", "each", "written",
    ]
    .map(str::to_owned));
    let runtime = tokio::runtime::Runtime::new()?;
    let mut growth = Growth::default();
    for accounts in sizes(&[1_000, 10_000, 100_000]) {
        runtime.block_on(measured(accounts, &mut growth))?;
    }
    Ok(())
}

/// The size and the CPU time of each row of the table so far.
#[derive(Default)]
struct Growth(BTreeMap<String, (usize, Duration)>);

/// A tree, and the platform that its commands talk to.
struct Site {
    tree: Tree,
    platform: Platform,
    cache: tempfile::TempDir,
    accounts: usize,
}

impl Site {
    async fn start(accounts: usize) -> Result<Self> {
        let shape = Shape {
            accounts,
            assets: false,
        };
        let mut tree = Tree::write(shape)?;
        let platform = Platform::start(&tree.path().join("sandbox.yaml"), Duration::ZERO).await?;
        tree.point_at(&platform.api)?;
        git(&tree, &["init", "--quiet"])?;
        commit(&tree)?;
        Ok(Self {
            tree,
            platform,
            cache: tempfile::tempdir()?,
            accounts,
        })
    }

    /// Runs a command on the tree and prints its row.
    async fn look(
        &self,
        growth: &mut Growth,
        name: &str,
        arguments: &[&str],
        exit: i32,
    ) -> Result<()> {
        let before = self.platform.counts().await?;
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(self.tree.path())
            .env("EMBLAZON_API_KEY", &self.platform.api_key)
            .env("EMBLAZON_CACHE_DIR", self.cache.path());
        let measured = run(&mut command)?;
        if measured.status.code() != Some(exit) {
            return Err(format!("{name} ended with {}", measured.status).into());
        }
        let requests = self.platform.counts().await?.total - before.total;
        growth.line(self.accounts, name, requests, &measured);
        Ok(())
    }
}

async fn measured(accounts: usize, growth: &mut Growth) -> Result<()> {
    let mut site = Site::start(accounts).await?;
    site.look(growth, "validate", &["validate"], 0).await?;
    let head = ["validate", "--rev", "HEAD"];
    site.look(growth, "--rev", &head, 0).await?;
    site.look(growth, "plan, cold", &["plan"], 2).await?;
    site.look(growth, "plan, warm", &["plan"], 2).await?;
    let apply = ["apply", "--yes", "--no-push"];
    site.look(growth, "apply, tenth", &apply, 0).await?;
    site.look(growth, "plan, same", &["plan"], 0).await?;
    site.look(growth, "drift", &["drift", "--skip-dns"], 0)
        .await?;
    let imported = tempfile::tempdir()?;
    let folder = imported.path().join("tree");
    let import = import(&site, &folder);
    let import: Vec<&str> = import.iter().map(String::as_str).collect();
    site.look(growth, "import", &import, 0).await?;
    site.tree.rename(accounts / 2, false)?;
    commit(&site.tree)?;
    let since = ["plan", "--changed-since", "HEAD~1", "--rev", "HEAD"];
    site.look(growth, "one account", &since, 2).await?;
    site.tree.show_powered(&site.platform.api)?;
    commit(&site.tree)?;
    let saved = imported.path().join("change.plan").display().to_string();
    let plan = ["plan", "--out", &saved];
    site.look(growth, "plan, all", &plan, 2).await?;
    site.look(growth, "show", &["show", &saved], 2).await?;
    let page = format!("html={}", imported.path().join("plan.html").display());
    let html = ["plan", "--output", &page];
    site.look(growth, "html, all", &html, 2).await?;
    site.look(growth, "apply, all", &apply, 0).await?;
    Ok(())
}

/// Returns the arguments that import the whole platform into a folder.
fn import(site: &Site, folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let arguments = ["import", "--api", &site.platform.api, "--tree", &folder];
    arguments.map(str::to_owned).to_vec()
}

impl Growth {
    fn line(&mut self, accounts: usize, name: &str, requests: u64, measured: &Measured) {
        let before = self.0.insert(name.to_owned(), (accounts, measured.cpu));
        let exponent = before.map(|(fewer, cpu)| exponent(accounts, fewer, measured.cpu, cpu));
        row(&[
            accounts.to_string(),
            name.to_owned(),
            requests.to_string(),
            milliseconds(measured.wall),
            milliseconds(measured.cpu),
            exponent.map_or("-".to_owned(), |exponent| format!("{exponent:.2}")),
            mebibytes(measured.peak),
            format!("{} B", measured.peak / accounts as u64),
            mebibytes(measured.written),
        ]);
    }
}

/// Returns the power of the size by which the time grows.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of accounts are far below 2^52"
)]
fn exponent(accounts: usize, fewer: usize, cpu: Duration, before: Duration) -> f64 {
    let times = |more: f64, less: f64| (more / less).ln();
    let longer = times(cpu.as_secs_f64(), before.as_secs_f64());
    longer / times(accounts as f64, fewer as f64)
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
