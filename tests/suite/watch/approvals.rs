//! Approvals, and what stands beside them: who gave them, what becomes of them, and what is said of what is live.

use emblazon::apply::audit_path;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::daemon::{Daemon, configure, name_company, platform};
use super::orders::{plan, serve, until};
use crate::platform::Platform;

/// Asks for approval of what there is to do, by as much of the digest as is shown, and returns the answer.
fn approve(daemon: &Daemon, platform: &Platform) -> (StatusCode, Value) {
    let plan = plan(daemon, platform);
    let short = plan.as_str().and_then(|digest| digest.get(..12));
    let order = json!({"plan": short, "by": "ada", "reason": "as agreed"});
    daemon.ask(platform, "/api/v1/approve", Some(&order))
}

/// Returns what people asked for last, once it is known what became of it.
fn settled(daemon: &Daemon, platform: &Platform) -> Value {
    until(daemon, platform, "/api/v1/history", |history| {
        let last = history["interventions"][0].clone();
        last["outcome"].is_object().then_some(last)
    })
}

/// The first cycle learns that one account is in sync. The plan for the other is the same before and after.
#[test]
fn the_first_plan_of_a_daemon_can_be_approved() {
    let platform = platform("ab", "{apply: manual}");
    name_company(&platform, 'b', "old");
    let mut daemon = serve(&platform, "1s");
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    let (status, answer) = approve(&daemon, &platform);
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    daemon.wait_ready('a');
    let last = settled(&daemon, &platform);
    assert_eq!(last["outcome"]["message"], "carried out: 1 step done");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// What the policy only reports is put right when somebody approves exactly that, and who it was stays known.
#[test]
fn an_approval_puts_right_what_heal_report_leaves() {
    let platform = platform("ab", "{heal: report}");
    let mut daemon = serve(&platform, "1s");
    daemon.wait("run", None, "applied");
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    let seen = daemon.ask(&platform, "/api/v1/plan", None).1;
    assert_eq!(
        seen["steps"],
        json!({"next_run": 0, "approval": 1, "nobody": 0}),
        "{seen:#}"
    );
    assert_eq!(seen["objects"][0]["steps"][0]["taken_by"], "approval");
    assert_eq!(seen["obstacle"], Value::Null);
    let (status, answer) = approve(&daemon, &platform);
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .starts_with("1 step will be"),
        "{answer}"
    );
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "new");
    let last = settled(&daemon, &platform);
    assert_eq!(
        (&last["kind"], &last["by"], &last["reason"], &last["plan"]),
        (
            &json!("approve"),
            &json!("ada"),
            &json!("as agreed"),
            &seen["digest"]
        )
    );
    assert_eq!(last["outcome"]["message"], "carried out: 1 step done");
    assert_eq!(last["outcome"]["done"], true);
    // The audit log tells what a policy let go on from what somebody approved.
    let log = std::fs::read_to_string(audit_path(&platform.state())).unwrap();
    let approvers: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["approver"].clone())
        .collect();
    assert_eq!(approvers[0], Value::Null, "{log}");
    let approver = approvers.last().and_then(Value::as_str).unwrap();
    assert!(approver.starts_with("ada, by "), "{approver}");
    let logged = daemon.wait_for_log("approve was asked for");
    assert!(
        logged.contains("ada") && logged.contains("as agreed"),
        "{logged}"
    );
    // What comes later is reported again.
    platform.edit('b', "company_name", "mine");
    daemon.wait("stalled", Some('b'), "drift_reported");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.key('b', "company_name"), "mine");
    // It is known after a restart, too.
    let daemon = serve(&platform, "1s");
    assert_eq!(settled(&daemon, &platform)["by"], "ada");
    platform.stop();
}

