//! What is known of a server's health: how long its answers take, and whether it answers at all. Pure: the clock is an
//! argument.

use std::time::Duration;

use tokio::time::Instant;

/// How long the first question waits before it is repeated.
const FIRST_REPEAT: Duration = Duration::from_millis(400);
/// The shortest wait before a question is repeated, however fast the answers are.
const SHORTEST_REPEAT: Duration = Duration::from_millis(50);
/// How many questions in a row a server that answered before may leave unanswered. A resolver does so with the names of
/// one broken zone, and must not be given up for that.
const MOST_UNANSWERED: u32 = 32;
/// How often a silent server is asked whether it answers again.
const SILENCE: Duration = Duration::from_secs(10);

/// The health of one server, from all questions that one run asks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Health {
    round_trip: Option<RoundTrip>,
    /// How many questions in a row got no answer.
    unanswered: u32,
    /// When a silent server may be asked again.
    silent_until: Option<Instant>,
}

/// The smoothed time of answers, and how much it varies (RFC 6298, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RoundTrip {
    smoothed: Duration,
    variation: Duration,
}

impl Health {
    /// Returns how long a question waits for its answer before it is sent once more; that wait doubles with each repeat.
    pub(super) fn repeat_after(&self) -> Duration {
        match self.round_trip {
            Some(measured) => (measured.smoothed + 4 * measured.variation).max(SHORTEST_REPEAT),
            None => FIRST_REPEAT,
        }
    }

    /// Notes an answer, and how long it took from the packet that it answers.
    pub(super) fn answered(&mut self, took: Duration) {
        let round_trip = match self.round_trip {
            Some(RoundTrip {
                smoothed,
                variation,
            }) => RoundTrip {
                smoothed: (7 * smoothed + took) / 8,
                variation: (3 * variation + smoothed.abs_diff(took)) / 4,
            },
            None => RoundTrip {
                smoothed: took,
                variation: took / 2,
            },
        };
        *self = Self {
            round_trip: Some(round_trip),
            ..Self::default()
        };
    }

    /// Notes that a question got no answer, however often it was sent.
    pub(super) fn unanswered(&mut self, now: Instant) {
        self.unanswered = self.unanswered.saturating_add(1);
        if self.round_trip.is_none() || self.unanswered >= MOST_UNANSWERED {
            self.silent_until = Some(now + SILENCE);
        }
    }

    /// Returns whether the server has given no answer for so long that it is not simply asked.
    pub(super) fn is_silent(&self) -> bool {
        self.silent_until.is_some()
    }

    /// Returns whether a question may be sent now: to a silent server, only one once in a while.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        match self.silent_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.silent_until = Some(now + SILENCE);
                true
            }
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_question_is_repeated_when_its_answer_is_late() {
        let check = |took: &[u32], expected: Duration| {
            let mut health = Health::default();
            for took in took {
                health.answered(*took * MS);
            }
            assert_eq!(health.repeat_after(), expected, "{took:?}");
        };
        check(&[], 400 * MS);
        check(&[1; 9], 50 * MS);
        check(&[100], 300 * MS);
        check(&[100, 100], 250 * MS);
        // Times that vary make for patience: smoothed 10, 33.75, 30.78125; variation 5, 51.25, 44.375.
        check(&[10, 200, 10], Duration::from_nanos(208_281_250));
    }

    #[test]
    fn a_server_that_never_answered_is_asked_once_in_a_while() {
        let now = Instant::now();
        let mut health = Health::default();
        assert!(health.admits(now));
        health.unanswered(now);
        assert!(!health.admits(now) && !health.admits(now + 9_999 * MS));
        assert!(health.admits(now + SILENCE), "one asks whether it is back");
        assert!(!health.admits(now + SILENCE), "and only one");
        health.answered(MS);
        assert!(health.admits(now + SILENCE));
    }

    #[test]
    fn a_server_that_answers_others_is_not_given_up_for_a_few_questions() {
        let now = Instant::now();
        let mut health = Health::default();
        health.answered(MS);
        for _ in 1..MOST_UNANSWERED {
            health.unanswered(now);
        }
        assert!(health.admits(now));
        health.answered(MS);
        health.unanswered(now);
        assert!(health.admits(now), "an answer starts the count anew");
        for _ in 0..MOST_UNANSWERED {
            health.unanswered(now);
        }
        assert!(!health.admits(now));
    }
}
