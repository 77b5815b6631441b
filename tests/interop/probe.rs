//! What `probe` says customers see, and what Chromium shows them, agree for each breakage.

use std::path::Path;
use std::process::Command;

use emblazon::probe::{BrandView, Visibility};
use tempfile::TempDir;

use crate::breakages::{
    self,
    scenario::{HOST, Scenario, World},
};
use crate::browser::Browser;

/// A home whose browser trusts an authority.
fn home(authority: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join(".pki/nssdb");
    std::fs::create_dir_all(&store).unwrap();
    let file = home.path().join("authority.pem");
    std::fs::write(&file, authority).unwrap();
    let store = format!("sql:{}", store.display());
    let certutil = |arguments: &[&str]| {
        let status = Command::new("certutil").args(arguments).status();
        let status = status.unwrap_or_else(|error| panic!("certutil: {error}"));
        assert!(status.success(), "{arguments:?}");
    };
    certutil(&["-N", "-d", &store, "--empty-password"]);
    let file = file.to_str().unwrap();
    certutil(&["-A", "-d", &store, "-n", "test", "-t", "C,,", "-i", file]);
    home
}

/// Leads the browser to a world's servers, and to nothing else.
fn rules(world: &World) -> String {
    let mapped = world
        .pins
        .iter()
        .map(|pin| format!("MAP {}:{} {}", pin.host, pin.port, pin.address));
    let mut rules: Vec<String> = mapped.collect();
    rules.push("MAP * ~NOTFOUND , EXCLUDE 127.0.0.1".to_owned());
    format!("--host-resolver-rules={}", rules.join(", "))
}

/// What a browser shows, told apart as far as a page can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Brand,
    Vendor,
    OtherPage,
    Error,
}

/// What a browser shows where the probe says what customers see.
fn expected(view: BrandView) -> Option<Screen> {
    match view {
        BrandView::Declared | BrandView::Different => Some(Screen::Brand),
        BrandView::Vendor => Some(Screen::Vendor),
        BrandView::OtherPage => Some(Screen::OtherPage),
        BrandView::Nothing => Some(Screen::Error),
        BrandView::Unknown => None,
    }
}

/// Opens the brand's page as a customer does; `expected` says only how long to wait.
fn shown(world: &World, home: &Path, expected: Option<Screen>) -> Screen {
    let browser = Browser::start_with(&[rules(world)], Some(home));
    if !browser.goes_to(&format!("https://{HOST}/")) {
        return Screen::Error;
    }
    if matches!(expected, Some(Screen::Brand | Screen::Vendor)) {
        browser.until("the brand", |browser| {
            browser.evaluate("document.body.dataset.state") == "ready"
        });
    }
    let company = browser.evaluate("(document.getElementById('company') || {}).textContent || ''");
    match company.as_str().unwrap() {
        "Northwind Telecom" | "Somebody Else" => Screen::Brand,
        "The Vendor" => Screen::Vendor,
        _ => Screen::OtherPage,
    }
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn chromium_shows_what_the_probe_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut wrong = Vec::new();
    for breakage in breakages::all() {
        let mut scenario = Scenario::default();
        (breakage.make)(&mut scenario);
        let world = runtime.block_on(World::start(&scenario));
        let (probe, _) = runtime.block_on(world.probe());
        let mut checks = probe.checks.iter();
        let first = checks.find(|check| check.verdict != Visibility::Visible);
        let told = first.map(|check| (check.kind, check.verdict));
        if (told, probe.view) != (breakage.told, breakage.view) {
            wrong.push(format!("{}: {told:?}, {:?}", breakage.name, probe.view));
        }
        let home = home(&world.authority);
        let said = expected(probe.view);
        let seen = shown(&world, home.path(), said);
        println!("{}: {said:?}, Chromium {seen:?}", breakage.name);
        if said.is_some_and(|said| said != seen) {
            wrong.push(format!("{}: Chromium {seen:?}", breakage.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
