//! The file of the audit log, open for appending.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use thiserror::Error;

use super::super::run_id::RunId;
use super::super::standing::StepStanding;
use super::super::state_file::{self, Locked};
use super::head::AuditHead;
use super::inspection::MAX_LINE;
use super::line::{AUDIT_VERSION, AuditEvent, AuditLine, AuditObject, AuditState};
use super::principals::Principals;
use crate::apply::lease;
use crate::model::{ClusterName, Digest};
use crate::plan::StepId;

/// Why the audit log could not be written or read.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A file could not be read or written.
    #[error(
        "cannot {action} {path}: {source}; check that the state directory is writable and has space"
    )]
    File {
        /// The operation that failed.
        action: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The last line is not one of an audit log, so nothing can be chained to it.
    #[error(
        "the audit log {path} cannot be continued, because its last line is not whole: `emblazon audit verify` says more; keep the file elsewhere as evidence, and move it away, which begins a new log"
    )]
    Broken {
        /// The file.
        path: Utf8PathBuf,
    },
}

/// What a line says beside its place in the chain.
#[derive(Clone, Debug)]
pub(in crate::apply) struct AuditDraft {
    pub(in crate::apply) event: AuditEvent,
    pub(in crate::apply) step: StepId,
    pub(in crate::apply) object: AuditObject,
    pub(in crate::apply) action: String,
    pub(in crate::apply) key: String,
    pub(in crate::apply) before: AuditState,
    pub(in crate::apply) after: Option<AuditState>,
    pub(in crate::apply) result: Option<StepStanding>,
}

/// The audit log of a state directory, as one run writes it. Other processes may write to it at the same time.
#[derive(Debug)]
pub(in crate::apply) struct AuditLog {
    path: Utf8PathBuf,
    lock: Utf8PathBuf,
    run: RunId,
    cluster: ClusterName,
    principals: Principals,
    host: String,
    end: Mutex<Option<End>>,
}

/// Where the file ended when this process last wrote to it.
#[derive(Debug)]
struct End {
    file: File,
    length: u64,
    number: u64,
    digest: Digest,
}

/// Returns the file of the audit log in a state directory.
#[must_use]
pub fn audit_path(state_directory: &Utf8Path) -> Utf8PathBuf {
    state_directory.join("audit.jsonl")
}

/// Returns the head of the audit log in a state directory, with the run that wrote it; nothing if there is no line.
///
/// # Errors
/// When the log cannot be read, or its first or last line is not whole.
pub fn audit_head(state_directory: &Utf8Path) -> Result<Option<(AuditHead, RunId)>, AuditError> {
    let path = audit_path(state_directory);
    let failed = |source| AuditError::File {
        action: "read",
        path: path.clone(),
        source,
    };
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let Some(last) = ending(&mut file).map_err(failed)?.0 else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut first = Vec::new();
    let begin = BufReader::new(file)
        .take(MAX_LINE)
        .read_until(b'\n', &mut first);
    begin.map_err(failed)?;
    first.pop();
    let opened = |bytes: &[u8]| {
        AuditLine::opened(bytes).map_err(|_| AuditError::Broken { path: path.clone() })
    };
    let (first, last) = (opened(&first)?, opened(&last)?);
    let head = AuditHead {
        log: first.digest,
        line: last.number,
        digest: last.digest,
    };
    Ok(Some((head, last.run)))
}

impl AuditLog {
    /// Names the log that a run writes; touches no file yet.
    pub(in crate::apply) fn new(
        state_directory: &Utf8Path,
        run: RunId,
        cluster: ClusterName,
        principals: &Principals,
    ) -> Self {
        Self {
            path: audit_path(state_directory),
            lock: state_directory.join("audit.lock"),
            run,
            cluster,
            principals: principals.bounded(),
            host: lease::holder(),
            end: Mutex::default(),
        }
    }

    /// Appends a line, and waits until it is on disk.
    pub(in crate::apply) fn append(
        &self,
        at: Timestamp,
        draft: AuditDraft,
    ) -> Result<(), AuditError> {
        let failed = |action: &'static str| {
            let path = self.path.clone();
            move |source| AuditError::File {
                action,
                path,
                source,
            }
        };
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = state_file::open_lock(self.lock.as_std_path()).map_err(failed("lock"))?;
        lock.lock().map_err(failed("lock"))?;
        let locked = Locked(lock);
        let (mut last, mended) = self.found(end.take())?;
        let line = self.line(at, draft, &last, mended);
        let (bytes, digest) = line
            .sealed()
            .map_err(|error| failed("write")(error.into()))?;
        if let Err(error) = last.file.write_all(&bytes) {
            // A partial line is removed: the next one must not be taken for its end.
            let _ = last.file.set_len(last.length);
            return Err(failed("write")(error));
        }
        last.length += bytes.len() as u64;
        last.number = line.number;
        last.digest = digest;
        drop(locked);
        let synced = last.file.sync_data();
        *end = Some(last);
        synced.map_err(failed("write"))
    }

    fn line(&self, at: Timestamp, draft: AuditDraft, last: &End, mended: Option<u64>) -> AuditLine {
        let Principals {
            commit,
            author,
            approver,
        } = self.principals.clone();
        AuditLine {
            version: AUDIT_VERSION,
            number: last.number + 1,
            previous: last.digest.clone(),
            at,
            event: draft.event,
            run: self.run.clone(),
            step: draft.step,
            cluster: self.cluster.clone(),
            object: draft.object,
            action: draft.action,
            commit,
            author,
            approver,
            host: self.host.clone(),
            key: draft.key,
            before: draft.before,
            after: draft.after,
            result: draft.result,
            mended,
            digest: last.digest.clone(),
        }
    }

    /// Finds the end of the log, and removes a torn last line; returns how many bytes that was. What this process knows
    /// counts unless somebody else has written since.
    fn found(&self, known: Option<End>) -> Result<(End, Option<u64>), AuditError> {
        let failed = |action, source| AuditError::File {
            action,
            path: self.path.clone(),
            source,
        };
        if let Some(known) = known {
            let about = std::fs::metadata(&self.path);
            if about.is_ok_and(|about| about.len() == known.length) {
                return Ok((known, None));
            }
        }
        let mut file = match open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                state_file::create_new(self.path.as_std_path())
                    .and_then(|_| open(&self.path))
                    .map_err(|source| failed("create", source))?
            }
            opened => opened.map_err(|source| failed("open", source))?,
        };
        let (last, torn) = ending(&mut file).map_err(|source| failed("read", source))?;
        let length = file.metadata().map_err(|source| failed("read", source))?;
        let length = length.len() - torn;
        if torn > 0 {
            (file.set_len(length)).map_err(|source| failed("mend", source))?;
        }
        let (number, digest) = match last {
            None => (0, AuditHead::nothing()),
            Some(bytes) => {
                let broken = || AuditError::Broken {
                    path: self.path.clone(),
                };
                let line = AuditLine::opened(&bytes).map_err(|_| broken())?;
                (line.number, line.digest)
            }
        };
        let end = End {
            file,
            length,
            number,
            digest,
        };
        Ok((end, (torn > 0).then_some(torn)))
    }
}

