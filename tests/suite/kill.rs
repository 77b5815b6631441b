//! `kill -9` of the real process at every request of a run, and at messages to the primary of its zone: whatever it left,
//! the next run puts it right.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use emblazon::model::AssetKind;
use emblazon::sandbox::dns::{DnsFault, DnsFaultKind, DnsServer};
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::{Map, Value};

use crate::cli::{stderr, stdout};
use crate::faults::records::{self, Records, records};
use crate::platform::{DEFAULTS, Platform, id};
use crate::source_text::top;

const LOGO: &[u8] = b"\x89PNG\r\n\x1a\nseeded";
const ICON: &[u8] = b"\0\0\x01\0seeded";
const WELCOME: &[u8] = b"<p>seeded</p>";

const ZONE_SEED: &str = "dns:
  keys: {emblazon: {algorithm: hmac-sha256, secret: c2VjcmV0IG9mIHRoZSBzd2VlcA==}}
  zones:
    example.com:
      records:
        - new.b A 198.51.100.1
        - www.b A 198.51.100.2
        - ui.b CNAME before.example.net
        - text.e A 198.51.100.3
";
/// The alias that the tree leads elsewhere.
const MAY_GO: &str = "ui.b.example.com CNAME before.example.net";

/// What an account has: settings, and the bytes of its assets.
type Shown = (Map<String, Value>, BTreeMap<AssetKind, Vec<u8>>);

/// What each account has, and the zone.
pub(crate) struct Everything {
    accounts: BTreeMap<char, Option<Shown>>,
    records: Records,
}

/// A tree that uses every kind of step: create, update, upload, one that eats a welcome page, recreate,
/// delete, a swap of domains, the template, and records of a zone: new ones, some beside others, and an alias that moves.
pub(crate) fn platform() -> Platform {
    let account = |name: char, assets: &str| {
        format!(
            "  - name: {name}\n    id: {}\n    whitelabel: {{domain: {name}.example.com, brandColor: red, {DEFAULTS}}}\n    assets: {{{assets}}}\n",
            id(name)
        )
    };
    let seed = [
        "accounts:\n  - name: Master\n".to_owned(),
        format!("  - name: a\n    id: {}\n", id('a')),
        account('b', "icon: icon.ico, welcome: welcome.html"),
        account('c', "logo: logo.png"),
        account('d', "icon: icon.ico, logo: logo.png, welcome: welcome.html"),
        account('e', "logo: logo.png"),
        account('f', "welcome: welcome.html"),
        ZONE_SEED.to_owned(),
    ];
    let logo = image();
    let platform = Platform::new(
        &seed.concat(),
        &[
            ("logo.png", LOGO),
            ("icon.ico", ICON),
            ("welcome.html", WELCOME),
            ("accounts/a/logo.png", &logo),
            ("accounts/b/logo.png", &logo),
            ("accounts/e/logo.png", &logo),
        ],
    );
    let logo = "assets: {logo: logo.png}";
    platform.declare(
        'a',
        &format!("dns: manage\nwhitelabel: {{domain: a.example.com}}\n{logo}"),
    );
    platform.declare(
        'b',
        &format!("dns: manage\nwhitelabel: {{domain: b.example.com, company_name: B}}\n{logo}"),
    );
    platform.declare('c', "whitelabel: null");
    platform.declare('d', "recreate: allowed\nassets: {icon: null}");
    platform.declare(
        'e',
        &format!("dns: manage\nwhitelabel: {{domain: f.example.com}}\n{logo}"),
    );
    platform.declare('f', "whitelabel: {domain: e.example.com}");
    platform.write(
        "domains.yaml",
        "template:\n  A:\n    \"new.{{domain}}\": {name: New, mapping: [192.0.2.7]}\n  CNAME:\n    \"ui.{{domain}}\": {name: UI, mapping: [ui.example.net]}\n",
    );
    platform.push();
    platform
}

fn image() -> Vec<u8> {
    std::fs::read(top().join("examples/quickstart/accounts/acme/logo.png")).unwrap()
}

pub(crate) fn everything(platform: &Platform) -> Everything {
    let world = platform.sandbox.world();
    let accounts = "abcdef"
        .chars()
        .map(|name| {
            let account = world.account_named(&name.to_string()).unwrap();
            let shown = account.whitelabel.as_ref().map(|document| {
                let stored = AssetKind::ALL.into_iter().filter_map(|kind| {
                    let (attachment, stored) = document.asset(kind)?;
                    let is_it = attachment.starts_with(kind.as_str()) || kind != AssetKind::Logo;
                    is_it.then(|| (kind, stored.bytes.to_vec()))
                });
                (document.settings.clone(), stored.collect())
            });
            (name, shown)
        })
        .collect();
    Everything {
        accounts,
        records: records(dns(platform)),
    }
}

fn dns(platform: &Platform) -> &DnsServer {
    platform.sandbox.dns().expect("a seed with DNS")
}

