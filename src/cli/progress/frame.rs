//! The progress of a phase as text. Pure: the elapsed time is an argument.

use std::time::Duration;

use crate::live::{Waiting, in_words};
use crate::report::text::visible;

/// Widest bar, in cells, and the narrowest that is useful.
const CELLS: (usize, usize) = (30, 6);

/// Rate from which tenths are noise.
const FAST: f64 = 10.0;

/// The progress of a phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// The phase, such as `reading accounts`.
    pub(super) what: &'a str,
    /// Number of finished objects.
    pub(super) done: usize,
    /// Number of objects; zero if unknown.
    pub(super) total: usize,
    /// Age of the phase.
    pub(super) elapsed: Duration,
    /// The current object.
    pub(super) object: Option<&'a str>,
    /// The pending request, if it is worth showing.
    pub(super) waiting: Option<&'a Waiting>,
}

impl Frame<'_> {
    /// Returns a line for a terminal of `width` columns.
    pub(super) fn bar(&self, width: usize) -> String {
        let width = width.saturating_sub(1);
        let what = visible(self.what);
        let rest = self.rest();
        let taken = what.chars().count() + rest.chars().count() + 4;
        let cells = width.saturating_sub(taken).min(CELLS.0);
        let mut text = if self.total == 0 || cells < CELLS.1 {
            format!("{what} {rest}")
        } else {
            let filled = (self.done.min(self.total) * cells) / self.total;
            let (full, empty) = ("#".repeat(filled), ".".repeat(cells - filled));
            format!("{what} [{full}{empty}] {rest}")
        };
        if let Some(object) = self.object {
            text = format!("{text}  {}", visible(object));
        }
        fit(&text, width)
    }

    /// Returns a line for a file or a log.
    pub(super) fn line(&self) -> String {
        format!("{}: {}", visible(self.what), self.rest())
    }

    fn rest(&self) -> String {
        let mut parts = Vec::new();
        if self.total > 0 {
            parts.push(format!("{} of {}", self.done, self.total));
        }
        match (self.waiting, self.rate()) {
            (Some(waiting), _) => parts.push(waits(waiting)),
            (None, Some(rate)) => {
                parts.push(if rate < FAST {
                    format!("{rate:.1}/s")
                } else {
                    format!("{rate:.0}/s")
                });
                parts.push(format!("{} left", self.left(rate)));
            }
            (None, None) => parts.push(format!("{} s", self.elapsed.as_secs())),
        }
        parts.join(", ")
    }

    /// Returns the rate per second, once it is meaningful.
    #[expect(clippy::cast_precision_loss, reason = "a rate to two digits")]
    fn rate(&self) -> Option<f64> {
        let is_known = self.total > 0 && self.done > 0 && self.elapsed >= Duration::from_secs(1);
        is_known.then(|| self.done as f64 / self.elapsed.as_secs_f64())
    }

    #[expect(clippy::cast_precision_loss, reason = "a time to two digits")]
    fn left(&self, rate: f64) -> String {
        let left = self.total.saturating_sub(self.done) as f64 / rate;
        match Duration::try_from_secs_f64(left.ceil()) {
            Ok(left) if left < Duration::from_mins(2) => format!("{} s", left.as_secs()),
            Ok(left) if left < Duration::from_hours(2) => format!("{} min", left.as_secs() / 60),
            Ok(left) => format!("{} h", left.as_secs() / 3600),
            Err(_) => "days".to_owned(),
        }
    }
}

/// Returns what a request is waiting for.
pub(super) fn waits(waiting: &Waiting) -> String {
    let Waiting {
        host,
        call,
        attempt,
        time,
    } = waiting;
    let again = match attempt {
        0 | 1 => String::new(),
        2 => " (second try)".to_owned(),
        more => format!(" (try {more})"),
    };
    let time = in_words(Duration::from_secs(time.as_secs()));
    format!("waiting for {host} for {time}: {call}{again}")
}

fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(attempt: u32) -> Waiting {
        Waiting {
            host: "api.example.com:8443".to_owned(),
            call: "GET /v2/accounts/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/whitelabel".to_owned(),
            attempt,
            time: Duration::from_millis(4_200),
        }
    }

    fn frame<'a>(done: usize, seconds: u64) -> Frame<'a> {
        Frame {
            what: "reading accounts",
            done,
            total: 300,
            elapsed: Duration::from_secs(seconds),
            object: None,
            waiting: None,
        }
    }

    #[test]
    fn bars_on_a_terminal() {
        #[track_caller]
        fn check(frame: Frame<'_>, width: usize, expected: &str) {
            let bar = frame.bar(width);
            assert_eq!(bar, expected);
            assert!(bar.chars().count() < width, "it would wrap: {bar}");
        }
        let all = frame(300, 15);
        check(
            frame(0, 0),
            60,
            "reading accounts [..........................] 0 of 300, 0 s",
        );
        check(
            frame(120, 10),
            60,
            "reading accounts [####........] 120 of 300, 12/s, 15 s left",
        );
        check(
            frame(120, 10),
            120,
            "reading accounts [############..................] 120 of 300, 12/s, 15 s left",
        );
        check(
            all,
            60,
            "reading accounts [#############] 300 of 300, 20/s, 0 s left",
        );
        check(
            frame(3, 100),
            60,
            "reading accounts [..............] 3 of 300, 0.0/s, 2 h left",
        );
        check(
            frame(120, 10),
            40,
            "reading accounts 120 of 300, 12/s, 15 …",
        );
        let applying = Frame {
            object: Some("acme\u{1b}[2J"),
            what: "applying",
            ..frame(120, 10)
        };
        check(
            applying,
            100,
            "applying [############..................] 120 of 300, 12/s, 15 s left  acme\\u{1b}[2J",
        );
        let waiting = waiting(2);
        let waits = Frame {
            waiting: Some(&waiting),
            ..frame(120, 10)
        };
        check(
            waits,
            60,
            "reading accounts 120 of 300, waiting for api.example.com:8…",
        );
        check(
            waits,
            150,
            "reading accounts 120 of 300, waiting for api.example.com:8443 for 4s: GET /v2/accounts/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/whitelabel (second try)",
        );
        let unknown = Frame {
            total: 0,
            what: "asking origin what was applied last",
            ..frame(0, 7)
        };
        check(unknown, 60, "asking origin what was applied last 7 s");
    }

    #[test]
    fn lines_in_a_log() {
        assert_eq!(
            frame(120, 10).line(),
            "reading accounts: 120 of 300, 12/s, 15 s left"
        );
        assert_eq!(
            frame(1, 100).line(),
            "reading accounts: 1 of 300, 0.0/s, 8 h left"
        );
    }
}
