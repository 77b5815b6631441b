//! One line on the terminal that says how far a long command is.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::screen;
use super::ui::Ui;
use crate::report::text::visible;

/// How long a command may take in silence.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a line stands at least.
const REDRAW: Duration = Duration::from_millis(100);

/// Draws a bar on standard error once a command takes over a second; draws nothing where no terminal is.
pub(crate) struct Progress {
    state: Mutex<State>,
    shown: bool,
    width: usize,
}

struct State {
    started: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    pub(crate) fn new(ui: Ui) -> Self {
        Self {
            state: Mutex::new(State {
                started: Instant::now(),
                drawn: None,
            }),
            shown: ui.shows_progress(),
            width: ui.width(),
        }
    }

    /// Says that `done` of `total` are done, and what is at hand.
    pub(crate) fn update(&self, done: usize, total: usize, what: &str) {
        if !self.shown {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let fresh = state.drawn.is_some_and(|drawn| now - drawn < REDRAW);
        if now - state.started < PATIENCE || fresh {
            return;
        }
        state.drawn = Some(now);
        draw(&bar(done, total, what, self.width));
    }
}

/// Waits for something, and says so on the terminal when it takes over a second.
pub(crate) async fn during<T>(ui: Ui, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let started = Instant::now();
    let mut drawn = false;
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + PATIENCE, PATIENCE);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            _ = ticks.tick() => {
                if ui.shows_progress() {
                    drawn = true;
                    let text = format!("{} ({} s)", visible(what), started.elapsed().as_secs());
                    let text: String = text.chars().take(ui.width().saturating_sub(1)).collect();
                    draw(&text);
                }
            }
        }
    };
    if drawn {
        draw("");
    }
    ended
}

/// Replaces the line that the cursor is on.
fn draw(text: &str) {
    let _ = screen::draw(text);
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drawn
            .is_some()
        {
            draw("");
        }
    }
}

fn bar(done: usize, total: usize, what: &str, width: usize) -> String {
    const CELLS: usize = 20;
    let filled = (done.min(total) * CELLS).checked_div(total).unwrap_or(0);
    let text = format!(
        "[{}{}] {done}/{total} {}",
        "#".repeat(filled),
        " ".repeat(CELLS - filled),
        visible(what)
    );
    text.chars().take(width.saturating_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        #[track_caller]
        fn check(done: usize, total: usize, expected: &str) {
            assert_eq!(bar(done, total, "acme", 60), expected);
        }
        check(0, 4, "[                    ] 0/4 acme");
        check(1, 4, "[#####               ] 1/4 acme");
        check(4, 4, "[####################] 4/4 acme");
        check(0, 0, "[                    ] 0/0 acme");
        check(9, 4, "[####################] 9/4 acme");
        assert_eq!(bar(1, 4, "a long name", 12), "[#####     ");
    }
}
