//! What people see, at several widths.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Options, render};
use crate::apply::StepResult;
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::live::{Reading, Unmanaged};
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetKind, AssetType, ClusterName, Digest, Dimensions,
    HostEntry,
};
use crate::plan::{Refusal, RefusalKind, Risk, StepId};
use crate::report::{Command, Coverage, ObjectReport, Report, StepReport, Verb};
use crate::tree::{Origin, Target};

fn origin(file: &str, line: u32, column: u32) -> Origin {
    let file = file.into();
    Origin { file, line, column }
}

fn side(value: Value) -> Side {
    match value {
        Value::Null => Side::Absent,
        value => Side::Value(value),
    }
}

fn setting(key: &str, before: Value, after: Value, cause: Cause, line: u32) -> Change {
    Change {
        key: ChangeKey::Setting(key.into()),
        before: side(before),
        after: side(after),
        cause,
        origin: Some(origin("accounts/acme/account.yaml", line, 17)),
    }
}

fn picture(bytes: &[u8], size: u64, asset_type: AssetType, width: u32) -> AssetFacts {
    AssetFacts {
        digest: Digest::of(bytes),
        size,
        asset_type: Some(asset_type),
        dimensions: Some(Dimensions { width, height: 80 }),
    }
}

fn step(id: u32, verb: Verb, risk: Risk, changes: Vec<Change>) -> StepReport {
    StepReport {
        id: StepId(id),
        verb,
        asset: None,
        changes,
        risk,
        waits_for: Vec::new(),
        notes: Vec::new(),
        result: None,
    }
}

fn account(name: &str, steps: Vec<StepReport>) -> ObjectReport {
    let digest = Digest::of(name.as_bytes());
    let id = AccountId::parse(&digest.as_str()[..32]).expect("32 digits");
    object(Some(name), Some(id), steps)
}

fn object(name: Option<&str>, id: Option<AccountId>, steps: Vec<StepReport>) -> ObjectReport {
    let mut object = ObjectReport {
        name: name.map(AccountName::new),
        id,
        status: crate::report::Status::InSync,
        unknown: Vec::new(),
        steps,
        refusals: Vec::new(),
        changes: Vec::new(),
        notes: Vec::new(),
    };
    let changes = object.steps.iter().flat_map(|step| step.changes.clone());
    object.changes = changes.collect();
    object.status = object.verdict();
    object
}

fn empty(command: Command) -> Report {
    Report {
        command,
        cluster: Some(ClusterName::new("production")),
        tree: Some(Digest::of(b"tree")),
        plan: Some(Digest::of(b"plan")),
        problems: Vec::new(),
        accounts: Vec::new(),
        template: None,
        refusals: Vec::new(),
        notes: Vec::new(),
        coverage: None,
        requests: None,
    }
}

fn learn_more(line: u32) -> Change {
    Change {
        origin: Some(origin("brands/gold.yaml", line, 5)),
        ..setting(
            "nav.learn_more",
            json!("https://gold.example.com/old"),
            json!("https://gold.example.com/features"),
            Cause::Git,
            0,
        )
    }
}

fn acme() -> ObjectReport {
    let mut update = step(
        1,
        Verb::Update,
        Risk::CustomerVisible,
        vec![
            setting(
                "company_name",
                json!("Acme"),
                json!("Acme Voice"),
                Cause::Git,
                4,
            ),
            setting("hide_powered", Value::Null, json!(true), Cause::Differs, 6),
            setting(
                "fake_api_url",
                json!("https://old.example.com"),
                Value::Null,
                Cause::Removal,
                7,
            ),
            setting(
                "port.support_email",
                json!("x@evil.example"),
                json!("porting@acme.example.com"),
                Cause::Drift,
                8,
            ),
            setting(
                "sso.note",
                json!("line one\nline two\nline three\nline four\nthe last line\n"),
                json!("line one\nline 2\nline three\nline four\nthe last line\nand one more\n"),
                Cause::Conflict,
                9,
            ),
            learn_more(3),
        ],
    );
    update.waits_for = vec!["globex".to_owned()];
    let mut upload = step(
        2,
        Verb::Upload,
        Risk::CustomerVisible,
        vec![Change {
            key: ChangeKey::Asset(AssetKind::Logo),
            before: Side::Asset(picture(b"old", 12_431, AssetType::Gif, 300)),
            after: Side::Asset(picture(b"new", 1_834_000, AssetType::Png, 1320)),
            cause: Cause::Git,
            origin: Some(origin("accounts/acme/account.yaml", 12, 9)),
        }],
    );
    upload.asset = Some(AssetKind::Logo);
    upload.notes = vec![
        "the server deletes the welcome page with the first logo; it is put up again".to_owned(),
    ];
    account("acme", vec![update, upload])
}

