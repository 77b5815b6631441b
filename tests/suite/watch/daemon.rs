//! A daemon that runs, what it says, and what it answers.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use emblazon::sandbox::Profile;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::platform::{DEFAULTS, Platform, id};

/// How long anything may take before a test fails; nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(90);

/// A daemon that runs; killed at the end.
pub(crate) struct Daemon {
    pub(super) child: Child,
    events: Receiver<Value>,
    /// Everything that it said.
    said: Vec<Value>,
    /// Where it listens, when it does.
    url: String,
    log: Option<Receiver<String>>,
}

impl Daemon {
    /// Starts it; what it says comes as a line of JSON each.
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command
            .args(["--format", "json", "-v"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            child,
            events,
            said: Vec::new(),
            url: String::new(),
            log: None,
        }
    }

    /// Starts one that listens, and waits until it does.
    pub(crate) fn serving(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        let mut daemon = Self::start(command);
        let lines = BufReader::new(daemon.child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        daemon.log = Some(log);
        let line = daemon.wait_for_log("the dashboard is at ");
        let (_, url) = line.split_once("the dashboard is at ").unwrap();
        url.clone_into(&mut daemon.url);
        daemon
    }

    /// Waits for a line of its log.
    pub(super) fn wait_for_log(&self, part: &str) -> String {
        let log = self.log.as_ref().expect("a daemon that listens");
        loop {
            let line = log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("{error} waiting for {part}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Asks for a path; what is given goes along as JSON.
    pub(super) fn ask(
        &self,
        platform: &Platform,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let method = body.map_or(Method::GET, |_| Method::POST);
        let mut request = browser().request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        platform.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            (status, value)
        })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until it says something of a kind, about an account where one is named.
    pub(crate) fn wait(&mut self, event: &str, account: Option<char>, reason: &str) -> Value {
        let account = account.map(String::from);
        loop {
            let next = self.events.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!(
                    "{error} waiting for {event} {account:?} {reason}: {:#?}",
                    self.said
                )
            });
            self.said.push(next.clone());
            let is_it = next["event"] == event
                && next["account"].as_str() == account.as_deref()
                && (reason.is_empty() || next["reason"] == reason);
            if is_it {
                return next;
            }
        }
    }

    /// Waits unless it said so before: what is said of two accounts comes in any order.
    pub(crate) fn wait_unless_said(&mut self, event: &str, account: Option<char>, reason: &str) {
        let name = account.map(String::from);
        let is_it = |said: &Value| {
            said["event"] == event
                && said["account"].as_str() == name.as_deref()
                && said["reason"] == reason
        };
        if !self.said.iter().any(is_it) {
            self.wait(event, account, reason);
        }
    }

    /// Waits for an object's state.
    pub(super) fn wait_ready(&mut self, account: char) {
        self.wait("ready", Some(account), "in_sync");
    }

    /// Tells whether it ever said something of a kind.
    pub(super) fn has_said(&self, event: &str, reason: &str) -> bool {
        self.said
            .iter()
            .any(|said| said["event"] == event && said["reason"] == reason)
    }

    /// Sends a signal, as `kill` does.
    pub(super) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it, as a machine that fails does.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a client that has nothing to do with the daemon's own.
pub(crate) fn browser() -> reqwest::Client {
    // The answer is the same for every client of the process: there is one provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Starts a platform with some accounts whose company name is `old`, and a tree for it that names them, says `new`, and
/// says this of the daemon.
pub(super) fn platform(names: &str, watch: &str) -> Platform {
    platform_of(names, watch, Profile::default())
}

/// Does the same for a version of the platform.
pub(super) fn platform_of(names: &str, watch: &str, profile: Profile) -> Platform {
    let account = |name: char| {
        format!(
            "  - name: {name}\n    id: {}\n    whitelabel: {{company_name: old, domain: {name}.example.com, brandColor: red, {DEFAULTS}}}\n",
            id(name)
        )
    };
    let accounts: String = names.chars().map(account).collect();
    let seed = format!("accounts:\n  - name: Master\n{accounts}");
    let platform = Platform::of(&seed, &[], profile);
    configure(&platform, watch);
    for name in names.chars() {
        name_company(&platform, name, "new");
    }
    platform
}

/// Says in the tree what the daemon may do.
pub(super) fn configure(platform: &Platform, watch: &str) {
    let url = platform.sandbox.url();
    platform.write(
        "emblazon.yaml",
        &format!("clusters: {{production: {{api: \"{url}\"}}}}\nwatch: {watch}\n"),
    );
}

/// Declares a company's name.
pub(super) fn name_company(platform: &Platform, name: char, company: &str) {
    platform.declare(name, &format!("whitelabel: {{company_name: {company}}}"));
}

/// Builds the command for a daemon; the tree says where the platform is.
pub(super) fn command(platform: &Platform, arguments: &[&str]) -> Command {
    let mut command = platform.command(&["watch"]);
    command
        .env_remove("EMBLAZON_API")
        .args(["--confirm-after", "1s"])
        .args(arguments);
    command
}
