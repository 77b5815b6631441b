//! Open sessions. Pure: the time is an argument.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::Digest;

/// How long a session lasts: a working day.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

/// The maximum number of sessions: far more than there are users; the one that would expire first is dropped.
const SESSIONS: usize = 256;

/// The open sessions, by the digest of their id, so that nothing in memory opens one.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    ends: BTreeMap<Digest, Timestamp>,
}

impl Sessions {
    /// Opens a session.
    pub(super) fn open(&mut self, id: &str, now: Timestamp) {
        self.ends.retain(|_, end| now < *end);
        if self.ends.len() >= SESSIONS {
            let first = self.ends.iter().min_by_key(|(_, end)| **end);
            if let Some(first) = first.map(|(id, _)| id.clone()) {
                self.ends.remove(&first);
            }
        }
        self.ends.insert(Digest::of(id.as_bytes()), now + SESSION);
    }

    /// Returns whether a session is open.
    pub(super) fn is_open(&self, id: &str, now: Timestamp) -> bool {
        let end = self.ends.get(&Digest::of(id.as_bytes()));
        end.is_some_and(|end| now < *end)
    }

    /// Ends a session, wherever else its cookie may be.
    pub(super) fn close(&mut self, id: &str) {
        self.ends.remove(&Digest::of(id.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_at_logout_and_after_a_day() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut sessions = Sessions::default();
        sessions.open("one", at(0));
        sessions.open("two", at(10));
        sessions.close("one");
        assert!(!sessions.is_open("one", at(11)));
        assert!(sessions.is_open("two", at(11)));
        assert!(!sessions.is_open("two", at(10 + 12 * 3600)));
        assert!(!sessions.is_open("", at(11)));
        for number in 0..2 * SESSIONS {
            sessions.open(&number.to_string(), at(20));
        }
        assert_eq!(sessions.ends.len(), SESSIONS);
    }
}
