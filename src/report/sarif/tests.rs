//! What stands in a log, and that the standard's own schema takes it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::render;
use crate::report::fixture::everything;
use crate::report::{Command, Report};

fn log(report: &Report) -> Value {
    serde_json::from_str(&render(report, 2).to_string()).unwrap()
}

fn run(report: &Report) -> Value {
    log(report)["runs"][0].clone()
}

/// Writes a finding on one line: level, rule, place, message.
fn line(finding: &Value) -> String {
    let rule = finding["ruleId"]
        .as_str()
        .or(finding["descriptor"]["id"].as_str());
    let place = &finding["locations"][0]["physicalLocation"];
    let region = &place["region"];
    let number = |name: &str| {
        region[name]
            .as_u64()
            .map_or_else(String::new, |n| n.to_string())
    };
    format!(
        "{} {} {} {}:{}-{}:{} {}",
        finding["level"].as_str().unwrap_or_default(),
        rule.unwrap_or_default(),
        place["artifactLocation"]["uri"].as_str().unwrap_or("-"),
        number("startLine"),
        number("startColumn"),
        number("endLine"),
        number("endColumn"),
        finding["message"]["text"].as_str().unwrap_or_default(),
    )
}

fn lines(findings: &Value) -> String {
    let lines: Vec<String> = findings.as_array().unwrap().iter().map(line).collect();
    lines.join("\n")
}

#[test]
fn findings_stand_at_the_lines_that_cause_them() {
    let run = run(&everything(Command::Plan));
    insta::assert_snapshot!(lines(&run["results"]), @r#"
    warning EB0118 brands%20tree/emblazon.yaml 1:1-: folder "old" has no account (help: remove it)
    error EB0401 brands%20tree/accounts/acme/account.yaml 2:46-2:71 a scheme does not belong in a domain (help: write `acme.example.com`)
    error refused brands%20tree/accounts/hooli/account.yaml 1:1-: hooli: deleting the whitelabel of hooli needs to be asked for (help: run again with `--prune`)
    note pending brands%20tree/domains.yaml 8:3-: domain template: A us-east.{{{{domain}}}} mapping: ["203.0.113.5"] -> ["192.0.2.10", "192.0.2.11"]
    note pending brands%20tree/accounts/acme/account.yaml 4:17-: acme: whitelabel.company_name: "Acme" -> "Acme Voice"
    note differs brands%20tree/accounts/acme/account.yaml 6:17-: acme: whitelabel.hide_powered: nothing -> true
    note removal brands%20tree/accounts/acme/account.yaml 7:17-: acme: whitelabel.fake_api_url: "https://old.example.com" -> nothing; must not be there
    warning drift brands%20tree/accounts/acme/account.yaml 8:17-: acme: whitelabel.port.support_email: "x@evil.example" -> "porting@acme.example.com"; changed on the platform
    warning conflict brands%20tree/accounts/acme/account.yaml 9:17-: acme: whitelabel.sso.note: "line one\nline two\nline three\nline four\nthe last line\n" -> "line one\nline 2\nline three\nline four\nthe last line\nand one more\n"; changed on the platform and in Git
    note pending brands%20tree/brands/gold.yaml 3:5-: 4 accounts (acme, beta, delta, gamma): whitelabel.nav.learn_more: "https://gold.example.com/old" -> "https://gold.example.com/features"
    note pending brands%20tree/accounts/acme/account.yaml 12:9-: acme: assets.logo: GIF 300×80 12.4 kB cba06b5736fa -> PNG 1320×80 1.8 MB 11507a0e2f5e
    warning dns-different brands%20tree/accounts/acme/account.yaml 2:39-: acme: CNAME portal.acme.example.com different; found old-ui.example.net; wanted ui.example.net (help: the old portal is still named)
    "#);
    insta::assert_snapshot!(lines(&run["invocations"][0]["toolExecutionNotifications"]), @r"
    warning unknown - :-: initech: reading the whitelabel timed out after 30 s
    warning dns-unknown brands%20tree/accounts/acme/account.yaml 2:39-: acme: TXT acme.example.com unknown: no authoritative server gave an answer (no answer in time)
    ");
}

#[test]
fn one_result_whole() {
    let run = run(&everything(Command::Plan));
    insta::assert_snapshot!(format!("{:#}", run["results"][1]), @r#"
    {
      "level": "error",
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "brands%20tree/accounts/acme/account.yaml",
              "uriBaseId": "%SRCROOT%"
            },
            "region": {
              "endColumn": 71,
              "endLine": 2,
              "startColumn": 46,
              "startLine": 2
            }
          }
        }
      ],
      "message": {
        "text": "a scheme does not belong in a domain (help: write `acme.example.com`)"
      },
      "partialFingerprints": {
        "emblazon/v1": "717048d6821321e3037a99216a7f9525c4d8afc735eae7862cc68bbbb24e98de"
      },
      "properties": {
        "accounts": []
      },
      "relatedLocations": [
        {
          "message": {
            "text": "this account"
          },
          "physicalLocation": {
            "artifactLocation": {
              "uri": "brands%20tree/accounts/acme/account.yaml",
              "uriBaseId": "%SRCROOT%"
            },
            "region": {
              "endColumn": 8,
              "endLine": 1,
              "startColumn": 1,
              "startLine": 1
            }
          }
        }
      ],
      "ruleId": "EB0401",
      "ruleIndex": 1
    }
    "#);
}

#[test]
fn the_published_schema_takes_it() {
    let schema = include_str!("../../../tests/formats/sarif-2.1.0.schema.json");
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // The standard's pattern of a language code has a bracket too many, which no strict validator takes.
    for definition in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][definition]["properties"]["language"];
        language
            .as_object_mut()
            .map(|members| members.remove("pattern"));
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    for command in [
        Command::Validate,
        Command::Plan,
        Command::Drift,
        Command::Apply,
        Command::Dns,
    ] {
        let log = log(&everything(command));
        let wrong: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{command:?}: {}", wrong.join("\n"));
    }
    let mut broken = log(&everything(Command::Plan));
    broken["runs"][0]["columnKind"] = "bytes".into();
    assert!(!validator.is_valid(&broken), "the schema is not looked at");
}

/// A line that is added above moves what is marked, and not what it is.
#[test]
fn fingerprints_outlast_unrelated_edits() {
    fn fingerprints(report: &Report) -> Vec<String> {
        let run = run(report);
        let results = run["results"].as_array().unwrap().iter();
        results
            .map(|result| result["partialFingerprints"].to_string())
            .collect()
    }
    let before = everything(Command::Drift);
    let mut after = before.clone();
    for object in after.accounts.iter_mut().chain(&mut after.template) {
        let steps = object.steps.iter_mut().flat_map(|step| &mut step.changes);
        for change in object.changes.iter_mut().chain(steps) {
            if let Some(origin) = &mut change.origin {
                origin.line += 7;
            }
        }
    }
    for label in after
        .problems
        .iter_mut()
        .flat_map(|problem| &mut problem.primary)
    {
        label.from.line += 7;
        label.to.line += 7;
    }
    let found = fingerprints(&before);
    assert_eq!(found, fingerprints(&after));
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "each result has its own");
}