/// Says what the first state has and the second lacks, beyond what the tree means to take away.
pub(crate) fn lost(before: &Everything, after: &Everything) -> Vec<String> {
    let mut lost = records::lost(&before.records, &after.records, |record| record == MAY_GO);
    let (before, after) = (&before.accounts, &after.accounts);
    for name in "bdef".chars() {
        let (Some(before), Some(after)) = (&before[&name], &after[&name]) else {
            lost.push(format!("{name}: its document"));
            continue;
        };
        if before.0["brandColor"] != *after.0.get("brandColor").unwrap_or(&Value::Null) {
            lost.push(format!("{name}: an undeclared key"));
        }
        for (kind, bytes) in &before.1 {
            let is_removed = (name, *kind) == ('d', AssetKind::Icon);
            let is_replaced = (name, *kind) == ('e', AssetKind::Logo);
            if !is_removed && !is_replaced && after.1.get(kind) != Some(bytes) {
                lost.push(format!("{name}: its {kind}"));
            }
        }
    }
    lost
}

/// How many requests, and messages to the primary, an undisturbed run sends.
fn traffic() -> (u64, u64) {
    let platform = platform();
    let output = platform.run(&["apply", "--yes", "--prune"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let traffic = (platform.sandbox.counts().total, asked(&platform));
    platform.stop();
    traffic
}

/// How many messages the primary got.
fn asked(platform: &Platform) -> u64 {
    dns(platform).asked().values().sum()
}

/// Where a run is killed: at its nth request or message, which is carried out or not, and never answered.
#[derive(Clone, Copy, Debug)]
enum Point {
    Request(u64, FaultKind),
    Message(u64, DnsFaultKind),
}

impl Point {
    fn begin(self, platform: &Platform) {
        match self {
            Self::Request(nth, kind) => {
                let nth = u32::try_from(nth).unwrap();
                let fault = Fault::new("*", "*", kind).nth(nth);
                platform.sandbox.set_faults(vec![fault]);
            }
            Self::Message(nth, kind) => {
                let fault = DnsFault::new(kind).nth(nth).times(1);
                dns(platform).set_faults(vec![fault]);
            }
        }
    }

    fn is_reached(self, platform: &Platform) -> bool {
        match self {
            Self::Request(nth, _) => platform.sandbox.counts().total >= nth,
            Self::Message(nth, _) => asked(platform) >= nth,
        }
    }
}

/// Kills a run at a point, and tells what is wrong after the next run.
fn case(point: Point) -> Result<bool, String> {
    let platform = platform();
    let before = everything(&platform);
    point.begin(&platform);
    let mut child = platform
        .command(&["apply", "--yes", "--prune"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !point.is_reached(&platform) {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let was_killed = child.wait().unwrap().code().is_none();
    platform.sandbox.set_faults(Vec::new());
    dns(&platform).set_faults(Vec::new());
    let wrong = |what: String| Err(format!("{point:?}: {what}"));
    let left = records::lost(&before.records, &records(dns(&platform)), |it| it == MAY_GO);
    if !left.is_empty() {
        return wrong(format!("the killed run left the zone without {left:?}"));
    }
    let output = platform.run(&["apply", "--yes", "--prune"]);
    if output.status.code() != Some(0) {
        return wrong(format!("{}\n{}", stdout(&output), stderr(&output)));
    }
    let lost = lost(&before, &everything(&platform));
    if !lost.is_empty() {
        return wrong(format!(
            "lost {lost:?}\n{}\n{}",
            stdout(&output),
            stderr(&output)
        ));
    }
    let again = platform.run(&["plan", "--prune"]);
    if again.status.code() != Some(0) {
        return wrong(format!("not converged: {}", stdout(&again)));
    }
    let cluster = emblazon::model::ClusterName::new("production");
    let open = emblazon::apply::interrupted_runs(&platform.state(), &cluster, None).unwrap();
    if !open.is_empty() {
        return wrong(format!("still open: {open:?}"));
    }
    platform.stop();
    Ok(was_killed)
}

/// Works through points side by side, and returns how many runs were killed; prints the figures.
#[allow(clippy::print_stdout, reason = "the figures are what the test is for")]
fn work_through(points: &[Point], of: &str) -> usize {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            results.push(case(*point));
        }
        results
    };
    let results: Vec<Result<bool, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let wrong: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    let kills = results
        .iter()
        .filter(|result| matches!(result, Ok(true)))
        .count();
    println!(
        "{} cases at {of}, {kills} kills, {} wrong",
        results.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    kills
}

#[test]
fn killed_at_every_request() {
    let (requests, _) = traffic();
    // Not done, and done but not answered, in turn: each case takes three processes.
    let kinds = [FaultKind::Hang, FaultKind::Silence].into_iter().cycle();
    let points = (1..=requests).zip(kinds);
    let points: Vec<Point> = points
        .map(|(nth, kind)| Point::Request(nth, kind))
        .collect();
    let kills = work_through(&points, "requests to the platform");
    assert!(kills > 60, "only {kills} kills");
}

/// Each message is one between two lines of the journal: before the step's intent, between intent and answer, and
/// before its outcome.
#[test]
fn killed_at_messages_to_the_primary() {
    kill_at_messages(5);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn killed_at_every_message_to_the_primary() {
    kill_at_messages(1);
}

fn kill_at_messages(step: usize) {
    let (_, messages) = traffic();
    // An answer that comes in an hour comes after the work was done.
    let late = DnsFaultKind::DelayMs(3_600_000);
    let both = |nth| [DnsFaultKind::Hang, late].map(|kind| Point::Message(nth, kind));
    let points: Vec<Point> = (1..=messages).flat_map(both).collect();
    let points: Vec<Point> = points.into_iter().rev().step_by(step).collect();
    let kills = work_through(&points, "messages to the primary");
    assert!(kills * 10 > points.len() * 9, "only {kills} kills");
}
