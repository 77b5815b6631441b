//! `policy test [TREE]`

use std::collections::BTreeSet;
use std::fmt::Write as _;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::cli::args::{ListFormat, OutputArgs, PolicyTestArgs, Several};
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, output, survey, tree};
use crate::model::count;
use crate::plan::RuleInput;
use crate::report::text::visible;
use crate::report::{self, Command, visible_json};
use crate::tree::{ClusterConfig, HouseRule, read_plain};

/// Version of the JSON form.
const VERSION: u32 = 1;
/// The largest file of cases, in bytes.
const MAX_CASES_BYTES: u64 = 1 << 20;

/// The cases on which the rules of a tree are tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "policy-tests.yaml")]
pub(crate) struct PolicyTests {
    /// The cases.
    cases: Vec<PolicyCase>,
}

/// A case: a change, and whether the rules let it go on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PolicyCase {
    /// What it shows, for whoever reads that it failed.
    name: String,
    /// The rule that is tried; all of them when left out.
    #[serde(default)]
    rule: Option<String>,
    /// The change, as the rules see it; what is left out is empty.
    change: RuleInput,
    /// Whether the change is refused.
    expect: Expected,
}

/// What a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Expected {
    /// Every rule is met.
    Allowed,
    /// A rule is broken, or cannot be told.
    Refused,
}

impl Expected {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }
}

/// How a case ended.
struct Tried<'a> {
    case: &'a PolicyCase,
    /// The rules that refuse it, with the reason where that could not be told.
    refused_by: Vec<(&'a HouseRule, Option<String>)>,
}

pub(crate) fn policy_test(ui: Ui, args: &PolicyTestArgs) -> Result<Exit, Failure> {
    let folder = &args.tree.tree;
    let open = tree::open(ui, folder, &args.tree.choice, Several::Refuse)?;
    if open.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Validate, &open));
        output::deliver(ui, &report, &OutputArgs::printing(args.list.format))?;
        return Ok(Exit::TreeErrors);
    }
    let desired = &open.loaded.desired;
    let rules = &desired.policy.rules;
    let file = args.cases(folder);
    let tests = read(&file)?;
    let mut tried = Vec::new();
    for case in &tests.cases {
        tried.push(try_out(case, rules, &desired.cluster, &file)?);
    }
    let refusing: BTreeSet<&str> = (tried.iter().flat_map(|tried| &tried.refused_by))
        .map(|(rule, _)| rule.text.name.as_str())
        .collect();
    let names = rules.iter().map(|rule| rule.text.name.as_str());
    let untried: Vec<&str> = names.filter(|name| !refusing.contains(name)).collect();
    if args.list.format == ListFormat::Json {
        let cases: Vec<_> = tried.iter().map(Tried::as_json).collect();
        let whole = json!({"version": VERSION, "cases": cases, "never_refusing": untried});
        ui::machine(&visible_json(&whole))?;
    } else {
        ui::data(&told(&tried))?;
    }
    if !untried.is_empty() {
        ui.warning(&format!(
            "no case is refused by {}; add one for each, which shows that the rule bites",
            visible(&untried.join(", "))
        ));
    }
    let has_failed = tried.iter().any(|tried| !tried.has_passed());
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

fn read(file: &Utf8Path) -> Result<PolicyTests, Failure> {
    let bytes = read_plain(file, MAX_CASES_BYTES).map_err(|error| {
        Failure::Usage(format!(
            "{file} cannot be read: {error}; write the cases there, or name their file with --cases"
        ))
    })?;
    serde_yaml::from_slice(&bytes).map_err(|error| {
        Failure::Usage(format!(
            "{file}: {error}; policy-tests.schema.json, which `emblazon schema` writes, describes the file"
        ))
    })
}

fn try_out<'a>(
    case: &'a PolicyCase,
    rules: &'a [HouseRule],
    cluster: &ClusterConfig,
    file: &Utf8Path,
) -> Result<Tried<'a>, Failure> {
    let is_meant = |rule: &&HouseRule| {
        case.rule
            .as_ref()
            .is_none_or(|name| *name == rule.text.name)
    };
    let meant: Vec<&HouseRule> = rules.iter().filter(is_meant).collect();
    if let (Some(name), []) = (&case.rule, meant.as_slice()) {
        let known: Vec<&str> = rules.iter().map(|rule| rule.text.name.as_str()).collect();
        let message = format!(
            "{file}: {} is about the rule {name}, which policy.rules does not have; it has {}",
            case.name,
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        );
        return Err(Failure::Usage(visible(&message).to_string()));
    }
    let mut input = case.change.clone();
    if input.cluster.is_empty() {
        input = input.on(&cluster.name);
    }
    let refused_by = meant
        .into_iter()
        .filter_map(|rule| match input.meets(rule) {
            Ok(true) => None,
            Ok(false) => Some((rule, None)),
            Err(reason) => Some((rule, Some(reason))),
        });
    Ok(Tried {
        case,
        refused_by: refused_by.collect(),
    })
}

impl Tried<'_> {
    fn found(&self) -> Expected {
        if self.refused_by.is_empty() {
            Expected::Allowed
        } else {
            Expected::Refused
        }
    }

    fn has_passed(&self) -> bool {
        self.found() == self.case.expect
    }

    fn as_json(&self) -> serde_json::Value {
        let refused_by: Vec<_> = (self.refused_by.iter())
            .map(|(rule, unknown)| {
                json!({
                    "rule": rule.text.name,
                    "place": rule.origin.to_string(),
                    "message": rule.text.message,
                    "not_told": unknown,
                })
            })
            .collect();
        json!({
            "name": self.case.name,
            "passed": self.has_passed(),
            "expected": self.case.expect.as_str(),
            "found": self.found().as_str(),
            "refused_by": refused_by,
        })
    }
}

fn told(tried: &[Tried<'_>]) -> String {
    let mut text = String::new();
    for one in tried {
        let word = if one.has_passed() { "ok" } else { "FAILED" };
        let mut line = format!("{word:<6}  {}: {}", one.case.name, one.found().as_str());
        if !one.has_passed() {
            let _ = write!(line, ", expected {}", one.case.expect.as_str());
        }
        let _ = writeln!(text, "{}", visible(&line));
        for (rule, unknown) in &one.refused_by {
            let name = &rule.text.name;
            let why = unknown.as_ref().map_or_else(
                || rule.text.message.clone(),
                |reason| format!("whether it is met cannot be told: {reason}"),
            );
            let line = format!("        {name} ({}): {why}", rule.origin);
            let _ = writeln!(text, "{}", visible(&line));
        }
    }
    let failed = tried.iter().filter(|one| !one.has_passed()).count();
    let _ = writeln!(text, "{}, {failed} failed", count(tried.len(), "case"));
    text
}
