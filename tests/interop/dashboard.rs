//! The dashboard: a real daemon beside a sandbox, led through a browser.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use emblazon::sandbox::{Options, Sandbox, Seed};
use serde_json::json;
use tempfile::TempDir;

use crate::browser::{Browser, Scheme, Scripts};
use crate::process::run;

/// A daemon that watches a copy of the example, and the platform that it keeps in sync.
struct Stage {
    daemon: Child,
    sandbox: Sandbox,
    url: String,
    runtime: tokio::runtime::Runtime,
    folder: TempDir,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Stage {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
        let tree = folder.path().join("tree");
        run(
            "cp",
            &["-r", example.to_str().unwrap(), tree.to_str().unwrap()],
        );
        let config = tree.join("emblazon.yaml");
        let text = std::fs::read_to_string(&config).unwrap();
        // Nobody outside of this machine is asked.
        std::fs::write(&config, text + "\nwatch: {dns: off}\n").unwrap();
        let seed = std::fs::read_to_string(tree.join("sandbox.yaml")).unwrap();
        let seed = Seed::parse(&seed, &tree).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(Options::seeded(seed)))
            .unwrap();
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_emblazon"))
            .args(["watch", "--cluster", "production", "--confirm-after", "1s"])
            .args(["--listen", "127.0.0.1:0", "--api", &sandbox.url()])
            .arg(&tree)
            .env("EMBLAZON_API_KEY", sandbox.api_key())
            // The primary that the example names is nobody's here, and it is not asked.
            .env("EMBLAZON_TRUST", "{dns: [ns1.harbor.example]}")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("the daemon says where it is").unwrap();
            if let Some((_, url)) = line.split_once("the dashboard is at ") {
                break url.to_owned();
            }
        };
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            daemon,
            sandbox,
            url,
            runtime,
            folder,
        }
    }

    /// Changes a file of the tree: replaces a text in it.
    fn change(&self, file: &str, from: &str, to: &str) {
        let file = self.folder.path().join("tree").join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{}", file.display());
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }

    /// Changes a brand as somebody would by hand.
    fn edit(&self, name: &str, key: &str, value: &str) {
        let account = self.runtime.block_on(async {
            let asked = client().get(format!("{}/api/v1/accounts/{name}", self.url));
            let answer = asked.send().await.unwrap();
            answer.json::<serde_json::Value>().await.unwrap()
        });
        let id = account["id"].as_str().unwrap();
        self.sandbox.world().edit_settings(id, |settings| {
            settings.insert(key.to_owned(), json!(value));
        });
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Returns the texts of what a selector finds, all at one moment: a live page may replace its parts at any time.
fn texts(browser: &Browser, selector: &str) -> Vec<String> {
    let found = format!("[...document.querySelectorAll({selector:?})].map(one => one.innerText)");
    serde_json::from_value(browser.evaluate(&found)).unwrap()
}

/// Waits until one element has a text.
#[track_caller]
fn until(browser: &Browser, selector: &str, text: &str) {
    browser.until(&format!("{text} in {selector}"), |browser| {
        texts(browser, selector) == [text]
    });
}

const READY: &str = ".tile.ready:not(.health) .number";
const NAMES: &str = ".list tbody tr th a";
const STALLED: &str = ".tile.stalled:not(.health) .number";

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn the_dashboard_is_looked_at_and_used() {
    let stage = Stage::start();
    let browser = Browser::start();
    let page = |path: &str| format!("{}{path}", stage.url);
    browser.open(&page("/"));
    // Nothing reloads the page: what comes, comes over the stream.
    browser.evaluate("window.mark = 'the same page'");
    until(&browser, READY, "7");
    until(&browser, "#stream", "live");
    assert_eq!(browser.barriers(), [""; 0]);
    for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        browser.scheme(scheme);
        for width in [1440, 390] {
            browser.width(width);
            assert_eq!(browser.overflow(), 0, "{width}");
            browser.screenshot(&format!("dashboard-in-sync-{width}-{word}"));
        }
    }
    browser.width(1440);
    browser.scheme(Scheme::Light);

    stage.edit("acme", "company_name", "Acme <b>Hacked</b> \u{202e}");
    browser.click("#resync");
    until(&browser, STALLED, "1");
    browser.evaluate("window.mark = 'the same page'");
    stage.edit("bluebird", "company_name", "Blackbird");
    let resync = client().post(page("/api/v1/resync")).json(&json!({}));
    let answer = stage.runtime.block_on(resync.send()).unwrap();
    assert_eq!(answer.status(), 202);
    until(&browser, STALLED, "2");
    assert_eq!(browser.evaluate("window.mark"), "the same page");
    assert_eq!(texts(&browser, NAMES).len(), 7);

    filtered(&browser);
    paused(&browser, &page("/"));
    inspected(&browser, &stage.url);
    assert_eq!(browser.console(), Vec::<String>::new());
    let foreign: Vec<String> = browser.requests();
    let foreign: Vec<&String> = foreign
        .iter()
        .filter(|url| !url.starts_with(&stage.url) && !url.starts_with("data:"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    without_scripts(&browser, &page("/"));
}

/// Finds accounts by text and state.
fn filtered(browser: &Browser) {
    browser.type_into("#q", "BLUE");
    // By what is live, found by what the tree declares, while one types.
    until(browser, NAMES, "Blackbird");
    assert_eq!(browser.evaluate("location.search"), "?q=BLUE");
    browser.click("#filter");
    until(browser, NAMES, "Blackbird");
    browser.click("#clear");
    browser.until("all accounts", |browser| texts(browser, NAMES).len() == 7);
    browser.evaluate("document.querySelector('thead a[href*=\"sort=name\"]').click()");
    browser.until("the order by name", |browser| {
        browser.count("th[aria-sort=ascending]") == 1
    });
    assert_eq!(browser.barriers(), [""; 0]);
    browser.evaluate("document.querySelector('.tile.stalled').click()");
    browser.until("those that need a person", |browser| {
        browser.count(".list tbody tr") == 2 && browser.count(".tile.stalled[aria-current]") == 1
    });
    browser.screenshot("dashboard-stalled-1440-light");
}

/// Pauses, sees it, and resumes.
fn paused(browser: &Browser, url: &str) {
    browser.open(url);
    browser.click("#pausing summary");
    browser.screenshot("dashboard-pausing-1440-light");
    browser.type_into("#reason", "the proxies move");
    browser.type_into("#pause-by", "Ada");
    browser.click("#pause");
    browser.until("the pause", |browser| {
        texts(browser, ".banner")
            .iter()
            .any(|text| text.contains("the proxies move – Ada"))
    });
    browser.screenshot("dashboard-paused-1440-light");
    browser.evaluate("document.querySelector('#resume').click()");
    browser.until("the end of the pause", |browser| {
        browser.count(".banner") == 0
    });
}

/// Looks at one account, the plan and the history.
fn inspected(browser: &Browser, url: &str) {
    browser.open(&format!("{url}/accounts/acme"));
    let drift = texts(browser, "#drift").concat();
    let said = r"Company name is “Acme <b>Hacked</b> \u{202e}”; declared is “Acme Voice”.";
    assert!(drift.contains(said), "{drift}");
    assert!(drift.contains("changed by hand"), "{drift}");
    assert!(!drift.contains("whitelabel.company_name"), "{drift}");
    browser.click("#drift .technical summary");
    let drift = texts(browser, "#drift").concat();
    assert!(drift.contains("whitelabel.company_name"), "{drift}");
    assert_eq!(browser.barriers(), [""; 0]);
    let logo = "document.querySelector('img.logo')";
    browser.until("the logo", |browser| {
        browser.evaluate(&format!("{logo}.complete && {logo}.naturalWidth > 0")) == true
    });
    for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        browser.scheme(scheme);
        for width in [1440, 390] {
            browser.width(width);
            assert_eq!(browser.overflow(), 0, "{width}");
            browser.screenshot(&format!("dashboard-account-{width}-{word}"));
        }
    }
    browser.open(&format!("{url}/plan"));
    assert_eq!(browser.overflow(), 0);
    assert_eq!(browser.barriers(), [""; 0]);
    browser.screenshot("dashboard-plan-390-dark");
    browser.open(&format!("{url}/history"));
    browser.until("the history", |browser| {
        browser.count(".history tbody tr") > 0
    });
    assert_eq!(browser.overflow(), 0);
    assert_eq!(browser.barriers(), [""; 0]);
    browser.screenshot("dashboard-history-390-dark");
    browser.width(1440);
    browser.scheme(Scheme::Light);
    browser.screenshot("dashboard-history-1440-light");
}

/// The same with the page's scripts off: look, filter, order.
fn without_scripts(browser: &Browser, url: &str) {
    browser.scripts(Scripts::Off);
    browser.open(url);
    assert_eq!(texts(browser, STALLED), ["2"]);
    assert_eq!(browser.count_shown("#stream"), 0);
    browser.type_into("#q", "acme");
    browser.click("#filter");
    until(browser, NAMES, r"Acme <b>Hacked</b> \u{202e}");
    browser.click("#resync");
    until(browser, ".done", "It is being checked.");
    assert_eq!(browser.attribute("#q", "value").as_deref(), Some("acme"));
    browser.click("thead a[href*='sort=differences']");
    browser.until("the order by differences", |browser| {
        browser.count("th[aria-sort=descending]") == 1
    });
    until(browser, NAMES, r"Acme <b>Hacked</b> \u{202e}");
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// A change waits for an approval; who approves it sees what customers see today, and what they will see.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_change_is_approved_by_its_card() {
    let stage = Stage::start();
    let browser = Browser::start();
    let page = |path: &str| format!("{}{path}", stage.url);
    browser.open(&page("/"));
    until(&browser, READY, "7");
    stage.change(
        "emblazon.yaml",
        "watch: {dns: off}",
        "watch: {dns: off, apply: manual}",
    );
    let tree = stage.folder.path().join("tree");
    let new = tree.join("accounts/acme/logo-new.png");
    std::fs::copy(tree.join("accounts/northwind/logo.png"), new).unwrap();
    stage.change("accounts/acme/account.yaml", "logo.png", "logo-new.png");
    stage.change(
        "accounts/acme/account.yaml",
        "company_name: Acme Voice",
        "company_name: Acme Voice\n  applicationTitle: Acme Portal",
    );
    browser.open(&page("/plan"));
    browser.until("what waits", |browser| {
        let card = texts(browser, ".outcomes").concat();
        card.contains("Browser title added: “Acme Portal”.") && card.contains("Logo changes.")
    });
    let pictures = browser.attributes(".ui image", "href");
    let different: std::collections::BTreeSet<_> = pictures.iter().flatten().collect();
    assert_eq!(different.len(), 3, "both logos and the icon: {pictures:?}");
    for picture in different {
        let asked = client().get(page(picture)).send();
        let answer = stage.runtime.block_on(asked).unwrap();
        assert_eq!(answer.status(), 200, "{picture}");
    }
    assert_eq!(browser.barriers(), [""; 0]);
    for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        browser.scheme(scheme);
        for width in [390, 1024, 1440] {
            browser.width(width);
            assert_eq!(browser.overflow(), 0, "{width}");
            browser.screenshot(&format!("dashboard-approval-{width}-{word}"));
        }
    }
    browser.scheme(Scheme::Light);
    browser.illustration("dashboard", "#plan");
    decide(&browser, "reject-acme", "Grace", "the old logo");
    browser.until("the rejection", |browser| {
        let said = texts(browser, ".decided").concat();
        said.contains("Rejected by Grace") && said.contains("the old logo")
    });
    browser.open(&page("/plan"));
    browser.until("the rejected card", |browser| {
        browser.text("main").contains("rejected or put off")
    });
    assert_eq!(browser.barriers(), [""; 0]);
    browser.screenshot("dashboard-rejected-1440-light");
    // Whoever rejected it, somebody else may approve it all the same.
    decide(&browser, "approve-acme", "Ada", "as agreed with Acme");
    browser.open(&page("/"));
    until(&browser, READY, "7");
    put_right_and_kept(&stage, &browser);
    browser.open(&page("/history"));
    browser.until("the end of it", |browser| {
        browser
            .text("main")
            .contains("put right, as Linus approved")
    });
    let history = browser.text("main");
    for part in [
        "Grace rejected acme",
        "the old logo",
        "Ada approved acme",
        "as agreed with Acme",
        "Linus approved acme",
        "Ken put off acme",
    ] {
        assert!(history.contains(part), "{part}: {history}");
    }
    assert_eq!(browser.console(), Vec::<String>::new());
    seen_when_it_is_gone(stage, &browser);
}

