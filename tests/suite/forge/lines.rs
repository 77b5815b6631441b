//! Every command line that the action and the workflows show is one that the command takes; those of the pages are run
//! (`recipes`).

use std::fs;
use std::path::PathBuf;

use clap::Parser as _;
use emblazon::cli::Cli;
use serde_yaml::Value;

use super::runner::read;
use crate::source_text::top;

/// Lists the workflows and the action.
fn files() -> Vec<PathBuf> {
    let mut files = vec![
        top().join(".github/actions/emblazon/action.yml"),
        top().join("examples/gitlab/.gitlab-ci.yml"),
    ];
    for entry in fs::read_dir(top().join("examples/github")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(path);
        }
    }
    assert!(files.len() > 6);
    files
}

/// Collects every script of a workflow.
fn scripts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    (Some("run" | "script"), Value::String(script)) => found.push(script.clone()),
                    (Some("script"), Value::Sequence(lines)) => {
                        found.extend(lines.iter().map(|line| line.as_str().unwrap().to_owned()));
                    }
                    _ => scripts(value, found),
                }
            }
        }
        Value::Sequence(values) => values.iter().for_each(|value| scripts(value, found)),
        _ => {}
    }
}

/// Cuts the command's words out of a script. What a variable holds can be a number, a digest and a name.
fn command_lines(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        for (start, _) in line.match_indices("emblazon ") {
            let begins = line[..start]
                .chars()
                .last()
                .is_none_or(|c| " (".contains(c));
            let mut rest = line[start..].split(" #").next().unwrap().to_owned();
            while let Some((before, inner)) = rest.split_once("$(") {
                let after = inner.split_once(')').map_or("", |(_, after)| after);
                rest = format!("{before}$X{after}");
            }
            let end = ["|| ", ";", "| ", "> ", "&& "]
                .iter()
                .filter_map(|end| rest.find(end))
                .min();
            let command = rest[..end.unwrap_or(rest.len())].trim_end_matches(')');
            let words: Vec<String> = command.split_whitespace().map(word).collect();
            let is_command = words
                .get(1)
                .is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
            if begins && is_command {
                found.push(words.into_iter().filter(|word| !word.is_empty()).collect());
            }
        }
    }
    found
}

fn word(text: &str) -> String {
    let text = text.replace(['"', '\''], "");
    if text.contains("[@]") {
        return String::new();
    }
    match text.split_once('$') {
        Some((before, _)) => format!("{before}123456789012"),
        None => text,
    }
}

#[track_caller]
fn check(words: &[String], place: &str) {
    if let Err(error) = Cli::try_parse_from(words) {
        panic!("{place}: {words:?}: {error}");
    }
}

#[test]
fn workflows_say_what_the_command_takes() {
    let mut seen = 0;
    for path in files() {
        let mut found = Vec::new();
        scripts(&read(&path), &mut found);
        for words in found.iter().flat_map(|script| command_lines(script)) {
            check(&words, &path.display().to_string());
            seen += 1;
        }
    }
    assert!(seen >= 15, "{seen}");
}

#[test]
fn the_action_says_what_the_command_takes() {
    let script = fs::read_to_string(top().join(".github/actions/emblazon/run.sh")).unwrap();
    for command in ["validate", "plan", "apply", "drift"] {
        let script = script.replace("emblazon \"$COMMAND\"", &format!("emblazon {command}"));
        let lines = command_lines(&script);
        assert_eq!(lines.len(), 1, "{lines:?}");
        check(&lines[0], "run.sh");
    }
}

/// A job with a key has an environment, which says who gets it; and each step with it is told by the operator, not by the
/// tree, what may be named.
#[track_caller]
fn keyed_steps_are_held(job: &Value, name: &str) {
    for step in job["steps"].as_sequence().unwrap() {
        if step["env"]["EMBLAZON_API_KEY"].is_string() {
            assert!(job["environment"].is_string(), "{name}");
            let trust = step["env"]["EMBLAZON_TRUST"].as_str();
            assert_eq!(trust, Some("${{ vars.EMBLAZON_TRUST }}"), "{name}");
        }
    }
}

/// A step gets what others wrote through its environment, and no job may do more than it says.
#[test]
fn workflows_are_careful() {
    for path in files() {
        let name = path.display();
        let text = fs::read_to_string(&path).unwrap();
        let file = read(&path);
        let mut found = Vec::new();
        scripts(&file, &mut found);
        for script in found {
            assert!(!script.contains("${{"), "{name}: {script}");
        }
        for line in text.lines().filter(|line| {
            line.trim_start().starts_with("- uses: ") || line.trim_start().starts_with("uses: ")
        }) {
            let uses = line.split("uses: ").nth(1).unwrap();
            let (_, version) = uses.split_once('@').unwrap();
            let pinned = version.len() > 40 && version[..40].bytes().all(|b| b.is_ascii_hexdigit());
            assert!(pinned, "{name}: {uses}");
        }
        if path.parent().unwrap().ends_with("examples/github") {
            assert!(
                file["permissions"].as_mapping().unwrap().is_empty(),
                "{name}"
            );
            assert!(file["concurrency"]["group"].is_string(), "{name}");
            for job in file["jobs"].as_mapping().unwrap().values() {
                keyed_steps_are_held(job, &name.to_string());
                assert!(
                    job["permissions"].is_mapping() && job["timeout-minutes"].is_number(),
                    "{name}"
                );
            }
        }
    }
}
