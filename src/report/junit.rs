//! The report as JUnit XML: each account is a test case that checks whether it matches the tree.
//!
//! | state | test result |
//! | --- | --- |
//! | in sync, done, kept, and pending in a plan | passed |
//! | differs, refused, failed, moved, or a mistake in its files | failure |
//! | could not be checked, unknown outcome | error |
//! | not compared, not begun | skipped |
//!
//! Valid against Jenkins' `junit-10.xsd`.

mod case;
mod xml;

use std::collections::BTreeMap;
use std::fmt;

use case::{Case, Outcome};
use xml::Xml;

use super::{Command, Report};
use crate::probe::ProbeReport;
use crate::report::ending::Endings;
use crate::report::escape::visible;

/// Renders a report incrementally as JUnit XML with a trailing newline.
#[must_use]
pub fn render(report: &Report) -> impl fmt::Display {
    fmt::from_fn(move |out| write(out, report))
}

fn write(out: &mut dyn fmt::Write, report: &Report) -> fmt::Result {
    let suites: Vec<(&str, Vec<Case>)> = [
        ("tree", tree(report)),
        ("platform", platform(report)),
        ("dns", dns(report)),
    ]
    .into_iter()
    .filter(|(_, cases)| !cases.is_empty())
    .collect();
    write_suites(out, report.command.as_str(), &suites, &properties(report))
}

/// Renders the results of a probe as JUnit XML with a trailing newline: each brand is a test case.
#[must_use]
pub fn probe(report: &ProbeReport) -> impl fmt::Display {
    fmt::from_fn(move |out| {
        let brands = report.brands.iter().map(Case::of_brand);
        let skipped = report.skipped.iter().map(Case::of_skipped);
        let suites = [("probe", brands.chain(skipped).collect())];
        write_suites(out, "probe", &suites, &[])
    })
}

