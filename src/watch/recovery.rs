//! What a run before this one left in pieces is put right first, without asking anybody.

use std::collections::BTreeSet;

use camino::Utf8Path;
use jiff::Timestamp;
use thiserror::Error;

use crate::apply::{
    self, ApplyError, JournalError, Mandate, RestoreError, SnapshotStore, StoredAssets, Wreck,
};
use crate::live::{ApiError, CollectOptions, ReadClient, TemplateWriter, WriteClient, collect};
use crate::model::Shard;
use crate::plan;
use crate::tree::{BillingPolicy, ClusterConfig};

/// Says why something that was destroyed is not put right; nothing may be written until it is.
#[derive(Debug, Error)]
pub(super) enum RecoveryError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Snapshot(#[from] RestoreError),
    #[error("{}", .0.explained())]
    Platform(#[from] ApiError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(
        "what the run {0} destroyed cannot be put back: {1}; do what that says, or run `emblazon apply`"
    )]
    Refused(String, String),
    #[error(
        "not everything that the run {0} destroyed could be put back; look at `emblazon history`"
    )]
    Incomplete(String),
    #[error("what the run {0} had in hand could not be read: {1}")]
    Unread(String, String),
}

/// Looks for runs that never ended, and puts back what they destroyed.
pub(super) async fn recover(
    state: &Utf8Path,
    cluster: &ClusterConfig,
    shard: Option<Shard>,
    client: &ReadClient,
) -> Result<(), RecoveryError> {
    for wreck in apply::wrecks(state, &cluster.name, shard)? {
        tracing::warn!(run = %wreck.run, in_hand = wreck.in_hand.len(), "a run never ended");
        put_right(state, cluster, client, &wreck).await?;
        apply::close(state, &wreck.run, Timestamp::now())?;
    }
    Ok(())
}

async fn put_right(
    state: &Utf8Path,
    cluster: &ClusterConfig,
    client: &ReadClient,
    wreck: &Wreck,
) -> Result<(), RecoveryError> {
    let store = SnapshotStore::new(state);
    let run = || wreck.run.to_string();
    let Some(mut before) = wreck.before(&store, cluster)? else {
        return Ok(());
    };
    let options = CollectOptions {
        unmanaged: false,
        ..CollectOptions::default()
    };
    let live = collect(client, &before.desired, &options).await?;
    let unread = apply::repair(wreck, &mut before, &live);
    if let Some(name) = unread.first() {
        return Err(RecoveryError::Unread(run(), name.to_string()));
    }
    if before.desired.accounts.is_empty() {
        return Ok(());
    }
    let allow = BTreeSet::new();
    let rules = plan::Options {
        allow: allow.clone(),
        now: Timestamp::now(),
        ..plan::Options::default()
    };
    let plan = plan::plan(&before.desired, None, &live, &before.sources, &rules).plan;
    if let Some(refusal) = plan.refusals.first() {
        return Err(RecoveryError::Refused(run(), refusal.message.clone()));
    }
    let mut options = apply::Options::new(state.to_owned(), Timestamp::now);
    options.billing = BillingPolicy::Accept;
    let mandate = Mandate {
        plan: &plan,
        desired: &before.desired,
        allow: &allow,
    };
    let files = StoredAssets::new(&store, &before.desired);
    let writer = WriteClient::new(client.clone());
    let template = TemplateWriter::new(client.clone());
    let applied = apply::run(mandate, &writer, Some(&template), &files, &options, &|_| {}).await?;
    if applied.is_complete() {
        tracing::warn!(run = %wreck.run, "what it destroyed is put back");
        Ok(())
    } else {
        Err(RecoveryError::Incomplete(run()))
    }
}
