//! A report is written piece by piece.

use std::io::{self, Write};

use serde_json::json;

use crate::diff::{Cause, Change};
use crate::plan::Risk;
use crate::report::fixture::{account, empty, setting, step};
use crate::report::text::{Options, render};
use crate::report::{Command, Report, Verb};

/// Takes so many bytes, then fails; keeps how it was used.
#[derive(Default)]
struct Gauge {
    room: Option<usize>,
    longest: usize,
    written: usize,
    /// How often it was asked to write after it had failed.
    after_failure: usize,
    has_failed: bool,
}

impl Write for Gauge {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.after_failure += usize::from(self.has_failed);
        if self
            .room
            .is_some_and(|room| self.written + bytes.len() > room)
        {
            self.has_failed = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.longest = self.longest.max(bytes.len());
        self.written += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn change(number: usize) -> Change {
    let after = json!(format!("after {number:05}"));
    setting("company_name", json!("before"), after, Cause::Git, 4)
}

/// Spreads some changes over as many accounts.
fn spread(changes: usize) -> Report {
    report((0..changes).map(|number| vec![change(number)]))
}

/// Puts all changes on one account.
fn heaped(changes: usize) -> Report {
    report([(0..changes).map(change).collect()])
}

/// Puts the same change on as many accounts.
fn shared(changes: usize) -> Report {
    report((0..changes).map(|_| vec![change(0)]))
}

fn report(accounts: impl IntoIterator<Item = Vec<Change>>) -> Report {
    let mut report = empty(Command::Plan);
    for (number, changes) in accounts.into_iter().enumerate() {
        let update = step(0, Verb::Update, Risk::Reversible, changes);
        let account = account(&format!("account-{number:05}"), vec![update]);
        report.accounts.push(account);
    }
    report
}

fn write(report: &Report, options: Options, room: Option<usize>) -> (io::Result<()>, Gauge) {
    let mut gauge = Gauge {
        room,
        ..Gauge::default()
    };
    let result = write!(gauge, "{}", render(report, options));
    (result, gauge)
}

#[test]
fn no_piece_grows_with_the_changes() {
    #[track_caller]
    fn check(report: fn(usize) -> Report, options: Options) {
        let longest = |changes| {
            let (result, gauge) = write(&report(changes), options, None);
            result.expect("there is room");
            assert!(gauge.written > changes * 10, "{changes} changes are there");
            gauge.longest
        };
        let (few, many) = (longest(200), longest(2_000));
        // The summary's figures have one more digit each.
        assert!(many <= few + 8, "{many} bytes at once, {few} before");
        assert!(many <= 200, "{many} bytes at once");
    }
    let plain = Options {
        verbose: true,
        ..Options::default()
    };
    let coloured = Options {
        colour: true,
        ..plain
    };
    for options in [plain, coloured] {
        check(spread, options);
        check(heaped, options);
        check(shared, options);
    }
}

#[test]
fn a_failing_writer_ends_it() {
    #[track_caller]
    fn check(report: &Report, room: usize) {
        let options = Options {
            verbose: true,
            ..Options::default()
        };
        let (result, gauge) = write(report, options, Some(room));
        let error = result.expect_err("no room");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(gauge.written <= room);
        assert_eq!(gauge.after_failure, 0, "nothing is written after it");
    }
    for report in [spread(200), heaped(200), shared(200)] {
        for room in [0, 1, 100, 2_000] {
            check(&report, room);
        }
    }
}
