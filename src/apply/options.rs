//! The options of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::audit::Principals;
use super::journal::JournalError;
use super::lease::LeaseGuard;
use super::outcome::StepOutcome;
use super::retention::Pruned;
use super::rollout::Rollout;
use super::run_id::RunId;
use crate::dns::push::PrimaryWriter;
use crate::live::Known;
use crate::plan::{Step, StepId};
use crate::tree::BillingPolicy;

/// How a run is carried out.
#[derive(Clone)]
pub struct Options {
    /// The directory for the journal and the snapshots, `.emblazon` in the tree.
    pub state_dir: Utf8PathBuf,
    /// How many accounts are processed at the same time; two saturate a real server.
    pub concurrency: NonZeroUsize,
    /// Whether creating a whitelabel may cost money (C7).
    pub billing: BillingPolicy,
    /// How often and how long to retry.
    pub retries: RetryLimits,
    /// Returns the current time, for the run id and the journal.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Which objects go first, and when to stop.
    pub rollout: Rollout,
    /// Steps that are not carried out, because their objects are already known to have changed since the plan, with the
    /// reasons.
    pub withheld: BTreeMap<StepId, String>,
    /// Writes records of accounts with `dns: manage`; without it, steps on zones fail.
    pub primary: Option<PrimaryWriter>,
    /// Looks at the accounts that went first before any other begins; nobody looks when absent.
    pub canary_check: Option<CanaryCheck>,
    /// The run whose snapshot this one restores, if any.
    pub restores: Option<RunId>,
    /// Who stands behind the run, for the audit log.
    pub principals: Principals,
    /// What was read just before the run.
    pub known: Known,
    /// The permission to write.
    pub guard: LeaseGuard,
}

/// Says whether the accounts that went first are as they should be; an error, with the reason, ends the run.
pub type CanaryCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How many times something is tried before it counts as failed.
///
/// A read right after a write may show the state before it (C3, trap 38), so a single read is not conclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// How many times a read that shows something unexpected is made in total.
    pub reads: u32,
    /// How many times a write whose failure left nothing behind is sent in total.
    pub writes: u32,
    /// How long to wait before the second attempt; doubled before each further one.
    pub pause: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            reads: 4,
            writes: 3,
            pause: Duration::from_millis(250),
        }
    }
}

impl RetryLimits {
    /// Waits before the `n`th retry, from 0.
    pub(super) async fn pause(&self, n: u32) {
        let factor = 2_u32.saturating_pow(n.min(6));
        tokio::time::sleep(self.pause.saturating_mul(factor)).await;
    }
}

impl Options {
    /// Creates options with the defaults of most runs: two accounts at once, no charges.
    #[must_use]
    pub fn new(
        state_dir: Utf8PathBuf,
        guard: LeaseGuard,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            state_dir,
            concurrency: NonZeroUsize::MIN.saturating_add(1),
            billing: BillingPolicy::Refuse,
            retries: RetryLimits::default(),
            now: Arc::new(now),
            rollout: Rollout::default(),
            withheld: BTreeMap::new(),
            primary: None,
            canary_check: None,
            restores: None,
            principals: Principals::default(),
            known: Known::default(),
            guard,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("state_dir", &self.state_dir)
            .field("concurrency", &self.concurrency)
            .field("billing", &self.billing)
            .field("retries", &self.retries)
            .field("rollout", &self.rollout)
            .finish_non_exhaustive()
    }
}

/// A source of the tree's asset files, such as a closure over a path.
pub trait AssetSource: Sync {
    /// Reads a file by its path relative to the top of the tree.
    ///
    /// # Errors
    /// The reason in words, if it could not be read.
    fn bytes(&self, path: &Utf8Path) -> Result<Vec<u8>, String>;
}

impl<F, E> AssetSource for F
where
    F: Fn(&Utf8Path) -> Result<Vec<u8>, E> + Sync,
    E: fmt::Display,
{
    fn bytes(&self, path: &Utf8Path) -> Result<Vec<u8>, String> {
        self(path).map_err(|error| error.to_string())
    }
}

/// An event of a run, for a progress display.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step begins.
    Begun(&'a Step),
    /// A step has ended, or was not begun.
    Ended(&'a Step, &'a StepOutcome),
    /// The head of the audit log is not kept in Git, for this reason.
    Unkept(&'a str),
    /// The run is complete, and old runs were deleted, or could not be.
    Pruned(&'a Result<Pruned, JournalError>),
}
