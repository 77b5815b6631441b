//! `kill -9` of the real process at every request of a run: whatever it left, the next run puts it right.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use emblazon::model::AssetKind;
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::{Map, Value};

use crate::cli::{stderr, stdout};
use crate::platform::{DEFAULTS, Platform, id};
use crate::source_text::top;

const LOGO: &[u8] = b"\x89PNG\r\n\x1a\nseeded";
const ICON: &[u8] = b"\0\0\x01\0seeded";
const WELCOME: &[u8] = b"<p>seeded</p>";

/// What each account has: settings, and the bytes of its assets.
pub(crate) type Everything =
    BTreeMap<char, Option<(Map<String, Value>, BTreeMap<AssetKind, Vec<u8>>)>>;

/// A tree that uses every kind of step: create, update, upload, one that eats a welcome page, recreate,
/// delete, a swap of domains, and the template.
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
        &format!("whitelabel: {{domain: a.example.com}}\n{logo}"),
    );
    platform.declare('b', &format!("whitelabel: {{company_name: B}}\n{logo}"));
    platform.declare('c', "whitelabel: null");
    platform.declare('d', "recreate: allowed\nassets: {icon: null}");
    platform.declare(
        'e',
        &format!("whitelabel: {{domain: f.example.com}}\n{logo}"),
    );
    platform.declare('f', "whitelabel: {domain: e.example.com}");
    platform.write(
        "domains.yaml",
        "template:\n  A:\n    \"new.{{domain}}\": {name: New, mapping: [192.0.2.7]}\n",
    );
    platform
}

fn image() -> Vec<u8> {
    std::fs::read(top().join("examples/quickstart/accounts/acme/logo.png")).unwrap()
}

pub(crate) fn everything(platform: &Platform) -> Everything {
    let world = platform.sandbox.world();
    "abcdef"
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
        .collect()
}

/// Says what the first state has and the second lacks, beyond what the tree means to take away.
pub(crate) fn lost(before: &Everything, after: &Everything) -> Vec<String> {
    let mut lost = Vec::new();
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

/// How many requests an undisturbed run sends.
fn requests() -> u32 {
    let platform = platform();
    let output = platform.run(&["apply", "--yes", "--prune"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let total = platform.sandbox.counts().total;
    platform.stop();
    u32::try_from(total).unwrap()
}

/// Kills a run when its nth request is in, and tells what is wrong after the next run.
fn case(nth: u32, kind: FaultKind) -> Result<bool, String> {
    let platform = platform();
    let before = everything(&platform);
    platform
        .sandbox
        .set_faults(vec![Fault::new("*", "*", kind).nth(nth)]);
    let mut child = platform
        .command(&["apply", "--yes", "--prune"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while platform.sandbox.counts().total < u64::from(nth) {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let was_killed = child.wait().unwrap().code().is_none();
    platform.sandbox.set_faults(Vec::new());
    let wrong = |what: String| Err(format!("{kind:?} at request {nth}: {what}"));
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
    let open = emblazon::apply::wrecks(&platform.state(), &cluster).unwrap();
    if !open.is_empty() {
        return wrong(format!("still open: {open:?}"));
    }
    platform.stop();
    Ok(was_killed)
}

#[test]
fn killed_at_every_request() {
    let requests = requests();
    // Not done, and done but not answered, in turn: each case takes three processes.
    let kinds = [FaultKind::Hang, FaultKind::Silence].into_iter().cycle();
    let cases: Vec<(u32, FaultKind)> = (1..=requests).zip(kinds).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        while let Some((nth, kind)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            results.push(case(*nth, *kind));
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
        "{} cases, {kills} kills, {} wrong",
        results.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(kills > 60, "only {kills} kills");
}
