//! What is shipped beside the daemon, as the tools that read it see it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use emblazon::daemon::{
    CertificateEnd, EventSource, EventStatus, ObjectStatus, ProbeCount, ProbeSummary, Status,
};
use emblazon::dashboard::metrics;
use emblazon::model::AccountName;
use emblazon::probe::BrandView;
use jiff::Timestamp;

use crate::process::print;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/watch")
        .join(name)
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn prometheus_understands_metrics_and_rules() {
    let rules = example("prometheus.rules.yaml");
    print("promtool", &["check", "rules", rules.to_str().unwrap()]);
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut status = Status::new(Timestamp::UNIX_EPOCH);
    status.cluster.events = Some(EventStatus::default());
    let name = AccountName::new("a \"quoted\\ one");
    let mut object = ObjectStatus::unread((&name).into(), Timestamp::UNIX_EPOCH);
    object.probe = Some(ProbeSummary {
        host: "a.example.com".to_owned(),
        view: BrandView::Vendor,
        is_only_stored: false,
        lines: Vec::new(),
        asked: Timestamp::UNIX_EPOCH,
        seen: None,
        confirmed: None,
        certificate: Some(CertificateEnd {
            sentence: String::new(),
            at: Timestamp::UNIX_EPOCH,
            is_near: true,
        }),
        count: ProbeCount::default(),
    });
    status.accounts.insert(name, Arc::new(object));
    let mut text = metrics(&status, &[]);
    check
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    // A rule about a metric that does not exist never fires.
    let rules = std::fs::read_to_string(rules).unwrap();
    status.cluster.events = Some(EventStatus {
        by: EventSource::Blackhole,
        ..EventStatus::default()
    });
    text += &metrics(&status, &[]);
    for word in rules.split(|c: char| !c.is_ascii_lowercase() && c != '_') {
        if word.starts_with("emblazon_") && word != "emblazon_webhooks_total" {
            assert!(text.contains(&format!("# TYPE {word} ")), "{word}");
        }
    }
}
