//! A real browser: headless Chromium, led through its driver's WebDriver protocol.
//!
//! What a test reads goes through WebDriver's own finds, so that it reads the same with the page's scripts off.
//! Where `EMBLAZON_SCREENSHOTS` names a folder, screenshots are kept there for people to look at; where
//! `EMBLAZON_ILLUSTRATIONS` does, the pictures of the README, which live in `.github`.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The key that WebDriver puts before an element's id (W3C WebDriver, section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long a page may take to become what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a driver is started that gets no port.
const DRIVER_ATTEMPTS: usize = 5;

const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Debian's Chromium would open a page of the Internet.
    "about:blank",
];

/// Which colours the reader's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// Whether the page's scripts run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// A browser with one tab; ends when dropped.
pub(crate) struct Browser {
    runtime: Runtime,
    client: reqwest::Client,
    session: String,
    width: Cell<u32>,
    driver: Driver,
}

/// The driver's process, and the folder that its browser keeps its profile in.
struct Driver {
    process: Child,
    profile: TempDir,
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser when the session does, but not when it is killed.
        let request = self.client.delete(&self.session);
        let _ = self.runtime.block_on(request.send());
        let _ = self.driver.process.kill();
    }
}

impl Browser {
    /// Starts one, 1440 pixels wide, light, with scripts.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], None)
    }

    /// Starts one with further flags, and with another home, whose certificate authorities it trusts.
    pub(crate) fn start_with(more: &[String], home: Option<&Path>) -> Self {
        // It may lose the free port that it chose to another process; then it ends.
        let mut drivers = (0..DRIVER_ATTEMPTS).filter_map(|_| driver(home));
        let (driver, port) = drivers
            .next()
            .expect("chromedriver says which port it listens on");
        let mut flags = FLAGS.map(str::to_owned).to_vec();
        flags.extend_from_slice(more);
        flags.push(format!(
            "--user-data-dir={}",
            driver.profile.path().display()
        ));
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": flags, "perfLoggingPrefs": {"enablePage": false}},
        }}});
        let mut browser = Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            session: format!("http://127.0.0.1:{port}/session"),
            width: Cell::default(),
            driver,
        };
        let session = browser.post("", &wanted);
        let id = session["sessionId"].as_str().unwrap();
        browser.session = format!("{}/{id}", browser.session);
        browser.width(1440);
        browser
    }

    /// Gives the page a width in CSS pixels; up to 600 it is a phone's.
    pub(crate) fn width(&self, width: u32) {
        self.width.set(width);
        self.window(width, if width <= 600 { 844 } else { 900 });
    }

    fn window(&self, width: u32, height: u32) {
        let phone = width <= 600;
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Lets the reader's system prefer light or dark colours.
    pub(crate) fn scheme(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let feature = json!({"name": "prefers-color-scheme", "value": value});
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
    }

    /// Lets scripts of the pages that are opened from now on run, or not.
    pub(crate) fn scripts(&self, scripts: Scripts) {
        let off = json!({"value": scripts == Scripts::Off});
        self.devtools("Emulation.setScriptExecutionDisabled", &off);
    }

    /// Opens a page and waits until it is loaded; console and requests are counted anew.
    pub(crate) fn open(&self, url: &str) {
        self.console();
        self.requests();
        self.post("url", &json!({"url": url}));
    }

    /// Opens a page as a customer does; returns whether the browser shows one, and not an error of its own.
    pub(crate) fn goes_to(&self, url: &str) -> bool {
        let request = self.client.post(format!("{}/url", self.session));
        let request = request.json(&json!({"url": url}));
        let answer = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            answer.json::<Value>().await.unwrap()
        });
        let error = answer["value"]["message"].as_str().unwrap_or_default();
        let is_error = error.contains("net::ERR_");
        assert!(is_error || answer["value"]["error"].is_null(), "{error}");
        // What it thinks of a certificate is a page to the driver.
        !is_error && self.evaluate("location.protocol") != "chrome-error:"
    }

    /// Opens a file.
    pub(crate) fn open_file(&self, file: &Path) {
        let file = file.canonicalize().unwrap();
        self.open(url::Url::from_file_path(file).unwrap().as_str());
    }

    /// Returns the text, as it is seen, of the only element that a CSS selector finds.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        let element = self.only(selector);
        self.get(&format!("element/{element}/text"))
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Returns the texts, as they are seen, of all elements that a CSS selector finds; what is hidden has none.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let elements = self.find(selector).into_iter();
        let text = |element| self.get(&format!("element/{element}/text"));
        elements
            .map(|element| text(element).as_str().unwrap().to_owned())
            .collect()
    }

    /// Counts the elements that a CSS selector finds, hidden ones too.
    pub(crate) fn count(&self, selector: &str) -> usize {
        self.find(selector).len()
    }

    /// Counts those of them that are shown.
    pub(crate) fn count_shown(&self, selector: &str) -> usize {
        let elements = self.find(selector).into_iter();
        let shown = |element: &String| self.get(&format!("element/{element}/displayed")) == true;
        elements.filter(shown).count()
    }

    /// Returns an attribute of the only element that a CSS selector finds.
    #[track_caller]
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let element = self.only(selector);
        let value = self.get(&format!("element/{element}/attribute/{name}"));
        value.as_str().map(str::to_owned)
    }

    /// Returns an attribute of each element that a CSS selector finds.
    pub(crate) fn attributes(&self, selector: &str, name: &str) -> Vec<Option<String>> {
        let elements = self.find(selector).into_iter();
        let value = |element| self.get(&format!("element/{element}/attribute/{name}"));
        elements
            .map(|element| value(element).as_str().map(str::to_owned))
            .collect()
    }

    /// Returns the value that the browser computed for a CSS property.
    #[track_caller]
    pub(crate) fn style(&self, selector: &str, property: &str) -> String {
        let element = self.only(selector);
        let value = self.get(&format!("element/{element}/css/{property}"));
        value.as_str().unwrap().to_owned()
    }

    /// Clicks on the only element that a CSS selector finds.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let element = self.only(selector);
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    /// Empties a field, then types into it.
    #[track_caller]
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.only(selector);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.post(&format!("element/{element}/value"), &json!({"text": text}));
    }

    /// Chooses an option of a list by its value.
    #[track_caller]
    pub(crate) fn choose(&self, list: &str, value: &str) {
        self.click(&format!("{list} option[value='{value}']"));
    }

    /// Asks the page something that only a script can answer; runs also where the page's own scripts do not.
    #[track_caller]
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression})");
        self.post("execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until the page is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            assert!(begin.elapsed() < PATIENCE, "it never came: {what}");
            std::thread::yield_now();
        }
    }

    /// Returns by how many pixels the page is wider than its window.
    pub(crate) fn overflow(&self) -> i64 {
        // A phone widens its window for a page that does not fit, so the window cannot be asked.
        let page = self.evaluate("document.documentElement.scrollWidth");
        // On a desk the scroll bar takes its share of the window.
        (page.as_i64().unwrap() - i64::from(self.width.get())).max(0)
    }

    /// Takes what came onto the console since the last time.
    pub(crate) fn console(&self) -> Vec<String> {
        let lines = self.post("se/log", &json!({"type": "browser"}));
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| format!("{} {}", line["level"], line["message"]))
            .collect()
    }

    /// Takes the addresses that were asked for since the last time: pages, and what they load.
    pub(crate) fn requests(&self) -> Vec<String> {
        let events = self.post("se/log", &json!({"type": "performance"}));
        let events = events.as_array().unwrap().iter();
        events
            .map(|event| serde_json::from_str::<Value>(event["message"].as_str().unwrap()).unwrap())
            .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
            .map(|event| event["message"]["params"]["request"]["url"].clone())
            .map(|url| url.as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns what axe-core finds that keeps people from using the page; needs the page's scripts to run.
    pub(crate) fn barriers(&self) -> Vec<String> {
        let Some(modules) = std::env::var_os("EMBLAZON_NODE_MODULES").map(PathBuf::from) else {
            return Vec::new();
        };
        let axe = std::fs::read_to_string(modules.join("axe-core/axe.min.js")).unwrap();
        self.post("execute/sync", &json!({"script": axe, "args": []}));
        let run = "const done = arguments[0]; \
            axe.run({resultTypes: ['violations'], iframes: false}).then(found => done(found.violations.map(one => \
                `${one.id}: ${one.help}: ${one.nodes.map(node => node.html.slice(0, 200)).join(' | ')}`)))";
        let found = self.post("execute/async", &json!({"script": run, "args": []}));
        serde_json::from_value(found).unwrap()
    }

    /// Keeps a picture of the whole page, where somebody asked for pictures.
    pub(crate) fn screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("EMBLAZON_SCREENSHOTS").map(PathBuf::from) else {
            return;
        };
        // What is far below the window may not be drawn, so the window becomes as tall as the page.
        let height = self.evaluate("document.documentElement.scrollHeight");
        let height = u32::try_from(height.as_u64().unwrap()).unwrap();
        let width = self.width.get();
        self.window(width, height.min(16_000));
        let picture = self.devtools("Page.captureScreenshot", &json!({"format": "png"}));
        self.width(width);
        write_picture(&folder, name, &picture);
    }

    /// Keeps a picture of the only element that a CSS selector finds, where somebody asked for illustrations.
    pub(crate) fn illustration(&self, name: &str, selector: &str) {
        let Some(folder) = std::env::var_os("EMBLAZON_ILLUSTRATIONS").map(PathBuf::from) else {
            return;
        };
        // Without a scroll bar, the area is where the picture of it is taken.
        self.evaluate("document.documentElement.style.overflow = 'hidden'");
        let area = self.evaluate(&format!(
            "(() => {{ const one = document.querySelector({selector:?}).getBoundingClientRect(); \
             return {{x: one.x + scrollX, y: one.y + scrollY, width: one.width, height: one.height, scale: 1}} }})()"
        ));
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": area});
        let picture = self.devtools("Page.captureScreenshot", &wanted);
        write_picture(&folder, name, &picture);
        self.evaluate("document.documentElement.style.overflow = ''");
    }

    /// Sends a command of the DevTools protocol.
    #[track_caller]
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", &body)
    }

    #[track_caller]
    fn only(&self, selector: &str) -> String {
        let mut found = self.find(selector);
        assert_eq!(found.len(), 1, "elements that {selector} finds");
        found.remove(0)
    }

    fn find(&self, selector: &str) -> Vec<String> {
        let found = json!({"using": "css selector", "value": selector});
        let found = self.post("elements", &found);
        let found = found.as_array().unwrap().iter();
        found
            .map(|element| element[ELEMENT].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.answer(self.client.get(format!("{}/{path}", self.session)))
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.session);
        self.answer(self.client.post(url.trim_end_matches('/')).json(body))
    }

    #[track_caller]
    fn answer(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            answer.json::<Value>().await.unwrap()
        });
        let value = &answer["value"];
        assert!(value["error"].is_null(), "{value:#}");
        value.clone()
    }
}

