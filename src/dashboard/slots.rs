//! Limits the number of connections, and chooses which one is closed for a new one. Pure, except for the tokens.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The maximum number of connections: more than browsers, Prometheus, probes and a forge need together, and few enough
/// that their buffers stay small compared with the memory limit of a container.
pub(super) const CONNECTIONS: usize = 256;

/// The current connections; cheap to clone.
///
/// When all slots are taken, a client that sends requests is never kept out: a connection without a request in flight
/// is closed, one that never sent a request before one that did, and among these first one whose client has the most.
/// So nobody can keep others out by being silent.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionSlots {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    guests: Mutex<Guests>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Guests {
    /// Grows with every event, which orders activity without a clock.
    last: u64,
    known: BTreeMap<u64, Guest>,
}

#[derive(Debug)]
struct Guest {
    client: IpAddr,
    /// When it was last active.
    heard: u64,
    /// Whether any request was ever answered.
    answered: bool,
    /// How many complete requests are being answered.
    busy: u32,
    close: CancellationToken,
}

/// The slot of one connection, freed when the connection ends.
#[derive(Debug)]
pub(super) struct Slot {
    place: Place,
    close: CancellationToken,
}

/// Identifies a connection for the handlers of its requests.
#[derive(Clone, Debug)]
pub(super) struct Place {
    slots: ConnectionSlots,
    id: u64,
}

/// A complete request that is being answered; its connection is not closed until this is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    place: Place,
}

impl ConnectionSlots {
    /// Admits a connection; waits only while every other one has a request in flight.
    pub(super) async fn enter(&self, client: IpAddr) -> Slot {
        loop {
            let left = self.inner.left.notified();
            if let Some(slot) = self.admit(client) {
                return slot;
            }
            left.await;
        }
    }

    /// Admits a connection; `None` while all others have requests in flight.
    fn admit(&self, client: IpAddr) -> Option<Slot> {
        let mut guests = self.guests();
        if guests.known.len() >= CONNECTIONS {
            let id = guests.least()?;
            if let Some(guest) = guests.known.remove(&id) {
                guest.close.cancel();
            }
        }
        let heard = guests.next();
        let close = CancellationToken::new();
        let guest = Guest {
            client,
            heard,
            answered: false,
            busy: 0,
            close: close.clone(),
        };
        guests.known.insert(heard, guest);
        let place = Place {
            slots: self.clone(),
            id: heard,
        };
        Some(Slot { place, close })
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        // Every change is made in one go, so a poisoned lock still guards a consistent value.
        (self.inner.guests.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Returns the connection to close first.
    fn least(&self) -> Option<u64> {
        let mut clients: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for guest in self.known.values() {
            *clients.entry(guest.client).or_default() += 1;
        }
        let idle = self.known.iter().filter(|(_, guest)| guest.busy == 0);
        let first = idle.min_by_key(|(_, guest)| {
            let of_it = clients.get(&guest.client).copied().unwrap_or_default();
            (guest.answered, Reverse(of_it), guest.heard)
        });
        first.map(|(id, _)| *id)
    }
}

impl Slot {
    /// Returns the identity of the connection, for the handlers of its requests.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Returns a token that is cancelled when the connection has to be closed.
    pub(super) fn closing(&self) -> CancellationToken {
        self.close.clone()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.place.slots.guests().known.remove(&self.place.id);
        self.place.slots.inner.left.notify_one();
    }
}

impl Place {
    /// Notes that a complete request arrived.
    pub(super) fn begin(&self) -> Busy {
        self.change(|guest| guest.busy += 1);
        Busy {
            place: self.clone(),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Guest)) {
        let mut guests = self.slots.guests();
        let heard = guests.next();
        if let Some(guest) = guests.known.get_mut(&self.id) {
            guest.heard = heard;
            change(guest);
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.place.change(|guest| {
            guest.busy = guest.busy.saturating_sub(1);
            guest.answered = true;
        });
        self.place.slots.inner.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn filled(slots: &ConnectionSlots, with: IpAddr) -> Vec<Slot> {
        (0..CONNECTIONS)
            .map(|_| slots.admit(with).unwrap())
            .collect()
    }

    #[test]
    fn the_silent_make_room_for_who_asks() {
        let slots = ConnectionSlots::default();
        let asking = slots.admit(client(1)).unwrap();
        drop(asking.place().begin());
        let busy = slots.admit(client(2)).unwrap();
        let request = busy.place().begin();
        let silent = filled(&slots, client(3));
        // Further silent ones only take the place of each other.
        let more = filled(&slots, client(3));
        assert_eq!(slots.guests().known.len(), CONNECTIONS);
        assert!(silent.iter().all(|slot| slot.closing().is_cancelled()));
        for slot in [&asking, &busy] {
            assert!(!slot.closing().is_cancelled());
        }
        let gone = more.iter().filter(|slot| slot.closing().is_cancelled());
        assert_eq!(gone.count(), 2, "as many as two others have places");
        drop(request);
    }

    #[test]
    fn of_those_that_asked_goes_who_has_the_most() {
        let slots = ConnectionSlots::default();
        let probe = slots.admit(client(1)).unwrap();
        drop(probe.place().begin());
        let many = filled(&slots, client(2));
        for slot in &many {
            drop(slot.place().begin());
        }
        let next = slots.admit(client(3)).unwrap();
        assert!(!probe.closing().is_cancelled() && !next.closing().is_cancelled());
        let gone = many.iter().filter(|slot| slot.closing().is_cancelled());
        assert_eq!(gone.count(), 2);
    }

    #[test]
    fn whoever_is_being_answered_stays() {
        let slots = ConnectionSlots::default();
        let seats = filled(&slots, client(1));
        let mut requests: Vec<Busy> = seats.iter().map(|slot| slot.place().begin()).collect();
        assert!(slots.admit(client(2)).is_none());
        requests.pop();
        assert!(slots.admit(client(2)).is_some());
        drop(seats);
        assert!(slots.guests().known.is_empty());
    }
}
