//! What is to stay stays: `--no-remove` and `policy.remove`, as users meet them.

use serde_json::{Value, json};

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};

impl World {
    /// Applies all, then drops a key of one account and changes another.
    fn dropped(&self) -> String {
        self.apply();
        self.account("acme", ACME, "company_name: Acme");
        self.commit("drop the colour")
    }

    fn policy(&self, policy: &str) {
        let text = format!(
            "clusters: {{ production: {{}} }}\nextra_keys: [theirs]\npolicy: {{ {policy} }}\n"
        );
        self.write("emblazon.yaml", &text);
        self.commit("another policy");
    }

    fn colour(&self) -> Value {
        self.live(ACME).unwrap()["brandColor"].clone()
    }
}

/// Every format says what is kept, with counts that add up.
#[test]
fn what_would_go_is_shown_as_kept_in_every_format() {
    let world = World::new();
    world.dropped();
    let formats = [
        "text", "json", "markdown", "html", "sarif", "junit", "github",
    ];
    let files: Vec<String> = (formats.iter())
        .flat_map(|format| ["--output".to_owned(), format!("{format}=report.{format}")])
        .collect();
    let mut arguments = vec!["plan", "--no-remove"];
    arguments.extend(files.iter().map(String::as_str));
    let plan = world.run(&arguments);
    check_exit(&plan, 2);
    let text = stdout(&plan);
    assert!(text.contains("kept as it is\n"), "{text}");
    assert!(text.contains("1 in sync; 1 difference kept"), "{text}");
    for format in formats {
        let file = world.clone.join(format!("report.{format}"));
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        if format == "json" {
            let report: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(report["summary"]["kept"], 1);
            assert_eq!(report["summary"]["steps"], 1);
            let kept = &report["accounts"][0]["kept"][0];
            assert_eq!(
                (&kept["key"], &kept["reason"], &kept["before"]["value"]),
                (&json!("brandColor"), &json!("no_remove"), &json!("red"))
            );
            continue;
        }
        for words in ["brandColor", "kept: --no-remove"] {
            assert!(text.contains(words), "{words} in {format}: {text}");
        }
    }
}

/// What is kept is still to be removed: the base stays, and a run without the option removes it.
#[test]
fn a_run_that_removes_nothing_does_the_rest() {
    let world = World::new();
    world.dropped();
    let before = world.applied();
    let applied = world.run(&["apply", "--yes", "--no-remove"]);
    check_exit(&applied, 0);
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme");
    assert_eq!(world.colour(), "red");
    assert_eq!(world.applied(), before);
    let said = "the base stays as it was: --no-remove left what is to be removed";
    assert!(stderr(&applied).contains(said), "{}", stderr(&applied));
    let again = world.run(&["plan", "--no-remove"]);
    check_exit(&again, 0);
    let text = stdout(&again);
    assert!(
        text.contains(
            "nothing to do; 1 in sync; 1 in sync but for what is kept; 1 difference kept"
        ),
        "{text}"
    );
    check_exit(&world.run(&["plan"]), 2);
    world.apply();
    assert_eq!(world.colour(), Value::Null);
    assert_eq!(world.applied(), Some(world.head()));
}

/// A saved plan removes nothing either, and neither option can be added to it.
#[test]
fn a_saved_plan_that_removes_nothing_stays_so() {
    let world = World::new();
    world.dropped();
    check_exit(
        &world.run(&["plan", "--no-remove", "--out", "careful.plan"]),
        2,
    );
    let more = world.run(&["apply", "careful.plan", "--yes", "--no-remove"]);
    check_exit(&more, 64);
    assert!(
        stderr(&more).contains("`plan --no-remove`"),
        "{}",
        stderr(&more)
    );
    let shown = stdout(&world.run(&["show", "careful.plan"]));
    assert!(
        shown.contains("it removes nothing: it was made with --no-remove"),
        "{shown}"
    );
    check_exit(&world.run(&["apply", "careful.plan", "--yes"]), 0);
    assert_eq!(world.colour(), "red");
    let both = world.run(&["plan", "--no-remove", "--prune"]);
    check_exit(&both, 64);
}

/// `never` is for good: the base moves on, and no option lifts it.
#[test]
fn a_policy_that_never_removes_keeps_keys_and_whitelabels() {
    let world = World::new();
    world.policy("remove: never");
    world.dropped();
    std::fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    world.commit("beta leaves");
    let plan = world.run(&["plan", "--prune"]);
    check_exit(&plan, 2);
    let text = stdout(&plan);
    assert!(text.contains("beta: whitelabel"), "{text}");
    assert!(text.contains("2 differences kept"), "{text}");
    check_exit(&world.run(&["apply", "--yes", "--prune"]), 0);
    assert_eq!(world.colour(), "red");
    assert!(world.live(BETA).is_some());
    assert_eq!(world.applied(), Some(world.head()));
    check_exit(&world.run(&["plan"]), 0);
}

