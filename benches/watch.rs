//! `cargo bench --bench watch`: the daemon, with 100 and 1,000 accounts of three assets each, or as many as the
//! arguments say.
//!
//! First the time from the end of a push, reported by the forge's webhook, until the commit is live; then the cost of
//! the daemon while nothing changes, unless `commits` is among the arguments. `cargo bench --bench watch -- soak
//! [MINUTES] [SEED]` edits on both sides, injects faults, and fails unless everything is in sync at the end and nothing
//! was lost. `cargo bench --bench watch -- events [ACCOUNTS]` edits 200 accounts by hand, and measures how soon each edit
//! is seen: with polling, webhooks and Blackhole.

mod generate;
mod measure;
mod server;
mod site;
mod soak;

use std::time::{Duration, Instant};

use generate::{Shape, id, sizes};
use measure::{high_water, mebibytes, milliseconds, resident, row, used};
use server::Result;
use site::Site;

/// Number of timed commits.
const COMMITS: usize = 11;

/// Number of edits by hand.
const EDITS: usize = 200;

/// The interval of reads while nothing changes, and the number of measured intervals.
const INTERVAL: Duration = Duration::from_mins(1);
const INTERVALS: u32 = 2;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    if std::env::args().any(|word| word == "events") {
        let accounts = sizes(&[1_000]);
        return runtime.block_on(hand_edits(accounts[0]));
    }
    let mut words = std::env::args().skip_while(|word| word != "soak");
    if words.next().is_some() {
        let mut numbers = words.filter_map(|word| word.parse().ok());
        let minutes = numbers.next().unwrap_or(10);
        let seed = numbers.next().unwrap_or_else(|| fastrand::u64(..));
        return runtime.block_on(soak::run(Duration::from_mins(minutes), seed));
    }
    row(&[
        "accounts", "commits", "median", "longest", "requests", "cpu each", "peak",
    ]
    .map(str::to_owned));
    let accounts = sizes(&[100, 1_000]);
    for accounts in &accounts {
        runtime.block_on(commits(shape(*accounts)))?;
    }
    if std::env::args().any(|word| word == "commits") {
        return Ok(());
    }
    row(&[
        "accounts",
        "interval",
        "requests",
        "304",
        "bytes",
        "busiest 1s",
        "cpu",
        "memory",
        "peak",
    ]
    .map(str::to_owned));
    for accounts in &accounts {
        runtime.block_on(idle(shape(*accounts)))?;
    }
    Ok(())
}

fn shape(accounts: usize) -> Shape {
    Shape {
        accounts,
        assets: true,
    }
}

/// Repeatedly commits, pushes, and waits until the commit is live. Only the webhook triggers the daemon.
async fn commits(shape: Shape) -> Result<()> {
    let mut site = Site::new(shape).await?;
    let first = site.push()?;
    site.start("poll: 1h\ninterval: 1h")?;
    site.until_in_sync(&first).await?;
    let (requests, cpu) = (site.sandbox.counts().total, used(site.process()));
    let mut taken = Vec::new();
    for commit in 0..COMMITS {
        let number = commit * shape.accounts / COMMITS;
        site.tree.rename(number, shape.assets)?;
        let commit = site.push()?;
        let pushed = Instant::now();
        site.tell(&commit).await?;
        site.until_live(&id(number), "company_name", &format!("Renamed {number}"))
            .await?;
        taken.push(pushed.elapsed());
        site.until_in_sync(&commit).await?;
    }
    taken.sort();
    let count = u64::try_from(COMMITS)?;
    row(&[
        shape.accounts.to_string(),
        COMMITS.to_string(),
        milliseconds(taken[COMMITS / 2]),
        milliseconds(taken[COMMITS - 1]),
        format!("{} each", (site.sandbox.counts().total - requests) / count),
        milliseconds(used(site.process()).saturating_sub(cpu) / u32::try_from(COMMITS)?),
        mebibytes(high_water(site.process()).unwrap_or_default()),
    ]);
    site.sandbox.stop().await;
    Ok(())
}

