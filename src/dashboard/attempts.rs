//! Limits how often a client may send a wrong secret. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

/// How many wrong secrets of one client are tolerated per minute: more than anybody mistypes.
pub(super) const ATTEMPTS: u32 = 10;

/// How many clients are remembered: those with a wrong secret in the last minute; that takes some kilobytes.
const CLIENTS: usize = 1024;

/// How long an attempt counts.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Counts wrong secrets by client. The right one is never counted and never refused, so nobody can lock anybody else
/// out, and a token of [`super::config::SHORTEST_TOKEN`] characters cannot be found by guessing.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    wrong: BTreeMap<IpAddr, (Timestamp, u32)>,
}

impl Attempts {
    /// Counts a wrong secret of a client, and returns whether there were too many in the last minute.
    pub(super) fn is_too_many(&mut self, client: IpAddr, now: Timestamp) -> bool {
        self.wrong
            .retain(|_, (since, _)| now.duration_since(*since).abs() < MINUTE);
        if self.wrong.len() >= CLIENTS {
            let oldest = self.wrong.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(client, _)| *client) {
                self.wrong.remove(&oldest);
            }
        }
        let (_, count) = self.wrong.entry(one_client(client)).or_insert((now, 0));
        *count = count.saturating_add(1);
        *count > ATTEMPTS
    }
}

/// Treats the addresses of one network as one client, since whoever has one has them all.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_client_is_counted_for_itself_and_for_a_minute() {
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut attempts = Attempts::default();
        for _ in 0..ATTEMPTS {
            assert!(!attempts.is_too_many(one, at(1000)));
        }
        assert!(attempts.is_too_many(one, at(1059)));
        assert!(!attempts.is_too_many(other, at(1059)));
        assert!(!attempts.is_too_many(one, at(1060)));
    }

    #[test]
    fn a_network_is_one_client_and_memory_is_bounded() {
        let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let mut attempts = Attempts::default();
        for last in 0..100 {
            attempts.is_too_many(address(last), at(1000));
        }
        assert_eq!(attempts.wrong.len(), 1);
        assert!(attempts.is_too_many(address(101), at(1000)));
        for number in 0..10_000_u32 {
            attempts.is_too_many(IpAddr::from(number.to_be_bytes()), at(1000));
        }
        assert!(attempts.wrong.len() <= CLIENTS);
    }
}