/// Writes a picture as the browser returned it.
fn write_picture(folder: &Path, name: &str, picture: &Value) {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(picture["data"].as_str().unwrap())
        .unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
}

/// Starts a driver; returns it with its port, if it got one.
fn driver(home: Option<&Path>) -> Option<(Driver, u16)> {
    let mut command = Command::new("chromedriver");
    if let Some(home) = home {
        command.env("HOME", home);
    }
    let mut process = command
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver: {error}"));
    let output = BufReader::new(process.stdout.take().unwrap());
    let driver = Driver {
        process,
        profile: tempfile::tempdir().unwrap(),
    };
    Some((driver, port(output)?))
}

/// Reads from the driver's first words which port it listens on.
fn port(output: impl BufRead) -> Option<u16> {
    let mut lines = output.lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("started successfully on port"))?;
    let digits = line.trim_end_matches('.').rsplit(' ').next().unwrap();
    Some(digits.parse().unwrap())
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_browser_reads_a_page_with_scripts_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let text = "<!doctype html><meta name=viewport content='width=device-width'><title>A page</title>\
        <style>body{background:rgb(1,1,1)} @media(prefers-color-scheme:dark){body{background:rgb(2,2,2)}}</style>\
        <h1 lang=en>Before</h1><input><p hidden>hidden</p><img alt='' src='http://127.0.0.1:1/picture.png'>\
        <div style='width:800px'>wide</div><script>document.querySelector('h1').textContent = 'After'</script>";
    std::fs::write(&page, text).unwrap();
    let browser = Browser::start();
    browser.width(390);
    browser.scripts(Scripts::Off);
    browser.scheme(Scheme::Dark);
    browser.open_file(&page);
    assert_eq!(browser.text("h1"), "Before");
    assert_eq!(
        browser.style("body", "background-color"),
        "rgba(2, 2, 2, 1)"
    );
    browser.scripts(Scripts::On);
    browser.scheme(Scheme::Light);
    browser.open_file(&page);
    assert_eq!(browser.texts("h1, p"), ["After", ""]);
    assert_eq!(browser.attribute("h1", "lang").as_deref(), Some("en"));
    assert_eq!(
        browser.style("body", "background-color"),
        "rgba(1, 1, 1, 1)"
    );
    assert_eq!((browser.count("p"), browser.count_shown("p")), (1, 0));
    assert!(browser.overflow() > 400, "{}", browser.overflow());
    browser.width(1440);
    assert_eq!(browser.overflow(), 0);
    browser.type_into("input", "acme");
    browser.click("input");
    browser.until("the typed text", |browser| {
        browser.evaluate("document.querySelector('input').value") == "acme"
    });
    assert_eq!(browser.console().len(), 1, "the picture's refusal");
    let requests = browser.requests();
    assert!(
        requests
            .iter()
            .any(|url| url == "http://127.0.0.1:1/picture.png"),
        "{requests:?}"
    );
    browser.screenshot("browser");
}
