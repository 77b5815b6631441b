//! Looks at what customers see of the accounts that go first, before `apply` begins any other.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use futures_util::FutureExt as _;

use super::args::ApplyArgs;
use super::failure::Failure;
use super::platform::Platform;
use super::probing;
use super::tree::OpenTree;
use crate::apply::{CanaryCheck, Rollout};
use crate::model::{AccountName, visible};
use crate::probe::{BrandProbe, BrandTarget, ProbeOptions, Prober, targets};
use crate::report::probe_lines;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// The look at the accounts that go first.
#[derive(Clone)]
pub(crate) struct CanaryProbe {
    targets: Vec<BrandTarget>,
    options: ProbeOptions,
    patience: Duration,
    /// What was seen at last: the declared brands, or the reason why not.
    seen: Arc<OnceLock<Result<(), String>>>,
}

impl CanaryProbe {
    /// Prepares the look, if one is asked for and somebody goes first. Mistakes are told before anything is written.
    pub(crate) fn prepare(
        args: &ApplyArgs,
        (folder, tree): (&Utf8Path, &OpenTree),
        platform: &Platform,
        rollout: &Rollout,
    ) -> Result<Option<Self>, Failure> {
        let Some(patience) = args.probe else {
            return Ok(None);
        };
        // Those too that have nothing to do: a run before this one may have written them, and ended at this look.
        let goes_first = |name: &AccountName| rollout.canary.contains(name);
        let loaded = &tree.loaded;
        let (targets, skipped) = targets(&loaded.desired, &loaded.sources, goes_first);
        if let Some((name, reason)) = skipped.first() {
            return Err(Failure::Usage(format!(
                "--probe: customers cannot see {name}: {reason}; name another account with --canary, or leave out --probe"
            )));
        }
        let options = match platform.sandbox() {
            Some(sandbox) => {
                let seed = args.platform.sandbox.seed(folder);
                let world = probing::closed_world(sandbox, seed.as_deref(), Some(&loaded.desired));
                ProbeOptions::within(&world?)
            }
            None => ProbeOptions::declared(loaded, folder, None),
        };
        let options = options.map_err(|error| Failure::Usage(error.to_string()))?;
        Ok((!targets.is_empty()).then(|| Self {
            targets,
            options: ProbeOptions {
                pins: args.resolve.clone(),
                ..options
            },
            patience,
            seen: Arc::default(),
        }))
    }

    /// Returns the look, for the run.
    pub(crate) fn check(&self) -> CanaryCheck {
        let probe = self.clone();
        Arc::new(move || {
            let probe = probe.clone();
            async move { probe.look().await }.boxed()
        })
    }

    /// Returns what customers saw instead, if they did not see the declared brands.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.seen.get()?.as_ref().err().map(String::as_str)
    }

    /// Returns whether customers saw the declared brands.
    pub(crate) fn has_passed(&self) -> bool {
        self.seen.get().is_some_and(Result::is_ok)
    }

    async fn look(&self) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let prober = Prober::new(self.options.clone());
            let found = prober.probe(&self.targets, &|| ()).await;
            let mut unseen = found.iter();
            let Some(first) = unseen.find(|probe| probe.view.is_declared() != Some(true)) else {
                return self.seen.get_or_init(|| Ok(())).clone();
            };
            let left = self.patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                let reason = reason(first);
                return self.seen.get_or_init(|| Err(reason)).clone();
            }
            tokio::time::sleep(PAUSE.min(left)).await;
        }
    }
}

fn reason(probe: &BrandProbe) -> String {
    let name = visible(probe.account.as_str());
    let first = probe_lines(probe).into_iter().next().unwrap_or_default();
    format!(
        "{name}, which goes first, is as the tree declares it, but {}: {first}; fix that, then plan again",
        probe.view.sentence()
    )
}