/// What a suite was made from, by name.
type Properties = [(&'static str, String)];

fn write_suites(
    out: &mut dyn fmt::Write,
    command: &str,
    suites: &[(&str, Vec<Case>)],
    properties: &Properties,
) -> fmt::Result {
    let cases = suites.iter().flat_map(|(_, cases)| cases);
    let mut xml = Xml::new(out)?;
    xml.open(
        "testsuites",
        &[
            ("name", &format!("emblazon {command}")),
            ("tests", &cases.clone().count().to_string()),
            (
                "failures",
                &count(cases.clone(), Outcome::is_failure).to_string(),
            ),
            ("errors", &count(cases, Outcome::is_error).to_string()),
        ],
    )?;
    for (name, cases) in suites {
        write_suite(&mut xml, properties, name, cases)?;
    }
    xml.close("testsuites")
}

fn count<'a>(cases: impl Iterator<Item = &'a Case>, is: impl Fn(&Outcome) -> bool) -> usize {
    cases.filter(|case| is(&case.outcome)).count()
}

fn write_suite(
    xml: &mut Xml<'_>,
    properties: &Properties,
    name: &str,
    cases: &[Case],
) -> fmt::Result {
    let count = |is: fn(&Outcome) -> bool| count(cases.iter(), is).to_string();
    xml.open(
        "testsuite",
        &[
            ("name", name),
            ("tests", &cases.len().to_string()),
            ("failures", &count(Outcome::is_failure)),
            ("errors", &count(Outcome::is_error)),
            ("skipped", &count(Outcome::is_skipped)),
        ],
    )?;
    if !properties.is_empty() {
        xml.open("properties", &[])?;
        for (name, value) in properties {
            xml.empty("property", &[("name", name), ("value", value)])?;
        }
        xml.close("properties")?;
    }
    for case in cases {
        case.write(xml, name)?;
    }
    xml.close("testsuite")
}

fn properties(report: &Report) -> Vec<(&'static str, String)> {
    let known = [
        ("cluster", report.cluster.as_ref().map(ToString::to_string)),
        ("tree", report.tree.as_ref().map(ToString::to_string)),
        ("plan", report.plan.as_ref().map(ToString::to_string)),
        (
            "base",
            report.base.as_ref().and_then(|base| base.commit.clone()),
        ),
    ];
    let known = known.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Returns test cases for the mistakes in the tree, by account or, failing that, by file. When only the tree was
/// checked, every account has a case.
fn tree(report: &Report) -> Vec<Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    if report.command == Command::Validate {
        for object in report.objects() {
            let title = visible(object.title()).into_owned();
            cases.insert(title.clone(), Case::passed(title));
        }
    }
    for problem in &report.problems {
        let path = problem
            .primary
            .as_ref()
            .map(|label| label.source.path.as_str());
        let path = path.unwrap_or("emblazon.yaml");
        let account = path
            .strip_prefix("accounts/")
            .and_then(|rest| rest.split('/').next());
        let name = visible(account.unwrap_or(path)).into_owned();
        let case = cases
            .entry(name.clone())
            .or_insert_with(|| Case::passed(name));
        case.add_problem(problem);
    }
    cases.into_values().collect()
}

fn platform(report: &Report) -> Vec<Case> {
    match report.command {
        Command::Validate | Command::Dns => Vec::new(),
        Command::Plan | Command::Drift | Command::Diff | Command::Apply => {
            let endings = Endings::of(report);
            let of_object = |object| Case::of_object(object, report.command, &endings);
            let refusals = report.refusals.iter().map(Case::of_refusal);
            refusals.chain(report.objects().map(of_object)).collect()
        }
    }
}

fn dns(report: &Report) -> Vec<Case> {
    let Some(dns) = &report.dns else {
        return Vec::new();
    };
    let skipped = dns.skipped.iter();
    let mut cases: Vec<Case> = dns.accounts.iter().map(Case::of_dns).collect();
    cases.extend(skipped.map(Case::of_skipped));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::everything;

    /// Pending changes fail no test of a plan, but are listed there; refusals, mistakes and failed reads do fail one.
    #[test]
    fn pending_changes_fail_no_plan() {
        let text = render(&everything(Command::Plan)).to_string();
        let first_value = |text: &str| text.split('"').nth(1).map(str::to_owned);
        let cases: Vec<String> = text
            .split("<testcase ")
            .skip(1)
            .map(|case| {
                let name = case
                    .split_once(" name=")
                    .and_then(|(_, rest)| first_value(rest));
                let ended = ["failure", "error", "skipped"].into_iter().find_map(|tag| {
                    let (_, rest) = case.split_once(&format!("<{tag} "))?;
                    Some(format!("{tag}, {}", first_value(rest)?))
                });
                let told = if case.contains("<system-out>") {
                    "passed, told"
                } else {
                    "passed"
                };
                format!(
                    "{}: {}",
                    name.unwrap_or_default(),
                    ended.as_deref().unwrap_or(told)
                )
            })
            .collect();
        insta::assert_snapshot!(cases.join("\n"), @r"
        acme: failure, mistake
        emblazon.yaml: passed, told
        domain template: passed, told
        acme: passed, told
        beta: passed, told
        delta: passed, told
        gamma: passed, told
        hooli: failure, refused
        initech: error, unknown
        quiet: passed
        acme acme.example.com: failure, dns
        quiet: skipped, dns: ignore
        ");
    }

    #[test]
    fn a_drift_as_test_cases() {
        insta::assert_snapshot!(render(&everything(Command::Drift)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="emblazon drift" tests="12" failures="8" errors="1">
          <testsuite name="tree" tests="2" failures="1" errors="0" skipped="0">
            <properties>
              <property name="cluster" value="production"/>
              <property name="tree" value="dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622"/>
              <property name="plan" value="64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525"/>
            </properties>
            <testcase classname="emblazon.tree" name="acme">
              <failure type="mistake" message="accounts/acme/account.yaml:2:45: EB0401 a scheme does not belong in a domain (help: write `acme.example.com`)">accounts/acme/account.yaml:2:45: EB0401 a scheme does not belong in a domain (help: write `acme.example.com`)</failure>
            </testcase>
            <testcase classname="emblazon.tree" name="emblazon.yaml">
              <system-out>EB0118 folder &quot;old&quot; has no account (help: remove it)</system-out>
            </testcase>
          </testsuite>
          <testsuite name="platform" tests="8" failures="6" errors="1" skipped="0">
            <properties>
              <property name="cluster" value="production"/>
              <property name="tree" value="dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622"/>
              <property name="plan" value="64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525"/>
            </properties>
            <testcase classname="emblazon.platform" name="domain template">
              <failure type="differs" message="A us-east.{{domain}} mapping: live [&quot;203.0.113.5&quot;], tree [&quot;192.0.2.10&quot;, &quot;192.0.2.11&quot;]; in Git, not applied yet">A us-east.{{domain}} mapping: live [&quot;203.0.113.5&quot;], tree [&quot;192.0.2.10&quot;, &quot;192.0.2.11&quot;]; in Git, not applied yet</failure>
            </testcase>
            <testcase classname="emblazon.platform" name="acme">
              <failure type="differs" message="whitelabel.company_name: live &quot;Acme&quot;, tree &quot;Acme Voice&quot;; in Git, not applied yet and 6 more">whitelabel.company_name: live &quot;Acme&quot;, tree &quot;Acme Voice&quot;; in Git, not applied yet
        whitelabel.hide_powered: live nothing, tree true
        whitelabel.fake_api_url: live &quot;https://old.example.com&quot;, tree nothing; must not be there
        whitelabel.port.support_email: live &quot;x@evil.example&quot;, tree &quot;porting@acme.example.com&quot;
        whitelabel.sso.note: live &quot;line one\nline two\nline three\nline four\nthe last line\n&quot;, tree &quot;line one\nline 2\nline three\nline four\nthe last line\nand one more\n&quot;; changed on the platform and in Git
        whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet
        assets.logo: live GIF 300×80 12.4 kB cba06b5736fa, tree PNG 1320×80 1.8 MB 11507a0e2f5e; in Git, not applied yet</failure>
            </testcase>
            <testcase classname="emblazon.platform" name="beta">
              <failure type="differs" message="whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet">whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet</failure>
            </testcase>
            <testcase classname="emblazon.platform" name="delta">
              <failure type="differs" message="whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet">whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet</failure>
            </testcase>
            <testcase classname="emblazon.platform" name="gamma">
              <failure type="differs" message="whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet">whitelabel.nav.learn_more: live &quot;https://gold.example.com/old&quot;, tree &quot;https://gold.example.com/features&quot;; in Git, not applied yet</failure>
            </testcase>
            <testcase classname="emblazon.platform" name="hooli">
              <failure type="refused" message="refused: deleting the whitelabel of hooli needs to be asked for (help: run again with `--prune`)">refused: deleting the whitelabel of hooli needs to be asked for (help: run again with `--prune`)</failure>
            </testcase>
            <testcase classname="emblazon.platform" name="initech">
              <error type="unknown" message="reading the whitelabel timed out after 30 s">reading the whitelabel timed out after 30 s</error>
            </testcase>
            <testcase classname="emblazon.platform" name="quiet"/>
          </testsuite>
          <testsuite name="dns" tests="2" failures="1" errors="0" skipped="1">
            <properties>
              <property name="cluster" value="production"/>
              <property name="tree" value="dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622"/>
              <property name="plan" value="64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525"/>
            </properties>
            <testcase classname="emblazon.dns" name="acme acme.example.com">
              <failure type="dns" message="TXT acme.example.com unknown: no authoritative server gave an answer (no answer in time) and 1 more">TXT acme.example.com unknown: no authoritative server gave an answer (no answer in time)
        CNAME portal.acme.example.com different; found old-ui.example.net; wanted ui.example.net</failure>
            </testcase>
            <testcase classname="emblazon.dns" name="quiet">
              <skipped message="dns: ignore"/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
