//! When a server that says nothing is not asked any more.
//!
//! Each request that has no answer costs its whole time-out. With 300 accounts to read from a server that has stopped
//! answering, that would be an hour; so after a few in a row nobody is sent, until one that is shows that it answers.

use std::time::{Duration, Instant};

/// So many time-outs in a row, with no answer between them, are silence. One alone may be a request that is slow for its
/// own reasons, and is tried once more.
const IN_A_ROW: u32 = 3;

/// How long nobody is sent then.
const PAUSE: Duration = Duration::from_secs(30);

/// Counts time-outs. Pure: the clock is an argument.
#[derive(Debug, Default)]
pub(super) struct Silence {
    in_a_row: u32,
    /// Until when nobody is sent.
    until: Option<Instant>,
}

impl Silence {
    /// Tells whether a request may be sent; once the pause is over, one is, and the others wait for what it shows.
    /// The number of time-outs in a row says why not.
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

    /// Takes note that an answer came, whatever it said.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Takes note that none came in time.
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
