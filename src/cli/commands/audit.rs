//! `audit` and `audit verify`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read as _};

use anyhow::anyhow;
use camino::Utf8PathBuf;
use serde_json::json;

use super::history::NO_HISTORY;
use crate::apply::remote::{GitError, LocalClone};
use crate::apply::{
    AuditEvent, AuditLine, AuditProblem, Inspection, KeptHead, KeptHeads, RunId, StepStanding,
    audit_path, inspect,
};
use crate::cli::args::{AuditArgs, AuditCommand, AuditPlaceArgs, AuditVerifyArgs, ListFormat};
use crate::cli::execute::StateFolder;
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, deadline};
use crate::model::count;
use crate::plan::StepId;
use crate::report::text::visible;
use crate::report::visible_json;
use crate::tree::short_commit;

/// Version of the JSON forms.
const VERSION: u32 = 1;
/// The largest log that is read, in bytes: some million lines.
const MAX_LOG: u64 = 1 << 30;

pub(crate) fn audit(ui: Ui, args: &AuditArgs) -> Result<Exit, Failure> {
    match &args.command {
        Some(AuditCommand::Verify(verify)) => deadline::run(ui, verified(ui, verify)),
        None => list(ui, args),
    }
}

/// The log that is meant; absent when there is none yet.
struct OpenLog {
    path: Utf8PathBuf,
    file: Option<File>,
}

impl OpenLog {
    fn find(args: &AuditPlaceArgs) -> Result<Self, Failure> {
        let path = match args.log() {
            Some(path) => path.to_owned(),
            None => StateFolder::of_choice(&args.sandbox, &args.tree)
                .map(|state| audit_path(&state))
                .ok_or_else(|| Failure::Usage(NO_HISTORY.to_owned()))?,
        };
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && args.log().is_none() => None,
            Err(error) => return Err(unread(&path, &error)),
        };
        Ok(Self { path, file })
    }

    fn inspect(
        &self,
        kept: &[KeptHead],
        each: impl FnMut(AuditLine),
    ) -> Result<Inspection, Failure> {
        let Some(file) = &self.file else {
            return inspect(io::empty(), kept, each).map_err(|error| unread(&self.path, &error));
        };
        let about = file.metadata();
        let length = about.map_err(|error| unread(&self.path, &error))?.len();
        if length > MAX_LOG {
            return Err(Failure::Failed(anyhow!(
                "{} has {length} bytes, and at most {MAX_LOG} are read; move it away, which begins a new log, and verify its parts",
                self.path
            )));
        }
        let bounded = BufReader::new(file.take(MAX_LOG));
        inspect(bounded, kept, each).map_err(|error| unread(&self.path, &error))
    }
}

fn unread(path: &Utf8PathBuf, error: &io::Error) -> Failure {
    Failure::Failed(anyhow!(
        "{path} cannot be read: {error}; name the log with --log, or the tree with --tree"
    ))
}

fn list(ui: Ui, args: &AuditArgs) -> Result<Exit, Failure> {
    let log = OpenLog::find(&args.place)?;
    let mut lines = Vec::new();
    let found = log.inspect(&[], |line| lines.push(line))?;
    if args.list.format == ListFormat::Json {
        let lines: Vec<_> = lines.iter().map(|line| json!(line)).collect();
        ui::machine(&visible_json(&json!({"version": VERSION, "lines": lines})))?;
    } else if lines.is_empty() {
        ui.message(&format!(
            "nothing was written from here: {} has no lines",
            log.path
        ));
    } else {
        ui::data(&table(&lines))?;
    }
    if found.is_sound() {
        return Ok(Exit::Done);
    }
    ui.warning("the log is not what was written; `emblazon audit verify` says where");
    Ok(Exit::Failed)
}

/// Returns one row a step: how it ended, or that this is not known.
fn table(lines: &[AuditLine]) -> String {
    let mut ends: BTreeMap<(&RunId, StepId), &AuditLine> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.event == AuditEvent::Ended) {
        ends.insert((&line.run, line.step), line);
    }
    let begun = lines.iter().filter(|line| line.event == AuditEvent::Begun);
    let rows: Vec<[String; 5]> = begun
        .map(|line| row(line, ends.get(&(&line.run, line.step)).copied()))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..4).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for [at, object, action, result, rest] in &rows {
        let _ = writeln!(
            text,
            "{at}  {object:o$}  {action:a$}  {result:r$}  {rest}",
            o = widths[1],
            a = widths[2],
            r = widths[3],
        );
    }
    text
}

fn row(begun: &AuditLine, ended: Option<&AuditLine>) -> [String; 5] {
    let result = ended.and_then(|ended| ended.result);
    let after = ended.and_then(|ended| ended.after.as_ref());
    let mut rest = format!(
        "{} → {}",
        begun.before.short(),
        after.map_or("unknown", |after| after.short())
    );
    if let Some(commit) = &begun.commit {
        let _ = write!(rest, "; commit {}", short_commit(commit));
        if let Some(author) = &begun.author {
            // Who writes the tree names himself: what he calls himself must not read like the rest of the line.
            let _ = write!(rest, " by {author:?}");
        }
    }
    let approver = begun.approver.as_deref().unwrap_or("a policy");
    let _ = write!(
        rest,
        "; approved by {approver}; key: {}; run {}; {}",
        begun.key, begun.run, begun.host
    );
    [
        begun.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        visible(begun.object.title()).to_string(),
        begun.action.clone(),
        result.map_or("did not end", StepStanding::word).to_owned(),
        visible(&rest).to_string(),
    ]
}