fn template() -> ObjectReport {
    let host = |mapping: &[&str]| {
        Side::Host(HostEntry {
            name: Some("East".to_owned()),
            mapping: mapping.iter().map(ToString::to_string).collect(),
            zone: None,
            extra: BTreeMap::new().into_iter().collect(),
        })
    };
    let replace = step(
        0,
        Verb::Replace,
        Risk::CustomerVisible,
        vec![Change {
            key: ChangeKey::Host(Target {
                record_type: "A".to_owned(),
                host: "us-east.{{domain}}".to_owned(),
            }),
            before: host(&["203.0.113.5"]),
            after: host(&["192.0.2.10", "192.0.2.11"]),
            cause: Cause::Git,
            origin: Some(origin("domains.yaml", 8, 3)),
        }],
    );
    object(None, None, vec![replace])
}

/// One of everything that a plan can show.
fn sample(command: Command) -> Report {
    let mut report = empty(command);
    report.accounts.push(acme());
    for name in ["beta", "delta", "gamma"] {
        let shared = step(3, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
        report.accounts.push(account(name, vec![shared]));
    }
    let mut refused = account("hooli", Vec::new());
    refused.refusals.push(Refusal {
        kind: RefusalKind::Prune,
        subject: None,
        message: "deleting the whitelabel of hooli needs to be asked for".to_owned(),
        help: "run again with `--prune`".to_owned(),
    });
    refused.status = refused.verdict();
    report.accounts.push(refused);
    let mut lost = object(Some("initech"), None, Vec::new());
    lost.unknown
        .push("reading the whitelabel timed out after 30 s".to_owned());
    lost.status = lost.verdict();
    report.accounts.push(lost);
    report.accounts.push(account("quiet", Vec::new()));
    report.template = Some(template());
    report.coverage = Some(Coverage {
        managed: 5,
        unmanaged: Reading::Known(vec![Unmanaged {
            id: AccountId::parse(&"e".repeat(32)).expect("32 digits"),
            name: "Umbrella \u{202e}evil\u{1b}[2J".to_owned(),
            realm: "umbrella.sip.example.com".to_owned(),
        }]),
    });
    report
}

fn at(width: usize, report: &Report) -> String {
    let options = Options {
        width,
        ..Options::default()
    };
    render(report, options)
}

#[test]
fn a_plan_at_80_columns() {
    insta::assert_snapshot!(at(80, &sample(Command::Plan)), @r#"
    domain template
      replace, customer-visible
        ~ A us-east.{{domain}} mapping
            - ["203.0.113.5"]
            + ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      update, customer-visible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"
            (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true  (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url        "https://old.example.com"
            must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email
            - "x@evil.example"
            + "porting@acme.example.com"
            changed on the platform  (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo
            - GIF 300×80 12.4 kB cba06b5736fa
            + PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the first logo; it is put
            up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    Plan: 6 steps on 4 of 7 accounts and the domain template; 1 in sync; 1 refused;
      1 not checked; digest 64879f7d6b96
    "#);
}

#[test]
fn a_plan_at_60_columns() {
    insta::assert_snapshot!(at(60, &sample(Command::Plan)), @r#"
    domain template
      replace, customer-visible
        ~ A us-east.{{domain}} mapping
            - ["203.0.113.5"]
            + ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      update, customer-visible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"
            (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"
            (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true
            (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url
            - "https://old.example.com"
            must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email
            - "x@evil.example"
            + "porting@acme.example.com"
            changed on the platform
            (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the
            platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo
            - GIF 300×80 12.4 kB cba06b5736fa
            + PNG 1320×80 1.8 MB 11507a0e2f5e
            (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the
            first logo; it is put up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked
          for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers
      83%)
      Umbrella \u{202e}evil\u{1b}[2J
        eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    Plan: 6 steps on 4 of 7 accounts and the domain template; 1
      in sync; 1 refused; 1 not checked; digest 64879f7d6b96
    "#);
}

#[test]
fn a_plan_at_140_columns() {
    insta::assert_snapshot!(at(140, &sample(Command::Plan)), @r#"
    domain template
      replace, customer-visible
        ~ A us-east.{{domain}} mapping  ["203.0.113.5"] -> ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      update, customer-visible
        ~ whitelabel.nav.learn_more  "https://gold.example.com/old" -> "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"  (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true  (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url        "https://old.example.com"  must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email  "x@evil.example" -> "porting@acme.example.com"
            changed on the platform  (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo  GIF 300×80 12.4 kB cba06b5736fa -> PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the first logo; it is put up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee  umbrella.sip.example.com

    Plan: 6 steps on 4 of 7 accounts and the domain template; 1 in sync; 1 refused; 1 not checked; digest 64879f7d6b96
    "#);
}

#[test]
fn drift_names_account_key_and_both_values() {
    insta::assert_snapshot!(at(80, &sample(Command::Drift)), @r#"
    on 4 accounts: acme, beta, delta, gamma
      ~ whitelabel.nav.learn_more
          live  "https://gold.example.com/old"
          tree  "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    domain template
      ~ A us-east.{{domain}} mapping
          live  ["203.0.113.5"]
          tree  ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      ~ whitelabel.company_name        live "Acme"  tree "Acme Voice"
          (accounts/acme/account.yaml:4:17)
      ~ whitelabel.hide_powered        live (nothing)  tree true
          (accounts/acme/account.yaml:6:17)
      ~ whitelabel.fake_api_url
          live  "https://old.example.com"
          tree  (nothing)  must not be there  (accounts/acme/account.yaml:7:17)
      ~ whitelabel.port.support_email
          live  "x@evil.example"
          tree  "porting@acme.example.com"  (accounts/acme/account.yaml:8:17)
      ~ whitelabel.sso.note  1 lines live (-), 2 in the tree (+)  changed on the
          platform and in Git
            line one
          - line two
          + line 2
            line three
            line four
            the last line
          + and one more
          (accounts/acme/account.yaml:9:17)
      ~ assets.logo
          live  GIF 300×80 12.4 kB cba06b5736fa
          tree  PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    Drift: 5 objects on production not as the tree says; 1 in sync; 1 refused; 1 not
      checked
    "#);
}

#[test]
fn an_apply_says_what_became_of_each_step() {
    let mut report = sample(Command::Apply);
    let results = [
        StepResult::Done { revision: None },
        StepResult::Failed {
            reason: "the server answered 400: company_name is too short; change it in the tree"
                .to_owned(),
        },
        StepResult::Skipped { because: StepId(1) },
        StepResult::Moved {
            reason: "planned on revision 3-aa, found 4-bb; plan again".to_owned(),
        },
        StepResult::Unknown {
            reason: "the answer was lost and the account could not be read; run `emblazon plan`"
                .to_owned(),
        },
    ];
    let mut results = results.into_iter();
    let objects = report.template.iter_mut().chain(&mut report.accounts);
    for (id, step) in (0..).zip(objects.flat_map(|object| &mut object.steps)) {
        step.id = StepId(id);
        step.result = results.next().or(Some(StepResult::Done { revision: None }));
    }
    insta::assert_snapshot!(at(80, &report), @r#"
    domain template
      replace, customer-visible
        ~ A us-east.{{domain}} mapping
            - ["203.0.113.5"]
            + ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      update, customer-visible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"
            (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true  (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url        "https://old.example.com"
            must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email
            - "x@evil.example"
            + "porting@acme.example.com"
            changed on the platform  (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo
            - GIF 300×80 12.4 kB cba06b5736fa
            + PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the first logo; it is put
            up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    done    domain template replace
    FAILED  acme update: the server answered 400: company_name is too short; change
            it in the tree
    skipped acme upload logo: acme update did not succeed
            note: the server deletes the welcome page with the first logo; it is put
            up again
    moved   beta update: planned on revision 3-aa, found 4-bb; plan again
    UNKNOWN delta update: the answer was lost and the account could not be read; run
            `emblazon plan`
    done    gamma update

    Applied: 2 of 6 steps; 1 failed; 1 with unknown outcome; 1 moved since the plan;
      1 skipped; 1 in sync before; 1 refused; 1 not checked
    "#);
}

#[test]
fn nothing_to_do() {
    let mut report = empty(Command::Plan);
    report.accounts = vec![account("acme", Vec::new())];
    assert_eq!(at(80, &report), "Plan: nothing to do; 1 in sync\n");
    report.command = Command::Drift;
    assert_eq!(at(80, &report), "Drift: none; 1 in sync\n");
    report.command = Command::Apply;
    assert_eq!(
        at(80, &report),
        "Applied: nothing to do; 1 in sync before\n"
    );
    report.command = Command::Validate;
    assert_eq!(at(80, &report), "The tree is valid: 1 account\n");
}

/// The same change on many accounts is shown once, with a folded list of names.
#[test]
fn one_change_on_214_accounts() {
    let mut report = empty(Command::Plan);
    report.accounts = (0..214)
        .map(|number| {
            let update = step(number, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
            account(&format!("customer-{number:03}"), vec![update])
        })
        .collect();
    insta::assert_snapshot!(at(80, &report), @r#"
    on 214 accounts: customer-000, customer-001, customer-002, customer-003,
        customer-004, customer-005, customer-006, customer-007, … and 206 more
      update, reversible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    Plan: 214 steps on 214 of 214 accounts; digest 64879f7d6b96
    "#);
}

/// Many steps that went well are counted; those that did not are named.
#[test]
fn one_failure_among_214_accounts() {
    let mut report = empty(Command::Apply);
    report.accounts = (0..214)
        .map(|number| {
            let mut update = step(number, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
            update.result = Some(match number {
                7 => StepResult::Failed {
                    reason: "the server answered 500".to_owned(),
                },
                _ => StepResult::Done { revision: None },
            });
            account(&format!("customer-{number:03}"), vec![update])
        })
        .collect();
    let options = Options {
        plan_seen: true,
        ..Options::default()
    };
    insta::assert_snapshot!(render(&report, options), @r"
    done    213 × update
    FAILED  customer-007 update: the server answered 500

    Applied: 213 of 214 steps; 1 failed
    ");
}

/// Invariant 8: whatever a step changes is seen.
#[test]
fn colours_do_not_change_the_words() {
    let report = sample(Command::Plan);
    let coloured = render(
        &report,
        Options {
            colour: true,
            ..Options::default()
        },
    );
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string(),
        at(80, &report)
    );
}
