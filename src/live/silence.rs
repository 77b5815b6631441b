//! Suspends requests to a server that does not answer.
//!
//! Each unanswered request costs its whole timeout. With 300 accounts to read from a server that has stopped answering,
//! that would be an hour. So after a few in a row no more requests are sent, except for a probe now and then, until one
//! is answered.

use std::time::{Duration, Instant};

/// How many consecutive timeouts count as silence. A single one may be a request that is slow for its own reasons, and
/// is retried once.
const IN_A_ROW: u32 = 3;

/// How long requests are suspended then.
const PAUSE: Duration = Duration::from_secs(30);

/// Counts consecutive timeouts. Pure: the clock is an argument.
#[derive(Debug, Default)]
pub(super) struct Silence {
    in_a_row: u32,
    /// When the suspension ends.
    until: Option<Instant>,
}

impl Silence {
    /// Returns whether a request may be sent; once the pause is over, one is sent as a probe, and the others stay
    /// suspended until its result. The error is the number of consecutive timeouts.
    pub(super) fn admits(&mut self, now: Instant) -> Result<(), u32> {
        match self.until {
            None => Ok(()),
            Some(until) if now < until => Err(self.in_a_row),
            Some(_) => {
                self.until = Some(now + PAUSE);
                Ok(())
            }
        }
    }

    /// Records an answer, whatever it says.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Records a timeout.
    pub(super) fn timed_out(&mut self, now: Instant) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row >= IN_A_ROW {
            self.until = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_in_a_row_one_is_sent_at_a_time() {
        let now = Instant::now();
        let mut silence = Silence::default();
        for _ in 0..IN_A_ROW - 1 {
            silence.timed_out(now);
            assert_eq!(silence.admits(now), Ok(()));
        }
        silence.timed_out(now);
        assert_eq!(silence.admits(now), Err(3));
        let later = now + PAUSE;
        assert_eq!(silence.admits(later), Ok(()), "one shows how it is");
        assert_eq!(silence.admits(later), Err(3), "the others wait for it");
        silence.timed_out(later);
        assert_eq!(silence.admits(later + PAUSE / 2), Err(4));
        silence.answered();
        assert_eq!(silence.admits(later), Ok(()));
    }

    #[test]
    fn an_answer_in_between_is_no_silence() {
        let now = Instant::now();
        let mut silence = Silence::default();
        for _ in 0..20 {
            silence.timed_out(now);
            silence.timed_out(now);
            silence.answered();
            assert_eq!(silence.admits(now), Ok(()));
        }
    }
}
