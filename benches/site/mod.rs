//! A platform, a tree on a branch of a bare repository, and a daemon in another process that keeps them in sync.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use emblazon::sandbox::{Options, Sandbox, Seed};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::generate::{Shape, Tree, id};
use crate::server::{PROGRAM, Result};

/// The webhook secret.
const SECRET: &str = "the secret of a benchmark";

/// Time-out for the daemon to come into sync.
const PATIENCE: Duration = Duration::from_mins(2);

/// Polling interval.
const LOOK: Duration = Duration::from_millis(5);

/// Everything around one daemon.
pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    pub(crate) tree: Tree,
    pub(crate) shape: Shape,
    bare: TempDir,
    own: TempDir,
    client: Client,
    daemon: Option<Daemon>,
}

struct Daemon {
    process: Child,
    url: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Site {
    /// Writes the tree, starts the platform, and pushes the first commit. No daemon runs yet.
    pub(crate) async fn new(shape: Shape) -> Result<Self> {
        // It fails if a provider is installed already, which is fine: there is only one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut tree = Tree::write(shape)?;
        let seed = fs::read_to_string(tree.path().join("sandbox.yaml"))?;
        let seed = Seed::parse(&seed, tree.path())?.unlimited();
        let sandbox = Sandbox::start(Options::seeded(seed)).await?;
        tree.point_at(&sandbox.url())?;
        let settings = fs::read_to_string(tree.path().join("emblazon.yaml"))?;
        // No DNS server outside this machine is queried.
        let settings = format!("{settings}watch: {{heal: auto, dns: off}}\n");
        tree.add("emblazon.yaml", settings.as_bytes())?;
        fs::remove_file(tree.path().join("sandbox.yaml"))?;
        let site = Self {
            sandbox,
            tree,
            shape,
            bare: tempfile::tempdir()?,
            own: tempfile::tempdir()?,
            client: Client::builder().no_proxy().build()?,
            daemon: None,
        };
        git(
            site.bare.path(),
            &["init", "--quiet", "--bare", "-b", "main"],
        )?;
        git(site.tree.path(), &["init", "--quiet", "-b", "main"])?;
        let remote = site.bare.path().to_string_lossy().into_owned();
        git(site.tree.path(), &["remote", "add", "origin", &remote])?;
        site.push()?;
        Ok(site)
    }

    /// Starts the daemon with these lines in its file; kills a running one.
    pub(crate) fn start(&mut self, timing: &str) -> Result<()> {
        self.daemon = None;
        let file = self.own.path().join("watch.yaml");
        let text = format!(
            "source: {{git: \"{}\"}}\nstate: state\n{timing}\n\
             http: {{listen: \"127.0.0.1:0\", webhook: {{forge: gitlab, secret: {{env: HOOK}}}}}}\n",
            self.bare.path().display()
        );
        fs::write(&file, text)?;
        let mut process = Command::new(PROGRAM)
            .args(["watch", "--format", "json", "--config"])
            .arg(&file)
            .env("EMBLAZON_API_KEY", self.sandbox.api_key())
            .env("HOOK", SECRET)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().ok_or("the daemon has no log")?;
        let mut lines = BufReader::new(log).lines();
        let url = loop {
            let line = lines.next().ok_or("the daemon does not listen")??;
            if let Some((_, url)) = line.split_once("the dashboard is at ") {
                break url.to_owned();
            }
        };
        // Drain the pipe, so that the daemon does not block on its output.
        thread::spawn(move || lines.for_each(drop));
        self.daemon = Some(Daemon { process, url });
        Ok(())
    }

    /// Returns the daemon's process id.
    pub(crate) fn process(&self) -> u32 {
        (self.daemon.as_ref()).map_or(0, |daemon| daemon.process.id())
    }

    /// Commits the tree's folder and pushes it; returns the commit.
    pub(crate) fn push(&self) -> Result<String> {
        let folder = self.tree.path();
        git(folder, &["add", "--all"])?;
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let commit = ["commit", "--quiet", "--allow-empty", "-m", "m"];
        git(folder, &[&who[..], &commit].concat())?;
        git(folder, &["push", "--quiet", "origin", "main"])?;
        git(folder, &["rev-parse", "HEAD"])
    }

    /// Sends the daemon a push webhook, as GitLab does.
    pub(crate) async fn tell(&self, commit: &str) -> Result<()> {
        let body = json!({"ref": "refs/heads/main", "after": commit});
        let request = (self.client.post(self.url("/webhook")))
            .header("x-gitlab-token", SECRET)
            .header("x-gitlab-event", "Push Hook")
            .json(&body);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Posts a request without arguments to the daemon.
    pub(crate) async fn order(&self, path: &str) -> Result<()> {
        let request = self.client.post(self.url(path)).json(&json!({}));
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Queries the daemon's API.
    pub(crate) async fn ask(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(self.url(path)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Waits until every object is ready at this commit.
    pub(crate) async fn until_in_sync(&self, commit: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let status = self.ask("/api/v1/status").await?;
            let objects = &status["objects"];
            // The accounts and the template.
            let ready = objects["ready"] == json!(self.shape.accounts + 1);
            if ready && status["source"]["commit"] == commit && status["mode"] == "idle" {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let (source, run) = (&status["source"]["problem"], &status["last_run"]);
                let what = format!("{objects}, the source: {source}, the last run: {run}");
                return Err(format!("not in sync after {PATIENCE:?}: {what}").into());
            }
            tokio::time::sleep(LOOK * 10).await;
        }
    }

    /// Waits until the platform tells the daemon of changes, by what was configured.
    pub(crate) async fn until_told(&self, by: &str) -> Result<()> {
        let (key, number) = match by {
            "webhooks" => ("hooks", 1),
            "blackhole" => ("subscriptions", self.shape.accounts),
            _ => return Ok(()),
        };
        let begun = Instant::now();
        loop {
            let events = &self.ask("/api/v1/status").await?["events"];
            if events[key] == number {
                return Ok(());
            }
            // Ten subscriptions a second.
            if begun.elapsed() > PATIENCE * 2 {
                return Err(format!("not told of changes: {events}").into());
            }
            tokio::time::sleep(LOOK * 100).await;
        }
    }

    /// Changes an account as somebody would by hand.
    pub(crate) fn edit(&self, number: usize) {
        let mut world = self.sandbox.world();
        world.edit_settings(&id(number), |settings| {
            settings.insert("company_name".to_owned(), json!("By hand"));
        });
    }

    /// Returns whether the daemon shows that an account was changed by hand.
    pub(crate) async fn has_seen_edit(&self, number: usize) -> Result<bool> {
        let account = self
            .ask(&format!("/api/v1/accounts/customer-{number:05}"))
            .await?;
        Ok(account["state"] != "ready")
    }

    /// Returns the live value of a key.
    pub(crate) fn live(&self, id: &str, key: &str) -> Option<Value> {
        let world = self.sandbox.world();
        let document = world.account(id)?.whitelabel.as_ref()?;
        document.settings.get(key).cloned()
    }

    /// Waits until a key has a value on the platform.
    pub(crate) async fn until_live(&self, id: &str, key: &str, value: &str) -> Result<()> {
        let begun = Instant::now();
        while self.live(id, key).as_ref().and_then(Value::as_str) != Some(value) {
            if begun.elapsed() > PATIENCE {
                return Err(format!("{id}: {key} is not {value} after {PATIENCE:?}").into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Runs `emblazon plan` on the tree, and returns its exit code.
    pub(crate) fn plan(&self) -> Result<Option<i32>> {
        let status = Command::new(PROGRAM)
            .args(["plan", "--skip-dns"])
            .arg(self.tree.path())
            .env("EMBLAZON_API_KEY", self.sandbox.api_key())
            .env("EMBLAZON_CACHE_DIR", self.own.path().join("cache"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(status.code())
    }

    fn url(&self, path: &str) -> String {
        let url = self.daemon.as_ref().map_or("", |daemon| &daemon.url);
        format!("{url}{path}")
    }
}

/// Runs `git`, and returns what it printed.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {arguments:?}: {said}").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
