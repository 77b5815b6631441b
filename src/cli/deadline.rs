//! How a command ends at its deadline.
//!
//! If nothing was written, it ends at once. Otherwise writes in flight are finished first, within bounds; then the
//! report shows what was done and what was not begun, as after any other run.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use tokio::runtime::Runtime;

use super::failure::Failure;
use super::ui::Ui;
use crate::apply::lease::LeaseGuard;

/// Grace after the deadline for finishing writes, reporting, and releasing the lease.
pub(super) const GRACE: Duration = Duration::from_mins(2);

/// Starts the runtime for requests.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime")?;
    Ok(runtime)
}

/// Runs work that only reads.
pub(crate) fn run<T>(ui: Ui, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run_on(within(ui, None, GRACE, work))
}

/// Runs work that observes the deadline itself.
pub(crate) fn run_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime()?;
    let ended = runtime.block_on(work);
    // Do not wait for an unanswered question.
    runtime.shutdown_background();
    ended
}

/// Runs work until the deadline; work that has written by then is told to stop, and is finished within the grace.
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
        // Finished work wins over a deadline at the same moment.
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
    ui.message(&format!("{over}: stopping after what is in flight"));
    match tokio::time::timeout(grace, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::Failed(anyhow!(
            "{over}, and what was in flight did not finish; the journal has it, and the next run looks after it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::limit::Limit;
    use crate::cli::ui::Ui;

    fn at_its_end() -> Ui {
        Ui::quiet(Limit::new(Some(Duration::ZERO), Instant::now()))
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

    /// Work that is writing is told to begin nothing else, and its result is returned.
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
        insta::assert_snapshot!(told, @"the deadline of 0ms is over, and what was in flight did not finish; the journal has it, and the next run looks after it");
    }

    #[tokio::test]
    async fn work_that_is_done_is_done() {
        let guard = LeaseGuard::exclusive();
        let ended = within(at_its_end(), Some(&guard), GRACE, async { Ok(7) }).await;
        assert!(matches!(ended, Ok(7)));
        assert!(!guard.is_stopped());
    }
}
