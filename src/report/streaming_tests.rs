//! A report is written while it is rendered: however much there is to say, little of it is held. The text for people has
//! tests of its own.

use std::fmt::{self, Display, Write as _};

use serde_json::json;

use super::fixture::{account, empty, setting, step};
use super::{Command, Report, Verb, json, junit, sarif};
use crate::diff::Cause;
use crate::plan::Risk;

/// Takes pieces in, and remembers the longest; after so many bytes it takes no more.
struct Pieces {
    longest: usize,
    taken: usize,
    room: usize,
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.taken += piece.len();
        self.longest = self.longest.max(piece.len());
        if self.taken > self.room {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// A plan that changes so many accounts, each in its own way.
fn changing(accounts: u32) -> Report {
    let mut report = empty(Command::Plan);
    for number in 0..accounts {
        let (before, after) = (
            json!(format!("Old {number}")),
            json!(format!("New {number}")),
        );
        let change = setting("company_name", before, after, Cause::Git, 3);
        let step = step(number, Verb::Update, Risk::CustomerVisible, vec![change]);
        let account = account(&format!("account-{number:05}"), vec![step]);
        report.accounts.push(account);
    }
    report
}

#[test]
fn a_larger_report_comes_in_no_larger_pieces() {
    #[track_caller]
    fn check(format: &str, render: impl Fn(&Report) -> Box<dyn Display + '_>) {
        let pieces = |report: &Report, room: usize| {
            let mut pieces = Pieces {
                longest: 0,
                taken: 0,
                room,
            };
            let ended = write!(pieces, "{}", render(report));
            (pieces, ended)
        };
        let (few, many) = (changing(200), changing(2_000));
        let ((few, ended), (all, _)) = (pieces(&few, usize::MAX), pieces(&many, usize::MAX));
        assert_eq!(ended, Ok(()), "{format}");
        assert!(
            all.taken > 9 * few.taken,
            "{format}: {} {}",
            few.taken,
            all.taken
        );
        assert!(
            all.longest <= few.longest + 8 && all.longest < 4096,
            "{format}: {} of 200, {} of 2,000",
            few.longest,
            all.longest
        );
        // Who does not listen any more is told nothing any more.
        let (cut, ended) = pieces(&many, all.taken / 4);
        assert_eq!(ended, Err(fmt::Error), "{format}");
        assert!(cut.taken <= all.taken / 4 + all.longest, "{format}");
    }
    check("json", |report| Box::new(json::render(report)));
    check("sarif", |report| Box::new(sarif::render(report, 2)));
    check("junit", |report| Box::new(junit::render(report)));
}
