//! Rules of the house: what they hold back, what is said of it, and how they are tried.

use serde_json::{Value, json};

use crate::base::{ACME, World};
use crate::cli::{check_exit, stderr, stdout};
use crate::cli_platform::fits;

const RULES: &str = "clusters: { production: {} }
extra_keys: [theirs]
policy:
  rules:
    names-are-approved:
      check: |
        !changes.exists(c, c.key == 'whitelabel.company_name') || 'approved' in account.labels
      message: a change of the name needs the label approved
    no-red:
      check: changes.all(c, c.after != 'red')
      message: red is taken
";

fn ruled() -> World {
    let world = World::new();
    world.write("emblazon.yaml", RULES);
    world.write(
        "accounts/beta/account.yaml",
        &format!(
            "account: {}\nlabels: {{ approved: by-ada }}\nwhitelabel: {{ company_name: Beta Voice }}\n",
            crate::base::BETA
        ),
    );
    world.commit("rules");
    world
}

#[test]
fn a_change_against_a_rule_is_left_out_and_others_go_on() {
    let world = ruled();
    let plan = world.run(&["plan"]);
    check_exit(&plan, 5);
    let text = stdout(&plan).replace('\n', " ").replace("      ", "");
    for words in [
        "acme: a change of the name needs the label approved",
        "rule names-are-approved",
        "emblazon.yaml:5:5",
        "plan --allow rule",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let report = world.report(&["plan"]);
    fits("report.schema.json", &report);
    assert!(
        report.to_string().contains("\"guard\":\"rule\""),
        "{report}"
    );
    // The other account is written, and the base stays.
    check_exit(&world.run(&["apply", "--yes"]), 5);
    assert_eq!(
        world.live(crate::base::BETA).unwrap()["company_name"],
        "Beta Voice"
    );
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme");
    assert_eq!(world.applied(), None);
    // The first remedy: what the rule asks for. Then the second rule holds.
    let labelled = |colour: &str| {
        world.write(
            "accounts/acme/account.yaml",
            &format!("account: {ACME}\nlabels: {{ approved: by-ada }}\nwhitelabel: {{ company_name: Acme Voice, brandColor: {colour} }}\n"),
        );
        world.commit("label");
    };
    labelled("red");
    let plan = world.run(&["plan"]);
    check_exit(&plan, 5);
    assert!(stdout(&plan).contains("red is taken"), "{}", stdout(&plan));
    // The other one: exactly this plan is allowed.
    let allowed = world.report(&["plan", "--allow", "rule"]);
    let digest = allowed["plan"].as_str().unwrap().to_owned();
    check_exit(
        &world.run(&["apply", "--yes", "--allow", "rule", "--expect", &digest]),
        0,
    );
    assert_eq!(world.live(ACME).unwrap()["brandColor"], "red");
    labelled("blue");
    check_exit(&world.run(&["apply", "--yes"]), 0);
    assert_eq!(world.applied(), Some(world.head()));
}

#[test]
fn rules_are_tried_without_a_platform() {
    let world = ruled();
    let case = "cases:
  - name: a new name without approval
    rule: names-are-approved
    change: { changes: [{ key: whitelabel.company_name, before: A, after: B }] }
    expect: refused
  - name: a new name with approval
    change: { account: { labels: { approved: by-ada } }, changes: [{ key: whitelabel.company_name, after: B }] }
    expect: allowed
";
    world.write("policy-tests.yaml", case);
    let sent = world.sandbox.counts().total;
    let tried = world.run(&["policy", "test"]);
    check_exit(&tried, 0);
    insta::assert_snapshot!(stdout(&tried), @r"
    ok      a new name without approval: refused
            names-are-approved (emblazon.yaml:5:5): a change of the name needs the label approved
    ok      a new name with approval: allowed
    2 cases, 0 failed
    ");
    assert!(
        stderr(&tried).contains("no case is refused by no-red"),
        "{}",
        stderr(&tried)
    );
    world.write(
        "policy-tests.yaml",
        &case.replace("expect: allowed", "expect: refused"),
    );
    let failed = world.run(&["policy", "test"]);
    check_exit(&failed, 1);
    assert!(
        stdout(&failed).contains("FAILED  a new name with approval: allowed, expected refused"),
        "{}",
        stdout(&failed)
    );
    let report: Value = world.report(&["policy", "test"]);
    assert_eq!(report["cases"][1]["passed"], json!(false));
    assert_eq!(
        report["cases"][0]["refused_by"][0]["place"],
        "emblazon.yaml:5:5"
    );
    assert_eq!(report["never_refusing"], json!(["no-red"]));
    world.write(
        "policy-tests.yaml",
        &case.replace("rule: names", "rule: nemes"),
    );
    let unknown = world.run(&["policy", "test"]);
    check_exit(&unknown, 64);
    assert!(
        stderr(&unknown).contains("which policy.rules does not have"),
        "{}",
        stderr(&unknown)
    );
    world.write("policy-tests.yaml", "cases: [{ name: x }]\n");
    check_exit(&world.run(&["policy", "test"]), 64);
    std::fs::remove_file(world.clone.join("policy-tests.yaml")).unwrap();
    let none = world.run(&["policy", "test"]);
    check_exit(&none, 64);
    assert!(
        stderr(&none).contains("name their file with --cases"),
        "{}",
        stderr(&none)
    );
    world.write("emblazon.yaml", &RULES.replace("c.after", "c.efter"));
    let wrong = world.run(&["policy", "test"]);
    check_exit(&wrong, 3);
    assert_eq!(world.sandbox.counts().total, sent, "no platform is asked");
}

/// What goes because the key above it goes is seen, too.
#[test]
fn a_rule_sees_what_goes_with_the_key_above() {
    let world = World::new();
    let rules = "clusters: { production: {} }\nextra_keys: [theirs]\npolicy: { rules: { help-stays: { check: \"!changes.exists(c, c.key == 'whitelabel.nav.help')\", message: the help link stays } } }\n";
    world.write("emblazon.yaml", rules);
    world.account(
        "acme",
        ACME,
        "company_name: Acme, brandColor: red, nav: null",
    );
    world.commit("no links");
    world.sandbox.world().edit_settings(ACME, |settings| {
        let links = json!({"help": "https://acme.example", "learn_more": "https://acme.example"});
        settings.insert("nav".to_owned(), links);
    });
    let plan = world.run(&["plan"]);
    check_exit(&plan, 5);
    let text = stdout(&plan);
    assert!(text.contains("the help link stays"), "{text}");
}