/// The answer says why, with a way on that leads on.
#[test]
fn an_approval_while_paused_is_refused_until_somebody_resumes() {
    let platform = platform("a", "{apply: manual}");
    let mut daemon = serve(&platform, "1h");
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    let pause = json!({"reason": "the proxies move", "by": "bob"});
    daemon.ask(&platform, "/api/v1/pause", Some(&pause));
    daemon.wait("pause", None, "paused");
    let (status, answer) = approve(&daemon, &platform);
    assert_eq!(status, StatusCode::CONFLICT);
    let why = "the daemon is paused by bob (the proxies move), and nothing is written; resume it, then look at the plan again and approve it";
    assert_eq!(answer["error"], why);
    let plan = daemon.ask(&platform, "/api/v1/plan", None).1;
    assert_eq!(plan["obstacle"], why, "{plan:#}");
    assert_eq!(platform.sandbox.counts().mutating, 0);
    let resume = json!({"by": "eve", "reason": "they moved"});
    let (status, _) = daemon.ask(&platform, "/api/v1/resume", Some(&resume));
    assert_eq!(status, StatusCode::ACCEPTED);
    daemon.wait("pause", None, "resumed");
    let (status, answer) = approve(&daemon, &platform);
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "new");
    settled(&daemon, &platform);
    let history = daemon.ask(&platform, "/api/v1/history", None).1;
    let told: Vec<String> = (history["interventions"].as_array().unwrap().iter().rev())
        .map(|one| {
            let outcome = one["outcome"]["message"].as_str().unwrap_or("none");
            format!("{} {} {}: {outcome}", one["kind"], one["by"], one["reason"])
        })
        .collect();
    assert_eq!(
        told,
        [
            r#""pause" "bob" "the proxies move": eve resumed"#,
            r#""resume" "eve" "they moved": none"#,
            r#""approve" "ada" "as agreed": carried out: 1 step done"#,
        ]
    );
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// What no approval changes is not offered for one; the remedy that is told helps.
#[test]
fn what_heal_off_and_apply_off_leave_is_not_offered() {
    for (off, on, key, reason) in [
        (
            "{heal: off}",
            "{heal: report}",
            "brandColor",
            "drift_reported",
        ),
        (
            "{apply: off}",
            "{apply: manual}",
            "company_name",
            "awaiting_approval",
        ),
    ] {
        let platform = platform("a", off);
        platform.declare('a', "whitelabel: {company_name: new, brandColor: red}");
        let mut daemon = serve(&platform, "1s");
        if key == "company_name" {
            daemon.wait("stalled", Some('a'), "apply_off");
        } else {
            daemon.wait("run", None, "applied");
            platform.edit('a', key, "blue");
        }
        let plan = until(&daemon, &platform, "/api/v1/plan", |plan| {
            (plan["steps"]["nobody"] == 1).then(|| plan.clone())
        });
        assert_eq!(plan["digest"], Value::Null, "{plan:#}");
        let order = json!({"plan": "0".repeat(64)});
        let (status, answer) = daemon.ask(&platform, "/api/v1/approve", Some(&order));
        assert_eq!(status, StatusCode::CONFLICT);
        let told = answer["error"].as_str().unwrap();
        assert!(told.contains("set heal: report or apply: manual"), "{told}");
        configure(&platform, on);
        daemon.wait("stalled", Some('a'), reason);
        let (status, answer) = approve(&daemon, &platform);
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        daemon.wait_ready('a');
        let expected = if key == "company_name" { "new" } else { "red" };
        assert_eq!(platform.key('a', key), expected);
        assert_eq!(daemon.stop().code(), Some(0));
        platform.stop();
    }
}

