//! Edits on both sides for a while, with faults; at the end everything is in sync and nothing was lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use emblazon::sandbox::{Fault, FaultKind};
use fastrand::Rng;
use image::ImageFormat;
use serde_json::{Value, json};

use crate::generate::{Shape, account, id, picture};
use crate::measure::{high_water, mebibytes, milliseconds, resident, row, used};
use crate::server::Result;
use crate::site::Site;

const ACCOUNTS: usize = 200;

/// Longest pause between two edits.
const PAUSE: Duration = Duration::from_millis(1_500);

/// The daemon's intervals.
const TIMING: &str = "poll: 5s\ninterval: 20s\nconfirm_after: 1s";

/// What was done, and what must have survived.
#[derive(Default)]
struct Deeds {
    commits: u32,
    bad_commits: u32,
    pictures: u32,
    hand_edits: u32,
    undeclared: u32,
    faults: u32,
    kills: u32,
    /// The last value of the undeclared key, by account.
    kept: BTreeMap<usize, String>,
}

/// Runs for a while; fails unless everything is in sync at the end and nothing was lost.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what a benchmark is for"
)]
pub(crate) async fn run(length: Duration, seed: u64) -> Result<()> {
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut site = Site::new(Shape {
        accounts: ACCOUNTS,
        assets: true,
    })
    .await?;
    let first = site.push()?;
    site.start(TIMING)?;
    site.until_in_sync(&first).await?;
    row(&[
        "minute", "commits", "by hand", "faults", "kills", "requests", "writes", "cpu", "memory",
        "peak",
    ]
    .map(str::to_owned));
    let mut deeds = Deeds::default();
    let begun = Instant::now();
    let mut minute = 0;
    while begun.elapsed() < length {
        deeds.some(&mut site, &mut random).await?;
        let pause = random.u64(..u64::try_from(PAUSE.as_millis())?);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if begun.elapsed().as_secs() / 60 > minute {
            minute += 1;
            deeds.show(minute, &site);
        }
    }
    site.sandbox.set_faults(Vec::new());
    let ending = Instant::now();
    let last = deeds.commit(&mut site, &mut random).await?;
    // Keys that are edited again and again stop being healed; a resync, as by a person who looked, resumes that.
    site.order("/api/v1/resync").await?;
    site.until_in_sync(&last).await?;
    println!(
        "in sync {} after the last commit; {} commits, {} of them bad, {} pictures, {} edits by hand, {} undeclared keys, {} faults, {} kills",
        milliseconds(ending.elapsed()),
        deeds.commits,
        deeds.bad_commits,
        deeds.pictures,
        deeds.hand_edits,
        deeds.undeclared,
        deeds.faults,
        deeds.kills
    );
    times(&site).await?;
    for (number, value) in &deeds.kept {
        let live = site.live(&id(*number), "brandColor");
        if live.as_ref().and_then(Value::as_str) != Some(value) {
            return Err(
                format!("account {number} has lost its brandColor {value}: {live:?}").into(),
            );
        }
    }
    match site.plan()? {
        Some(0) => println!(
            "plan: nothing differs; no undeclared key of {} accounts was lost",
            deeds.kept.len()
        ),
        code => return Err(format!("plan exits with {code:?}").into()),
    }
    site.sandbox.stop().await;
    Ok(())
}

impl Deeds {
    /// Does one random deed.
    async fn some(&mut self, site: &mut Site, random: &mut Rng) -> Result<()> {
        match random.u8(..100) {
            0..45 => self.edit_by_hand(site, random),
            45..85 => {
                self.commit(site, random).await?;
            }
            85..89 => self.commit_badly(site, random).await?,
            89..97 => self.break_something(site, random),
            _ => {
                self.kills += 1;
                site.start(TIMING)?;
            }
        }
        Ok(())
    }

    /// Edits an account on the platform: a declared key, or one unknown to the tree.
    fn edit_by_hand(&mut self, site: &Site, random: &mut Rng) {
        let number = random.usize(..ACCOUNTS);
        let value = format!("by hand {}", random.u32(..));
        let key = if random.u8(..4) == 0 {
            self.undeclared += 1;
            self.kept.insert(number, value.clone());
            "brandColor"
        } else {
            self.hand_edits += 1;
            "inbound_trunks_price"
        };
        (site.sandbox.world()).edit_settings(&id(number), |settings| {
            settings.insert(key.to_owned(), json!(value));
        });
    }

