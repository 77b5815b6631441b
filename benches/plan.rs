//! `cargo bench --bench plan`: the requests of `emblazon plan`, and its own cost: cold, warm, and warm after one
//! percent and all of the accounts changed.
//!
//! The platform is a sandbox in another process, so that the figures of the two do not mix; they share the machine.
//! Next to it, if installed: `wrk`, which for some seconds sends the requests of a warm plan as fast as it can, and a
//! script of `curl` and `jq`. Numbers as arguments are used as the numbers of accounts, instead of 1,000 and 10,000.

mod generate;
mod measure;
mod server;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use generate::{Shape, Tree, id, sizes};
use measure::{mebibytes, milliseconds, row, run, used};
use server::{PROGRAM, Platform, Result};

/// Largest number of accounts measured with the script.
const FEW: usize = 1_000;

/// Duration of a `wrk` run.
const SECONDS: u64 = 3;

fn main() -> Result<()> {
    row(&[
        "accounts",
        "latency",
        "program",
        "requests",
        "mutating",
        "received",
        "wall",
        "cpu",
        "server cpu",
        "peak",
    ]
    .map(str::to_owned));
    let runtime = tokio::runtime::Runtime::new()?;
    for accounts in sizes(&[1_000, 10_000]) {
        for latency in [0, 20, 100].map(Duration::from_millis) {
            runtime.block_on(measured(accounts, latency))?;
        }
    }
    Ok(())
}

async fn measured(accounts: usize, latency: Duration) -> Result<()> {
    let shape = Shape {
        accounts,
        assets: true,
    };
    let mut tree = Tree::write(shape)?;
    let platform = Platform::start(&tree.path().join("sandbox.yaml"), latency).await?;
    tree.point_at(&platform.api)?;
    let cache = tempfile::tempdir()?;
    let ids: Vec<String> = (0..accounts).map(id).collect();
    let look = async |name: &str| {
        let mut command = Command::new(PROGRAM);
        command
            .arg("plan")
            .arg(tree.path())
            .env("EMBLAZON_API_KEY", &platform.api_key)
            .env("EMBLAZON_CACHE_DIR", cache.path());
        // A tenth of the accounts differs, so the plan has steps and exits with 2.
        line(&platform, (accounts, latency), name, (&mut command, 2)).await
    };
    look("plan, cold").await?;
    look("warm").await?;
    ceiling(&platform, (accounts, latency), &ids).await?;
    platform.change(&ids[..accounts / 100], "7.00").await?;
    look("1% moved").await?;
    platform.change(&ids, "8.00").await?;
    look("all moved").await?;
    if accounts <= FEW {
        script(&platform, (accounts, latency), &ids).await?;
    }
    Ok(())
}

/// Runs a command, and prints its row.
async fn line(
    platform: &Platform,
    (accounts, latency): (usize, Duration),
    name: &str,
    (command, exit): (&mut Command, i32),
) -> Result<()> {
    let before = platform.counts().await?;
    let busy = used(platform.process());
    let measured = run(command)?;
    if measured.status.code() != Some(exit) {
        return Err(format!("{name} ended with {}", measured.status).into());
    }
    let after = platform.counts().await?;
    row(&[
        accounts.to_string(),
        milliseconds(latency),
        name.to_owned(),
        (after.total - before.total).to_string(),
        (after.mutating - before.mutating).to_string(),
        mebibytes(after.body_bytes - before.body_bytes),
        milliseconds(measured.wall),
        milliseconds(measured.cpu),
        milliseconds(used(platform.process()).saturating_sub(busy)),
        mebibytes(measured.peak),
    ]);
    Ok(())
}

/// Prints how long `wrk` takes for one conditional request of each account.
async fn ceiling(
    platform: &Platform,
    (accounts, latency): (usize, Duration),
    ids: &[String],
) -> Result<()> {
    let tags = platform.tags(ids).await?;
    let mut script = "local requests = {}\n".to_owned();
    for (account, tag) in ids.iter().zip(&tags) {
        let _ = writeln!(
            script,
            "requests[#requests + 1] = wrk.format('GET', '{}', {{ ['X-Auth-Token'] = '{}', ['If-None-Match'] = '{tag}' }})",
            Platform::path(account),
            platform.token
        );
    }
    script.push_str(
        "local at = 0\nfunction request()\n  at = at % #requests + 1\n  return requests[at]\nend\n",
    );
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("requests.lua");
    fs::write(&file, script)?;
    let mut command = Command::new("wrk");
    let duration = format!("{SECONDS}s");
    command
        // The client's maximum number of connections.
        .args(["-t1", "-c32", "-d", &duration, "-s"])
        .arg(&file)
        .arg(&platform.api);
    let before = platform.counts().await?;
    let busy = used(platform.process());
    let measured = match run(&mut command) {
        Ok(measured) if measured.status.success() => measured,
        Ok(measured) => return Err(format!("wrk ended with {}", measured.status).into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            row(&["wrk is not installed".to_owned()]);
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let after = platform.counts().await?;
    let answers = u128::from((after.total - before.total).max(1));
    // It sends as many as it can in its time; one request per account takes a share of that.
    let share = |whole: u128| whole * accounts as u128 / answers;
    let time = |whole: Duration| milliseconds(Duration::from_nanos_u128(share(whole.as_nanos())));
    let received = share(u128::from(after.body_bytes - before.body_bytes));
    row(&[
        accounts.to_string(),
        milliseconds(latency),
        "wrk".to_owned(),
        accounts.to_string(),
        "0".to_owned(),
        mebibytes(u64::try_from(received)?),
        time(Duration::from_secs(SECONDS)),
        time(measured.cpu),
        time(used(platform.process()).saturating_sub(busy)),
        mebibytes(measured.peak),
    ]);
    Ok(())
}

/// Prints the time of a script that compares company names.
async fn script(platform: &Platform, size: (usize, Duration), ids: &[String]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("accounts");
    fs::write(&list, ids.join("\n") + "\n")?;
    if installed("jq", Command::new("jq").arg("--version"))?.is_none()
        || installed("curl", Command::new("curl").arg("--version"))?.is_none()
    {
        return Ok(());
    }
    line(
        platform,
        size,
        "curl and jq",
        (&mut shell(&list, platform), 0),
    )
    .await
}

fn shell(list: &Path, platform: &Platform) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(
            "while read -r id; do curl -s -H \"X-Auth-Token: $TOKEN\" \"$API/v2/accounts/$id/whitelabel\" \
             | jq -r .data.company_name; done < \"$LIST\"",
        )
        .env("TOKEN", &platform.token)
        .env("API", &platform.api)
        .env("LIST", list);
    command
}

/// Runs an optional program, and prints a note if it is not installed.
fn installed(name: &str, command: &mut Command) -> Result<Option<Output>> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(Some(output)),
        Ok(output) => Err(format!("{name} ended with {}", output.status).into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            row(&[format!("{name} is not installed")]);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
