//! What `probe` says customers see, and what Chromium shows them, agree for each breakage.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use emblazon::probe::{BrandView, Visibility};
use serde_json::Value;
use tempfile::TempDir;

use crate::breakages::{
    self,
    scenario::{HOST, Scenario, World},
    table::Breakage,
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

/// How long a page may take to ask for its brand; later it is another page.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// What a page says of itself: whether it has asked for its brand, and whose brand it shows.
#[derive(Clone, Copy)]
struct Words {
    is_ready: &'static str,
    company: &'static str,
}

/// Those of the sandbox's stand-in.
const STAND_IN: Words = Words {
    is_ready: "((document.body || {}).dataset || {}).state === 'ready'",
    company: "(document.getElementById('company') || {}).textContent || ''",
};

/// Those of Monster UI, whose login form comes once it has asked.
const MONSTER_UI: Words = Words {
    is_ready: "!!document.querySelector('#login, .login-block, #auth_container input')",
    company: "window.require && require.defined && require.defined('monster') ? ((require('monster').config || {}).whitelabel || {}).companyName || '' : ''",
};

/// Opens the brand's page as a customer does; `expected` says only how long to wait.
fn shown(world: &World, home: &Path, words: Words, expected: Option<Screen>) -> Screen {
    let browser = Browser::start_with(&[rules(world)], Some(home));
    if !browser.goes_to(&format!("https://{HOST}/")) {
        return Screen::Error;
    }
    if matches!(expected, Some(Screen::Brand | Screen::Vendor)) {
        let begin = Instant::now();
        while browser.evaluate(words.is_ready) != true && begin.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
    }
    let company = match browser.evaluate(words.is_ready) {
        Value::Bool(true) => browser.evaluate(words.company),
        _ => Value::from(""),
    };
    match company.as_str().unwrap() {
        "Northwind Telecom" | "Somebody Else" => Screen::Brand,
        "The Vendor" => Screen::Vendor,
        _ => Screen::OtherPage,
    }
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn chromium_shows_what_the_probe_says() {
    agree(None, STAND_IN);
}

/// Compares the probe and the browser for each breakage, in front of the stand-in or of another user interface.
#[expect(clippy::print_stdout, reason = "a test has no other way to speak")]
fn agree(other_ui: Option<&str>, words: Words) {
    let applies =
        |breakage: &&Breakage| other_ui.is_none() || !STAND_IN_ONLY.contains(&breakage.name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut wrong = Vec::new();
    for breakage in breakages::all().filter(applies) {
        let mut scenario = Scenario::default();
        (breakage.make)(&mut scenario);
        scenario.other_ui = other_ui.map(str::to_owned);
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
        let seen = shown(&world, home.path(), words, said);
        println!("{}: {said:?}, Chromium {seen:?}", breakage.name);
        if said.is_some_and(|said| said != seen) {
            wrong.push(format!("{}: Chromium {seen:?}", breakage.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A copy of Monster UI, built so that a web server can serve it; the folder holds `index.html`.
const COPY: &str = "EMBLAZON_MONSTER_UI";

/// What is not compared there.
const STAND_IN_ONLY: [&str; 3] = [
    // Up to 4.3 the vendor's brand is shown; later ones ask as they should, but for logo and icon.
    "api.default has no slash at its end",
    // These rewrite the page of the stand-in.
    "Monster UI stands in a comment",
    "a policy stands in the body",
];

/// Serves a folder as Debian's nginx does, with a configuration of the API and the vendor's brand.
struct Nginx {
    process: Child,
    _folder: TempDir,
    base: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Nginx {
    fn start(root: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let configuration = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;
             events {{}}
             http {{
               access_log off;
               types {{ text/html html; text/css css; text/javascript js; image/svg+xml svg; image/png png; application/json json; }}
               client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;
               server {{
                 listen 127.0.0.1:{port};
                 root {root};
                 location = /js/config.js {{ root {at}; }}
               }}
             }}"
        );
        std::fs::create_dir(folder.path().join("js")).unwrap();
        std::fs::write(folder.path().join("js/config.js"), breakages::table::HERE).unwrap();
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-c").arg(&file).arg("-p").arg(folder.path());
        let process = nginx.spawn();
        Self {
            process: process.unwrap_or_else(|error| panic!("nginx: {error}")),
            _folder: folder,
            base: format!("http://127.0.0.1:{port}"),
        }
    }
}

/// The breakages before the real user interface, where a copy of it is at hand.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn the_real_monster_ui_shows_what_the_probe_says() {
    let Some(root) = std::env::var(COPY).ok().filter(|root| !root.is_empty()) else {
        println!("left out: {COPY} names no copy of Monster UI");
        return;
    };
    let nginx = Nginx::start(&root);
    agree(Some(&nginx.base), MONSTER_UI);
    draws_what_a_card_draws(&nginx.base);
}

/// What the sketch of a brand card draws is what Monster UI draws of the same keys.
fn draws_what_a_card_draws(other_ui: &str) {
    let scenario = Scenario {
        other_ui: Some(other_ui.to_owned()),
        change_api: Some(|asked, reply| {
            let path = asked.path.split('?').next().unwrap_or_default();
            if asked.method == "GET" && path.ends_with(HOST) {
                reply.replace(
                    "\"data\":{",
                    "\"data\":{\"applicationTitle\":\"Northwind Portal\",\"brandColor\":\"#8a2be2\",\"custom_welcome_message\":\"Welcome to <b>Northwind</b>\",",
                );
            }
        }),
        ..Scenario::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(World::start(&scenario));
    let home = home(&world.authority);
    let browser = Browser::start_with(&[rules(&world)], Some(home.path()));
    assert!(browser.goes_to(&format!("https://{HOST}/")));
    browser.until("the login form", |browser| {
        browser.evaluate(MONSTER_UI.is_ready) == true
    });
    assert_eq!(browser.evaluate("document.title"), "Northwind Portal");
    assert_eq!(
        browser.evaluate("document.querySelector('.welcome-message').innerHTML"),
        "Welcome to <b>Northwind</b>"
    );
    let ground = "[...document.querySelectorAll('[style*=background-color]')].some(it => getComputedStyle(it).backgroundColor === 'rgb(138, 43, 226)')";
    assert_eq!(browser.evaluate(ground), true);
    let logo =
        browser.evaluate("getComputedStyle(document.querySelector('.logo-block')).backgroundImage");
    assert!(
        logo.as_str()
            .unwrap()
            .contains(&format!("/whitelabel/{HOST}/logo?")),
        "{logo}"
    );
}

/// `probe --screenshot` has a picture of what is there, and says what stands in the place of a page.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_probe_shows_what_chromium_shows() {
    let folder = tempfile::tempdir().unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_emblazon"))
        .args([
            "probe",
            "northwind",
            "cedar",
            "--sandbox",
            "--screenshot",
            "pictures",
        ])
        .args(["--output", "html=probe.html", "--tree"])
        .arg(top.join("examples/quickstart"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let picture = std::fs::read(folder.path().join("pictures/northwind.png"));
    assert!(picture.unwrap().starts_with(b"\x89PNG"));
    let no_page = "Chromium shows no page, but its error ERR_TUNNEL_CONNECTION_FAILED";
    assert!(
        said.contains(&format!("no picture of cedar: {no_page}")),
        "{said}"
    );
    let browser = Browser::start();
    browser.open_file(&folder.path().join("probe.html"));
    assert_eq!(
        browser.texts("figcaption"),
        ["Declared", "In Chromium"].repeat(2)
    );
    assert_eq!(browser.count("svg[aria-label='what Chromium shows']"), 1);
    assert_eq!(browser.text(".none"), no_page);
    assert_eq!(browser.overflow(), 0);
    assert_eq!(browser.console(), [""; 0]);
}
