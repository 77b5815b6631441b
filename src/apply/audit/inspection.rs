//! Whether a log is what was written: each line whole, chained to the one before, and what Git keeps of it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read as _};

use super::head::{AuditHead, KeptHead};
use super::line::{AuditLine, LineError};
use crate::model::{Digest, count};

/// The longest line, in bytes; a longer one is none that emblazon writes.
pub(super) const MAX_LINE: u64 = 64 << 10;
/// How many faults are told of a log.
const MAX_FAULTS: usize = 100;

/// What an inspection found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// How many lines there are.
    pub lines: u64,
    /// The head, if there is a line.
    pub head: Option<AuditHead>,
    /// What is wrong, in the order of the lines; at most a hundred faults.
    pub faults: Vec<AuditFault>,
    /// The bytes of a last line without its end: a run was killed while it wrote them, and has sent nothing for them.
    pub torn: Option<u64>,
    /// How many heads of this log Git keeps; all were compared.
    pub kept: usize,
    /// How many heads of other logs Git keeps, such as those of other hosts.
    pub others: usize,
}

/// A fault of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// The line in the file, from 1; one past the last where the end is missing.
    pub line: u64,
    /// What is wrong there.
    pub problem: AuditProblem,
}

/// What is wrong at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditProblem {
    /// It is no line of an audit log.
    Shape(String),
    /// Another version of emblazon wrote it.
    Version(u32),
    /// It was edited: its bytes have another digest than it says.
    Edited,
    /// Lines are missing before it.
    Cut {
        /// The number of the first one.
        from: u64,
        /// The number of the last one.
        to: u64,
    },
    /// It stood elsewhere: its number is lower than that of the line before.
    Moved {
        /// Its number.
        number: u64,
    },
    /// It does not follow from the line before: one of the two was replaced.
    Unchained,
    /// Git keeps the head of a line that is not there any more.
    End {
        /// The number of that line.
        kept: u64,
        /// The commit that keeps it.
        commit: String,
    },
    /// Git keeps another line with this number: the log was written anew from here, or before.
    Rewritten {
        /// The commit that keeps the head.
        commit: String,
    },
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.problem {
            AuditProblem::Shape(reason) => {
                write!(
                    f,
                    "line {line} was edited: it is no line of an audit log: {reason}"
                )
            }
            AuditProblem::Version(version) => write!(
                f,
                "line {line} has the format {version}; verify it with the version of emblazon that wrote it"
            ),
            AuditProblem::Edited => write!(
                f,
                "line {line} was edited: its bytes have another digest than it says"
            ),
            AuditProblem::Cut { from, to } if from == to => write!(
                f,
                "line {line}: the line with the number {from} is missing before it: cut, or moved"
            ),
            AuditProblem::Cut { from, to } => write!(
                f,
                "line {line}: {} with the numbers {from} to {to} are missing before it: cut, or moved",
                count(usize::try_from(to - from + 1).unwrap_or(usize::MAX), "line")
            ),
            AuditProblem::Moved { number } => write!(
                f,
                "line {line} has the number {number}, and comes after higher ones: moved, or put in twice"
            ),
            AuditProblem::Unchained => write!(
                f,
                "line {line} does not follow from the line before: one of the two was replaced"
            ),
            AuditProblem::End { kept, commit } => write!(
                f,
                "line {line}: the log was cut at its end: commit {} keeps the head of line {kept}",
                short(commit)
            ),
            AuditProblem::Rewritten { commit } => write!(
                f,
                "line {line} is not the line whose head commit {} keeps: the log was written anew from this line or one before",
                short(commit)
            ),
        }
    }
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// Inspects a log, and compares it with the heads that Git keeps.
///
/// # Errors
/// When it cannot be read.
pub fn inspect(
    mut log: impl BufRead,
    kept: &[KeptHead],
    mut each: impl FnMut(AuditLine),
) -> io::Result<Inspection> {
    let mut found = Inspection::default();
    let mut last: Option<(u64, Digest)> = None;
    let mut first: Option<Digest> = None;
    // Of each line that Git keeps the head of, the place and the digest.
    let mut wanted: BTreeMap<u64, Option<(u64, Digest)>> =
        kept.iter().map(|kept| (kept.head.line, None)).collect();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        log.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        let Some(text) = bytes.strip_suffix(b"\n") else {
            if bytes.len() as u64 == MAX_LINE {
                found.lines += 1;
                found.fault(AuditProblem::Shape(format!(
                    "it is longer than {MAX_LINE} bytes"
                )));
                last = None;
                skip_line(&mut log)?;
                continue;
            }
            found.torn = (!bytes.is_empty()).then_some(bytes.len() as u64);
            break;
        };
        found.lines += 1;
        let line = match AuditLine::opened(text) {
            Ok(line) => line,
            Err(LineError::Digest(line)) => {
                found.fault(AuditProblem::Edited);
                *line
            }
            Err(error) => {
                found.fault(match error {
                    LineError::Version(version) => AuditProblem::Version(version),
                    LineError::Shape(reason) => AuditProblem::Shape(reason),
                    LineError::Digest(_) => AuditProblem::Edited,
                });
                // What follows is compared among itself.
                last = None;
                continue;
            }
        };
        let is_known = last.is_some() || found.lines == 1;
        let (number, digest) = last.unwrap_or((0, AuditHead::nothing()));
        if is_known {
            found.chain(&line, (number, &digest));
        }
        first.get_or_insert_with(|| line.digest.clone());
        if let Some(place) = wanted.get_mut(&line.number) {
            place.get_or_insert((found.lines, line.digest.clone()));
        }
        last = Some((line.number, line.digest.clone()));
        each(line);
    }
    if let (Some(log), Some((line, digest))) = (first, last) {
        found.head = Some(AuditHead { log, line, digest });
    }
    found.compare(kept, &wanted);
    found.faults.sort_by_key(|fault| fault.line);
    found.faults.truncate(MAX_FAULTS);
    Ok(found)
}

