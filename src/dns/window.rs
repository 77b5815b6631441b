//! Limits the questions in flight to one server: additive increase, multiplicative decrease.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Initial size of the window.
const START: usize = 32;
/// Smallest size of the window, however many packets are lost.
const LEAST: usize = 4;

/// Limits the questions in flight to one server.
#[derive(Debug)]
pub(super) struct Window {
    semaphore: Semaphore,
    size: AtomicUsize,
    most: usize,
    answers: AtomicUsize,
}

/// The right to have one question in flight.
pub(super) struct Permit<'a> {
    window: &'a Window,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let size = START.min(most.max(1));
        Self {
            semaphore: Semaphore::new(size),
            size: AtomicUsize::new(size),
            most: most.max(1),
            answers: AtomicUsize::new(0),
        }
    }

    pub(super) async fn enter(&self) -> Permit<'_> {
        Permit {
            window: self,
            // The semaphore is never closed, so there is always a permit.
            _permit: self.semaphore.acquire().await.ok(),
        }
    }

    /// Returns the current size.
    #[cfg(test)]
    fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }
}

impl Permit<'_> {
    /// Widens the window by one for each whole window of answers.
    pub(super) fn answered(&self) {
        let window = self.window;
        let size = window.size.load(Ordering::Relaxed);
        if window.answers.fetch_add(1, Ordering::Relaxed) + 1 < size || size >= window.most {
            return;
        }
        window.answers.store(0, Ordering::Relaxed);
        window.size.store(size + 1, Ordering::Relaxed);
        window.semaphore.add_permits(1);
    }

    /// Halves the window because a packet was lost.
    pub(super) fn lost(&self) {
        let window = self.window;
        let size = window.size.load(Ordering::Relaxed);
        let less = (size / 2).max(LEAST).min(size);
        let taken = window.semaphore.forget_permits(size - less);
        window.size.store(size - taken, Ordering::Relaxed);
        window.answers.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn widens_on_answers_and_halves_on_losses() {
        let window = Window::new(40);
        for _ in 0..START {
            window.enter().await.answered();
        }
        assert_eq!(window.size(), START + 1);
        for _ in 0..10_000 {
            window.enter().await.answered();
        }
        assert_eq!(window.size(), 40, "never above the cap");
        window.enter().await.lost();
        assert_eq!(window.size(), 20);
        for _ in 0..10 {
            window.enter().await.lost();
        }
        assert_eq!(window.size(), LEAST, "never so small that nothing is asked");
    }
}
