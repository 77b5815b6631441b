//! How soon a change by hand is seen, and what that costs: with webhooks, and by the poll alone. Started by hand:
//!
//! ```sh
//! cargo test --release --test suite -- --ignored --nocapture watch::told
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use emblazon::sandbox::Profile;
use serde_json::Value;

use super::daemon::command;
use crate::platform::{DEFAULTS, Platform};

const EDITS: usize = 200;
const PATIENCE: Duration = Duration::from_mins(2);
/// The poll is measured faster than anybody polls, and reckoned up: what it takes grows with the interval.
const MEASURED: u32 = 20;
/// The interval by default.
const USUAL: u32 = 600;

struct Watching {
    child: Child,
    events: Receiver<(Instant, Value)>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    fn start(platform: &Platform, arguments: &[&str]) -> Self {
        let mut command = command(platform, arguments);
        command.args(["--format", "json"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send((Instant::now(), serde_json::from_str(&line).unwrap()));
            }
        });
        Self { child, events }
    }

    /// Waits for the first event of each account with one of these reasons, and returns when it came.
    fn wait(&self, accounts: &[String], reasons: &[&str]) -> BTreeMap<String, Instant> {
        let mut seen = BTreeMap::new();
        while seen.len() < accounts.len() {
            let (at, event) = self.events.recv_timeout(PATIENCE).expect("an event");
            let account = event["account"].as_str().unwrap_or_default().to_owned();
            let reason = event["reason"].as_str().unwrap_or_default();
            if accounts.contains(&account) && reasons.contains(&reason) {
                seen.entry(account).or_insert(at);
            }
        }
        seen
    }
}

fn name(number: usize) -> String {
    format!("account-{number:03}")
}

fn id(number: usize) -> String {
    format!("{:032x}", number + 1)
}

fn platform() -> Platform {
    let mut seed = "accounts:\n  - name: Master\n".to_owned();
    for number in 0..EDITS {
        let (name, id) = (name(number), id(number));
        let _ = write!(
            seed,
            "  - name: {name}\n    id: '{id}'\n    whitelabel: {{company_name: new, domain: {name}.example.com, {DEFAULTS}}}\n"
        );
    }
    let platform = Platform::of(&seed, &[], Profile::Master);
    super::daemon::configure(&platform, "{heal: report}");
    for number in 0..EDITS {
        let text = format!(
            "account: '{}'\nwhitelabel: {{company_name: new}}\n",
            id(number)
        );
        platform.write(&format!("accounts/{}/account.yaml", name(number)), &text);
    }
    platform
}

fn edit(platform: &Platform, number: usize) -> Instant {
    let now = Instant::now();
    platform
        .sandbox
        .world()
        .edit_settings(&id(number), |settings| {
            settings.insert("company_name".to_owned(), "mine".into());
        });
    now
}

fn reads(platform: &Platform) -> u64 {
    platform.sandbox.counts().of("GET", "whitelabel")
}

/// Returns the median and the 95th percentile, in seconds.
fn of(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64();
    (at(50), at(95))
}

#[test]
#[ignore = "measures: takes two minutes"]
fn how_soon_a_hand_edit_is_seen() {
    let all: Vec<String> = (0..EDITS).map(name).collect();
    let seen = ["confirming", "drift_reported"];

    let told = platform();
    let daemon = Watching::start(
        &told,
        &["--interval", "10h", "--events", "--listen", "127.0.0.1:0"],
    );
    daemon.wait(&all, &["in_sync"]);
    let master = told.sandbox.account_id().to_owned();
    while told.sandbox.world().hooks_of(&master).next().is_none() {
        std::thread::yield_now();
    }
    let before = reads(&told);
    let mut times = Vec::new();
    for (number, account) in all.iter().enumerate() {
        let begun = edit(&told, number);
        let at = daemon.wait(std::slice::from_ref(account), &seen);
        times.push(at[account] - begun);
    }
    let each = u32::try_from(reads(&told) - before).unwrap();
    let by_event = of(times);
    drop(daemon);
    told.stop();

    let polled = platform();
    let daemon = Watching::start(&polled, &["--interval", &format!("{MEASURED}s")]);
    daemon.wait(&all, &["in_sync"]);
    let (before, begun) = (reads(&polled), Instant::now());
    // The first round spreads the reads over the interval.
    let edits: Vec<Instant> = (0..EDITS).map(|number| edit(&polled, number)).collect();
    let at = daemon.wait(&all, &seen);
    let number = u32::try_from(reads(&polled) - before).unwrap();
    let rate = f64::from(number) / begun.elapsed().as_secs_f64();
    let factor = f64::from(USUAL / MEASURED);
    let times = all
        .iter()
        .zip(edits)
        .map(|(account, begun)| at[account] - begun);
    let (median, late) = of(times.collect());
    drop(daemon);
    polled.stop();

    let edits = f64::from(u32::try_from(EDITS).unwrap());
    let an_edit = f64::from(each) / edits;
    println!(
        "{EDITS} edits by hand              median s    p95 s   requests an hour at 1,000 accounts"
    );
    println!(
        "webhook, interval 10 min  {:>12.2} {:>8.2}   6000, and {an_edit:.1} an edit",
        by_event.0, by_event.1
    );
    println!(
        "webhook, interval 1 h     {:>12.2} {:>8.2}   1000, and {an_edit:.1} an edit",
        by_event.0, by_event.1
    );
    println!(
        "poll, interval {MEASURED} s       {median:>12.2} {late:>8.2}   measured: {rate:.1} reads a second of {EDITS} accounts, confirmations included"
    );
    println!(
        "poll, interval 10 min     {:>12.2} {:>8.2}   6000 (reckoned from {MEASURED} s)",
        median * factor,
        late * factor
    );
}
