//! The command that somebody runs next, at the same place.

use std::env;

use camino::Utf8Path;
use url::Url;

use super::platform::PlatformArgs;
use super::trial::Trial;
use crate::model::in_a_shell;

/// The options that lead another command to the same platform: those of the command line, and never a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Again(String);

impl Again {
    /// Of a command that uses no platform.
    pub(crate) fn nowhere() -> Self {
        Self(String::new())
    }

    /// Of a command that uses no platform but a sandbox.
    pub(crate) fn in_sandbox(sandbox: &Trial) -> Self {
        Self(sandbox.again())
    }

    /// Of a command on a platform.
    pub(crate) fn on_platform(args: &PlatformArgs, cluster: Option<&str>) -> Self {
        let api = args.api.as_deref();
        Self::on(&args.sandbox, (api, args.trust.as_deref(), cluster))
    }

    /// Of a command on a platform, whose URL, trust and cluster may be said.
    pub(crate) fn on(
        sandbox: &Trial,
        (api, trust, cluster): (Option<&str>, Option<&str>, Option<&str>),
    ) -> Self {
        let environment = |name: &str| env::var(name).ok();
        let mut text = sandbox.again();
        for (option, value, variable) in [
            (
                "--api",
                api.filter(|api| !holds_credentials(api)),
                "EMBLAZON_API",
            ),
            ("--trust", trust, "EMBLAZON_TRUST"),
            ("--cluster", cluster, "EMBLAZON_CLUSTER"),
        ] {
            if let Some(value) = said(value, variable, &environment) {
                text.push_str(option);
                text.push(' ');
                text.push_str(&in_a_shell(value));
                text.push(' ');
            }
        }
        Self(text)
    }

    /// Formats a command with these options, as a shell takes it.
    pub(crate) fn command<'a>(
        &self,
        verb: &str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> String {
        let mut text = format!("emblazon {verb} {}", self.0);
        for word in words {
            text.push_str(&in_a_shell(word));
            text.push(' ');
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Returns the command that lists the runs on a platform, or on a sandbox.
pub(crate) fn history_command(sandbox: &Trial, folder: &Utf8Path) -> String {
    Again::in_sandbox(sandbox).command("history", tree_option(folder))
}

/// Returns the command that shows the mistakes in a tree, at a revision or as its files are.
pub(crate) fn validate_command(folder: &Utf8Path, revision: Option<&str>, cluster: &str) -> String {
    let revision = revision
        .into_iter()
        .flat_map(|revision| ["--rev", revision]);
    let words = revision.chain(["--cluster", cluster]);
    Again::nowhere().command("validate", words.chain(tree_word(folder)))
}

/// Returns the words for a tree behind a command; none for the folder that the command is run in.
pub(crate) fn tree_word(folder: &Utf8Path) -> impl Iterator<Item = &str> {
    Some(folder.as_str())
        .into_iter()
        .filter(|folder| *folder != ".")
}

/// Does the same for a command that takes the tree as an option.
pub(crate) fn tree_option(folder: &Utf8Path) -> impl Iterator<Item = &str> {
    tree_word(folder).flat_map(|folder| ["--tree", folder])
}

/// Returns a value of the command line; what the environment says, it says to the next command too.
fn said<'a>(
    value: Option<&'a str>,
    variable: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<&'a str> {
    value.filter(|value| environment(variable).as_deref() != Some(value))
}

fn holds_credentials(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    /// Whatever says where a command works is said of the next one too, as its words are taken.
    #[test]
    fn the_next_command_works_at_the_same_place() {
        #[track_caller]
        fn check(line: &str, next: &dyn Fn(&Command) -> String, expected: &str) {
            let parse =
                |line: &str| Cli::try_parse_from(["emblazon"].into_iter().chain(line.split(' ')));
            let cli = parse(line).expect("a command line");
            let next = next(&cli.command);
            assert_eq!(next, expected);
            let words = next.strip_prefix("emblazon ").expect("a command");
            assert!(parse(words).is_ok(), "{next}");
        }
        let carry_out = |command: &Command| match command {
            Command::Plan(args) => args.carried_out("h.plan".into()),
            other => panic!("{other:?}"),
        };
        check("plan", &carry_out, "emblazon apply h.plan");
        check(
            "plan --api https://b.example --trust t.yaml --cluster b brands",
            &carry_out,
            "emblazon apply --api https://b.example --trust t.yaml --cluster b h.plan --tree brands",
        );
        check(
            "plan --sandbox --state trial brands",
            &carry_out,
            "emblazon apply --sandbox --state trial h.plan --tree brands",
        );
        // A credential in the URL is not printed.
        check(
            "plan --api https://me:secret@b.example --cluster b",
            &carry_out,
            "emblazon apply --cluster b h.plan",
        );
        let look = |command: &Command| match command {
            Command::Apply(args) => args.look(),
            Command::Restore(args) => args.look(),
            other => panic!("{other:?}"),
        };
        check("apply", &look, "emblazon plan");
        check(
            "apply --yes --api https://b.example --rev v1 --prune --skip-dns --allow freeze,prune --shard 2/3 --forget acme brands",
            &look,
            "emblazon plan --api https://b.example --rev v1 --shard 2/3 --forget acme --prune --allow freeze,prune --skip-dns brands",
        );
        check(
            "restore last acme --yes --moved --api https://b.example --tree brands",
            &look,
            "emblazon restore --api https://b.example last acme --dry-run --moved --tree brands",
        );
        let next = |command: &Command| match command {
            Command::Import(args) => args.next(),
            other => panic!("{other:?}"),
        };
        check(
            "import --api https://b.example --cluster b --tree brands",
            &next,
            "emblazon plan --api https://b.example --cluster b brands",
        );
        let list = |command: &Command| match command {
            Command::Apply(args) => args.history(),
            Command::Restore(args) => args.history(),
            other => panic!("{other:?}"),
        };
        check("apply brands", &list, "emblazon history --tree brands");
        check(
            "restore x --sandbox --state trial --tree brands",
            &list,
            "emblazon history --sandbox --state trial --tree brands",
        );
    }

    #[test]
    fn the_environment_says_it_to_the_next_command_too() {
        #[track_caller]
        fn check(value: Option<&str>, environment: Option<&str>, expected: Option<&str>) {
            let found = |name: &str| {
                assert_eq!(name, "EMBLAZON_API");
                environment.map(str::to_owned)
            };
            assert_eq!(said(value, "EMBLAZON_API", &found), expected);
        }
        let (one, other) = (Some("https://a.example"), Some("https://b.example"));
        check(one, None, one);
        check(one, other, one);
        check(one, one, None);
        check(None, one, None);
    }
}
