//! Limits the questions in flight to one server: additive increase, multiplicative decrease.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Initial size of the window.
const START: usize = 32;
/// Smallest size of the window, however many packets are lost.
const LEAST: usize = 4;

/// Limits the questions in flight to one server.
#[derive(Debug)]
pub(super) struct Window {
    semaphore: Semaphore,
    most: usize,
    state: Mutex<WindowState>,
}

#[derive(Debug)]
struct WindowState {
    size: usize,
    /// How many permits must not come back, because the window shrank while they were out.
    debt: usize,
    answers: usize,
    /// How many times the window has shrunk.
    losses: u64,
}

/// The right to have one question in flight.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    window: &'a Window,
    held: Option<SemaphorePermit<'a>>,
    /// How many times the window had shrunk when the question entered.
    losses: u64,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let size = START.min(most.max(1));
        Self {
            semaphore: Semaphore::new(size),
            most: most.max(1),
            state: Mutex::new(WindowState {
                size,
                debt: 0,
                answers: 0,
                losses: 0,
            }),
        }
    }

    pub(super) async fn enter(&self) -> Permit<'_> {
        // The semaphore is never closed, so there is always a permit.
        let held = self.semaphore.acquire().await.ok();
        Permit {
            window: self,
            held,
            losses: self.lock().losses,
        }
    }

    fn lock(&self) -> MutexGuard<'_, WindowState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current size.
    #[cfg(test)]
    fn size(&self) -> usize {
        self.lock().size
    }
}

impl Permit<'_> {
    /// Widens the window by one for each whole window of answers.
    pub(super) fn answered(&self) {
        let mut state = self.window.lock();
        state.answers += 1;
        if state.answers < state.size || state.size >= self.window.most {
            return;
        }
        state.answers = 0;
        state.size += 1;
        match state.debt.checked_sub(1) {
            Some(debt) => state.debt = debt,
            None => self.window.semaphore.add_permits(1),
        }
    }

    /// Halves the window because a packet was lost; packets that were sent into the same window count as one loss.
    pub(super) fn lost(&self) {
        let mut state = self.window.lock();
        if self.losses != state.losses {
            return;
        }
        let less = (state.size / 2).max(LEAST).min(state.size);
        let taken = self.window.semaphore.forget_permits(state.size - less);
        state.debt += state.size - less - taken;
        state.size = less;
        state.answers = 0;
        state.losses += 1;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.window.lock();
        if let Some(debt) = state.debt.checked_sub(1)
            && let Some(held) = self.held.take()
        {
            state.debt = debt;
            held.forget();
        }
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
    #[tokio::test]
    async fn a_full_window_shrinks_as_its_questions_end() {
        let window = Window::new(40);
        let mut permits = Vec::new();
        for _ in 0..START {
            permits.push(window.enter().await);
        }
        permits[0].lost();
        permits[1].lost();
        assert_eq!(window.size(), START / 2, "one window, one loss");
        permits.truncate(START / 2);
        assert_eq!(window.semaphore.available_permits(), 0);
        permits.clear();
        assert_eq!(window.semaphore.available_permits(), START / 2);
    }
}
