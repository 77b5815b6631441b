//! When to show the progress of a phase. Pure: the elapsed time is an argument.

use std::time::Duration;

/// Delay before the bar of a phase is drawn.
const PATIENCE: Duration = Duration::from_secs(1);
/// Interval of lines where there is no terminal.
const LINES: Duration = Duration::from_secs(10);
/// How long a request may go unanswered before it is shown.
const SILENCE: Duration = Duration::from_secs(3);

/// What to show now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// Nothing.
    Nothing,
    /// The bar, with or without the pending request.
    Bar { is_waiting: bool },
    /// A line with the progress.
    Line,
    /// A line with the pending request.
    Waiting,
}

/// Decides what to show when.
#[derive(Debug)]
pub(super) struct Pulse {
    is_terminal: bool,
    /// When the next line is due.
    next: Duration,
    /// Whether the pending request was shown already.
    is_told: bool,
}

impl Pulse {
    pub(super) fn new(is_terminal: bool) -> Self {
        Self {
            is_terminal,
            next: LINES,
            is_told: false,
        }
    }

    /// Returns what to show, given the age of the phase and of the oldest unanswered request.
    pub(super) fn beat(&mut self, elapsed: Duration, waited: Option<Duration>) -> Show {
        let is_waiting = waited.is_some_and(|waited| waited >= SILENCE);
        if self.is_terminal {
            return if elapsed >= PATIENCE {
                Show::Bar { is_waiting }
            } else {
                Show::Nothing
            };
        }
        let is_new = is_waiting && !self.is_told;
        self.is_told = is_waiting;
        if is_new {
            return Show::Waiting;
        }
        if elapsed < self.next {
            return Show::Nothing;
        }
        self.next = elapsed + LINES;
        if is_waiting {
            Show::Waiting
        } else {
            Show::Line
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_bar_after_a_second() {
        let mut pulse = Pulse::new(true);
        let mut beat = |milliseconds, waited: Option<u64>| {
            pulse.beat(Duration::from_millis(milliseconds), waited.map(seconds))
        };
        assert_eq!(beat(999, None), Show::Nothing);
        assert_eq!(beat(1_000, None), Show::Bar { is_waiting: false });
        assert_eq!(beat(2_900, Some(2)), Show::Bar { is_waiting: false });
        assert_eq!(beat(3_000, Some(3)), Show::Bar { is_waiting: true });
        assert_eq!(beat(3_100, None), Show::Bar { is_waiting: false });
    }

    /// One line every ten seconds, and one as soon as a request is unanswered for three seconds.
    #[test]
    fn lines_where_there_is_no_terminal() {
        let mut pulse = Pulse::new(false);
        let mut shown = Vec::new();
        // A request is pending from second 12 to 30, and again from second 33.
        for second in 0..=45 {
            let waited = match second {
                12..=30 => Some(seconds(second - 12)),
                33.. => Some(seconds(second - 33)),
                _ => None,
            };
            match pulse.beat(seconds(second), waited) {
                Show::Nothing => {}
                show => shown.push((second, show)),
            }
        }
        let expected = [
            (10, Show::Line),
            (15, Show::Waiting),
            (20, Show::Waiting),
            (30, Show::Waiting),
            (36, Show::Waiting),
            (40, Show::Waiting),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_quick_says_nothing() {
        let mut pulse = Pulse::new(false);
        for second in 0..10 {
            assert_eq!(pulse.beat(seconds(second), Some(seconds(2))), Show::Nothing);
        }
    }
}