/// Reads to the end of a line, and forgets it.
fn skip_line(log: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = log.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        log.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

impl Inspection {
    /// Returns whether everything is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, problem: AuditProblem) {
        let line = self.lines;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(AuditFault { line, problem });
        }
    }

    /// Compares a line with the number and the digest of the one before.
    fn chain(&mut self, line: &AuditLine, (number, digest): (u64, &Digest)) {
        if line.number > number + 1 {
            self.fault(AuditProblem::Cut {
                from: number + 1,
                to: line.number - 1,
            });
        } else if line.number <= number {
            self.fault(AuditProblem::Moved {
                number: line.number,
            });
        } else if line.previous != *digest {
            self.fault(AuditProblem::Unchained);
        }
    }

    /// Compares the heads that Git keeps with the lines that are there; of several that contradict, the first counts.
    fn compare(&mut self, kept: &[KeptHead], lines: &BTreeMap<u64, Option<(u64, Digest)>>) {
        let log = self.head.as_ref().map(|head| head.log.clone());
        let (own, others): (Vec<&KeptHead>, Vec<&KeptHead>) = kept
            .iter()
            .partition(|kept| Some(&kept.head.log) == log.as_ref());
        self.kept = own.len();
        self.others = others.len();
        let mut own = own;
        own.sort_by_key(|kept| kept.head.line);
        for kept in own {
            let commit = kept.commit.clone();
            let fault = match lines.get(&kept.head.line).and_then(Option::as_ref) {
                Some((_, digest)) if *digest == kept.head.digest => continue,
                Some((place, _)) => AuditFault {
                    line: *place,
                    problem: AuditProblem::Rewritten { commit },
                },
                // Where a line within is missing, the chain says so.
                None if self
                    .head
                    .as_ref()
                    .is_some_and(|head| head.line > kept.head.line) =>
                {
                    continue;
                }
                None => AuditFault {
                    line: self.lines + 1,
                    problem: AuditProblem::End {
                        kept: kept.head.line,
                        commit,
                    },
                },
            };
            self.faults.push(fault);
            return;
        }
    }
}

#[cfg(test)]
#[path = "inspection_tests.rs"]
mod tests;
