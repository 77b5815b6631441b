//! `history` and `history show RUN`

use std::fmt::Write as _;

use camino::Utf8Path;
use serde_json::json;

use crate::apply::{self, Halt, Record, RunId, RunState};
use crate::cli::args::{HistoryArgs, HistoryCommand, HistoryShowArgs, ListFormat, history_command};
use crate::cli::execute::StateFolder;
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, output};
use crate::diag::SourceMap;
use crate::model::count;
use crate::report::text::visible;
use crate::report::{self, Command, Facts, visible_json};

/// Version of the JSON list.
const VERSION: u32 = 1;

/// Alias of the newest run.
pub(super) const NEWEST: &str = "last";

/// Message about a sandbox that ended with its command.
pub(super) const NO_HISTORY: &str = "a sandbox ends with its command, and its history too; `--state DIR` keeps both, for apply and for this";

pub(crate) fn history(ui: Ui, args: &HistoryArgs) -> Result<Exit, Failure> {
    match &args.command {
        Some(HistoryCommand::Show(show)) => show_run(ui, show),
        None => list(ui, args),
    }
}

fn list(ui: Ui, args: &HistoryArgs) -> Result<Exit, Failure> {
    let Some(state) = StateFolder::of_choice(&args.sandbox, args.tree.folder()) else {
        ui.message(NO_HISTORY);
        return Ok(Exit::Done);
    };
    let mut records = apply::records(&state).map_err(|error| Failure::Failed(error.into()))?;
    records.reverse();
    if args.list.format == ListFormat::Json {
        let runs: Vec<_> = records.iter().map(as_json).collect();
        let list = json!({"version": VERSION, "runs": runs});
        ui::machine(&visible_json(&list))?;
    } else if records.is_empty() {
        ui.message(&format!(
            "nothing was applied from here: {state} has no journals"
        ));
    } else {
        ui::data(&table(&records))?;
    }
    Ok(Exit::Done)
}

pub(super) fn as_json(record: &Record) -> serde_json::Value {
    json!({
        "run": record.run.as_str(),
        "cluster": record.cluster.as_str(),
        "plan": record.plan.as_str(),
        "started": record.started.to_string(),
        "restores": record.restores.as_ref().map(RunId::as_str),
        "last": record.last.to_string(),
        "steps": record.steps,
        "done": record.count.done,
        "failed": record.count.failed,
        "unknown": record.count.unknown,
        "not_begun": record.count.not_begun,
        "state": record.state.as_str(),
        "halt": record.halt.map(Halt::as_str),
    })
}

pub(super) fn table(records: &[Record]) -> String {
    let width = |text: fn(&Record) -> &str| records.iter().map(|record| text(record).len()).max();
    let run = width(|record| record.run.as_str()).unwrap_or_default();
    let cluster = width(|record| record.cluster.as_str()).unwrap_or_default();
    let mut text = String::new();
    for record in records {
        let name = visible(record.cluster.as_str());
        let _ = writeln!(
            text,
            "{:run$}  {}  {name:cluster$}  plan {}  {} of {} done{}  {}",
            record.run.as_str(),
            record.started.strftime("%Y-%m-%d %H:%M:%SZ"),
            record.plan.short(),
            record.count.done,
            count(record.steps, "step"),
            record.count.told_left(", "),
            standing(record),
        );
    }
    text
}

/// Returns the state of a run, what stopped it early, and whose snapshot it restores.
fn standing(record: &Record) -> String {
    let word = record.state.word();
    let ended = match record.halt {
        Some(halt) if record.state == RunState::Stopped => format!("{word}: {}", halt.word()),
        _ => word.to_owned(),
    };
    match &record.restores {
        Some(run) => format!("{ended}; restores {run}"),
        None => ended,
    }
}

fn show_run(ui: Ui, args: &HistoryShowArgs) -> Result<Exit, Failure> {
    let state = StateFolder::of_choice(&args.sandbox, args.tree.folder())
        .ok_or_else(|| Failure::Usage(NO_HISTORY.to_owned()))?;
    let list = history_command(&args.sandbox, args.tree.folder());
    let run = find(&state, &args.run, &list)?;
    let (record, entries) =
        apply::run_of(&state, &run).map_err(|error| Failure::Failed(error.into()))?;
    let standing = record.map_or(RunState::Interrupted, |record| record.state);
    let Some(plan) = apply::plan_of(&state, &run) else {
        return Err(Failure::Failed(anyhow::anyhow!(
            "the plan of {run} was not kept, or another version wrote it; its journal is {state}/journal/{run}.jsonl"
        )));
    };
    let digest = plan.digest();
    let applied = apply::outcomes(&entries, &plan, standing);
    let sources = SourceMap::default();
    let facts = Facts {
        plan: Some((&plan, &digest)),
        applied: Some(&applied),
        ..Facts::new(Command::Apply, &[], &sources)
    };
    output::deliver(ui, &report::report(&facts), &args.output)?;
    match standing {
        RunState::Interrupted => {
            ui.message("the run never ended; the next apply puts right what it destroyed");
        }
        RunState::UnderWay => ui.message("the run is under way"),
        RunState::Finished | RunState::Stopped | RunState::Recovered => {}
    }
    Ok(Exit::Done)
}

/// Finds a run by its name, or the newest one; `list` is the command that lists them.
pub(super) fn find(state: &Utf8Path, name: &str, list: &str) -> Result<RunId, Failure> {
    let mut runs = apply::runs(state).map_err(|error| Failure::Failed(error.into()))?;
    if name == NEWEST {
        return runs.pop().ok_or_else(|| {
            Failure::Usage(format!(
                "nothing was applied from here: {state} has no journals"
            ))
        });
    }
    let found = runs.into_iter().find(|run| run.as_str() == name);
    found.ok_or_else(|| {
        Failure::Usage(format!(
            "there is no run {name} in {state}; `{list}` lists them"
        ))
    })
}
