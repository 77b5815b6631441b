//! The platform tells the daemon of a change by hand. The daemon reads again within hours only, so that whatever it sees
//! before, an event has brought.

use std::fs;
use std::process::Command;

use emblazon::sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::bench::tell;
use super::platform::variable;
use super::{Bench, scenario};
use crate::cli::emblazon;
use crate::watch::daemon::{Daemon, browser};

/// The URL at which the platform reaches this machine; the daemon listens at its port.
const HOOK_URL: &str = "EMBLAZON_TEST_HOOK_URL";
/// The URL of the platform's Blackhole.
const BLACKHOLE: &str = "EMBLAZON_TEST_BLACKHOLE";

/// Needed where others reach the daemon.
const TOKEN: &str = "a-token-of-a-test-that-is-long-enough";

/// A daemon that removes its webhooks also when the scenario fails.
struct Listening(Option<Daemon>);

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(daemon) = self.0.take() {
            block_in_place(|| daemon.stop());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_brings_the_read_of_an_edit_by_hand() {
    scenario(async |bench: &Bench| {
        let (http, events) = match (bench.platform.is_external(), variable(HOOK_URL)) {
            (false, _) => ("listen: '127.0.0.1:0'".to_owned(), "{hooks: daemon}"),
            (true, Some(url)) => {
                let port = url::Url::parse(&url)
                    .unwrap()
                    .port_or_known_default()
                    .unwrap();
                let http = format!(
                    "listen: '0.0.0.0:{port}', public_url: '{url}', token: {{env: WATCH_TOKEN}}"
                );
                (http, "{hooks: daemon}")
            }
            (true, None) => {
                return tell(&format!(
                    "left out: {HOOK_URL} does not say where the platform reaches this machine"
                ));
            }
        };
        is_seen(bench, &http, events).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blackhole_brings_the_read_of_an_edit_by_hand() {
    scenario(async |bench: &Bench| {
        let own = bench.platform.sandbox.as_ref().map(Sandbox::blackhole_url);
        let Some(url) = own.or_else(|| variable(BLACKHOLE)) else {
            return tell(&format!(
                "left out: {BLACKHOLE} does not say where the platform's Blackhole is"
            ));
        };
        is_seen(
            bench,
            "listen: '127.0.0.1:0'",
            &format!("{{blackhole: '{url}'}}"),
        )
        .await;
    })
    .await;
}

/// Edits an account by hand once the daemon is told of changes, and waits until it has seen that.
async fn is_seen(bench: &Bench, http: &str, events: &str) {
    let account = bench.branded("a", json!({"company_name": "new"})).await;
    let api = &bench.platform.api;
    let config = format!(
        "clusters: {{test: {{api: '{api}', allow_plain_http: true}}}}\nwatch: {{heal: report, dns: off}}\n"
    );
    let files = bench.tree().file("emblazon.yaml", config.as_bytes());
    let folder = files.folder().to_owned();
    files
        .account(&account, "whitelabel: {company_name: new}")
        .load();
    let file = format!(
        "source: {{folder: .}}\nstate: state\ninterval: 5h\nconfirm_after: 1s\ntrust: {{api: ['{api}']}}\nhttp: {{{http}}}\nevents: {events}\n"
    );
    fs::write(folder.join("watch.yaml"), file).unwrap();
    let mut daemon = block_in_place(|| {
        let mut daemon = Daemon::serving(command(bench, folder.as_std_path()));
        daemon.wait_unless_said("ready", Some('a'), "in_sync");
        Listening(Some(daemon))
    });
    let watching = daemon.0.as_mut().unwrap();
    is_told(watching.url()).await;
    bench
        .hands
        .replace(&account, &json!({"company_name": "By hand"}))
        .await;
    block_in_place(|| watching.wait("stalled", Some('a'), "drift_reported"));
}

/// Waits until the platform has the daemon's hooks, or its subscription.
async fn is_told(url: &str) {
    // The port is that of `http.listen`, whichever address that has.
    let port = url.rsplit(':').next().unwrap();
    let status = format!("http://127.0.0.1:{port}/api/v1/status");
    loop {
        let answer = browser()
            .get(&status)
            .bearer_auth(TOKEN)
            .send()
            .await
            .unwrap();
        let events = &answer.json::<Value>().await.unwrap()["events"];
        if events["hooks"] != 0 || events["subscriptions"] != 0 {
            return;
        }
        assert!(events["problem"].is_null(), "{events}");
        tokio::task::yield_now().await;
    }
}

fn command(bench: &Bench, folder: &std::path::Path) -> Command {
    let mut command = emblazon(folder);
    command
        .args(["watch", "--config", "watch.yaml"])
        .env("EMBLAZON_API_KEY", bench.platform.key.expose())
        .env("WATCH_TOKEN", TOKEN);
    command
}