fn open(path: &Utf8Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

/// Reads the last whole line without its newline, if there is one, and the number of bytes after it. A file that ends in
/// more than any line may have is no log: it has an empty last line.
fn ending(file: &mut File) -> io::Result<(Option<Vec<u8>>, u64)> {
    let length = file.metadata()?.len();
    let most = 2 * MAX_LINE;
    let start = length.saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(if start > 0 {
            (Some(Vec::new()), 0)
        } else {
            (None, length)
        });
    };
    let torn = (bytes.len() - end - 1) as u64;
    let begin = bytes[..end].iter().rposition(|byte| *byte == b'\n');
    let begin = begin.map_or(0, |before| before + 1);
    Ok((Some(bytes[begin..end].to_vec()), torn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::audit::inspect;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn draft(step: u32) -> AuditDraft {
        AuditDraft {
            event: AuditEvent::Begun,
            step: StepId(step),
            object: AuditObject::Template,
            action: "replace template".to_owned(),
            key: "environment variable KEY".to_owned(),
            before: AuditState::Absent,
            after: None,
            result: None,
        }
    }

    fn log(folder: &Utf8Path) -> AuditLog {
        let run = RunId::new(NOW, &Digest::of(b"plan"));
        let principals = Principals {
            author: Some("x".repeat(100_000)),
            ..Principals::default()
        };
        AuditLog::new(folder, run, ClusterName::new("production"), &principals)
    }

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    /// A run that was killed in the middle of a line leaves bytes that the next run removes, and mentions.
    #[test]
    fn a_torn_line_is_mended() {
        let (_folder, path) = folder();
        log(&path).append(NOW, draft(0)).unwrap();
        log(&path).append(NOW, draft(1)).unwrap();
        let whole = std::fs::read(audit_path(&path)).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in [0, 1, first - 1, first, first + 1, whole.len() - 1] {
            std::fs::write(audit_path(&path), &whole[..length]).unwrap();
            let before = inspect(&whole[..length], &[], |_| {}).unwrap();
            assert!(before.is_sound(), "{length}: {before:?}");
            log(&path).append(NOW, draft(7)).unwrap();
            let text = std::fs::read(audit_path(&path)).unwrap();
            let mut last = None;
            let found = inspect(&*text, &[], |line| last = Some(line)).unwrap();
            assert!(found.is_sound(), "{length}: {found:?}");
            assert_eq!(last.unwrap().mended, before.torn, "{length}");
            assert_eq!(found.lines, before.lines + 1, "{length}");
        }
    }

    /// Several processes that write to one log chain their lines.
    #[test]
    fn concurrent_writers_make_one_chain() {
        let (_folder, path) = folder();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let log = log(&path);
                scope.spawn(move || {
                    for step in 0..25 {
                        log.append(NOW, draft(step)).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read(audit_path(&path)).unwrap();
        let found = inspect(&*text, &[], |_| {}).unwrap();
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(found.lines, 100);
        let (head, run) = audit_head(&path).unwrap().unwrap();
        assert_eq!(Some(head), found.head);
        assert_eq!(run, RunId::new(NOW, &Digest::of(b"plan")));
    }

    /// Nothing is chained to a line that somebody has changed. A log that is moved away is followed by a new one.
    #[test]
    fn a_changed_end_is_not_continued() {
        let (_folder, path) = folder();
        log(&path).append(NOW, draft(0)).unwrap();
        let file = audit_path(&path);
        for text in [b"nothing\n".to_vec(), vec![b'x'; 300_000]] {
            std::fs::write(&file, text).unwrap();
            let error = log(&path).append(NOW, draft(1)).unwrap_err().to_string();
            insta::allow_duplicates! {
                insta::assert_snapshot!(error.replace(path.as_str(), "STATE"), @"the audit log STATE/audit.jsonl cannot be continued, because its last line is not whole: `emblazon audit verify` says more; keep the file elsewhere as evidence, and move it away, which begins a new log");
            }
        }
        std::fs::rename(&file, path.join("evidence")).unwrap();
        log(&path).append(NOW, draft(1)).unwrap();
        assert_eq!(audit_head(&path).unwrap().unwrap().0.line, 1);
    }
}
