//! What people order: approval, pauses, another configuration, who goes first, and what may be taken away.

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use super::daemon::{Daemon, browser, command, name_company, platform};
use crate::platform::Platform;

/// Starts a daemon that looks at accounts that often, and can be asked.
pub(super) fn serve(platform: &Platform, interval: &str) -> Daemon {
    let arguments = ["--interval", interval, "--listen", "127.0.0.1:0"];
    Daemon::serving(command(platform, &arguments))
}

pub(super) fn plan(daemon: &Daemon, platform: &Platform) -> Value {
    daemon.ask(platform, "/api/v1/plan", None).1["digest"].clone()
}

/// Asks until an answer holds what is looked for; each change of the daemon's is there to be asked for at once.
pub(super) fn until(
    daemon: &Daemon,
    platform: &Platform,
    path: &str,
    found: impl Fn(&Value) -> Option<Value>,
) -> Value {
    let mut last = Value::Null;
    for _ in 0..100_000 {
        last = daemon.ask(platform, path, None).1;
        if let Some(found) = found(&last) {
            return found;
        }
    }
    panic!("{path} stays {last:#}")
}

#[test]
fn what_waits_is_applied_when_exactly_that_is_approved() {
    let platform = platform("ab", "{apply: manual}");
    let mut daemon = serve(&platform, "1h");
    for name in ['a', 'b'] {
        daemon.wait_unless_said("stalled", Some(name), "awaiting_approval");
    }
    let seen = plan(&daemon, &platform);
    assert!(seen.is_string(), "{seen}");
    // Another plan is there by the time that somebody approves.
    name_company(&platform, 'a', "newer");
    daemon.wait("commit", None, "none");
    let (status, answer) = daemon.ask(
        &platform,
        "/api/v1/approve",
        Some(&json!({"plan": seen, "by": "ada"})),
    );
    if status == StatusCode::ACCEPTED {
        // It was approved before the tree was read: the loop compares again, and takes nothing else for it.
        assert_eq!(platform.key('a', "company_name"), "old");
    } else {
        assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    }
    let other = json!({"plan": "0".repeat(64)});
    let (status, _) = daemon.ask(&platform, "/api/v1/approve", Some(&other));
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(platform.sandbox.counts().mutating, 0);
    let now = until(&daemon, &platform, "/api/v1/plan", |plan| {
        (plan["digest"] != seen).then(|| json!({"plan": plan["digest"], "by": "ada"}))
    });
    let (status, _) = daemon.ask(&platform, "/api/v1/approve", Some(&now));
    assert_eq!(status, StatusCode::ACCEPTED);
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "newer");
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(platform.sandbox.counts().mutating, 2);
    // What comes later waits again.
    name_company(&platform, 'b', "later");
    daemon.wait("stalled", Some('b'), "awaiting_approval");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.key('b', "company_name"), "new");
    platform.stop();
}

