//! What a run before this one left in pieces is put right first.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::approval;
use super::carry::{self, Manner};
use super::failure::Failure;
use super::platform::Platform;
use super::tree::OpenTree;
use super::ui::{self, Ui};
use crate::apply::{self, Mandate, Rollout, SnapshotStore, StoredAssets, WayBack, Wreck};
use crate::live::Live;
use crate::model::Shard;
use crate::plan::{self, Plan};
use crate::report::text::visible;
use crate::report::{self, Command, Facts, text};
use crate::tree::BillingPolicy;

/// Looks for runs that never ended, says what they had in hand, and puts back what they destroyed.
///
/// `manner` is that of the run which is about to begin.
///
/// # Errors
/// When something is destroyed and cannot be put back: a new plan would build on the ruins.
pub(crate) async fn recover(
    ui: Ui,
    tree: &OpenTree,
    platform: &Platform,
    manner: &Manner<'_>,
    shard: Option<Shard>,
    is_sure: bool,
) -> Result<(), Failure> {
    let state = manner.state;
    let cluster = &tree.loaded.desired.cluster;
    let wrecks = apply::wrecks(state, &cluster.name, shard).map_err(failed)?;
    let store = SnapshotStore::new(state);
    for wreck in &wrecks {
        tell(ui, wreck);
        let Some(mut before) = wreck.before(&store, cluster).map_err(failed)? else {
            close(state, wreck)?;
            continue;
        };
        let live = platform.collect_before(ui, &before.desired).await?;
        let unread = apply::repair(wreck, &mut before, &live);
        if !before.desired.accounts.is_empty() {
            put_right(ui, platform, (manner, &store), (&before, &live), is_sure).await?;
        } else if unread.is_empty() {
            ui.talk("nothing is destroyed; this run goes by what is live now");
        }
        if unread.is_empty() {
            close(state, wreck)?;
        }
        for name in unread {
            ui.talk(&format!(
                "{}: could not be read, and is looked at again by the next run",
                visible(name.as_str())
            ));
        }
    }
    Ok(())
}

fn tell(ui: Ui, wreck: &Wreck) {
    ui.talk(&format!(
        "the run {} never ended; what it had in hand:",
        wreck.run
    ));
    for hand in &wreck.in_hand {
        let answered = if hand.answered { "" } else { ", not answered" };
        ui.talk(&format!(
            "  {}: {}{answered}",
            visible(hand.subject.title()),
            visible(&hand.write)
        ));
    }
    if wreck.in_hand.is_empty() {
        ui.talk("  nothing");
    }
}

async fn put_right(
    ui: Ui,
    platform: &Platform,
    (run, store): (&Manner<'_>, &SnapshotStore),
    (before, live): (&WayBack, &Live),
    is_sure: bool,
) -> Result<(), Failure> {
    let allow = BTreeSet::new();
    let rules = approval::rules(allow.clone());
    let plan = plan::plan(&before.desired, None, live, &before.sources, &rules).plan;
    show(ui, &plan, before);
    if !plan.refusals.is_empty() {
        let message =
            "what the run destroyed cannot be put back; do what the refusal says, then run again";
        return Err(Failure::Refused(message.to_owned()));
    }
    if !is_sure && !ui::ask("Put this back from the snapshot?").await? {
        return Err(Failure::Refused("not put back, not applied".to_owned()));
    }
    let manner = Manner {
        state: run.state,
        billing: BillingPolicy::Accept,
        rollout: Rollout::default(),
        withheld: BTreeMap::new(),
        primary: None,
        solitude: run.solitude.clone(),
    };
    let files = StoredAssets::new(store, &before.desired);
    let mandate = Mandate {
        plan: &plan,
        desired: &before.desired,
        allow: &allow,
    };
    let applied = carry::carry_out(ui, platform, mandate, &files, manner).await?;
    if applied.is_complete() {
        ui.talk("put back");
        return Ok(());
    }
    Err(Failure::Failed(anyhow::anyhow!(
        "not everything that the run destroyed could be put back; run again, or look at `emblazon history`"
    )))
}

fn show(ui: Ui, plan: &Plan, before: &WayBack) {
    let digest = plan.digest();
    let facts = Facts {
        plan: Some((plan, &digest)),
        ..Facts::new(Command::Plan, &[], &before.sources)
    };
    ui.talk("what is destroyed, and is put back from the snapshot:");
    let report = report::report(&facts);
    ui.talk_page(&text::render(&report, ui.stderr_options()));
}

fn close(state: &Utf8Path, wreck: &Wreck) -> Result<(), Failure> {
    apply::close(state, &wreck.run, jiff::Timestamp::now()).map_err(failed)
}

fn failed(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Failed(error.into())
}
