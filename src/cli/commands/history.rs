//! `history [TREE]` and `history show RUN [TREE]`

use std::fmt::Write as _;

use camino::Utf8Path;
use serde_json::json;

use crate::apply::{self, Record, RunId};
use crate::cli::args::{HistoryArgs, HistoryCommand, HistoryShowArgs, ListFormat};
use crate::cli::carry::StateFolder;
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, output};
use crate::diag::SourceMap;
use crate::report::text::visible;
use crate::report::{self, Command, Facts, visible_json};

/// The version of the list as JSON.
const VERSION: u32 = 1;

pub(crate) fn history(ui: Ui, args: &HistoryArgs) -> Result<Exit, Failure> {
    match &args.command {
        Some(HistoryCommand::Show(show)) => show_run(ui, show),
        None => list(ui, args),
    }
}

fn list(ui: Ui, args: &HistoryArgs) -> Result<Exit, Failure> {
    let state = StateFolder::of_tree(&args.tree);
    let mut records = apply::records(&state).map_err(|error| Failure::Failed(error.into()))?;
    records.reverse();
    if args.format == ListFormat::Json {
        let runs: Vec<_> = records.iter().map(as_json).collect();
        let list = json!({"version": VERSION, "runs": runs});
        ui::machine(&visible_json(&list))?;
    } else if records.is_empty() {
        ui.talk(&format!(
            "nothing was applied from here: {state} has no journals"
        ));
    } else {
        ui::data(&table(&records))?;
    }
    Ok(Exit::Done)
}

fn as_json(record: &Record) -> serde_json::Value {
    json!({
        "run": record.run.as_str(),
        "cluster": record.cluster.as_str(),
        "plan": record.plan.as_str(),
        "started": record.started.to_string(),
        "last": record.last.to_string(),
        "steps": record.steps,
        "done": record.done,
        "state": record.state.as_str(),
    })
}

fn table(records: &[Record]) -> String {
    let width = |text: fn(&Record) -> &str| records.iter().map(|record| text(record).len()).max();
    let run = width(|record| record.run.as_str()).unwrap_or_default();
    let cluster = width(|record| record.cluster.as_str()).unwrap_or_default();
    let mut text = String::new();
    for record in records {
        let name = visible(record.cluster.as_str());
        let _ = writeln!(
            text,
            "{:run$}  {}  {name:cluster$}  plan {}  {} of {} steps done  {}",
            record.run.as_str(),
            record.started.strftime("%Y-%m-%d %H:%M:%SZ"),
            record.plan.short(),
            record.done,
            record.steps,
            record.state.as_str(),
        );
    }
    text
}

fn show_run(ui: Ui, args: &HistoryShowArgs) -> Result<Exit, Failure> {
    let state = StateFolder::of_tree(&args.tree);
    let run = find(&state, &args.run)?;
    let entries =
        apply::read_journal(&state, &run).map_err(|error| Failure::Failed(error.into()))?;
    let Some(plan) = apply::plan_of(&state, &run) else {
        return Err(Failure::Failed(anyhow::anyhow!(
            "the plan of {run} was not kept, or another version wrote it; its journal is {state}/journal/{run}.jsonl"
        )));
    };
    let digest = plan.digest();
    let applied = apply::outcomes(&entries);
    let sources = SourceMap::default();
    let facts = Facts {
        plan: Some((&plan, &digest)),
        applied: Some(&applied),
        ..Facts::new(Command::Apply, &[], &sources)
    };
    output::deliver(ui, &report::report(&facts), &args.output)?;
    if apply::interrupted(&entries).is_some() {
        ui.talk("the run never ended; the next apply puts right what it destroyed");
    }
    Ok(Exit::Done)
}

/// Finds a run by its name.
pub(super) fn find(state: &Utf8Path, name: &str) -> Result<RunId, Failure> {
    let runs = apply::runs(state).map_err(|error| Failure::Failed(error.into()))?;
    let found = runs.into_iter().find(|run| run.as_str() == name);
    found.ok_or_else(|| {
        Failure::Usage(format!(
            "there is no run {name} in {state}; `emblazon history` lists them"
        ))
    })
}
