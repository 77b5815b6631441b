//! Recovery in the daemon: restores what an interrupted run destroyed, without asking anybody, under the daemon's
//! lease.

use std::collections::BTreeSet;

use camino::Utf8Path;
use thiserror::Error;

use crate::apply::lease::LeaseGuard;
use crate::apply::{Applied, ApplyError, ApprovedPlan, AssetSource, Principals};
use crate::live::{ApiError, CollectOptions, Live, ReadClient, collect};
use crate::model::{AccountName, ObjectName, Shard};
use crate::reconcile::{
    AuditTrail, Execution, Recoverer, RecoveryError, RecoveryEvent, execute, recover,
};
use crate::tree::{ClusterConfig, Desired};

/// Progress of the recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Not checked yet.
    #[default]
    Due,
    /// These accounts could not be read; the recovery continues when one of them is.
    Waits(BTreeSet<AccountName>),
    /// Everything is restored.
    Done,
}

/// Why the recovery failed; nothing may be written until it succeeds.
#[derive(Debug, Error)]
pub(super) enum Unrecovered {
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error("{}", .0.explained())]
    Platform(#[from] ApiError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl Recovery {
    /// Returns whether the recovery must run before some objects are read.
    fn is_due(&self, read: &BTreeSet<ObjectName>) -> bool {
        match self {
            Self::Due => true,
            Self::Waits(accounts) => read
                .iter()
                .filter_map(ObjectName::account)
                .any(|name| accounts.contains(name)),
            Self::Done => false,
        }
    }

    /// Runs the recovery, if it must run before some objects are read.
    pub(super) async fn advance(
        &mut self,
        read: &BTreeSet<ObjectName>,
        (state, cluster, shard): (&Utf8Path, &ClusterConfig, Option<Shard>),
        client: &ReadClient,
        (guard, audit): (&LeaseGuard, AuditTrail),
    ) -> Result<(), Unrecovered> {
        if !self.is_due(read) {
            return Ok(());
        }
        let daemon = Daemon {
            client,
            guard,
            // What is put back comes from a snapshot, not from a commit.
            audit: AuditTrail {
                principals: Principals::default(),
                ..audit
            },
        };
        let unread = recover(&daemon, state, cluster, shard).await?;
        *self = if unread.is_empty() {
            Self::Done
        } else {
            Self::Waits(unread.into_iter().collect())
        };
        Ok(())
    }
}

struct Daemon<'a> {
    client: &'a ReadClient,
    guard: &'a LeaseGuard,
    audit: AuditTrail,
}

impl Recoverer for Daemon<'_> {
    type Error = Unrecovered;

    async fn read(&self, desired: &Desired) -> Result<Live, Unrecovered> {
        let options = CollectOptions {
            unmanaged: false,
            ..CollectOptions::default()
        };
        Ok(collect(self.client, desired, &options).await?)
    }

    async fn execute(
        &self,
        approved: ApprovedPlan<'_>,
        files: &dyn AssetSource,
        execution: Execution<'_>,
    ) -> Result<Applied, Unrecovered> {
        let applied = execute(self.client, approved, files, execution, self.guard, &|_| {});
        Ok(applied.await?)
    }

    fn audit(&self) -> AuditTrail {
        self.audit.clone()
    }

    async fn agree(&self) -> Result<(), Unrecovered> {
        Ok(())
    }

    fn report(&self, event: RecoveryEvent<'_>) {
        match event {
            RecoveryEvent::Interrupted(run) => {
                tracing::warn!(run = %run.run, in_flight = run.in_flight.len(), "a run never ended");
            }
            RecoveryEvent::Restored(run) => {
                tracing::warn!(run = %run.run, "what it destroyed is put back");
            }
            RecoveryEvent::Unread(name) => {
                tracing::warn!(%name, "could not be read, so what a run destroyed of it is put back later");
            }
            RecoveryEvent::Planned(..) | RecoveryEvent::Intact => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_at_again_when_an_account_is_read_that_could_not_be() {
        #[track_caller]
        fn check(recovery: &Recovery, expected: bool) {
            let read = [ObjectName::Template, AccountName::new("acme").into()].into();
            assert_eq!(recovery.is_due(&read), expected, "{recovery:?}");
        }
        check(&Recovery::Due, true);
        check(&Recovery::Waits([AccountName::new("acme")].into()), true);
        check(&Recovery::Waits([AccountName::new("beta")].into()), false);
        check(&Recovery::Done, false);
    }
}