/// The form of the dashboard, as a browser without scripts sends it; and as a page of somebody else would.
#[test]
fn the_form_approves_and_no_other_page_can() {
    let platform = platform("a", "{apply: manual}");
    let mut daemon = serve(&platform, "1h");
    daemon.wait("stalled", Some('a'), "awaiting_approval");
    let client = browser();
    let (cookie, page) = platform.block_on(async {
        let answer = client.get(format!("{}/plan", daemon.url())).send().await;
        let answer = answer.unwrap();
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        (cookie, answer.text().await.unwrap())
    });
    let field = |name: &str| {
        let (_, rest) = page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let send = |form: &str, cookie: &str, origin: &str, by: &str| {
        let fields = [
            ("form", form),
            ("back", "/plan"),
            ("plan", &field("plan")),
            ("by", by),
            ("reason", "as agreed"),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = (client.post(format!("{}/approve", daemon.url())))
            .header("content-type", "application/x-www-form-urlencoded")
            .header(COOKIE, cookie)
            .header("origin", origin)
            .body(body);
        platform.block_on(async { request.send().await.unwrap().status() })
    };
    let form = field("form");
    let cookie = cookie.split(';').next().unwrap();
    let own = daemon.url().to_owned();
    assert_eq!(send("", cookie, &own, "ada"), StatusCode::FORBIDDEN);
    assert_eq!(send(&form, "", &own, "ada"), StatusCode::FORBIDDEN);
    assert_eq!(
        send(&form, cookie, "https://evil.example.com", "ada"),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        send(&form, cookie, &own, " "),
        StatusCode::UNPROCESSABLE_ENTITY,
        "somebody has to answer for it"
    );
    assert_eq!(platform.sandbox.counts().mutating, 0);
    assert_eq!(send(&form, cookie, &own, "ada"), StatusCode::SEE_OTHER);
    let told = daemon.wait("order", None, "approve");
    let message = told["message"].as_str().unwrap();
    assert!(message.starts_with("ada approved plan "), "{message}");
    assert!(message.ends_with(": as agreed"), "{message}");
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// It holds over a restart, and its end needs nobody.
#[test]
fn a_pause_holds_and_ends_by_itself() {
    let platform = platform("a", "{heal: auto}");
    let mut daemon = serve(&platform, "1h");
    daemon.wait("run", None, "applied");
    let order = json!({"reason": "the proxies move", "minutes": 30});
    let (status, _) = daemon.ask(&platform, "/api/v1/pause", Some(&order));
    assert_eq!(status, StatusCode::ACCEPTED);
    daemon.wait("pause", None, "paused");
    name_company(&platform, 'a', "held");
    daemon.wait("stalled", Some('a'), "paused");
    assert_eq!(daemon.stop().code(), Some(0));
    let mut daemon = serve(&platform, "1h");
    daemon.wait("stalled", Some('a'), "paused");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.key('a', "company_name"), "new");
    // Half an hour goes by while nobody runs, but for a moment.
    let file = platform.state().join("watch/pause.json");
    let kept = std::fs::read_to_string(&file).unwrap();
    let (_, kept) = kept.split_once(' ').unwrap();
    let mut pause: Value = serde_json::from_str(kept).unwrap();
    let until = Timestamp::now() + SignedDuration::from_secs(2);
    pause["until"] = json!(until.to_string());
    std::fs::write(&file, pause.to_string()).unwrap();
    let mut daemon = serve(&platform, "1h");
    daemon.wait("run", None, "applied");
    assert!(Timestamp::now() >= until, "not before its time");
    assert_eq!(platform.key('a', "company_name"), "held");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn a_signal_brings_another_configuration_and_a_bad_one_changes_nothing() {
    let platform = platform("a", "{heal: auto}");
    let write = |text: &str| {
        let fixed = "source: {folder: .}\nstate: .emblazon\nconfirm_after: 1s\nhttp: {listen: \"127.0.0.1:0\"}\n";
        platform.write("daemon.yaml", &format!("{fixed}{text}\n"));
    };
    write("interval: 1h");
    let mut command = platform.command(&["watch", "--config", "daemon.yaml"]);
    command.env_remove("EMBLAZON_API");
    let mut daemon = Daemon::serving(command);
    daemon.wait("run", None, "applied");
    write("intervall: 1s");
    daemon.signal("-HUP");
    let told = daemon.wait_for_log("the configuration stays as it was");
    assert!(told.contains("did you mean interval?"), "{told}");
    until(&daemon, &platform, "/api/v1/status", |status| {
        status
            .to_string()
            .contains("bad_config")
            .then_some(Value::Null)
    });
    write("interval: 1s\nalerts: {confirmations: 5}\nlease: {skew: 2s}");
    daemon.signal("-HUP");
    daemon.wait_for_log("key=\"alerts\"");
    daemon.wait_for_log("key=\"lease\"");
    daemon.wait_for_log("the configuration was read anew");
    // A first look follows the signal itself; a second one only the interval.
    for company in ["first", "second"] {
        platform.edit('a', "company_name", company);
        daemon.wait("reconciling", Some('a'), "confirming");
        daemon.wait_ready('a');
        assert_eq!(platform.key('a', "company_name"), "new");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Every mistake stands with its line on lines of its own, and nothing begins.
#[test]
fn a_file_with_mistakes_starts_nothing() {
    let platform = platform("a", "{heal: auto}");
    let text = "source: {folder: .}\nstate: .emblazon\ninterval: 10\nleas: {}\n";
    platform.write("daemon.yaml", text);
    let output = platform.run(&["watch", "--config", "daemon.yaml"]);
    assert_eq!(output.status.code(), Some(64));
    let told = crate::cli::stderr(&output);
    for line in [
        "daemon.yaml:3:11: interval: \"10\" is no span of time",
        "3 | interval: 10",
        "daemon.yaml:4:1: unknown key leas",
        "  help: did you mean lease?",
        "error: daemon.yaml has 2 mistakes, and nothing was started",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    assert_eq!(platform.sandbox.counts().mutating, 0);
    platform.stop();
}

#[test]
fn an_account_that_the_tree_lost_goes_only_with_prune() {
    for (watch, is_kept) in [("{heal: auto}", true), ("{heal: auto, prune: true}", false)] {
        let platform = platform("ab", watch);
        let mut daemon = serve(&platform, "1h");
        daemon.wait_ready('a');
        daemon.wait_unless_said("ready", Some('b'), "in_sync");
        std::fs::remove_dir_all(platform.folder().join("accounts/b")).unwrap();
        daemon.wait("commit", None, "none");
        if is_kept {
            // The next change is applied after what went was looked at.
            name_company(&platform, 'a', "newer");
        }
        daemon.wait("run", None, "applied");
        assert_eq!(daemon.stop().code(), Some(0));
        assert_eq!(platform.live('b').is_some(), is_kept, "{watch}");
        platform.stop();
    }
}

/// What would take away more than the guards let go, stays.
#[test]
fn prune_stops_at_the_guards() {
    let platform = platform("abc", "{prune: true}");
    let mut daemon = serve(&platform, "1h");
    for name in "abc".chars() {
        daemon.wait_unless_said("ready", Some(name), "in_sync");
    }
    let url = platform.sandbox.url();
    platform.write(
        "emblazon.yaml",
        &format!("clusters: {{production: {{api: \"{url}\"}}}}\nwatch: {{prune: true}}\npolicy: {{max_deletions: 1}}\n"),
    );
    daemon.wait("commit", None, "none");
    for name in ["b", "c"] {
        std::fs::remove_dir_all(platform.folder().join("accounts").join(name)).unwrap();
    }
    daemon.wait("commit", None, "none");
    let refusals = until(&daemon, &platform, "/api/v1/status", |status| {
        let refusals = status["refusals"].clone();
        (refusals != json!([])).then_some(refusals)
    });
    assert!(refusals.to_string().contains("deletion"), "{refusals}");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(platform.live('b').is_some() && platform.live('c').is_some());
    platform.stop();
}

/// The first account alone; when it does not succeed, no other is begun.
#[test]
fn who_goes_first_goes_alone_and_a_failure_stops_the_rest() {
    use emblazon::sandbox::{Fault, FaultKind};
    let platform = platform("abc", "{canary: [b]}");
    let path = format!("/v2/accounts/{}/whitelabel", crate::platform::id('b'));
    platform.sandbox.set_faults(vec![
        Fault::new("POST", &path, FaultKind::Status(400)).times(u32::MAX),
    ]);
    let mut daemon = serve(&platform, "1h");
    daemon.wait("run", None, "failed");
    assert_eq!(platform.key('a', "company_name"), "old");
    assert_eq!(platform.key('c', "company_name"), "old");
    platform.sandbox.set_faults(Vec::new());
    let (status, _) = daemon.ask(&platform, "/api/v1/resync", Some(&json!({})));
    assert_eq!(status, StatusCode::ACCEPTED);
    while platform.key('c', "company_name") != "new" || platform.key('a', "company_name") != "new" {
        daemon.wait("run", None, "");
    }
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// What a daemon did so far.
struct Effort {
    compared: u64,
    plans: u64,
    turns: u64,
}

fn effort(daemon: &Daemon, platform: &Platform) -> Effort {
    let (_, metrics) = daemon.ask(platform, "/metrics", None);
    let metrics = metrics.as_str().unwrap().to_owned();
    let count = |name: &str| {
        let mut lines = metrics.lines();
        let count = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        count.unwrap().parse().unwrap()
    };
    let (_, status) = daemon.ask(platform, "/api/v1/status", None);
    Effort {
        compared: count("emblazon_accounts_compared_total"),
        plans: count("emblazon_plans_total"),
        turns: status["last_run"]["number"].as_u64().unwrap_or_default(),
    }
}

/// Waits for so many turns more.
fn turn_on(daemon: &Daemon, platform: &Platform, turns: u64) {
    let until_then = effort(daemon, platform).turns + turns;
    until(daemon, platform, "/api/v1/status", |status| {
        let number = status["last_run"]["number"].as_u64().unwrap_or_default();
        (number >= until_then).then_some(Value::Null)
    });
}

/// A turn in which nothing moved compares no account and plans nothing, however many there are; one that finds something
/// compares what moved.
#[test]
fn a_quiet_turn_costs_what_it_reads() {
    let platform = platform("abcdef", "{heal: auto}");
    let mut daemon = serve(&platform, "1s");
    daemon.wait("run", None, "applied");
    // By then all were read once more.
    turn_on(&daemon, &platform, 4);
    let (before, asked) = (effort(&daemon, &platform), platform.sandbox.counts().total);
    turn_on(&daemon, &platform, 4);
    let after = effort(&daemon, &platform);
    assert_eq!(
        (after.compared, after.plans),
        (before.compared, before.plans)
    );
    assert!(platform.sandbox.counts().total > asked, "it read");
    let mut heal = || {
        let before = effort(&daemon, &platform);
        platform.edit('c', "company_name", "mine");
        daemon.wait("reconciling", Some('c'), "confirming");
        daemon.wait_ready('c');
        assert_eq!(platform.key('c', "company_name"), "new");
        let after = effort(&daemon, &platform);
        assert!(after.plans > before.plans, "it was planned");
        after.compared - before.compared
    };
    // At the first time, all are compared with what was applied in the meantime.
    heal();
    // It was read when it differed, when that was confirmed, before it was put right, and after that.
    let compared = heal();
    assert!((2..=4).contains(&compared), "{compared} for one of six");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// What waits for people disturbs the turns that read it, and no other.
#[test]
fn what_waits_for_people_leaves_the_others_quiet() {
    let platform = platform("abcdef", "{heal: auto}");
    let reported = "whitelabel: {company_name: new}\nwatch: {heal: report}";
    platform.declare('f', reported);
    let mut daemon = serve(&platform, "1s");
    daemon.wait("run", None, "applied");
    platform.edit('f', "company_name", "mine");
    daemon.wait("stalled", Some('f'), "drift_reported");
    turn_on(&daemon, &platform, 2);
    let before = effort(&daemon, &platform);
    turn_on(&daemon, &platform, 30);
    let after = effort(&daemon, &platform);
    let (plans, turns) = (after.plans - before.plans, after.turns - before.turns);
    assert!(plans > 0, "it is still looked at");
    // It is read in about every sixth turn.
    assert!(plans < turns / 2, "{plans} in {turns} turns");
    assert_eq!(after.compared, before.compared);
    assert_eq!(platform.key('f', "company_name"), "mine");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
