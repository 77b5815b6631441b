//! One large report in every format at once, judged by whoever published the format.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::edited::{self, EDITED_KEYS};
use crate::generate::Shape;
use crate::process::{print, run};

const ACCOUNTS: usize = 100;
const FORMATS: [&str; 7] = [
    "text", "json", "markdown", "sarif", "junit", "github", "html",
];

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_large_report_holds_in_every_format() {
    let shape = Shape {
        accounts: ACCOUNTS,
        assets: true,
    };
    let tree = edited::write(shape).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for command in ["plan", "drift"] {
        let file = |format: &str| folder.path().join(format!("{command}.{format}"));
        let outputs = FORMATS.map(|format| format!("--output={format}={}", file(format).display()));
        let output = Command::new(env!("CARGO_BIN_EXE_emblazon"))
            .arg(command)
            .arg("--sandbox")
            .arg(tree.path())
            .args(outputs)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        let read = |format: &str| std::fs::read_to_string(file(format)).unwrap();
        for format in FORMATS {
            println!("{command} as {format}: {} bytes", read(format).len());
        }
        text_says_it(&read("text"));
        json_holds(&read("json"));
        markdown_fits(&read("markdown"));
        sarif_holds(&read("sarif"));
        junit_holds(&file("junit"), &read("junit"));
        annotations_are_lines(&read("github"));
        page_is_sound(&file("html"), &read("html"));
    }
}

/// The last paragraph counts what differs.
#[track_caller]
fn text_says_it(text: &str) {
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let counted = last.contains(&format!(" {ACCOUNTS} "));
    assert!(counted, "{ACCOUNTS} is missing in {last}");
    assert_harmless(text);
}

/// Our own schema takes it, and everything is in it.
#[track_caller]
fn json_holds(text: &str) {
    let report: Value = serde_json::from_str(text).unwrap();
    let schema = manifest("schemas/report.schema.json");
    assert_eq!(errors(&schema, &report), [""; 0]);
    let accounts = report["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), ACCOUNTS);
    for account in accounts {
        let changes = account["changes"].as_array().unwrap();
        let settings = changes.iter().filter(|change| change["kind"] != "asset");
        assert_eq!(settings.count(), EDITED_KEYS, "{account:#}");
    }
}

/// What GitHub takes in one comment.
#[track_caller]
fn markdown_fits(text: &str) {
    assert!(text.len() <= 65_536, "{} bytes", text.len());
    assert_harmless(text);
}

/// The schema that OASIS published takes it, and each difference is a result.
#[track_caller]
fn sarif_holds(text: &str) {
    let mut schema = manifest("tests/formats/sarif-2.1.0.schema.json");
    // The standard's pattern of a language code has a bracket too many, which no strict validator takes.
    for definition in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][definition]["properties"]["language"];
        language
            .as_object_mut()
            .map(|members| members.remove("pattern"));
    }
    let log: Value = serde_json::from_str(text).unwrap();
    assert_eq!(errors(&schema, &log), [""; 0]);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() >= EDITED_KEYS, "{}", results.len());
}

/// Jenkins' schema takes it, and each account is a test case.
#[track_caller]
fn junit_holds(file: &Path, text: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/junit-10.xsd");
    let arguments = ["--noout", "--schema"].map(Path::new);
    let arguments = [arguments[0], arguments[1], &schema, file];
    print(
        "xmllint",
        &arguments.map(|argument| argument.to_str().unwrap()),
    );
    let cases = text
        .matches("<testcase classname=\"emblazon.platform\"")
        .count();
    // The template is one.
    assert_eq!(cases, ACCOUNTS + 1);
}

/// A runner reads commands by the line, and shows ten of each level.
#[track_caller]
fn annotations_are_lines(text: &str) {
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    assert!((1..=30).contains(&text.lines().count()), "{text}");
    assert_harmless(text);
}

/// The checker of the W3C's validator finds no error. It knows some newer CSS only in part, so its word on CSS is not
/// taken: what the browser does with the page is seen in `html.rs`.
#[track_caller]
fn page_is_sound(file: &Path, text: &str) {
    assert_harmless(text);
    let Some(jar) = installed("vnu-jar/build/dist/vnu.jar") else {
        return;
    };
    let output = run(
        "java",
        &[
            "-jar",
            jar.to_str().unwrap(),
            "--errors-only",
            "--filterpattern",
            "CSS: .*",
            file.to_str().unwrap(),
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Nothing of what stands on the platform hides or acts.
#[track_caller]
fn assert_harmless(text: &str) {
    assert!(!text.contains('\u{202e}'), "a sign that turns the text");
}

fn errors(schema: &Value, value: &Value) -> Vec<String> {
    jsonschema::validator_for(schema)
        .unwrap()
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn manifest(name: &str) -> Value {
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Finds a file of a package that npm installed, where somebody said so; tells when not.
#[expect(
    clippy::print_stdout,
    reason = "a test that leaves something out says so"
)]
pub(crate) fn installed(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("EMBLAZON_NODE_MODULES").map(PathBuf::from);
    if folder.is_none() {
        println!(
            "{file}: not used, EMBLAZON_NODE_MODULES names no folder that npm installed it into"
        );
    }
    let file = folder?.join(file);
    assert!(file.is_file(), "{} is not there", file.display());
    Some(file)
}
