//! Whoever opens a pull request writes the tree. Where credentials go, which commands run and which files are read is said
//! outside of it, by its operator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::Ordering;

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::Platform;
use crate::stand_in::StandIn;

/// A platform, its tree, and a folder that whoever writes the tree cannot write.
struct Stage {
    platform: Platform,
    outside: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            platform: Platform::renamed("a", "{}"),
            outside: tempfile::tempdir().unwrap(),
        }
    }

    /// Says in the tree where the platform is.
    fn lead(&self, api: &str, further: &str) {
        let config = format!("clusters: {{production: {{api: \"{api}\"{further}}}}}\n");
        self.platform.write("emblazon.yaml", &config);
    }

    /// Writes down what is trusted, and returns the file.
    fn trust(&self, text: &str) -> PathBuf {
        let file = self.outside.path().join("trust.yaml");
        fs::write(&file, text).unwrap();
        file
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.platform.command(arguments);
        command.env_remove("EMBLAZON_API");
        command
    }

    fn run(&self, trust: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.env("EMBLAZON_TRUST", trust).output().unwrap()
    }

    /// Returns a file of the tree's folder.
    fn here(&self, name: &str) -> PathBuf {
        self.platform.folder().join(name)
    }
}

/// Returns the lines that are to be written down.
#[track_caller]
fn lines(output: &Output) -> String {
    let talk = stderr(output);
    let (_, rest) = talk.split_once("if that is right, let ").expect("a remedy");
    let lines = rest
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("  "));
    lines.flat_map(|line| [line, "\n"]).collect()
}

const ALL: [&[&str]; 5] = [
    &["plan"],
    &["drift"],
    &["apply", "--yes"],
    &["import"],
    &["dns", "check", "--ask-kazoo"],
];

