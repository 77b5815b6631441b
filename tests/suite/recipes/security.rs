//! What `.github/SECURITY.md` says is so: the limits are those of the sources, and the hook holds who may push.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::git::{Server, environment, git};
use crate::source_text::top;

fn page() -> String {
    fs::read_to_string(top().join(".github/SECURITY.md")).unwrap()
}

#[test]
fn each_limit_is_the_one_in_the_source() {
    let page = page();
    let rows = page.split("## Limits").nth(1).unwrap();
    let mut seen = 0;
    let marked = rows.split('`').skip(1).step_by(2);
    for limit in marked.filter(|marked| marked.starts_with("src/")) {
        let (file, rest) = limit.split_once(' ').unwrap();
        let (name, value) = rest.split_once(" = ").unwrap();
        let source = fs::read_to_string(top().join(file)).unwrap();
        let is_there = source.lines().any(|line| {
            line.contains(&format!("const {name}:")) && line.ends_with(&format!("= {value};"))
        });
        assert!(is_there, "{file} has no {name} = {value}");
        seen += 1;
    }
    assert!(seen > 15, "only {seen} limits");
}

#[test]
fn the_hook_lets_one_user_push_what_git_remembers() {
    let page = page();
    let (_, hook) = page.split_once("```sh\n").unwrap();
    let (hook, _) = hook.split_once("```").unwrap();
    let server = Server::new();
    let clone = server.clone_as("ops");
    fs::write(clone.join("file"), "text").unwrap();
    git(&clone, &["add", "--all"]);
    git(&clone, &["commit", "--quiet", "-m", "begin"]);
    git(&clone, &["push", "--quiet", "origin", "HEAD:main"]);
    let file = server.path().join("hooks/pre-receive");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, hook).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let push = |variable: &str, user: &str, target: &str| {
        let output = Command::new("git")
            .args(["-C", clone.to_str().unwrap(), "push", "--quiet", "origin"])
            .arg(format!("HEAD:{target}"))
            .envs(environment(&clone))
            .env(variable, user)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let applied = "refs/emblazon/production/applied";
    for variable in ["GL_USERNAME", "GITEA_PUSHER_NAME"] {
        let (done, told) = push(variable, "mallory", applied);
        assert!(
            !done && told.contains("only emblazon-bot may push"),
            "{told}"
        );
        let (done, told) = push(variable, "emblazon-bot", applied);
        assert!(done, "{told}");
        git(
            &clone,
            &["commit", "--quiet", "--allow-empty", "-m", variable],
        );
        assert!(
            push(variable, "mallory", "refs/heads/other").0,
            "branches stay as they are"
        );
    }
}