/// What Git keeps, as far as it could be asked.
#[derive(Default)]
struct Kept {
    heads: Vec<KeptHead>,
    doubts: Vec<String>,
    is_in_git: bool,
}

async fn kept(args: &AuditVerifyArgs) -> Result<Kept, Failure> {
    if args.place.sandbox.is_wanted() {
        return Ok(Kept::default());
    }
    let failed = |error: GitError| match error {
        GitError::NoRemote(_) => Failure::Usage(error.to_string()),
        _ => Failure::Failed(error.into()),
    };
    let Some(clone) = LocalClone::find(&args.place.tree).map_err(failed)? else {
        return Ok(Kept::default());
    };
    let remote = clone
        .remote(args.remote.remote.as_deref())
        .map_err(failed)?;
    let remote = remote.filter(|_| !args.no_fetch);
    let KeptHeads { heads, doubts } = KeptHeads::read(&clone, remote.as_ref())
        .await
        .map_err(failed)?;
    Ok(Kept {
        heads,
        doubts,
        is_in_git: true,
    })
}

async fn verified(ui: Ui, args: &AuditVerifyArgs) -> Result<Exit, Failure> {
    let log = OpenLog::find(&args.place)?;
    let kept = kept(args).await?;
    let found = log.inspect(&kept.heads, |_| {})?;
    let open = unchecked(&found, &kept);
    if args.list.format == ListFormat::Json {
        ui::machine(&visible_json(&as_json(&found, &open)))?;
    } else {
        ui::data(&told(&log, &found, &kept))?;
        for reason in &open {
            ui.warning(reason);
        }
    }
    Ok(if !found.is_sound() {
        Exit::Failed
    } else if open.is_empty() {
        Exit::Done
    } else {
        Exit::Unchecked
    })
}

/// Returns what could not be compared.
fn unchecked(found: &Inspection, kept: &Kept) -> Vec<String> {
    let mut open: Vec<String> = (kept.doubts.iter())
        .map(|doubt| format!("what Git keeps could not be read: {doubt}"))
        .collect();
    let others = count(found.others, "head");
    if kept.is_in_git && found.kept == 0 && found.lines > 0 && open.is_empty() {
        open.push(if found.others == 0 {
            "Git keeps no head of this log, so lines that were cut at its end, or a log that was written anew, are not told; the next run that writes keeps one".to_owned()
        } else {
            format!("Git keeps {others} of other logs, and none of this one: it is new, or was written anew from its first line")
        });
    }
    if found.lines == 0 && found.others > 0 {
        open.push(format!(
            "there is no log here, and Git keeps {others} of logs of this tree: they are on other hosts, or were removed; name one with --log"
        ));
    }
    open
}

fn told(log: &OpenLog, found: &Inspection, kept: &Kept) -> String {
    let mut text = String::new();
    for fault in &found.faults {
        let _ = writeln!(text, "{}: {}", log.path, visible(&fault.to_string()));
    }
    let lines = count(usize::try_from(found.lines).unwrap_or(usize::MAX), "line");
    let chain = if found.is_sound() {
        "in one chain"
    } else {
        "not as they were written"
    };
    let _ = writeln!(text, "{}: {lines}, {chain}", log.path);
    if let Some(head) = &found.head {
        let heads = match (kept.is_in_git, found.kept) {
            (false, _) => "no Git here to keep it".to_owned(),
            (true, 0) => "not in Git".to_owned(),
            (true, heads) => format!("compared with {} in Git", count(heads, "head")),
        };
        let _ = writeln!(
            text,
            "head: line {}, {}; {heads}",
            head.line,
            head.digest.short()
        );
    }
    if let Some(torn) = found.torn {
        let _ = writeln!(
            text,
            "the last {} are a line that was not finished: a run was killed while writing it, and has sent nothing for it; the next run removes them, and says so",
            count(usize::try_from(torn).unwrap_or(usize::MAX), "byte")
        );
    }
    text
}

fn as_json(found: &Inspection, open: &[String]) -> serde_json::Value {
    let faults: Vec<_> = (found.faults.iter())
        .map(|fault| {
            json!({
                "line": fault.line,
                "problem": problem(&fault.problem),
                "message": fault.to_string(),
            })
        })
        .collect();
    json!({
        "version": VERSION,
        "lines": found.lines,
        "sound": found.is_sound(),
        "head": found.head.as_ref().map(|head| json!({
            "log": head.log.as_str(),
            "line": head.line,
            "digest": head.digest.as_str(),
        })),
        "faults": faults,
        "torn": found.torn,
        "kept": found.kept,
        "others": found.others,
        "unchecked": open,
    })
}

fn problem(problem: &AuditProblem) -> &'static str {
    match problem {
        AuditProblem::Shape(_) | AuditProblem::Edited => "edited",
        AuditProblem::Version(_) => "version",
        AuditProblem::Cut { .. } | AuditProblem::End { .. } => "cut",
        AuditProblem::Moved { .. } => "moved",
        AuditProblem::Unchained => "replaced",
        AuditProblem::Rewritten { .. } => "rewritten",
    }
}