#[test]
fn a_tree_leads_no_credential_to_a_stranger() {
    let stage = Stage::new();
    let stranger = StandIn::start(|_, connection| {
        connection.json("201 Created", r#"{"auth_token": "t", "data": {}}"#);
    });
    let own = stage.platform.sandbox.url();
    let trust = stage.trust(&format!("api: [\"{own}\"]\n"));
    for further in [
        "",
        ", auth: {api_key: {file: /proc/self/environ}}",
        ", auth: {token: {env: HOME}}",
    ] {
        stage.lead(&stranger.url(), further);
        for arguments in ALL {
            let output = stage.run(&trust, arguments);
            check_exit(&output, 5);
            let talk = stderr(&output);
            assert!(talk.contains("emblazon.yaml:1:30: the platform "), "{talk}");
            assert!(talk.contains("nothing was asked, read or run"), "{talk}");
        }
    }
    // Without a word from anybody, it is no better.
    stage.lead(
        "https://evil.example.com",
        ", auth: {token: {file: /proc/self/environ}}",
    );
    let output = stage.command(&["plan"]).output().unwrap();
    check_exit(&output, 5);
    let talk = stderr(&output);
    assert!(talk.contains("/proc/"), "{talk}");
    assert_eq!(stranger.asked.load(Ordering::SeqCst), 0, "nobody was asked");

    // Whoever names the platform himself goes there, whatever the tree says.
    check_exit(&stage.platform.run(&["plan"]), 2);
    // What asks nobody goes on.
    check_exit(&stage.command(&["validate"]).output().unwrap(), 0);
    stage.platform.stop();
}

#[test]
fn a_command_of_a_pull_request_never_runs() {
    let stage = Stage::new();
    let own = stage.platform.sandbox.url();
    let key = stage.platform.sandbox.api_key();
    let ran = stage.here("ran");
    let command = format!("[sh, -c, \"touch '{}'; echo {key}\"]", ran.display());
    stage.lead(
        &own,
        &format!(", auth: {{api_key: {{command: {command}}}}}"),
    );
    let trust = stage.trust("");
    let mut refused = None;
    for arguments in ALL {
        let output = stage.run(&trust, arguments);
        check_exit(&output, 5);
        assert!(
            stderr(&output).contains("names a command, sh"),
            "{}",
            stderr(&output)
        );
        refused = Some(output);
    }
    assert!(!ran.exists(), "no command was run");

    // What is told to be written down lets it run.
    let trust = stage.trust(&lines(&refused.unwrap()));
    check_exit(&stage.run(&trust, &["plan"]), 2);
    assert!(ran.exists());
    // Another one it does not.
    fs::remove_file(&ran).unwrap();
    let other = command.replace("echo", "printf %s");
    stage.lead(&own, &format!(", auth: {{api_key: {{command: {other}}}}}"));
    check_exit(&stage.run(&trust, &["plan"]), 5);
    assert!(!ran.exists());
    stage.platform.stop();
}

#[test]
fn what_is_told_to_be_written_down_is_enough() {
    let stage = Stage::new();
    let key = stage.here("key");
    fs::write(&key, stage.platform.sandbox.api_key()).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let own = stage.platform.sandbox.url();
    stage.lead(&own, ", auth: {api_key: {file: key}}");
    // It adds to what was there.
    let trust = stage.trust("api: [\"https://api.example.com\"]\n");
    let output = stage.run(&trust, &["plan"]);
    check_exit(&output, 5);
    assert!(
        stderr(&output).contains(trust.to_str().unwrap()),
        "{}",
        stderr(&output)
    );
    let told = lines(&output);
    assert!(told.contains("https://api.example.com"), "{told}");
    let trust = stage.trust(&told);
    let output = stage.run(&trust, &["plan"]);
    check_exit(&output, 2);
    // The same as a text, as a variable of a runner has it, and where other settings are.
    let config = format!("{{{}}}", told.trim().replace('\n', ", "));
    check_exit(&stage.run(Path::new(&config), &["plan"]), 2);
    let told = lines(&stage.run(Path::new("{api: [\"https://api.example.com\"]}"), &["plan"]));
    assert!(told.contains("https://api.example.com"), "{told}");
    check_exit(&stage.run(Path::new(told.trim()), &["plan"]), 2);
    let settings = stage.outside.path().join("emblazon");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("trust.yaml"), &told).unwrap();
    let mut command = stage.command(&["plan"]);
    let output = command
        .env("XDG_CONFIG_HOME", stage.outside.path())
        .output()
        .unwrap();
    check_exit(&output, 2);
    // On the command line it is said for once.
    let mut command = stage.command(&["plan", "--trust"]);
    check_exit(&command.arg(&trust).output().unwrap(), 2);
    stage.platform.stop();
}

#[test]
fn what_is_wrong_with_what_is_trusted_is_told() {
    #[track_caller]
    fn check(output: &Output, expected: &str) {
        check_exit(output, 64);
        assert!(stderr(output).contains(expected), "{}", stderr(output));
        assert_eq!(stdout(output), "");
    }
    let stage = Stage::new();
    stage.lead("https://api.example.com", "");
    let missing = stage.outside.path().join("missing.yaml");
    check(&stage.run(&missing, &["plan"]), "is not there; write it");
    let wrong = stage.trust("apis: []\n");
    check(
        &stage.run(&wrong, &["plan"]),
        "trust.yaml:1:1: unknown key apis",
    );
    let wrong = stage.trust("commands: [vault]\n");
    check(&stage.run(&wrong, &["plan"]), "trust.yaml:1:");
    // Whoever writes the tree would write this, too.
    stage
        .platform
        .write("ci/trust.yaml", "api: [\"https://api.example.com\"]\n");
    let inside = stage.here("ci/trust.yaml");
    check(&stage.run(&inside, &["plan"]), "lies in the tree");
    // A variable that nobody set is none.
    check_exit(&stage.run(Path::new(""), &["plan"]), 5);
    stage.platform.stop();
}
