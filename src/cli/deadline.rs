//! How long a command may take, and how it ends then.
//!
//! While nothing is written, it ends at once. What is being written comes to its end first, within bounds; then what was
//! done is told as after any other run, and what was not begun is said to be that.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::failure::Failure;
use super::survey;
use super::ui::Ui;
use crate::apply::lease::LeaseGuard;
use crate::live::{Deadline, Late};

/// How long a command may take when nobody says: an import of ten thousand accounts takes minutes, and whoever waits for
/// longer than this waits for something that hangs.
pub(crate) const USUAL: Duration = Duration::from_hours(1);
/// How long requests for what is in hand may go on after the deadline: as long as one write may take.
const IN_HAND: Duration = Duration::from_mins(1);
/// How long the whole may go on after the deadline, so that what is in hand can be told and the lease given back.
pub(super) const GRACE: Duration = Duration::from_mins(2);

/// Until when a command may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    at: Instant,
    given: Duration,
    is_usual: bool,
}

impl Limit {
    /// Begins with the command.
    pub(crate) fn new(given: Option<Duration>, now: Instant) -> Self {
        let is_usual = given.is_none();
        let given = given.unwrap_or(USUAL);
        Self {
            at: now + given,
            given,
            is_usual,
        }
    }

    /// Gives more time for a wait that was asked for; a deadline that was asked for, too, stays.
    pub(crate) fn beside(self, wait: Option<Duration>) -> Self {
        let wait = wait.filter(|_| self.is_usual).unwrap_or_default();
        Self {
            at: self.at + wait,
            given: self.given + wait,
            is_usual: self.is_usual,
        }
    }

    /// Returns how much is left.
    pub(crate) fn left(self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Bounds the requests of a client that only reads.
    pub(crate) fn bound(self, deadline: &Deadline) {
        deadline.set(self.at, self.given);
    }

    /// Bounds the requests of a client that begins to write: what is in hand comes to its end.
    pub(crate) fn bound_writing(self, deadline: &Deadline) {
        deadline.set(self.at + IN_HAND, self.given);
    }

    /// Says that the time is over.
    pub(crate) fn over(self) -> Late {
        Late(self.given)
    }
}

/// Runs work that writes nothing anywhere.
pub(crate) fn run<T>(ui: Ui, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run_on(within(ui, None, GRACE, work))
}

/// Runs work that keeps its deadline itself.
pub(crate) fn run_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = survey::runtime()?;
    let ended = runtime.block_on(work);
    // A question that nobody answers any more is not waited for.
    runtime.shutdown_background();
    ended
}

/// Lets work go on until the deadline; what writes by then is told to stop, and comes to its end within a grace.
pub(crate) async fn within<T>(
    ui: Ui,
    guard: Option<&LeaseGuard>,
    grace: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = pin!(work);
    let limit = ui.limit();
    let left = limit.left(Instant::now());
    tokio::select! {
        // Work that is done is done, also when it was done at the last moment.
        biased;
        done = &mut work => return done,
        () = tokio::time::sleep(left) => {}
    }
    let over = limit.over();
    if let Some(guard) = guard {
        guard.stop(over.to_string());
    }
    if !guard.is_some_and(LeaseGuard::has_written) {
        return Err(Failure::Failed(anyhow!(
            "{over}, and nothing was written; give it more time with `--deadline`"
        )));
    }
    ui.message(&format!("{over}: stopping after what is in hand"));
    match tokio::time::timeout(grace, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::Failed(anyhow!(
            "{over}, and what was in hand did not come to its end; the journal has it, and the next run looks after it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::Ui;

    fn at_its_end() -> Ui {
        Ui::quiet(Limit::new(Some(Duration::ZERO), Instant::now()))
    }

    #[test]
    fn a_wait_that_was_asked_for_is_no_lateness() {
        let now = Instant::now();
        let wait = Some(Duration::from_hours(3));
        let usual = Limit::new(None, now).beside(wait);
        assert_eq!(usual.left(now), USUAL + Duration::from_hours(3));
        let asked = Limit::new(Some(Duration::from_mins(1)), now).beside(wait);
        assert_eq!(asked.left(now), Duration::from_mins(1));
        assert_eq!(asked.left(now + Duration::from_hours(1)), Duration::ZERO);
    }

    #[tokio::test]
    async fn what_only_reads_ends_at_once() {
        let guard = LeaseGuard::exclusive();
        let forever = std::future::pending::<Result<(), Failure>>();
        let ended = within(at_its_end(), Some(&guard), GRACE, forever).await;
        let told = ended.unwrap_err().message().unwrap();
        insta::assert_snapshot!(told, @"the deadline of 0ms is over, and nothing was written; give it more time with `--deadline`");
        assert!(guard.is_stopped());
    }

    /// Work in the middle of writing is told to begin nothing else, and its outcome is what counts.
    #[tokio::test]
    async fn what_writes_comes_to_its_end() {
        let guard = LeaseGuard::exclusive();
        guard.begin_writing();
        let work = async {
            guard.stopping().cancelled().await;
            Ok("told")
        };
        let ended = within(at_its_end(), Some(&guard), GRACE, work).await;
        assert!(matches!(ended, Ok("told")), "{ended:?}");
        assert_eq!(guard.reason(), Some("the deadline of 0ms is over"));
    }

    #[tokio::test]
    async fn what_does_not_come_to_its_end_is_left_to_the_next_run() {
        let guard = LeaseGuard::exclusive();
        guard.begin_writing();
        let forever = std::future::pending::<Result<(), Failure>>();
        let ended = within(at_its_end(), Some(&guard), Duration::ZERO, forever).await;
        let told = ended.unwrap_err().message().unwrap();
        insta::assert_snapshot!(told, @"the deadline of 0ms is over, and what was in hand did not come to its end; the journal has it, and the next run looks after it");
    }

    #[tokio::test]
    async fn work_that_is_done_is_done() {
        let guard = LeaseGuard::exclusive();
        let ended = within(at_its_end(), Some(&guard), GRACE, async { Ok(7) }).await;
        assert!(matches!(ended, Ok(7)));
        assert!(!guard.is_stopped());
    }
}