/// By kind; and what the refusal says is done to its end.
#[test]
fn a_key_is_removed_once_somebody_asks() {
    let world = World::new();
    world.policy("remove: { keys: ask, whitelabels: allowed }");
    world.dropped();
    let refused = world.run(&["plan"]);
    check_exit(&refused, 5);
    let text = stdout(&refused);
    assert!(
        text.contains("brandColor would be removed, and policy.remove.keys says to ask"),
        "{text}"
    );
    for remedy in ["--forget acme:whitelabel.brandColor", "--allow remove"] {
        assert!(text.replace('\n', " ").contains(remedy), "{remedy}: {text}");
    }
    // The rest goes on meanwhile.
    check_exit(&world.run(&["apply", "--yes"]), 5);
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme");
    assert_eq!(world.colour(), "red");
    check_exit(
        &world.run(&["plan", "--forget", "acme:whitelabel.brandColor"]),
        0,
    );
    let plan = world.report(&["plan", "--allow", "remove"]);
    let digest = plan["plan"].as_str().unwrap();
    let asked = ["apply", "--yes", "--allow", "remove", "--expect", digest];
    check_exit(&world.run(&asked), 0);
    assert_eq!(world.colour(), Value::Null);
    // Whitelabels need no --prune here.
    std::fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    world.commit("beta leaves");
    world.apply();
    assert_eq!(world.live(BETA), None);
}

impl World {
    fn lines(&self, name: &str, id: &str, lines: &str) {
        self.write(
            &format!("accounts/{name}/account.yaml"),
            &format!("account: {id}\n{lines}"),
        );
        self.commit("edit");
    }
}

/// An ignored key is declared for the beginning: what becomes of it is told, and nobody is asked to do anything.
#[test]
fn what_is_ignored_is_told_and_left_alone() {
    let world = World::new();
    world.apply();
    let lines = "ignore: [whitelabel.brandColor]\nwhitelabel: { company_name: Acme Voice, brandColor: red }\n";
    world.lines("acme", ACME, lines);
    world.edit(ACME, "brandColor", "green");
    for command in ["plan", "drift"] {
        let seen = world.run(&[command, "--skip-dns"]);
        check_exit(&seen, 0);
        let text = stdout(&seen);
        for words in ["green", "kept: the tree ignores it", "1 difference kept"] {
            assert!(text.contains(words), "{words} in {command}: {text}");
        }
    }
    world.apply();
    assert_eq!(world.colour(), "green");
    assert_eq!(world.applied(), Some(world.head()));
    // Without a whitelabel, it is created with all that is declared.
    let beta = "ignore: [whitelabel.company_name]\nwhitelabel: { company_name: Beta Voice }\n";
    world.sandbox.world().delete_whitelabel(BETA);
    world.lines("beta", BETA, beta);
    world.apply();
    assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta Voice");
}

/// An observed account is read, compared and shown, and nothing is ever written to it; what the refusal for a domain that
/// it holds says is done to its end.
#[test]
fn an_observed_account_is_never_written() {
    let world = World::new();
    let acme = "mode: observe\nwhitelabel: { company_name: Acme Voice, domain: a.example.com }\n";
    world.lines("acme", ACME, acme);
    world.edit(ACME, "domain", "b.example.com");
    world.apply();
    let sent = world.sandbox.counts().mutating;
    world.apply();
    assert_eq!(world.sandbox.counts().mutating, sent);
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme");
    let text = stdout(&world.run(&["plan"]));
    for words in [
        "b.example.com",
        "kept: the account is only observed",
        "2 differences kept",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    world.lines(
        "beta",
        BETA,
        "whitelabel: { company_name: Beta Voice, domain: b.example.com }\n",
    );
    let refused = world.run(&["plan"]);
    check_exit(&refused, 5);
    let text = stdout(&refused).replace('\n', " ");
    assert!(text.contains("take `mode: observe` away"), "{text}");
    world.lines("acme", ACME, &acme.replace("mode: observe\n", ""));
    world.apply();
    assert_eq!(world.live(BETA).unwrap()["domain"], "b.example.com");
    assert_eq!(world.live(ACME).unwrap()["domain"], "a.example.com");
}

/// A warning that is wanted is turned off with a reason, which every report says; another stops an apply.
#[test]
fn a_warning_is_turned_off_with_a_reason() {
    let world = World::new();
    world.write("brands/gold.yaml", "whitelabel: { hide_powered: true }\n");
    let lint = |level: &str| {
        let text = format!(
            "clusters: {{ production: {{}} }}\nextra_keys: [theirs]\nlint: {{ EB0305: {{ level: {level}, reason: gold begins in May }} }}\n"
        );
        world.write("emblazon.yaml", &text);
        world.commit(level);
    };
    lint("off");
    for command in [["validate"].as_slice(), &["plan"]] {
        let text = stdout(&world.run(command));
        let told = "lint: EB0305 is off for 1 place: gold begins in May";
        assert!(text.contains(told), "{text}");
        assert!(!text.contains("no account extends"), "{text}");
    }
    lint("error");
    check_exit(&world.run(&["apply", "--yes"]), 3);
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme");
}
