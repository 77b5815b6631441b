//! Runs the steps of a workflow in bash, as a forge's runner does: expressions, outputs, the action's own steps.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use emblazon::model::Digest;
use serde_yaml::Value;

use crate::git::environment;
use crate::source_text::top;

/// The action, as the examples name it.
const ACTION: &str = "OWNER/emblazon/.github/actions/emblazon@";

/// A runner at work on one job.
pub(crate) struct Runner {
    /// What `${{ … }}` can name.
    pub(crate) names: BTreeMap<String, String>,
    /// What every step finds in its environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// What the steps printed.
    pub(crate) log: String,
    /// What the steps of others were given, by the action's name.
    pub(crate) used: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether a step failed.
    pub(crate) failed: bool,
    /// The digest of the release, as its `SHA256SUMS` has it.
    pub(crate) release: String,
    checkout: PathBuf,
    files: tempfile::TempDir,
}

impl Runner {
    pub(crate) fn new(checkout: &Path) -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut all = environment(checkout);
        all.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        let release = published(files.path());
        for (name, value) in [
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_ARCH", "X64".to_owned()),
            ("RUNNER_TEMP", files.path().display().to_string()),
            ("GITHUB_ACTION_REPOSITORY", "OWNER/emblazon".to_owned()),
            (
                "GITHUB_SERVER_URL",
                format!("file://{}", files.path().display()),
            ),
        ] {
            all.insert(name.to_owned(), value);
        }
        for name in ["GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] {
            let file = files.path().join(name);
            fs::write(&file, "").unwrap();
            all.insert(name.to_owned(), file.to_str().unwrap().to_owned());
        }
        Self {
            names: BTreeMap::from([("env.EMBLAZON_DIGEST".to_owned(), release.clone())]),
            environment: all,
            log: String::new(),
            used: BTreeMap::new(),
            failed: false,
            release,
            checkout: checkout.to_owned(),
            files,
        }
    }

    pub(crate) fn summary(&self) -> String {
        fs::read_to_string(self.files.path().join("GITHUB_STEP_SUMMARY")).unwrap()
    }

    /// Runs the only job of a workflow in `examples/github`.
    pub(crate) fn run(&mut self, workflow: &str) {
        let workflow = read(&top().join("examples/github").join(workflow));
        let jobs = workflow["jobs"].as_mapping().unwrap();
        assert_eq!(jobs.len(), 1);
        for step in jobs.values().next().unwrap()["steps"]
            .as_sequence()
            .unwrap()
        {
            if !self.holds(step["if"].as_str()) {
                continue;
            }
            if let Some(uses) = step["uses"].as_str() {
                let with = self.evaluated(&step["with"]);
                if uses.starts_with(ACTION) {
                    self.act(step, &with);
                } else {
                    let name = uses.split('@').next().unwrap();
                    self.used.insert(name.to_owned(), with);
                }
            } else {
                self.shell(step, "-e");
            }
        }
    }

    /// Runs the command as somebody who has the job's token.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_emblazon"))
            .args(arguments)
            .current_dir(&self.checkout)
            .env_clear()
            .envs(&self.environment)
            .env("GITHUB_TOKEN", "canary-token")
            .output()
            .unwrap()
    }

    /// Runs the script of a job in `examples/gitlab`.
    pub(crate) fn run_job(&mut self, job: &str) {
        let file = read(&top().join("examples/gitlab/.gitlab-ci.yml"));
        for (name, value) in file["variables"].as_mapping().unwrap() {
            let (name, value) = (name.as_str().unwrap(), value.as_str().unwrap());
            let value = value.replace("$CI_PROJECT_DIR", self.checkout.to_str().unwrap());
            self.environment.insert(name.to_owned(), value);
        }
        let lines = file[job]["script"].as_sequence().unwrap().iter();
        let lines = lines.map(|line| line.as_str().unwrap());
        // The image has the program.
        self.finds(Path::new(env!("CARGO_BIN_EXE_emblazon")).parent().unwrap());
        // There is no such server here, and the clone may push.
        let lines = lines.filter(|line| !line.starts_with("git remote set-url"));
        let script = lines.collect::<Vec<_>>().join("\n");
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
            .current_dir(&self.checkout)
            .env_clear()
            .envs(&self.environment)
            .output()
            .unwrap();
        self.log
            .push_str(&String::from_utf8(output.stdout).unwrap());
        self.log
            .push_str(&String::from_utf8(output.stderr).unwrap());
        self.failed |= !output.status.success();
        for path in file[job]["artifacts"]["paths"].as_sequence().unwrap() {
            let path = path.as_str().unwrap();
            self.used.entry(path.to_owned()).or_default();
        }
    }

    /// Runs the steps of the action.
    fn act(&mut self, step: &Value, with: &BTreeMap<String, String>) {
        let folder = top().join(".github/actions/emblazon");
        let outer_names = self.names.clone();
        let action = read(&folder.join("action.yml"));
        let inputs = action["inputs"].as_mapping().unwrap();
        for name in with.keys() {
            assert!(inputs.contains_key(name), "the action has no input {name}");
        }
        for (name, input) in inputs {
            let name = name.as_str().unwrap();
            let value = with.get(name).cloned();
            let value = value.or_else(|| input["default"].as_str().map(str::to_owned));
            let value = value.unwrap_or_else(|| panic!("{name} is missing"));
            self.names.insert(format!("inputs.{name}"), value);
        }
        let outer = self.environment.clone();
        self.environment.extend(self.evaluated(&step["env"]));
        let path = folder.to_str().unwrap().to_owned();
        self.environment
            .insert("GITHUB_ACTION_PATH".to_owned(), path);
        for step in action["runs"]["steps"].as_sequence().unwrap() {
            if !self.failed {
                self.shell(step, "-eo pipefail");
            }
        }
        let path = self.environment.remove("PATH").unwrap();
        self.environment = outer;
        // What a step puts on the path stays there.
        self.environment.insert("PATH".to_owned(), path);
        let mut outputs = BTreeMap::new();
        if let Some(id) = step["id"].as_str() {
            for (name, output) in action["outputs"].as_mapping().unwrap() {
                let value = self.expanded(output["value"].as_str().unwrap());
                let name = format!("steps.{id}.outputs.{}", name.as_str().unwrap());
                outputs.insert(name, value);
            }
        }
        // What the action calls inputs and steps is its own.
        self.names = outer_names;
        self.names.extend(outputs);
    }

    fn shell(&mut self, step: &Value, flags: &str) {
        let script = step["run"].as_str().unwrap();
        assert!(
            !script.contains("${{"),
            "text from outside would become code: {script}"
        );
        let output_file = self.files.path().join("GITHUB_OUTPUT");
        fs::write(&output_file, "").unwrap();
        let output = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .args(flags.split(' '))
            .args(["-c", script])
            .current_dir(&self.checkout)
            .env_clear()
            .envs(&self.environment)
            .envs(self.evaluated(&step["env"]))
            .output()
            .unwrap();
        self.log
            .push_str(&String::from_utf8(output.stdout).unwrap());
        self.log
            .push_str(&String::from_utf8(output.stderr).unwrap());
        self.failed |= !output.status.success();
        let path_file = self.files.path().join("GITHUB_PATH");
        for folder in fs::read_to_string(&path_file).unwrap().lines() {
            self.finds(Path::new(folder));
        }
        fs::write(&path_file, "").unwrap();
        let id = step["id"].as_str().unwrap_or("-").to_owned();
        for line in fs::read_to_string(&output_file).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            let name = format!("steps.{id}.outputs.{name}");
            self.names.insert(name, value.to_owned());
        }
    }

    /// Lets the steps that follow find the programs of a folder.
    fn finds(&mut self, folder: &Path) {
        let path = self.environment.get_mut("PATH").unwrap();
        *path = format!("{}:{path}", folder.display());
    }

    /// Evaluates a mapping of texts.
    fn evaluated(&self, map: &Value) -> BTreeMap<String, String> {
        let entries = map.as_mapping().into_iter().flatten();
        entries
            .map(|(name, value)| {
                let text = match value {
                    Value::String(text) => self.expanded(text),
                    Value::Number(number) => number.to_string(),
                    Value::Bool(value) => value.to_string(),
                    other => panic!("{other:?}"),
                };
                (name.as_str().unwrap().to_owned(), text)
            })
            .collect()
    }

    /// Puts values in the place of expressions. One that is not set is empty, as it is to a runner.
    fn expanded(&self, text: &str) -> String {
        let mut parts = text.split("${{");
        let mut whole = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap();
            whole.push_str(&self.value(name.trim()));
            whole.push_str(rest);
        }
        whole
    }

    fn value(&self, name: &str) -> String {
        if let Some(text) = name.strip_prefix('\'') {
            return text.strip_suffix('\'').unwrap().to_owned();
        }
        if let Some(value) = self.names.get(name) {
            return value.clone();
        }
        let may_be_unset = name.starts_with("steps.") || name == "inputs.expect";
        assert!(may_be_unset, "nobody says what {name} is");
        String::new()
    }

    fn holds(&self, condition: Option<&str>) -> bool {
        let Some(condition) = condition else {
            return !self.failed;
        };
        let condition = condition.trim_start_matches("${{").trim_end_matches("}}");
        let terms: Vec<&str> = condition.split("&&").map(str::trim).collect();
        let goes_on = terms.contains(&"!cancelled()");
        let mut compared = terms.iter().filter(|term| **term != "!cancelled()");
        (goes_on || !self.failed)
            && compared.all(|term| {
                let (left, right) = term.split_once(" != ").unwrap();
                self.value(left) != self.value(right)
            })
    }

    /// Returns the commands that the runner would have taken from the log.
    pub(crate) fn commands(&self) -> Vec<&str> {
        let mut commands = Vec::new();
        let mut stopped: Option<String> = None;
        for line in self.log.lines() {
            match &stopped {
                Some(word) if line == format!("::{word}::") => stopped = None,
                Some(_) => {}
                None => match line.strip_prefix("::stop-commands::") {
                    Some(word) => stopped = Some(word.to_owned()),
                    None if line.trim_start().starts_with("::") => commands.push(line),
                    None => {}
                },
            }
        }
        assert_eq!(stopped, None, "the runner listens again");
        commands
    }
}

/// Puts a release into a folder, where a server of that address would have it, and returns its digest.
fn published(server: &Path) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("emblazon-{version}-x86_64-unknown-linux-musl");
    let unpacked = server.join("unpacked");
    fs::create_dir_all(unpacked.join(&name)).unwrap();
    let program = unpacked.join(&name).join("emblazon");
    let text = format!(
        "#!/bin/sh\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_emblazon")
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let files = server.join(format!("OWNER/emblazon/releases/download/v{version}"));
    fs::create_dir_all(&files).unwrap();
    let archive = files.join(format!("{name}.tar.gz"));
    let status = Command::new("tar")
        .args(["--create", "--gzip", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(&unpacked)
        .arg(&name)
        .status();
    assert!(status.unwrap().success());
    Digest::of(&fs::read(&archive).unwrap()).to_string()
}

pub(crate) fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
