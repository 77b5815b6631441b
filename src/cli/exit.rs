//! Exit codes. The meaning of a code never changes.
//!
//! | exit | meaning |
//! | --- | --- |
//! | 0 | done, in sync |
//! | 1 | failed |
//! | 2 | differences: changes are pending, or drift was found |
//! | 3 | the tree has errors |
//! | 4 | applied in part |
//! | 5 | refused by a guard, a lock or a stale plan |
//! | 6 | could not check everything (and no difference was found) |
//! | 64 | wrong usage |
//!
//! If several apply, the first in this order wins: 3, 4, 1, 5, 2, 6, 0. A refusal comes before a difference because it
//! needs a person, whereas a pending change only needs an apply.

use std::process::ExitCode;

use crate::diag::Severity;
use crate::report::{Command, Report, Summary};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or in sync.
    Done,
    /// Nothing was done, because something failed.
    Failed,
    /// Changes are pending, or drift was found.
    Differences,
    /// The tree has errors.
    TreeErrors,
    /// Some steps were executed and some were not.
    Partly,
    /// Refused by a guard, a lock or a stale plan.
    Refused,
    /// Something could not be checked, and no difference was found.
    Unchecked,
    /// The command line is wrong.
    Usage,
}

impl Exit {
    /// Returns the exit code of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Differences => 2,
            Self::TreeErrors => 3,
            Self::Partly => 4,
            Self::Refused => 5,
            Self::Unchecked => 6,
            Self::Usage => 64,
        }
    }

    /// Returns how a run ended, from its report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let summary = report.summary();
        if summary.errors > 0 {
            return Self::TreeErrors;
        }
        match report.command {
            Command::Validate => Self::Done,
            Command::Plan | Command::Drift if summary.refused > 0 => Self::Refused,
            Command::Plan | Command::Drift | Command::Diff | Command::Dns
                if summary.differing + summary.dns_differing + summary.sip_failing > 0 =>
            {
                Self::Differences
            }
            Command::Plan | Command::Drift | Command::Diff | Command::Dns => checked(&summary),
            Command::Apply => applied(&summary),
        }
    }

    /// Returns how a run ended where warnings about the tree may count as differences.
    pub(crate) fn with(self, report: &Report, lowest: Severity) -> Self {
        let counts = lowest == Severity::Warning && report.summary().warnings > 0;
        match self {
            Self::Done | Self::Unchecked if counts => Self::Differences,
            other => other,
        }
    }

    /// Returns how a restore ended, from its report.
    pub(crate) fn of_restore(report: &Report) -> Self {
        restored(&report.summary())
    }
}

/// Returns how a restore ended: what was refused makes it a part, however much else was done.
fn restored(summary: &Summary) -> Exit {
    match applied(summary) {
        Exit::Refused if summary.count.done > 0 => Exit::Partly,
        exit => exit,
    }
}

fn applied(summary: &Summary) -> Exit {
    let count = summary.count;
    if count.done < summary.steps {
        return if count.done > 0 {
            Exit::Partly
        } else if count.failed + count.unknown > 0 || summary.cut_short {
            Exit::Failed
        } else {
            Exit::Refused
        };
    }
    if summary.refused > 0 {
        Exit::Refused
    } else {
        checked(summary)
    }
}

fn checked(summary: &Summary) -> Exit {
    if summary.unknown + summary.dns_unknown > 0 {
        Exit::Unchecked
    } else {
        Exit::Done
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::StepCount;

    #[test]
    fn codes_never_change() {
        let codes = [
            Exit::Done,
            Exit::Failed,
            Exit::Differences,
            Exit::TreeErrors,
            Exit::Partly,
            Exit::Refused,
            Exit::Unchecked,
            Exit::Usage,
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 64]);
    }

    #[test]
    fn outcomes_of_an_apply() {
        #[track_caller]
        fn check(summary: &Summary, expected: Exit) {
            assert_eq!(applied(summary), expected, "{summary:?}");
        }
        let none = Summary::default();
        let steps = |done, failed, unknown, not_begun| {
            let count = StepCount {
                done,
                failed,
                unknown,
                not_begun,
            };
            Summary {
                steps: count.total(),
                count,
                ..none
            }
        };
        check(&none, Exit::Done);
        check(&steps(2, 0, 0, 0), Exit::Done);
        check(&steps(1, 1, 0, 0), Exit::Partly);
        check(&steps(1, 0, 0, 1), Exit::Partly);
        check(&steps(0, 1, 0, 1), Exit::Failed);
        check(&steps(0, 0, 1, 0), Exit::Failed);
        // The object had changed, or a guard ended the run: nothing failed.
        check(&steps(0, 0, 0, 2), Exit::Refused);
        let interrupted = Summary {
            cut_short: true,
            ..steps(0, 0, 0, 2)
        };
        check(&interrupted, Exit::Failed);
        let refused = Summary {
            refused: 1,
            ..steps(1, 0, 0, 0)
        };
        check(&refused, Exit::Refused);
        assert_eq!(restored(&refused), Exit::Partly);
        assert_eq!(restored(&steps(2, 0, 0, 0)), Exit::Done);
        let nothing = Summary { refused: 1, ..none };
        assert_eq!(restored(&nothing), Exit::Refused);
        check(
            &Summary {
                refused: 1,
                unknown: 1,
                ..none
            },
            Exit::Refused,
        );
        let unknown = Summary {
            unknown: 1,
            ..steps(1, 0, 0, 0)
        };
        check(&unknown, Exit::Unchecked);
    }
}
