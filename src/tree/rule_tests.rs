use super::*;
use serde_json::json;

fn rule(check: &str) -> RuleText {
    RuleText {
        name: "rule".to_owned(),
        check: check.to_owned(),
        message: "no".to_owned(),
    }
}

fn data() -> Value {
    json!({
        "cluster": "production",
        "kind": "account",
        "effect": "update",
        "account": {"name": "acme", "labels": {"tier": "gold"}, "protected": false},
        "changes": [
            {"key": "whitelabel.domain", "before": "a.example.com", "after": "b.example.com", "cause": "git", "file": null, "declared_in": "accounts/acme/account.yaml"},
            {"key": "assets.logo", "before": null, "after": "abc", "cause": "git", "file": "brands/gold/logo.png", "declared_in": "brands/gold.yaml"},
        ],
    })
}

#[test]
fn conditions_are_met_or_not() {
    #[track_caller]
    fn check(condition: &str, expected: Result<bool, &str>) {
        assert_eq!(rule(condition).mistake(), None, "{condition}");
        let met = rule(condition).is_met_by(&data());
        match (&met, expected) {
            (Ok(met), Ok(expected)) => assert_eq!(*met, expected, "{condition}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{condition}: {reason}"),
            _ => panic!("{condition}: {met:?} instead of {expected:?}"),
        }
    }
    check("true", Ok(true));
    check(
        "kind == 'account' && effect in ['create', 'update']",
        Ok(true),
    );
    check(
        "!changes.exists(c, c.key == 'whitelabel.domain')",
        Ok(false),
    );
    check(
        "!changes.exists(c, c.key == 'whitelabel.domain') || 'approved' in account.labels",
        Ok(false),
    );
    check(
        "has(account.labels.tier) && account.labels.tier == 'gold'",
        Ok(true),
    );
    check(
        "changes.all(c, !c.key.startsWith('assets.') || c.file.startsWith('brands/'))",
        Ok(true),
    );
    check("changes.all(c, c.after != null)", Ok(true));
    check(
        "changes.all(c, account.labels.exists(l, l == 'tier'))",
        Ok(true),
    );
    check("size(changes) < 3", Ok(true));
    // What cannot be told is neither.
    check(
        "account.labels.approved == 'yes'",
        Err("No such key: approved"),
    );
    check("effect < 3", Err("overload"));
    check("'yes'", Err("neither true nor false"));
    check("changes[7].key == ''", Err(""));
}

#[test]
fn mistakes_are_told() {
    let told = |check: &str| rule(check).mistake().unwrap_or_default();
    insta::assert_snapshot!(told("kind =="), @"line 1, column 8: mismatched input '<EOF>'");
    insta::assert_snapshot!(told("kind\n  === 'account'"), @"line 2, column 5: token recognition error at: '= '");
    insta::assert_snapshot!(told("kynd == 'account'"), @"there is no kynd; a rule sees cluster, kind, effect, account, changes");
    insta::assert_snapshot!(told("account.label.x == ''"), @"account has no label; it has name, labels, protected");
    insta::assert_snapshot!(told("kind.x == ''"), @"kind has no members, so kind.x is nothing");
    insta::assert_snapshot!(told("changes.all(c, c.kee == '')"), @"c has no kee; it has key, before, after, cause, file, declared_in");
    insta::assert_snapshot!(told("kind.matches('a.*')"), @"matches is not for rules; they compare (==, !=, <, in), join (&&, ||, !, ?:), look into lists (all, exists) and texts (startsWith, endsWith, contains), and use has and size");
    insta::assert_snapshot!(told("kind + kind == ''"), @"+, or one of map, filter and exists_one, is not for rules; they compare (==, !=, <, in), join (&&, ||, !, ?:), look into lists (all, exists) and texts (startsWith, endsWith, contains), and use has and size");
    assert!(told("changes.map(c, c.key).size() == 1").contains("map, filter"));
    insta::assert_snapshot!(told("changes.all(a, changes.all(b, changes.all(c, true)))"), @"more than 2 of all and exists are within one another");
    insta::assert_snapshot!(told(&"x".repeat(1_001)), @"it has 1001 bytes, and at most 1000 are allowed");
    insta::assert_snapshot!(told(&"(".repeat(41)), @"it opens more than 40 brackets");
}

/// Whatever a tree holds, its rules end soon, and end nothing else.
#[test]
fn conditions_are_bounded() {
    let nested = |open: &str, close: &str| format!("{}kind{}", open.repeat(40), close.repeat(40));
    let long = |part: &str, end: &str| {
        format!(
            "{}{end}",
            part.repeat((MAX_LENGTH - end.len()) / part.len())
        )
    };
    for condition in [
        nested("(", ")"),
        nested("[", "]"),
        nested("size(", ")"),
        nested("{1:", "}"),
        nested("kind[", "]"),
        nested("has(", ")"),
        long("!", "true"),
        long("-", "1"),
        long("a.", "a"),
        long("kind==kind?true:", "true"),
        long("true&&", "true"),
        long("true||", "true"),
        long("1<", "1"),
        long("1+", "1"),
        long("'", ""),
        long("\\", ""),
        long("\u{e9}", ""),
        long("`", ""),
    ] {
        let _ = rule(&condition).mistake();
        let _ = rule(&condition).is_met_by(&data());
    }
    // Two loops over as many changes as a plan may show a rule are let through, more are not.
    let changes = |count: usize| {
        let mut data = data();
        data["changes"] = json!(vec![data["changes"][0].clone(); count]);
        data
    };
    let twice = rule("changes.all(a, changes.all(b, a.key == b.key))");
    assert_eq!(twice.is_met_by(&changes(50)), Ok(true));
    assert_eq!(
        twice.is_met_by(&changes(1_000)),
        Err("there is too much to look at".to_owned())
    );
    let once = rule("changes.all(a, a.key != '')");
    assert_eq!(once.is_met_by(&changes(1_000)), Ok(true));
    assert_eq!(
        once.is_met_by(&changes(200_000)),
        Err("there is too much to look at".to_owned())
    );
}

proptest::proptest! {
    /// No text makes it panic.
    #[test]
    fn any_text_is_read(text: String, part in "[a-z.()\\[\\]{}'\"?:&|!<>=+, 0-9-]{0,60}") {
        let _ = rule(&text).mistake();
        let _ = rule(&part).is_met_by(&data());
    }
}