/// Edits accounts by hand, and measures how soon the daemon has seen each edit, by what tells it of changes.
async fn hand_edits(accounts: usize) -> Result<()> {
    row(&[
        "told by",
        "interval",
        "edits",
        "median",
        "p95",
        "requests/h",
    ]
    .map(str::to_owned));
    for told_by in ["poll", "webhooks", "blackhole"] {
        let shape = Shape {
            accounts,
            assets: false,
        };
        let mut site = Site::new(shape).await?;
        let first = site.push()?;
        let (interval, events) = match told_by {
            "poll" => ("1m", String::new()),
            "webhooks" => ("1h", "events: {hooks: daemon}".to_owned()),
            _ => {
                let url = site.sandbox.blackhole_url();
                ("1h", format!("events: {{blackhole: '{url}'}}"))
            }
        };
        site.start(&format!("poll: 1h\ninterval: {interval}\n{events}"))?;
        site.until_in_sync(&first).await?;
        site.until_told(told_by).await?;
        // What follows the first reads, and the subscriptions, is over.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let in_an_hour = if told_by == "poll" {
            let before = site.sandbox.counts().total;
            tokio::time::sleep(INTERVAL).await;
            (site.sandbox.counts().total - before) * 3600 / INTERVAL.as_secs()
        } else {
            // A minute of an hour shows nothing: each account is read once an hour.
            u64::try_from(accounts)?
        };
        let mut taken = if told_by == "poll" {
            edits_at_once(&site, accounts).await?
        } else {
            edits_one_by_one(&site, accounts).await?
        };
        taken.sort();
        row(&[
            told_by.to_owned(),
            interval.to_owned(),
            taken.len().to_string(),
            milliseconds(taken[taken.len() / 2]),
            milliseconds(taken[taken.len() * 95 / 100]),
            in_an_hour.to_string(),
        ]);
        site.sandbox.stop().await;
    }
    Ok(())
}

/// Edits one account after the other, each once the edit before it was seen.
async fn edits_one_by_one(site: &Site, accounts: usize) -> Result<Vec<Duration>> {
    let mut taken = Vec::new();
    for edit in 0..EDITS {
        let number = edit * accounts / EDITS;
        site.edit(number);
        let begun = Instant::now();
        while !site.has_seen_edit(number).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        taken.push(begun.elapsed());
    }
    Ok(taken)
}

/// Edits all accounts at once: one after the other would take hours where they are polled.
async fn edits_at_once(site: &Site, accounts: usize) -> Result<Vec<Duration>> {
    let mut open: Vec<usize> = (0..EDITS).map(|edit| edit * accounts / EDITS).collect();
    for number in &open {
        site.edit(*number);
    }
    let (begun, mut taken) = (Instant::now(), Vec::new());
    while !open.is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut unseen = Vec::new();
        for number in open {
            if site.has_seen_edit(number).await? {
                taken.push(begun.elapsed());
            } else {
                unseen.push(number);
            }
        }
        open = unseen;
    }
    Ok(taken)
}

/// Measures the daemon while nothing changes.
async fn idle(shape: Shape) -> Result<()> {
    let mut site = Site::new(shape).await?;
    let first = site.push()?;
    let timing = format!("poll: 1m\ninterval: {}s", INTERVAL.as_secs());
    site.start(&timing)?;
    site.until_in_sync(&first).await?;
    // The first reads come in a burst; by the second round they are spread.
    tokio::time::sleep(INTERVAL).await;
    for interval in 1..=INTERVALS {
        let (before, cpu) = (site.sandbox.counts(), used(site.process()));
        let (begun, mut last, mut busiest) = (Instant::now(), before.total, 0);
        while begun.elapsed() < INTERVAL {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let total = site.sandbox.counts().total;
            busiest = busiest.max(total - last);
            last = total;
        }
        let after = site.sandbox.counts();
        row(&[
            shape.accounts.to_string(),
            interval.to_string(),
            (after.total - before.total).to_string(),
            (after.not_modified - before.not_modified).to_string(),
            (after.body_bytes - before.body_bytes).to_string(),
            busiest.to_string(),
            milliseconds(used(site.process()).saturating_sub(cpu)),
            mebibytes(resident(site.process()).unwrap_or_default()),
            mebibytes(high_water(site.process()).unwrap_or_default()),
        ]);
    }
    site.sandbox.stop().await;
    Ok(())
}
