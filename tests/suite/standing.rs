//! Invariant 10: done, failed, unknown and not begun are four words with four counts, and every format, the history and
//! the exit code follow from one standing.

use serde_json::{Value, json};

use crate::cli::{check_exit, stdout};
use crate::platform::Platform;

/// One failed, five never begun: each format says so, and none says "6 failed".
#[test]
fn every_format_counts_the_same() {
    let platform = Platform::renamed("abcdef", "{}");
    refuse(&platform, 'a');
    let file = |name: &str| platform.folder().join(name).display().to_string();
    let formats = ["json", "markdown", "sarif", "junit", "html", "github"];
    let mut command = vec!["apply".to_owned(), "--yes".to_owned()];
    command.extend(["--canary".to_owned(), "a".to_owned()]);
    for format in formats {
        command.push("--output".to_owned());
        command.push(format!("{format}={}", file(format)));
    }
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = platform.run(&command);
    check_exit(&output, 1);
    let text = stdout(&output);
    assert!(
        text.contains("Applied: 0 of 6 steps; 1 failed; 5 not begun"),
        "{text}"
    );
    let lines = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((lines("FAILED"), lines("not begun")), (1, 1), "{text}");
    assert!(
        text.contains("not begun  5 × update on 5 objects: a, which goes first, failed"),
        "{text}"
    );
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();

    let report: Value = serde_json::from_str(&read("json")).unwrap();
    let four = json!({"done": 0, "failed": 1, "unknown": 0, "not_begun": 5});
    assert_eq!(report["summary"]["outcomes"], four);
    assert_eq!(report["summary"]["failed"], 1);
    assert_eq!(report["accounts"][0]["status"], "failed");
    assert_eq!(report["accounts"][1]["status"], "not_begun");
    let step = &report["accounts"][1]["steps"][0];
    assert_eq!(step["standing"], "not_begun");
    assert_eq!(step["outcome"]["halt"], "failure");

    let markdown = read("markdown");
    assert_eq!(markdown.matches("**failed**").count(), 1, "{markdown}");
    assert_eq!(markdown.matches("**not begun**").count(), 1, "{markdown}");
    assert!(markdown.contains("5 × update on 5 objects"), "{markdown}");

    let sarif = read("sarif");
    let results = |rule: &str| sarif.matches(&format!("\"ruleId\": \"{rule}\"")).count();
    assert_eq!((results("step-failed"), results("step-not-begun")), (1, 1));

    let junit = read("junit");
    assert!(
        junit.contains(r#"name="platform" tests="6" failures="1" errors="0" skipped="5""#),
        "{junit}"
    );

    let html = read("html");
    for figure in ["<dt>failed</dt><dd>1</dd>", "<dt>not begun</dt><dd>5</dd>"] {
        assert!(html.contains(figure), "{figure}");
    }
    assert!(html.contains("5 × update"));

    let github = read("github");
    assert_eq!(github.matches("title=step-failed").count(), 1, "{github}");
    assert_eq!(
        github.matches("title=step-not-begun").count(),
        1,
        "{github}"
    );

    let listed = stdout(&platform.run(&["history"]));
    let told = "0 of 6 steps done, 1 failed, 5 not begun  stopped: after a failure";
    assert!(listed.contains(told), "{listed}");
    let list = platform.report(&["history"]);
    let run = &list["runs"][0];
    let counts = ["done", "failed", "unknown", "not_begun"].map(|name| run[name].clone());
    assert_eq!(counts, [0, 1, 0, 5].map(Value::from));
    assert_eq!(
        (&run["state"], &run["halt"]),
        (&json!("stopped"), &json!("failure"))
    );
    let name = platform.runs().remove(0);
    let shown = stdout(&platform.run(&["history", "show", &name]));
    assert!(shown.contains("1 failed; 5 not begun"), "{shown}");
    platform.stop();
}

/// An object that moved since the plan was left alone: that is no failure, and a person must look.
#[test]
fn what_moved_is_not_begun_and_not_failed() {
    let platform = Platform::renamed("a", "{}");
    let plan = platform.folder().join("saved.plan").display().to_string();
    check_exit(&platform.run(&["plan", "--out", &plan]), 2);
    platform.edit('a', "brandColor", "green");
    let output = platform.run(&["apply", &plan, "--yes"]);
    check_exit(&output, 5);
    let text = stdout(&output);
    assert!(text.contains("Applied: 0 of 1 step; 1 not begun"), "{text}");
    assert!(
        text.contains("not begun  a update: the plan saw "),
        "{text}"
    );
    platform.stop();
}

/// Each format says at the step that was to claim a domain that nobody reaches the brand now; the next apply brings it
/// back.
#[test]
fn every_report_tells_of_a_brand_with_a_parked_domain() {
    let platform = Platform::renamed("ab", "{}");
    platform.declare('a', "whitelabel: {domain: b.example.com}");
    platform.declare('b', "whitelabel: {domain: a.example.com}");
    refuse(&platform, 'b');
    let file = |name: &str| platform.folder().join(name).display().to_string();
    let formats = ["json", "markdown", "sarif", "junit", "html", "github"];
    let outputs = formats.map(|format| format!("--output={format}={}", file(format)));
    let mut command = vec!["apply", "--yes"];
    command.extend(outputs.iter().map(String::as_str));
    let output = platform.run(&command);
    check_exit(&output, 4);
    let text = stdout(&output);
    let (_, behind) = text.split_once("done       a release domain\n").unwrap();
    let (behind, _) = behind.split_once("\n\n").unwrap();
    insta::assert_snapshot!(behind, @r#"
    FAILED     b update: the server did not understand the request: unknown failure; nothing was
               changed; check that the URL is that of a Kazoo API; run again with -vv and look for a
               proxy that rewrites
    not begun  a update: b update did not succeed
               note: nobody reaches this brand now: it gave up a.example.com, and does not have
               b.example.com yet; the next apply claims b.example.com
    "#);
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    for format in formats {
        assert!(
            read(format).contains("nobody reaches this brand now"),
            "{format}"
        );
    }
    let report: Value = serde_json::from_str(&read("json")).unwrap();
    let notes = &report["accounts"][0]["steps"][1]["notes"];
    insta::assert_snapshot!(notes, @r#"["nobody reaches this brand now: it gave up a.example.com, and does not have b.example.com yet; the next apply claims b.example.com"]"#);
    platform.sandbox.set_faults(Vec::new());
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    assert_eq!(platform.key('a', "domain"), "b.example.com");
    platform.stop();
}

/// Has the platform refuse what is written to one account.
pub(crate) fn refuse(platform: &Platform, name: char) {
    let faults = format!(
        "[{{method: POST, path: '/v2/accounts/{name}*/whitelabel', times: 999, fault: {{status: 400}}}}]"
    );
    let faults = emblazon::sandbox::Fault::parse_list(&faults).unwrap();
    platform.sandbox.set_faults(faults);
}