    /// Renames some brands in Git, or changes their logos.
    async fn commit(&mut self, site: &mut Site, random: &mut Rng) -> Result<String> {
        for _ in 0..random.usize(1..5) {
            let number = random.usize(..ACCOUNTS);
            let at = format!("accounts/customer-{number:05}");
            if random.u8(..5) == 0 {
                self.pictures += 1;
                let logo = picture(random.usize(..), 160, 48, ImageFormat::Png);
                site.tree.add(&format!("{at}/logo.png"), &logo)?;
            } else {
                let name = format!("name: Brand {}", random.u32(..));
                let text =
                    account(number, true).replace(&format!("name: Customer {number}"), &name);
                site.tree
                    .add(&format!("{at}/account.yaml"), text.as_bytes())?;
            }
        }
        self.commits += 1;
        let commit = site.push()?;
        // Webhooks get lost; the daemon polls the branch anyway.
        if random.u8(..4) > 0 {
            site.tell(&commit).await?;
        }
        Ok(commit)
    }

    /// Pushes a tree with an error; the next commit fixes it.
    async fn commit_badly(&mut self, site: &mut Site, random: &mut Rng) -> Result<()> {
        let number = random.usize(..ACCOUNTS);
        let file = format!("accounts/customer-{number:05}/account.yaml");
        site.tree.add(&file, b"acount: nobody\n")?;
        self.bad_commits += 1;
        let commit = site.push()?;
        site.tell(&commit).await?;
        site.tree.add(&file, account(number, true).as_bytes())?;
        Ok(())
    }

    /// Injects a fault for some requests.
    fn break_something(&mut self, site: &Site, random: &mut Rng) {
        let faults = [
            ("GET", FaultKind::Status(503)),
            ("*", FaultKind::Status(500)),
            ("*", FaultKind::DropConnection),
            ("POST", FaultKind::LostAnswer),
            ("GET", FaultKind::CutBody),
            ("GET", FaultKind::StaleRead),
            ("*", FaultKind::DelayMs(300)),
        ];
        let (method, kind) = faults[random.usize(..faults.len())];
        self.faults += 1;
        let fault = Fault::new(method, "*", kind).times(random.u32(1..20));
        site.sandbox.set_faults(vec![fault]);
    }

    fn show(&self, minute: u64, site: &Site) {
        let counts = site.sandbox.counts();
        row(&[
            minute.to_string(),
            (self.commits + self.bad_commits).to_string(),
            (self.hand_edits + self.undeclared).to_string(),
            self.faults.to_string(),
            self.kills.to_string(),
            counts.total.to_string(),
            counts.mutating.to_string(),
            milliseconds(used(site.process())),
            mebibytes(resident(site.process()).unwrap_or_default()),
            mebibytes(high_water(site.process()).unwrap_or_default()),
        ]);
    }
}

/// Prints the times to detect and to repair, from the daemon's history.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what a benchmark is for"
)]
async fn times(site: &Site) -> Result<()> {
    let history = site.ask("/api/v1/history?limit=500").await?;
    let incidents = history["incidents"].as_array().ok_or("no history")?;
    for finding in ["change", "drift", "bad_tree", "outage"] {
        let of_it = || {
            incidents
                .iter()
                .filter(|incident| incident["finding"] == finding)
        };
        let sorted = |key: &str| {
            let mut times: Vec<f64> = of_it()
                .filter_map(|incident| incident[key].as_f64())
                .collect();
            times.sort_by(f64::total_cmp);
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            let longest = times.last().copied().unwrap_or_default();
            format!("median {median:.1} s, longest {longest:.1} s")
        };
        let open = of_it()
            .filter(|incident| incident["repaired"].is_null())
            .count();
        println!(
            "{finding}: {} in the history, {open} open; to detect: {}; to repair: {}",
            of_it().count(),
            sorted("time_to_detect"),
            sorted("time_to_repair")
        );
    }
    Ok(())
}
