//! The recipes of the README and of the pages in `examples`, as somebody follows them: each page's commands are run by
//! bash in order and in one folder, with the exit codes that the page names, and what the page shows is compared with
//! what is printed.
//!
//! In a page, a block of `sh` holds commands, one a line; `# ends with N` behind one names its exit code, and
//! `# until Ctrl-C` says that it goes on. A block of `text` behind it shows what the last of them prints; one that begins
//! with `$ ` holds its command. A line `…` stands for any lines, and `…` within one for any text.

mod desk;
mod page;
#[cfg(unix)]
mod security;
mod trial;

use desk::Desk;
use page::{Step, fits, steps};

use crate::source_text::top;

/// What a page needs of Cargo; the test that reads it is run by the second of them.
const CARGO: [&str; 1] = ["cargo test"];

#[track_caller]
fn check(page: &str, desk: &Desk) {
    let text = std::fs::read_to_string(top().join(page)).unwrap();
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has no recipe");
    for step in steps {
        if !CARGO.contains(&step.command.as_str()) {
            follow(page, desk, &step);
        }
    }
    desk.is_as_it_was();
}

#[track_caller]
fn follow(page: &str, desk: &Desk, step: &Step) {
    // What Cargo would build and run is built.
    let command = step.command.replace("cargo run --release -- ", "emblazon ");
    if step.goes_on {
        desk.begin(&command);
        return;
    }
    let done = desk.run(&command);
    assert_eq!(
        done.code, step.ends_with,
        "{page}:{}: {command}\nstdout:\n{}\nstderr:\n{}",
        step.line, done.stdout, done.stderr
    );
    if let Some(shown) = &step.shown
        && let Err(difference) = fits(shown, &done.stdout)
    {
        panic!(
            "{page}:{}: {command} prints something else than the page shows: {difference}\n{}",
            step.line, done.stdout
        );
    }
}

#[test]
fn the_readme() {
    check("README.md", &Desk::with_examples());
}

/// The table of a day names what the recipes below it show.
#[test]
fn a_day_has_its_recipes() {
    let text = std::fs::read_to_string(top().join("README.md")).unwrap();
    let day = text.split("## A day").nth(1).unwrap();
    let (day, _) = day.split_once("## Recipes").unwrap();
    let mut seen = 0;
    for command in day.split('`').skip(1).step_by(2) {
        let command = command.strip_prefix("emblazon ").unwrap();
        let verb = command.split(' ').next().unwrap();
        let is_shown = text
            .lines()
            .any(|line| line.starts_with(&format!("emblazon {verb} ")));
        let goes_on = verb == "watch" && text.contains("`emblazon watch` keeps a platform in sync");
        assert!(is_shown || goes_on, "no recipe shows {command}");
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} commands");
}

#[test]
fn the_quickstart() {
    check("examples/quickstart/README.md", &Desk::with_examples());
}

/// The object of Kazoo's documentation goes through everything.
#[test]
fn the_smallest_tree() {
    check("examples/smallest/README.md", &Desk::with_examples());
}

/// What is kept, ignored and observed.
#[test]
fn the_careful_tree() {
    check("examples/careful/README.md", &Desk::with_examples());
}

/// What a change must meet, and how that is tried.
#[test]
fn the_rules_of_the_house() {
    check("examples/rules/README.md", &Desk::with_examples());
}

#[test]
fn the_daemon() {
    check("examples/watch/README.md", &Desk::with_examples());
}

#[test]
fn the_pages_for_ci() {
    check("examples/github/README.md", &Desk::in_ci());
}

#[test]
fn shards() {
    check("examples/kubernetes/README.md", &Desk::in_ci());
}

/// Every page with a recipe is one that a test above follows.
#[test]
fn no_page_is_left_out() {
    let mut pages = vec!["README.md".to_owned()];
    for entry in std::fs::read_dir(top().join("examples")).unwrap() {
        let folder = entry.unwrap().file_name().into_string().unwrap();
        let page = format!("examples/{folder}/README.md");
        if top().join(&page).exists() {
            pages.push(page);
        }
    }
    let followed = include_str!("mod.rs");
    for page in pages {
        assert!(followed.contains(&format!("check(\"{page}\"")), "{page}");
    }
}
