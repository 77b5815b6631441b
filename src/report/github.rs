//! The report as annotations of a GitHub workflow run.
//!
//! The runner shows ten annotations of each level per step and silently drops the rest; the last line reports how many
//! were left out.

use std::fmt::{self, Write as _};

use super::escape::visible;
use super::finding::{Finding, Level, findings, of_probe};
use super::{Places, Report};
use crate::model::nouns;
use crate::probe::ProbeReport;

/// The maximum number of annotations of one level that the runner shows per step.
const LIMIT: usize = 10;

/// Workflow commands for the runner, one per line. Only [`render`] creates them, which ensures that no value can end a
/// line or start another command.
#[derive(Clone, Debug)]
pub struct Commands(String);

impl Commands {
    /// Returns the lines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Renders a report as workflow commands, worst first; empty when there is nothing to look at.
#[must_use]
pub fn render(report: &Report) -> Commands {
    commands(findings(report), &report.places)
}

/// Renders the results of a probe as workflow commands, worst first; empty when every brand is visible.
#[must_use]
pub fn probe(report: &ProbeReport, places: &Places) -> Commands {
    commands(of_probe(report), places)
}

fn commands(mut found: Vec<Finding>, places: &Places) -> Commands {
    found.sort_by_key(|finding| finding.level);
    let count = |level| {
        found
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let is_cut = [Level::Error, Level::Warning, Level::Note]
        .iter()
        .any(|level| count(*level) > LIMIT);
    let limit = |level| match level {
        // The line that reports how many were left out is itself a notice.
        Level::Note if is_cut => LIMIT - 1,
        Level::Error | Level::Warning | Level::Note => LIMIT,
    };
    let mut text = String::new();
    let mut more = Vec::new();
    for level in [Level::Error, Level::Warning, Level::Note] {
        let of_level = found.iter().filter(|finding| finding.level == level);
        for finding in of_level.take(limit(level)) {
            annotate(&mut text, finding, places);
        }
        let left = count(level).saturating_sub(limit(level));
        if left > 0 {
            more.push(format!("{left} more {}", plural(level, left)));
        }
    }
    if !more.is_empty() {
        let message = format!(
            "{} not shown here: a step has at most {LIMIT} annotations of each level; the report has all",
            more.join(", ")
        );
        let _ = writeln!(text, "::notice title=emblazon::{}", data(&message));
    }
    Commands(text)
}

fn annotate(text: &mut String, finding: &Finding, places: &Places) {
    let mut properties = Vec::new();
    if let Some(spot) = &finding.spot {
        let file = places.in_repository(&spot.file);
        properties.push(format!("file={}", property(file.as_str())));
        properties.push(format!("line={}", spot.from.line));
        // The runner accepts columns only for a range within one line.
        let end = spot.to.filter(|to| to.line == spot.from.line);
        properties.push(format!("col={}", spot.from.column));
        properties.extend(end.map(|to| format!("endColumn={}", to.column)));
    }
    properties.push(format!("title={}", property(&title(finding))));
    let mut message = finding.message.clone();
    if let Some(help) = &finding.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    let command = command(finding.level);
    let _ = writeln!(
        text,
        "::{command} {}::{}",
        properties.join(","),
        data(&message)
    );
}

fn title(finding: &Finding) -> String {
    format!("{}: {}", finding.rule.id(), finding.rule.title())
}

fn command(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    }
}

fn plural(level: Level, count: usize) -> String {
    nouns(count, command(level))
}

/// Escapes the message after the second `::`. Line breaks are kept; invisible characters are made visible.
fn data(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| visible(line).replace('%', "%25"))
        .collect();
    lines.join("%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Risk;
    use crate::report::fixture::{account, empty, everything, setting, step};
    use crate::report::{Command, Verb};
    use serde_json::json;

    #[test]
    fn a_plan_as_annotations() {
        insta::assert_snapshot!(render(&everything(Command::Plan)).as_str(), @r#"
        ::error file=brands tree/accounts/acme/account.yaml,line=2,col=45,endColumn=70,title=EB0401%3A the domain is not a bare host name::a scheme does not belong in a domain%0Ahelp: write `acme.example.com`
        ::error file=brands tree/accounts/hooli/account.yaml,line=1,col=1,title=refused%3A a guard refuses it::hooli: deleting the whitelabel of hooli needs to be asked for%0Ahelp: run again with `--prune`
        ::warning title=EB0118%3A a folder in accounts/ without an account::folder "old" has no account%0Ahelp: remove it
        ::warning title=unknown%3A it could not be checked::initech: reading the whitelabel timed out after 30 s
        ::warning file=brands tree/accounts/acme/account.yaml,line=8,col=17,title=drift%3A somebody changed the platform by hand::acme: whitelabel.port.support_email: "x@evil.example" -> "porting@acme.example.com"; changed on the platform
        ::warning file=brands tree/accounts/acme/account.yaml,line=9,col=17,title=conflict%3A the platform and the tree both changed::acme: whitelabel.sso.note: "line one\nline two\nline three\nline four\nthe last line\n" -> "line one\nline 2\nline three\nline four\nthe last line\nand one more\n"; changed on the platform and in Git
        ::warning file=brands tree/accounts/acme/account.yaml,line=2,col=38,title=dns-unknown%3A DNS could not be checked::acme: TXT acme.example.com unknown: no authoritative server gave an answer (no answer in time)
        ::warning file=brands tree/accounts/acme/account.yaml,line=2,col=38,title=dns-different%3A a DNS record says something else::acme: CNAME portal.acme.example.com different; found old-ui.example.net; wanted ui.example.net%0Ahelp: the old portal is still named
        ::notice file=brands tree/domains.yaml,line=8,col=3,title=pending%3A a change from Git is not applied yet::domain template: A us-east.{{domain}} mapping: ["203.0.113.5"] -> ["192.0.2.10", "192.0.2.11"]
        ::notice file=brands tree/accounts/acme/account.yaml,line=4,col=17,title=pending%3A a change from Git is not applied yet::acme: whitelabel.company_name: "Acme" -> "Acme Voice"
        ::notice file=brands tree/accounts/acme/account.yaml,line=6,col=17,title=differs%3A the platform differs from the tree::acme: whitelabel.hide_powered: nothing -> true
        ::notice file=brands tree/accounts/acme/account.yaml,line=7,col=17,title=removal%3A something is removed from the platform::acme: whitelabel.fake_api_url: "https://old.example.com" -> nothing; must not be there
        ::notice file=brands tree/brands/gold.yaml,line=3,col=5,title=pending%3A a change from Git is not applied yet::4 accounts (acme, beta, delta, gamma): whitelabel.nav.learn_more: "https://gold.example.com/old" -> "https://gold.example.com/features"
        ::notice file=brands tree/accounts/acme/account.yaml,line=12,col=9,title=pending%3A a change from Git is not applied yet::acme: assets.logo: GIF 300×80 12.4 kB cba06b5736fa -> PNG 1320×80 1.8 MB 11507a0e2f5e
        "#);
    }

    #[test]
    fn the_rest_is_counted() {
        let mut report = empty(Command::Drift);
        for number in 0..25 {
            let change = setting(
                "company_name",
                json!("a"),
                json!(format!("b{number}")),
                crate::diff::Cause::Drift,
                number,
            );
            let update = step(number, Verb::Update, Risk::Reversible, vec![change]);
            report
                .accounts
                .push(account(&format!("account-{number}"), vec![update]));
        }
        let text = render(&report);
        assert_eq!(
            text.as_str()
                .lines()
                .filter(|line| line.starts_with("::warning "))
                .count(),
            10
        );
        assert_eq!(
            text.as_str().lines().last(),
            Some(
                "::notice title=emblazon::15 more warnings not shown here: a step has at most 10 annotations of each level; the report has all"
            )
        );
    }

    proptest! {
        /// Whatever the platform returns, each line is one command, and it is one of ours.
        #[test]
        fn no_value_breaks_out(before: String, after: String, name: String) {
            let mut report = empty(Command::Drift);
            let change = setting("company_name", json!(before), json!(after), crate::diff::Cause::Drift, 3);
            let update = step(0, Verb::Update, Risk::Reversible, vec![change]);
            report.accounts.push(account(&format!("a{name}"), vec![update]));
            let text = render(&report);
            for line in text.as_str().lines() {
                prop_assert!(line.starts_with("::warning file=accounts/acme/account.yaml,line=3,col=17,title="), "{line}");
                prop_assert_eq!(line.matches("::").count() - line.splitn(3, "::").nth(2).unwrap_or("").matches("::").count(), 2);
            }
        }
    }

    /// A file name may contain anything but a slash and still is one property of one command.
    #[test]
    fn no_file_name_breaks_out() {
        let mut sources = crate::diag::SourceMap::default();
        let file = sources.add(
            "accounts/a\n::error::owned\u{1b}[2J\u{9b}m\u{202e},line=9/account.yaml".into(),
            "a: b\u{9d}\n",
        );
        let span = crate::diag::Span { start: 0, end: 1 };
        let place = crate::diag::Place { file, span };
        let found = crate::diag::Diagnostic::new(
            crate::diag::Code::EB0101,
            "a\n::error::b\u{9b}",
            "c\r\nd",
        );
        let mut report = empty(Command::Validate);
        report.problems = crate::report::problems(&[found.at(place, "")], &sources);
        insta::assert_snapshot!(render(&report).as_str(), @r"::error file=accounts/a\n%3A%3Aerror%3A%3Aowned\u{1b}[2J\u{9b}m\u{202e}%2Cline=9/account.yaml,line=1,col=1,endColumn=2,title=EB0101%3A the file is not valid YAML::a\n::error::b\u{9b}%0Ahelp: c\r\nd");
    }
}