/// Opens the form of a decision, fills it in and sends it, all at one moment: a live page may replace its parts at any time.
fn decide(browser: &Browser, decision: &str, by: &str, reason: &str) {
    let sent = browser.evaluate(&format!(
        "(() => {{
            const details = document.getElementById('{decision}-form');
            details.querySelector('summary').click();
            const form = details.querySelector('form');
            form.by.value = {by:?};
            form.reason.value = {reason:?};
            document.getElementById('{decision}').click();
            return details.open && form.checkValidity();
        }})()"
    ));
    assert_eq!(sent, true, "{decision}");
}

/// Somebody changes a brand by hand: it is left, kept, and in the end put right.
fn put_right_and_kept(stage: &Stage, browser: &Browser) {
    stage.edit("acme", "company_name", "Acme by hand");
    browser.click("#resync");
    until(browser, STALLED, "1");
    browser.open(&format!("{}/accounts/acme", stage.url));
    browser.until("what is changed by hand", |browser| {
        texts(browser, "#drift").concat().contains("Put right…")
    });
    for width in [390, 1024, 1440] {
        browser.width(width);
        assert_eq!(browser.overflow(), 0, "{width}");
        browser.screenshot(&format!("dashboard-drift-{width}-light"));
    }
    browser.click("#keep-acme-form summary");
    let drift = texts(browser, "#drift").concat();
    let command = "emblazon import --accept acme --cluster production";
    assert!(drift.contains(command), "{drift}");
    assert!(drift.contains("accounts/acme/account.yaml"), "{drift}");
    assert!(drift.contains("Acme by hand"), "{drift}");
    assert_eq!(browser.barriers(), [""; 0]);
    browser.screenshot("dashboard-keep-1440-light");
    decide(browser, "put-off-acme", "Ken", "after the trade fair");
    browser.until("who left it", |browser| {
        texts(browser, ".decided")
            .concat()
            .contains("Put off by Ken")
    });
    assert_eq!(browser.barriers(), [""; 0]);
    browser.until("that it can be decided", |browser| {
        browser.count("#approve-acme-form") == 1
    });
    decide(browser, "approve-acme", "Linus", "it was a mistake");
    browser.open(&stage.url);
    until(browser, READY, "7");
}

/// A daemon that dies is not taken for one to which nothing happens.
fn seen_when_it_is_gone(mut stage: Stage, browser: &Browser) {
    browser.open(&stage.url);
    until(browser, "#stream", "live");
    stage.daemon.kill().unwrap();
    browser.until("that it is gone", |browser| {
        browser.count(".stale") == 1 && browser.text("#gone").contains("does not answer since")
    });
    browser.screenshot("dashboard-gone-1440-light");
}
