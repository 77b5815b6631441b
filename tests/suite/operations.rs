//! The examples of running the daemon, as the daemon reads them.

use camino::Utf8Path;
use clap::Parser as _;
use emblazon::cli::Cli;
use emblazon::config::WatchConfig;
use emblazon::daemon::Status;
use emblazon::dashboard::metrics;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;

#[test]
fn examples_of_the_daemons_file_are_understood() {
    for name in [
        "watch/watch.yaml",
        "watch/kubernetes/watch.yaml",
        "kubernetes/watch.yaml",
    ] {
        let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(name);
        let config = WatchConfig::read(&path).unwrap();
        let schema =
            std::fs::read_to_string(crate::source_text::top().join("schemas/watch.schema.json"))
                .unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&value)
            .map(|error| format!("{name}: {error}"))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        assert!(config.http.is_some(), "{name}");
    }
}

/// A panel whose metric or label does not exist stays empty, and nobody notices.
#[test]
fn each_query_of_the_grafana_dashboard_finds_its_metrics() {
    let path = crate::source_text::top().join("examples/watch/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = metrics(&Status::new(Timestamp::UNIX_EPOCH), &[]);
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries: Vec<&str> = targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(queries.len() >= panels.len());
    for query in queries {
        let mut names = query
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("emblazon_"))
            .peekable();
        assert!(names.peek().is_some(), "{query}");
        for name in names {
            assert!(text.contains(&format!("# TYPE {name} ")), "{query}: {name}");
            // The labels that it filters by, or groups by.
            let filtered = query.split_once(&format!("{name}{{"));
            if let Some(label) = filtered.and_then(|(_, rest)| rest.split('}').next()) {
                let mut samples = text.lines().filter(|line| line.starts_with(name));
                assert!(samples.any(|line| line.contains(label)), "{query}: {label}");
            }
            let grouped = query.split_once("max by (").map(|(_, rest)| rest);
            if let Some(label) = grouped.and_then(|rest| rest.split(')').next()) {
                assert!(text.contains(&format!("{label}=\"")), "{query}: {label}");
            }
        }
    }
}

/// Every `emblazon …` in the manifests is a command line that this version understands, and every value is where
/// Kubernetes looks for it.
#[test]
fn manifests_say_what_the_command_line_understands() {
    let examples = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut lines = Vec::new();
    for folder in ["kubernetes", "watch/kubernetes"] {
        for entry in examples.join(folder).read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.extension() != Some("yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for document in serde_yaml::Deserializer::from_str(&text) {
                let document = Value::deserialize(document).unwrap();
                assert!(document.is_object(), "{path}");
                gather(&document, &mut lines);
            }
        }
    }
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for line in lines {
        let words = line.iter().map(String::as_str);
        let parsed = Cli::try_parse_from(std::iter::once("emblazon").chain(words));
        assert!(parsed.is_ok(), "{line:?}: {}", parsed.unwrap_err());
    }
}

/// Gathers the arguments of every `emblazon`: of containers that only have arguments, and in shell scripts.
fn gather(value: &Value, lines: &mut Vec<Vec<String>>) {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten();
        texts
            .filter_map(|text| Some(filled(text.as_str()?)))
            .collect()
    };
    let is_container = value["image"]
        .as_str()
        .is_some_and(|image| image == "emblazon");
    if is_container && value.get("command").is_none() {
        lines.push(texts(&value["args"]));
    } else if is_container {
        for line in texts(&value["args"])
            .iter()
            .flat_map(|script| script.lines())
        {
            if let Some(said) = line.trim().strip_prefix("emblazon ") {
                let said = said.split(" || ").next().unwrap_or_default();
                let words = said.split_whitespace();
                lines.push(
                    words
                        .map(|word| word.trim_matches('"').to_owned())
                        .collect(),
                );
            }
        }
    }
    match value {
        Value::Array(all) => all.iter().for_each(|value| gather(value, lines)),
        Value::Object(all) => all.values().for_each(|value| gather(value, lines)),
        _ => {}
    }
}

/// Puts a number for every variable.
fn filled(text: &str) -> String {
    let mut filled = text.to_owned();
    for variable in [
        "$(SHARD)",
        "$JOB_COMPLETION_INDEX",
        "$JOB_NAME",
        "$shard",
        "$@",
    ] {
        filled = filled.replace(variable, "0");
    }
    filled
}
