//! `status [TREE]`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use camino::Utf8Path;
use jiff::Timestamp;
use serde_json::json;

use super::history;
use crate::apply::lease::{GitLease, LeaseScope};
use crate::apply::{self, Record};
use crate::cli::args::{BaseArgs, ListFormat, OutputArgs, PlatformArgs, Several, StatusArgs};
use crate::cli::base::{self, GitState};
use crate::cli::execute::StateFolder;
use crate::cli::failure::Failure;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, approval, deadline, output, survey};
use crate::diff::recorded;
use crate::model::count;
use crate::plan::{self, Plan};
use crate::report::text::visible;
use crate::report::{self, Command, visible_json};
use crate::tree::{Base, commit_facts, short_commit};

/// Version of the JSON form.
const VERSION: u32 = 1;
/// How many objects are named.
const NAMED: usize = 5;

/// Where a cluster stands.
struct Standing {
    cluster: String,
    /// The commit that was applied last, or why it is not known.
    applied: Result<String, String>,
    /// The first line of that commit's message.
    subject: Option<String>,
    /// What the tree changes against that commit; absent when it is not known.
    waiting: Option<Plan>,
    /// What is known of runs that did not complete.
    partly: Vec<String>,
    /// Who writes now; absent when nobody was asked.
    writer: Option<Result<Option<String>, String>>,
    /// The last run from here.
    run: Option<Record>,
}

pub(crate) fn status(ui: Ui, args: &StatusArgs) -> Result<Exit, Failure> {
    deadline::run(ui, look(ui, args))
}

async fn look(ui: Ui, args: &StatusArgs) -> Result<Exit, Failure> {
    let folder = &args.tree.tree;
    let open = tree::open(ui, folder, &args.tree.choice, Several::Refuse)?;
    if open.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Validate, &open));
        output::deliver(ui, &report, &OutputArgs::printing(args.list.format))?;
        return Ok(Exit::TreeErrors);
    }
    let standing = stand(ui, args, folder, &open).await?;
    if args.list.format == ListFormat::Json {
        ui::machine(&visible_json(&standing.as_json()))?;
    } else {
        ui::data(&standing.told())?;
    }
    Ok(match &standing.waiting {
        Some(plan) if plan.steps.is_empty() && plan.refusals.is_empty() => Exit::Done,
        Some(_) => Exit::Differences,
        None => Exit::Unchecked,
    })
}

async fn stand(
    ui: Ui,
    args: &StatusArgs,
    folder: &Utf8Path,
    open: &OpenTree,
) -> Result<Standing, Failure> {
    let nowhere = PlatformArgs::nowhere();
    let base = BaseArgs {
        remote: args.remote.clone(),
        no_fetch: args.no_fetch,
        forget: Vec::new(),
    };
    let revision = args.tree.choice.rev.as_deref();
    let git = GitState::find_for_branch(ui, folder, open, revision, &nowhere, &base).await?;
    let desired = &open.loaded.desired;
    let (applied, waiting) = match &git.base {
        Some(Base::Known {
            commit: Some(commit),
            desired: base,
        }) => {
            let live = recorded(desired, base);
            let rules = approval::rules(BTreeSet::new());
            let sources = &open.loaded.sources;
            let planned = plan::plan(desired, Some(base), &live, sources, &rules);
            (Ok(commit.clone()), Some(planned.plan))
        }
        other => (
            Err(other.as_ref().map_or_else(String::new, Base::explained)),
            None,
        ),
    };
    let arbiter = base::arbiter(folder, &desired.cluster, &nowhere, &args.remote)?;
    let writer = match arbiter.filter(|_| !args.no_fetch) {
        Some(remote) => {
            let scope = LeaseScope::new(&desired.cluster.name, None);
            let lease = GitLease::new(remote, scope, Arc::new(Timestamp::now));
            let holder = lease.holder().await;
            let holder = holder.map(|record| record.map(|record| record.explained()));
            Some(holder.map_err(|error| error.to_string()))
        }
        None => None,
    };
    let state = StateFolder::of_tree(folder);
    let runs = apply::records(&state).map_err(|error| Failure::Failed(error.into()))?;
    let mut runs = runs.into_iter();
    let run = runs.rfind(|run| run.cluster == desired.cluster.name);
    Ok(Standing {
        cluster: desired.cluster.name.to_string(),
        subject: (applied.as_ref().ok())
            .and_then(|commit| Some(commit_facts(folder, commit)?.subject)),
        applied,
        waiting,
        partly: git.told(),
        writer,
        run,
    })
}

impl Standing {
    fn waiting(&self) -> BTreeSet<&str> {
        let plans = self.waiting.iter();
        let steps = plans.clone().flat_map(|plan| &plan.steps);
        let steps = steps.map(|step| &step.subject);
        let refused = plans.flat_map(|plan| &plan.refusals);
        let refused = refused.filter_map(|refusal| refusal.subject.as_ref());
        steps.chain(refused).map(plan::Subject::title).collect()
    }

    fn told(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "{key:<9} {}", visible(value));
        };
        line("cluster", &self.cluster);
        match &self.applied {
            Ok(commit) => {
                let subject = self.subject.as_deref().unwrap_or_default();
                line(
                    "applied",
                    &format!("commit {} {subject}", short_commit(commit)),
                );
            }
            Err(why) => line("applied", why),
        }
        let waiting: Vec<&str> = self.waiting().into_iter().collect();
        line(
            "waiting",
            &match (&self.waiting, waiting.as_slice()) {
                (None, _) => "not known".to_owned(),
                (Some(_), []) => "nothing".to_owned(),
                (Some(_), names) => {
                    let first = names[..names.len().min(NAMED)].join(", ");
                    let more = names.len().saturating_sub(NAMED);
                    let more = if more > 0 {
                        format!(" and {more} more")
                    } else {
                        String::new()
                    };
                    let objects = count(names.len(), "object");
                    format!("changes of the tree to {objects}: {first}{more}")
                }
            },
        );
        for note in &self.partly {
            line("", note);
        }
        match &self.writer {
            None => line("lease", "not asked"),
            Some(Ok(None)) => line("lease", "nobody writes"),
            Some(Ok(Some(holder))) => line("lease", holder),
            Some(Err(why)) => line("lease", why),
        }
        match &self.run {
            Some(run) => {
                let row = history::table(std::slice::from_ref(run));
                line("last run", row.trim_end());
            }
            None => line("last run", "none from here"),
        }
        text
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "version": VERSION,
            "cluster": self.cluster,
            "applied": self.applied.as_ref().ok(),
            "subject": self.subject,
            "not_known": self.applied.as_ref().err(),
            "waiting": self.waiting.as_ref().map(|_| self.waiting()),
            "partly_applied": self.partly,
            "lease": self.writer.as_ref().map(|writer| match writer {
                Ok(holder) => json!({"holder": holder}),
                Err(why) => json!({"unknown": why}),
            }),
            "last_run": self.run.as_ref().map(history::as_json),
        })
    }
}