/// A pause that comes while steps are carried out lets the one in hand end, and no other begin.
#[test]
fn a_pause_stops_a_run_that_goes_on() {
    use emblazon::sandbox::{Fault, FaultKind};
    let names = "abcdef";
    let platform = platform(names, "{heal: auto, canary: [a]}");
    let path = format!("/v2/accounts/{}/whitelabel", crate::platform::id('a'));
    // The first step takes a while, and the others wait for it.
    let held = FaultKind::DelayMs(3000);
    platform
        .sandbox
        .set_faults(vec![Fault::new("POST", &path, held).times(1)]);
    let mut daemon = serve(&platform, "1h");
    until(&daemon, &platform, "/", |page| {
        let is_writing = page.as_str()?.contains("applying, 0 of 6 steps done");
        is_writing.then_some(Value::Null)
    });
    let pause = json!({"reason": "wrong brand", "by": "bob"});
    daemon.ask(&platform, "/api/v1/pause", Some(&pause));
    daemon.wait("pause", None, "paused");
    let written = names
        .chars()
        .filter(|name| platform.key(*name, "company_name") == "new");
    assert!(written.count() <= 1, "what was in hand, and nothing else");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Somebody changes a brand by hand; the tree's name is never shown for it, nor its picture.
#[test]
fn what_is_live_is_told_apart_from_what_is_declared() {
    let platform = platform("a", "{heal: report}");
    let mut daemon = serve(&platform, "1s");
    daemon.wait("run", None, "applied");
    platform.edit('a', "company_name", "Mallory");
    platform.edit('a', "domain", "mallory.example.com");
    daemon.wait("stalled", Some('a'), "drift_reported");
    let account = daemon.ask(&platform, "/api/v1/accounts/a", None).1;
    assert_eq!(account["declared"]["company"], "new");
    assert_eq!(account["live"]["company"], "Mallory");
    assert_eq!(account["live"]["domain"], "mallory.example.com");
    for path in ["/", "/accounts/a"] {
        let page = daemon.ask(&platform, path, None).1;
        let page = page.as_str().unwrap();
        assert!(page.contains("<bdi>Mallory</bdi>"), "{page}");
        assert!(page.contains("declared name: <bdi>new</bdi>"), "{page}");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Returns an account's part of the plan.
fn part(daemon: &Daemon, platform: &Platform, name: char) -> Value {
    let path = format!("/api/v1/accounts/{name}");
    let account = daemon.ask(platform, &path, None).1;
    account["part"]["digest"].clone()
}

/// Decides about an account's part of the plan.
fn decide(daemon: &Daemon, platform: &Platform, how: &str, order: &Value) -> StatusCode {
    let path = format!("/api/v1/{how}");
    daemon.ask(platform, &path, Some(order)).0
}

/// An approval of one card writes what that card showed, and nothing else; what changed since is refused.
#[test]
fn an_approval_of_one_card_writes_that_card_alone() {
    let platform = platform("abc", "{apply: manual}");
    let mut daemon = serve(&platform, "1h");
    for name in ['a', 'b', 'c'] {
        daemon.wait_unless_said("stalled", Some(name), "awaiting_approval");
    }
    let order = |name: char, plan: &Value| json!({"plan": plan, "account": name, "by": "ada", "reason": "as agreed"});
    // By nobody, by the digest of another card or of the whole plan: none of it counts.
    let nameless = json!({"plan": part(&daemon, &platform, 'b'), "account": "b"});
    for (wrong, expected) in [
        (nameless, StatusCode::UNPROCESSABLE_ENTITY),
        (
            order('b', &part(&daemon, &platform, 'a')),
            StatusCode::CONFLICT,
        ),
        (order('b', &plan(&daemon, &platform)), StatusCode::CONFLICT),
        (order('z', &plan(&daemon, &platform)), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(
            decide(&daemon, &platform, "approve", &wrong),
            expected,
            "{wrong}"
        );
    }
    let seen = part(&daemon, &platform, 'a');
    name_company(&platform, 'a', "newer");
    let now = until(&daemon, &platform, "/api/v1/accounts/a", |account| {
        let part = &account["part"]["digest"];
        (part.is_string() && *part != seen).then(|| part.clone())
    });
    assert_eq!(
        decide(&daemon, &platform, "approve", &order('a', &seen)),
        StatusCode::CONFLICT
    );
    assert_eq!(platform.sandbox.counts().mutating, 0);
    let both = [('a', now), ('b', part(&daemon, &platform, 'b'))];
    for (name, plan) in both {
        let accepted = decide(&daemon, &platform, "approve", &order(name, &plan));
        assert_eq!(accepted, StatusCode::ACCEPTED);
    }
    daemon.wait_ready('a');
    daemon.wait_ready('b');
    assert_eq!(platform.key('a', "company_name"), "newer");
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(platform.key('c', "company_name"), "old");
    let told = until(&daemon, &platform, "/api/v1/history", |history| {
        let all = history["interventions"].as_array()?;
        let told: Vec<String> = (all.iter().rev())
            .map(|one| {
                format!(
                    "{} {} {}",
                    one["object"], one["by"], one["outcome"]["message"]
                )
            })
            .collect();
        (told.iter().all(|one| !one.contains("null"))).then(|| json!(told))
    });
    let done = r#""carried out: 1 step done""#;
    assert_eq!(
        told,
        json!([
            format!(r#""a" "ada" {done}"#),
            format!(r#""b" "ada" {done}"#)
        ])
    );
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.sandbox.counts().mutating, 2);
    platform.stop();
}

/// What somebody rejected is not in the plan that others approve, says so with name and reason, also after a restart,
/// and waits again once something else is planned.
#[test]
fn a_rejection_holds_for_exactly_what_was_shown() {
    let platform = platform("ab", "{apply: manual}");
    let mut daemon = serve(&platform, "1h");
    for name in ['a', 'b'] {
        daemon.wait_unless_said("stalled", Some(name), "awaiting_approval");
    }
    let order = json!({"plan": part(&daemon, &platform, 'a'), "account": "a", "by": "grace", "reason": "old logo"});
    assert_eq!(
        decide(&daemon, &platform, "reject", &order),
        StatusCode::ACCEPTED
    );
    daemon.wait("stalled", Some('a'), "rejected");
    let (status, answer) = approve(&daemon, &platform);
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    daemon.wait_ready('b');
    assert_eq!(platform.key('a', "company_name"), "old");
    assert_eq!(daemon.stop().code(), Some(0));
    let mut daemon = serve(&platform, "1h");
    daemon.wait("stalled", Some('a'), "rejected");
    for path in ["/plan", "/accounts/a"] {
        let page = daemon.ask(&platform, path, None).1;
        let page = page.as_str().unwrap();
        assert!(
            page.contains("<strong>Rejected</strong> by <bdi>grace</bdi>"),
            "{page}"
        );
        assert!(page.contains("old logo"), "{page}");
    }
    let status = daemon.ask(&platform, "/api/v1/status", None).1;
    assert_eq!(status["alerts"], json!([]), "{status:#}");
    assert_eq!(status["plan"], Value::Null, "{status:#}");
    name_company(&platform, 'a', "newer");
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    assert_eq!(platform.key('a', "company_name"), "old");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Drift that somebody leaves for a while is not even healed by `heal: auto`, until it is approved or changes again.
#[test]
fn what_is_put_off_stays_until_then() {
    let platform = platform("ab", "{heal: report}");
    let mut daemon = serve(&platform, "1s");
    daemon.wait("run", None, "applied");
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    let mut order = json!({"plan": part(&daemon, &platform, 'a'), "account": "a", "by": "ada", "until": "2000-01-01T00:00:00Z"});
    assert_eq!(
        decide(&daemon, &platform, "put-off", &order),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    order["until"] = json!(tomorrow.to_string());
    // An approval or a rejection has no end, so whoever gives one means something else.
    for decision in ["approve", "reject"] {
        let answer = decide(&daemon, &platform, decision, &order);
        assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY, "{decision}");
    }
    assert_eq!(
        decide(&daemon, &platform, "put-off", &order),
        StatusCode::ACCEPTED
    );
    daemon.wait("stalled", Some('a'), "put_off");
    configure(&platform, "{heal: auto}");
    platform.edit('b', "company_name", "mine");
    daemon.wait_ready('b');
    until(&daemon, &platform, "/", |_| {
        (platform.key('b', "company_name") == "new").then_some(Value::Null)
    });
    assert_eq!(platform.key('a', "company_name"), "mine");
    // Something else by hand is something that nobody has put off.
    platform.edit('a', "company_name", "other");
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// However many accounts wait, it is one alert.
#[test]
fn accounts_that_wait_for_one_approval_are_one_alert() {
    let platform = platform("abcdef", "{apply: manual}");
    let mut daemon = serve(&platform, "1h");
    daemon.wait("stalled", Some('f'), "awaiting_approval");
    let alerts = until(&daemon, &platform, "/api/v1/status", |status| {
        let alerts = status["alerts"].clone();
        alerts
            .as_array()
            .is_some_and(|alerts| !alerts.is_empty())
            .then_some(alerts)
    });
    assert_eq!(alerts.as_array().map(Vec::len), Some(1), "{alerts:#}");
    assert_eq!(alerts[0]["kind"], "approval");
    let message = alerts[0]["message"].as_str().unwrap();
    assert!(message.starts_with("6 objects (plan "), "{message}");
    assert!(
        message.contains("becomes “new” (currently “old”)"),
        "{message}"
    );
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Two accounts that swap their domains are one change, whichever card somebody looks at.
#[test]
fn what_belongs_together_is_not_approved_by_halves() {
    let platform = platform("ab", "{apply: manual}");
    for (name, domain) in [('a', 'b'), ('b', 'a')] {
        let declared = format!("whitelabel: {{company_name: new, domain: {domain}.example.com}}");
        platform.declare(name, &declared);
    }
    let mut daemon = serve(&platform, "1h");
    for name in ['a', 'b'] {
        daemon.wait_unless_said("stalled", Some(name), "awaiting_approval");
    }
    let parts: Vec<Value> = ["a", "b"]
        .map(|name| {
            let path = format!("/api/v1/accounts/{name}");
            daemon.ask(&platform, &path, None).1["part"].clone()
        })
        .into();
    assert!(
        parts.iter().any(|part| part["alone"] == false),
        "{parts:#?}"
    );
    for (name, part) in ["a", "b"].into_iter().zip(&parts) {
        if part["alone"] == true {
            continue;
        }
        let order = json!({"plan": part["digest"], "account": name, "by": "ada"});
        let (status, answer) = daemon.ask(&platform, "/api/v1/approve", Some(&order));
        assert_eq!(status, StatusCode::CONFLICT);
        let told = answer["error"].as_str().unwrap();
        assert!(told.contains("approve the whole plan"), "{told}");
    }
    assert_eq!(platform.sandbox.counts().mutating, 0);
    // The way that the refusal tells leads on.
    let (status, answer) = approve(&daemon, &platform);
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    daemon.wait_ready('a');
    daemon.wait_ready('b');
    assert_eq!(platform.key('a', "domain"), "b.example.com");
    assert_eq!(platform.key('b', "domain"), "a.example.com");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
