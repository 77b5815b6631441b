//! What customers see of the brands, over real TLS: told of until they see the declared brand.

use emblazon::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::platform::{DEFAULTS, Platform, id};
use crate::stand_in::StandIn;

const API: &str = "api.example.com";

/// Starts a platform with a user interface whose certificates are valid for so long, and a tree that agrees with it.
fn platform(watch: &str, certificate_days: u16) -> Platform {
    let seed = format!(
        "accounts:
  - name: Master
  - {{name: a, id: {}, whitelabel: {{company_name: new, domain: a.example.com, {DEFAULTS}}}}}
ui: {{at: 192.0.2.80, api: 'https://{API}:8443/v2/', api_at: 192.0.2.81, certificate_days: {certificate_days}}}
",
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    super::daemon::configure(&platform, watch);
    name_company(&platform, "new");
    platform
}

fn name_company(platform: &Platform, company: &str) {
    let text = format!("whitelabel: {{company_name: {company}, domain: a.example.com}}");
    platform.declare('a', &text);
}

/// Starts a daemon that looks at the brand once in hours, unless something leads it there.
fn start(platform: &Platform, probe: &str, more: &str) -> Daemon {
    Daemon::serving(command(platform, probe, more))
}

fn command(platform: &Platform, probe: &str, more: &str) -> std::process::Command {
    let detours = platform.sandbox.detours();
    let at = |address: &str| detours[&address.parse().unwrap()];
    platform.write("authority.pem", &platform.sandbox.authority().unwrap());
    platform.write(
        "watch.yaml",
        &format!(
            "source: {{folder: .}}
state: .emblazon
interval: 5h
poll: 5h
confirm_after: 1s
http: {{listen: '127.0.0.1:0'}}
probe:
  interval: 5h
  ca_file: authority.pem
  resolve: ['a.example.com:443:{}', 'a.example.com:80:{}', '{API}:8443:{}']
  {probe}
{more}
",
            at("192.0.2.80:443"),
            at("192.0.2.80:80"),
            at("192.0.2.81:8443"),
        ),
    );
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command.env_remove("EMBLAZON_API");
    command
}

fn alerts(receiver: &StandIn) -> String {
    format!(
        "alerts: {{confirmations: 1, after: 1s, channels: [{{kind: webhook, url: '{}/'}}]}}",
        receiver.url()
    )
}

fn resync(platform: &Platform, daemon: &Daemon) {
    let (status, _) = daemon.ask(
        platform,
        "/api/v1/resync",
        Some(&json!({"accounts": ["a"]})),
    );
    assert_eq!(status.as_u16(), 202);
}

/// Checks that the metrics have these lines.
#[track_caller]
fn check_metrics(platform: &Platform, daemon: &Daemon, lines: &[&str]) {
    let (_, metrics) = daemon.ask(platform, "/metrics", None);
    let metrics = metrics.as_str().unwrap();
    for line in lines {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[test]
fn a_brand_that_customers_do_not_see_is_told_of_until_they_see_it() {
    let (receiver, notices) = StandIn::hearing();
    let notice = || -> Value {
        let raw = notices.recv().unwrap();
        serde_json::from_str(raw.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let platform = platform("{heal: report}", 90);
    let mut daemon = start(&platform, "confirm_after: 1s", &alerts(&receiver));
    daemon.wait_unless_said("brand", Some('a'), "visible");
    check_metrics(
        &platform,
        &daemon,
        &["emblazon_brand_visible{account=\"a\"} 1"],
    );
    let broken = Fault::new(
        "GET",
        "/v2/whitelabel/a.example.com",
        FaultKind::Status(500),
    );
    platform.sandbox.set_faults(vec![broken.times(100)]);
    resync(&platform, &daemon);
    daemon.wait("brand", Some('a'), "confirming");
    let told = daemon.wait("brand", Some('a'), "not_visible");
    let line = "document: the API answers 500 when it is asked for the brand of a.example.com; fix: look at the platform's log, and probe again";
    assert_eq!(
        told["message"],
        format!("customers see the vendor's brand: {line}")
    );
    let told = notice();
    assert_eq!(
        (&told["kind"], &told["severity"]),
        (&json!("brand"), &json!("problem"))
    );
    let said = told["lines"][0].as_str().unwrap();
    assert_eq!(
        said,
        format!("new (a): customers see the vendor's brand: {line}")
    );
    check_metrics(
        &platform,
        &daemon,
        &[
            "emblazon_brand_visible{account=\"a\"} 0",
            "emblazon_brand_probes_total{account=\"a\",seen=\"declared\"} 1",
            "emblazon_brand_probes_total{account=\"a\",seen=\"other\"} 2",
            "emblazon_brand_probes_total{account=\"a\",seen=\"unknown\"} 0",
            "emblazon_alerts{kind=\"brand\"} 1",
        ],
    );
    let (_, account) = daemon.ask(&platform, "/api/v1/accounts/a", None);
    assert_eq!(account["state"], "ready", "what is stored is as declared");
    assert_eq!(account["probe"]["view"], "vendor");
    assert_eq!(account["probe"]["lines"][0], line);
    let (_, page) = daemon.ask(&platform, "/accounts/a", None);
    let page = page.as_str().unwrap();
    assert!(
        page.contains("not visible") && page.contains("the API answers 500"),
        "{page}"
    );
    platform.sandbox.set_faults(Vec::new());
    resync(&platform, &daemon);
    daemon.wait("brand", Some('a'), "visible");
    let over = notice();
    assert_eq!(
        (&over["kind"], &over["severity"]),
        (&json!("brand"), &json!("resolved"))
    );
    check_metrics(
        &platform,
        &daemon,
        &["emblazon_brand_visible{account=\"a\"} 1"],
    );
    assert_eq!(daemon.stop().code(), Some(0));
    let history = std::fs::read_to_string(platform.state().join("watch/history.jsonl")).unwrap();
    assert!(history.contains("\"finding\":\"brand\""), "{history}");
    platform.stop();
}

/// Nothing but the apply leads to the second look: both intervals are hours.
#[test]
fn what_the_daemon_applied_is_looked_at_at_once() {
    let platform = platform("{apply: manual}", 90);
    let mut daemon = start(&platform, "confirm_after: 5h", "");
    daemon.wait_unless_said("brand", Some('a'), "visible");
    name_company(&platform, "newer");
    daemon.wait_unless_said("brand", Some('a'), "confirming");
    let (_, account) = daemon.ask(&platform, "/api/v1/accounts/a", None);
    assert_eq!(account["probe"]["view"], "different");
    let (_, plan) = daemon.ask(&platform, "/api/v1/plan", None);
    let approval = json!({"plan": plan["digest"], "by": "Ada"});
    let (status, answer) = daemon.ask(&platform, "/api/v1/approve", Some(&approval));
    assert_eq!(status.as_u16(), 202, "{answer}");
    daemon.wait("brand", Some('a'), "visible");
    assert_eq!(platform.key('a', "company_name"), "newer");
    drop(daemon);
    platform.stop();
}

#[test]
fn a_certificate_that_ends_within_the_configured_time_is_told_of() {
    let (receiver, notices) = StandIn::hearing();
    let platform = platform("{heal: report}", 7);
    let mut daemon = start(&platform, "certificates: 10d", &alerts(&receiver));
    daemon.wait_unless_said("brand", Some('a'), "visible");
    let raw = notices.recv().unwrap();
    let told: Value = serde_json::from_str(raw.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(told["kind"], "certificate");
    assert_eq!(
        told["title"],
        "production: new (a) has a certificate that ends soon"
    );
    let line = told["lines"][0].as_str().unwrap();
    assert!(
        line.contains("6 days from now; have the certificate of"),
        "{line}"
    );
    check_metrics(
        &platform,
        &daemon,
        &[
            "emblazon_brand_visible{account=\"a\"} 1",
            "emblazon_brand_certificate_end_timestamp_seconds{account=\"a\"} ",
            "emblazon_alerts{kind=\"certificate\"} 1",
        ],
    );
    let (_, page) = daemon.ask(&platform, "/accounts/a", None);
    let page = page.as_str().unwrap();
    assert!(
        page.contains("id=\"certificate\"") && page.contains("6 days from now"),
        "{page}"
    );
    let (_, account) = daemon.ask(&platform, "/api/v1/accounts/a", None);
    assert_eq!(account["probe"]["certificate"]["is_near"], true);
    drop(daemon);
    // It lasts longer than the configured time.
    let mut daemon = start(&platform, "certificates: 5d", "");
    daemon.wait_unless_said("brand", Some('a'), "visible");
    check_metrics(
        &platform,
        &daemon,
        &["emblazon_alerts{kind=\"certificate\"} 0"],
    );
    drop(daemon);
    platform.stop();
}

#[test]
fn what_customers_see_once_is_an_exit_code() {
    let platform = platform("{heal: report}", 90);
    let once = |probe: &str| {
        let mut command = command(&platform, probe, "");
        command.arg("--once");
        command.output().unwrap().status.code()
    };
    assert_eq!(once("confirm_after: 1s"), Some(0));
    let broken = Fault::new(
        "GET",
        "/v2/whitelabel/a.example.com",
        FaultKind::Status(500),
    );
    platform.sandbox.set_faults(vec![broken.times(100)]);
    assert_eq!(once("confirm_after: 1s"), Some(2));
    platform.sandbox.set_faults(Vec::new());
    // An address where nothing of ours can be: what could not be looked at is unknown.
    let lost = "confirm_after: 1s\n  from: '::1'";
    assert_eq!(once(lost), Some(6));
    platform.stop();
}

/// Whoever signs in meanwhile may lose a password, so nobody waits for a second read or for the damping.
#[test]
fn code_that_somebody_put_in_by_hand_pages_at_once() {
    let (receiver, notices) = StandIn::hearing();
    let platform = platform("{heal: report}", 90);
    platform.declare(
        'a',
        "whitelabel: {company_name: new, domain: a.example.com, includes: null}",
    );
    platform.write(
        "watch.yaml",
        &format!(
            "source: {{folder: .}}\nstate: .emblazon\ninterval: 1s\nconfirm_after: 5h\nalerts: {{confirmations: 1000, after: 5h, channels: [{{kind: webhook, url: '{}/'}}]}}\n",
            receiver.url()
        ),
    );
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command.env_remove("EMBLAZON_API");
    let mut daemon = Daemon::start(command);
    daemon.wait_unless_said("ready", Some('a'), "in_sync");
    platform
        .sandbox
        .world()
        .edit_settings(&id('a'), |settings| {
            settings.insert("company_name".to_owned(), json!("mine"));
            let script = json!(["https://evil.example/x.js"]);
            settings.insert("includes".to_owned(), script);
        });
    let raw = notices.recv().unwrap();
    let told: Value = serde_json::from_str(raw.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        (&told["kind"], &told["severity"]),
        (&json!("code"), &json!("critical"))
    );
    assert_eq!(
        told["title"],
        "production: mine (a) runs code that somebody put in by hand"
    );
    let line = told["lines"][0].as_str().unwrap();
    assert!(line.contains("https://evil.example/x.js"), "{line}");
    assert!(line.contains("`emblazon apply --account a`"), "{line}");
    drop(daemon);
    assert!(notices.try_recv().is_err(), "the rest is damped");
    platform.stop();
}
