//! A phase of a command, shown while it lasts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::frame::{Frame, waits};
use super::pulse::{Pulse, Show};
use crate::cli::screen;
use crate::cli::ui::{Telling, Ui};
use crate::live::Activity;

/// Interval at which the progress is refreshed.
const BEAT: Duration = Duration::from_millis(100);

/// A phase of a command, shown until dropped. A thread of its own shows it, so that it stays visible while all others
/// compute.
pub(crate) struct Phase {
    shared: Arc<Shared>,
    shower: Option<JoinHandle<()>>,
}

struct Shared {
    what: String,
    total: usize,
    done: AtomicUsize,
    activity: Option<Activity>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    object: Option<String>,
    is_over: bool,
}

impl Phase {
    /// Starts a phase with a number of objects; zero if that is unknown.
    pub(crate) fn begin(ui: Ui, what: &str, total: usize) -> Self {
        Self::shown(ui, what, total, None)
    }

    /// Starts a phase that also waits for a server.
    pub(crate) fn asking(ui: Ui, what: &str, total: usize, activity: &Activity) -> Self {
        Self::shown(ui, what, total, Some(activity.clone()))
    }

    fn shown(ui: Ui, what: &str, total: usize, activity: Option<Activity>) -> Self {
        let shared = Arc::new(Shared {
            what: what.to_owned(),
            total,
            done: AtomicUsize::new(0),
            activity,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let shower = match ui.telling() {
            Telling::Nothing => None,
            telling @ (Telling::Bars | Telling::Lines) => {
                let shared = Arc::clone(&shared);
                let show = move || shared.show(ui, telling == Telling::Bars);
                // If no thread can be started, the work goes on without progress.
                std::thread::Builder::new().spawn(show).ok()
            }
        };
        Self { shared, shower }
    }

    /// Returns the counter of finished objects.
    pub(crate) fn counter(&self) -> &AtomicUsize {
        &self.shared.done
    }

    /// Counts a finished object, and returns how many there are now.
    pub(crate) fn step(&self) -> usize {
        self.shared.done.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sets the current object.
    pub(crate) fn at(&self, object: &str) {
        self.shared.state().object = Some(object.to_owned());
    }
}

/// Shows a phase without a count while work runs.
pub(crate) async fn during<T>(ui: Ui, what: &str, work: impl Future<Output = T>) -> T {
    let _phase = Phase::begin(ui, what, 0);
    work.await
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the phase until it is over.
    fn show(&self, ui: Ui, is_terminal: bool) {
        let started = Instant::now();
        let mut pulse = Pulse::new(is_terminal);
        let mut state = self.state();
        while !state.is_over {
            let now = Instant::now();
            let longest = self
                .activity
                .as_ref()
                .and_then(|activity| activity.longest(now));
            let elapsed = now - started;
            let mut frame = Frame {
                what: &self.what,
                done: self.done.load(Ordering::Relaxed),
                total: self.total,
                elapsed,
                object: state.object.as_deref(),
                waiting: None,
            };
            match pulse.beat(elapsed, longest.as_ref().map(|waiting| waiting.time)) {
                Show::Nothing => {}
                Show::Bar { is_waiting } => {
                    frame.waiting = longest.as_ref().filter(|_| is_waiting);
                    let _ = screen::draw(&frame.bar(ui.talk_width()));
                }
                Show::Line => ui.message(&frame.line()),
                Show::Waiting => {
                    if let Some(waiting) = &longest {
                        ui.message(&waits(waiting));
                    }
                }
            }
            let waited = self.changed.wait_timeout(state, BEAT);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
        if let Some(shower) = self.shower.take() {
            let _ = shower.join();
            let _ = screen::clear();
        }
    }
}
