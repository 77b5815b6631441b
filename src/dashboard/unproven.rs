//! The memory budget of request bodies that are not authenticated yet, of all clients together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The maximum size in bytes of all unauthenticated bodies together: 64 KiB for each possible connection, more than
/// most pushes need, and in total a small part of the memory of a container (512 MiB in `examples/watch/kubernetes`).
pub(super) const UNPROVEN: usize = super::slots::CONNECTIONS * 64 * 1024;

/// The budget. Small bodies take precedence: when it is used up, the largest one is cut for the sake of a smaller one.
#[derive(Clone, Debug, Default)]
pub(super) struct Unproven {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    last: u64,
    total: usize,
    bodies: BTreeMap<u64, (usize, CancellationToken)>,
}

/// The share of one body in the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Unproven,
    id: u64,
    cut: CancellationToken,
}

impl Unproven {
    /// Registers a body that holds nothing yet.
    pub(super) fn enter(&self) -> Share {
        let cut = CancellationToken::new();
        let mut held = self.lock();
        held.last += 1;
        let id = held.last;
        held.bodies.insert(id, (0, cut.clone()));
        Share {
            of: self.clone(),
            id,
            cut,
        }
    }

    /// Returns how many bytes are held.
    #[cfg(test)]
    pub(super) fn total(&self) -> usize {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Every change is made in one go, so a poisoned lock still guards a consistent value.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Reserves more bytes; `false` when there is no room, not even by cutting a larger body.
    pub(super) fn grow(&self, bytes: usize) -> bool {
        let mut held = self.of.lock();
        let Some(own) = held.bodies.get(&self.id).map(|(own, _)| own + bytes) else {
            return false;
        };
        while held.total + bytes > UNPROVEN {
            let others = held.bodies.iter().filter(|(id, _)| **id != self.id);
            let sizes = others.map(|(id, (size, _))| (*size, *id));
            let Some((_, id)) = sizes.max().filter(|(size, _)| *size > own) else {
                return false;
            };
            held.remove(id);
        }
        held.total += bytes;
        if let Some((size, _)) = held.bodies.get_mut(&self.id) {
            *size = own;
        }
        true
    }

    /// Waits until the body is cut for the sake of a smaller one.
    pub(super) async fn cut(&self) {
        self.cut.cancelled().await;
    }
}

impl Held {
    fn remove(&mut self, id: u64) {
        if let Some((size, cut)) = self.bodies.remove(&id) {
            self.total -= size;
            cut.cancel();
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_share_the_budget_and_small_ones_come_first() {
        let budget = Unproven::default();
        let mut large: Vec<Share> = Vec::new();
        for _ in 0..250 {
            let share = budget.enter();
            for _ in 0..64 {
                if share.cut.is_cancelled() || !share.grow(64 * 1024) {
                    break;
                }
                assert!(budget.total() <= UNPROVEN);
            }
            large.push(share);
        }
        assert!(budget.total() > UNPROVEN / 2, "what there is, is used");
        // Each connection has room for a body of the usual size.
        let small: Vec<Share> = (0..256).map(|_| budget.enter()).collect();
        for share in &small {
            assert!(share.grow(64 * 1024));
        }
        assert!(small.iter().all(|share| !share.cut.is_cancelled()));
        assert_eq!(budget.total(), UNPROVEN);
        assert!(large.iter().all(|share| !share.grow(1)));
        drop((large, small));
        assert_eq!(budget.total(), 0);
    }
}
