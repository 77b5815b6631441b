//! `explain CODE | ACCOUNT [KEY] [TREE]`

use std::fmt::Write as _;

use camino::Utf8Path;

use crate::cli::args::Several;
use crate::cli::args::{ExplainArgs, PlatformArgs};
use crate::cli::failure::Failure;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::unknown::{no_such_account, no_such_key};
use crate::cli::{Exit, deadline, platform};
use crate::diag::{Code, Severity};
use crate::dns::declared_template;
use crate::live::Filter;
use crate::model::{AccountName, AssetFacts, KeyPath, field};
use crate::report::brand::Brand;
use crate::report::text;
use crate::tree::check::nearest;
use crate::tree::{Loaded, MAX_ASSET_BYTES, is_address};

pub(crate) fn explain(ui: Ui, args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some(code) = Code::parse(&args.subject) {
        ui::data(&code_text(code, ui.width()))?;
        return Ok(Exit::Done);
    }
    if looks_like_code(&args.subject) {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let message = format!("there is no code {}", args.subject);
        let near = did_you_mean(&args.subject.to_uppercase(), codes);
        let near = if near.is_empty() {
            "; a code stands in brackets behind `error` or `warning`".to_owned()
        } else {
            near
        };
        return Err(Failure::Usage(message + &near));
    }
    let (folder, key) = folder_and_key(args);
    let tree = tree::open(ui, folder, &args.choice, Several::First)?;
    let name = AccountName::new(args.subject.as_str());
    let whole = key.is_none().then(|| brand(&tree, &name)).flatten();
    let Some(mut whole) = whole else {
        let mut layers = layers_text(&tree.loaded, &name, key)?;
        layers.extend(key.and_then(|key| usage_text(key, ui.width())));
        ui::data(&layers)?;
        return Ok(Exit::Done);
    };
    if args.platform.sandbox.is_wanted() || args.platform.api.is_some() {
        let below = below(ui, folder, &tree, &name, &args.platform);
        whole.below = Some(deadline::run(ui, below)?);
    }
    ui::page(&text::brand(&whole, ui.stdout_options()))?;
    Ok(Exit::Done)
}

/// Takes the second argument for the tree if it is one, because people write it there.
fn folder_and_key(args: &ExplainArgs) -> (&Utf8Path, Option<&str>) {
    match &args.key {
        Some(word) if args.tree == "." && Utf8Path::new(word).join("emblazon.yaml").is_file() => {
            (Utf8Path::new(word), None)
        }
        key => (&args.tree, key.as_deref()),
    }
}

/// Assembles a brand from the tree.
fn brand(tree: &OpenTree, name: &AccountName) -> Option<Brand> {
    let loaded = &tree.loaded;
    let template = loaded.desired.template.as_ref().map(declared_template);
    let account = loaded
        .desired
        .accounts
        .iter()
        .find(|account| account.name == *name)?;
    let read = |kind, _: &AssetFacts| {
        let file = account.assets.get(&kind)?.value.as_ref()?;
        tree.source.read(&file.path, MAX_ASSET_BYTES).ok()
    };
    Brand::of(loaded, name, template.as_ref(), read)
}

/// Counts the descendants of an account.
async fn below(
    ui: Ui,
    folder: &Utf8Path,
    tree: &OpenTree,
    name: &AccountName,
    args: &PlatformArgs,
) -> Result<Result<usize, String>, Failure> {
    let accounts = &tree.loaded.desired.accounts;
    let Some(account) = accounts.iter().find(|account| account.name == *name) else {
        return Ok(Ok(0));
    };
    let platform = platform::connect(ui, folder, tree, args).await?;
    let client = platform.reader();
    let found = match client.account_id(&account.identity.value).await {
        Ok(id) => client.descendants(&id, &Filter::all()).await,
        Err(error) => Err(error),
    };
    let count = found
        .map(|found| found.len())
        .map_err(|error| error.to_string());
    platform.stop().await;
    Ok(count)
}

fn looks_like_code(subject: &str) -> bool {
    let prefix = subject.get(..2).unwrap_or_default();
    prefix.eq_ignore_ascii_case("EB")
        && subject.len() > 2
        && subject[2..]
            .chars()
            .all(|character| character.is_ascii_digit())
}

fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn code_text(code: Code, width: usize) -> String {
    let severity = match code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let title = code.title();
    let explanation = text::fill(code.explanation(), width.min(100));
    format!("{severity} {code}: {title}\n\n{explanation}")
}

/// Says who uses a key of the whitelabel; `None` for what is no known key.
fn usage_text(key: &str, width: usize) -> Option<String> {
    let known = field(key.strip_prefix("whitelabel.")?)?;
    let usage = format!("{} {}", known.doc, known.usage);
    Some(format!("\n{}", text::fill(&usage, width.min(100))))
}

/// Lists the value of each layer for each key, and marks the effective one.
fn layers_text(loaded: &Loaded, name: &AccountName, key: Option<&str>) -> Result<String, Failure> {
    let path = key.map(KeyPath::parse);
    let Some(found) = crate::tree::explain(loaded, name, path.as_ref()) else {
        let known = loaded.layers.keys();
        return Err(Failure::Usage(no_such_account(name.as_str(), known)));
    };
    if found.is_empty() {
        if let Some(key) = key.filter(|key| !is_address(key, &loaded.extra_keys)) {
            return Err(Failure::Usage(no_such_key(key, &loaded.extra_keys)));
        }
        let key = key.unwrap_or("anything");
        return Ok(format!(
            "no layer of {name} declares {key}; what is live stays as it is\n"
        ));
    }
    let mut lines = String::new();
    let mut last = None;
    for entry in &found {
        if last != Some(&entry.address) {
            let _ = writeln!(lines, "{}", text::visible(entry.address.as_str()));
            last = Some(&entry.address);
        }
        let mark = if entry.won { '*' } else { ' ' };
        let value = entry.value.as_ref().map_or_else(
            || "null (must not be there)".to_owned(),
            ToString::to_string,
        );
        let position = loaded.sources.position(entry.place);
        let _ = writeln!(
            lines,
            "  {mark} {}  {}:{}:{}  ({})",
            text::visible(&value),
            text::visible(loaded.sources.path(entry.place).as_str()),
            position.line,
            position.column,
            text::visible(&entry.layer.to_string()),
        );
    }
    Ok(lines)
}
