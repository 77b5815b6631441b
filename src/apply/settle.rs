//! Brings an account's assets to a wanted state, by uploads that may damage each other.
//!
//! The upload of a logo can delete the welcome page (B11, observed 2), a failed upload can delete the whole document
//! (B12, observed 3), and a rejected one may have stored its file (trap 17). So everything is read after each upload
//! and repaired if needed, until all is as wanted or the retries are used up.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::answer;
use super::brand::{Brand, Held};
use super::reading;
use super::step_run::{StepRun, Stop, Write};
use super::verify;
use crate::diff::settings_in_sync;
use crate::live::{ApiError, WriteError};
use crate::model::{AccountId, AssetKind, Revision};
use crate::tree::BillingPolicy;

/// The wanted state, and other states that may be seen on the way without being somebody else's work.
pub(super) struct Goal<'a> {
    /// The state to reach; assets that it does not have are left alone.
    pub(super) wanted: &'a Brand,
    /// The state before the step.
    pub(super) before: &'a Brand,
    /// A state that this step tried to reach earlier.
    pub(super) tried: Option<&'a Brand>,
}

/// The state that was reached.
pub(super) struct Settled {
    pub(super) brand: Brand,
    /// Whether the document was re-created on the way, so the public lookup must be checked.
    pub(super) recreated: bool,
}

/// Why a wanted state was not reached.
pub(super) enum Trouble {
    /// The step must end at once.
    Stop(Stop),
    /// The retries are used up; the document may be in any state.
    Exhausted(Exhausted),
}

/// The last failure before the retries were used up.
pub(super) struct Exhausted {
    /// What happened.
    reason: String,
    /// What to do about it.
    advice: Cow<'static, str>,
}

impl Exhausted {
    fn new(error: &WriteError, sent: u32) -> Self {
        Self {
            reason: answer::tried(error, sent),
            advice: error.cause().advice(),
        }
    }
}

/// Uploads what is missing, and re-creates the document when an upload has destroyed it.
pub(super) async fn settle(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    goal: &Goal<'_>,
    start: Option<Brand>,
) -> Result<Settled, Trouble> {
    let retries = step_run.context.options.retries;
    let mut now = start;
    let mut uploads: BTreeMap<AssetKind, u32> = BTreeMap::new();
    let mut recreated = false;
    let mut in_doubt = false;
    let mut has_written = false;
    let mut last = Exhausted {
        reason: "the server accepted an asset again and again, and never showed it".to_owned(),
        advice: "check the server's log".into(),
    };
    loop {
        let Some(mut brand) = now else {
            recreated = true;
            now = Some(create_again(step_run, account, goal).await?);
            continue;
        };
        // The previous state was read twice, so nothing else can have been overlooked.
        brand.is_confirmed = true;
        let foreign = foreign_settings(goal, &brand);
        let to_do = match foreign {
            None => next(goal.wanted, &brand),
            Some(_) => taken(goal, &brand),
        };
        let Some((kind, asset)) = to_do else {
            return match foreign {
                None => Ok(Settled { brand, recreated }),
                Some(stop) => Err(Trouble::Stop(stop)),
            };
        };
        check_asset(goal, &brand, kind)?;
        let count = uploads.entry(kind).or_default();
        *count += 1;
        if *count > retries.writes {
            return Err(Trouble::Exhausted(last));
        }
        if *count > 1 {
            retries.pause(*count - 2).await;
        }
        let write = Write::Upload {
            kind,
            asset,
            if_match: &brand.revision,
        };
        match step_run.send(account, &write).await? {
            Ok(answer) => {
                has_written = true;
                let revision = answer.map(|document| document.revision);
                let accepted = (&brand, kind, asset, revision.as_ref());
                now = look_for(step_run, account, goal, accepted).await?;
                if is_at_risk(&brand, kind) && now.as_ref().is_some_and(has_welcome) {
                    // The welcome page should be gone; a read that lags behind would hide that.
                    now = look_for(step_run, account, goal, accepted).await?;
                }
                let Some(found) = &now else {
                    return Err(Trouble::Stop(Stop::Unknown(format!(
                        "the server accepted the {kind}, but the account shows no whitelabel; \
                         somebody may have deleted it right after; plan again"
                    ))));
                };
                note_eaten(step_run, goal.wanted, &brand, found, kind)?;
            }
            Err(error) => {
                last = Exhausted::new(&error, *count);
                in_doubt |= answer::may_have_landed(&error);
                now = match look(step_run, account).await {
                    Ok(now) => now,
                    // What was not accepted has changed nothing, whatever can be read.
                    Err(_) if !(in_doubt || has_written || recreated || goal.tried.is_some()) => {
                        let reason = answer::given_up(&error, *count);
                        return Err(Trouble::Stop(Stop::Failed(reason)));
                    }
                    Err(unread) => {
                        return Err(unseen(step_run, goal, &error.cause().to_string(), &unread));
                    }
                };
                if let Some(found) = &mut now
                    && found.revision == brand.revision
                    && !answer::may_have_landed(&error)
                {
                    // The document did not change, so an asset other than before is a read that lags behind (C3).
                    *found = brand.clone();
                }
                let failure = SettleFailure {
                    kind,
                    asset,
                    error: &error,
                    in_doubt,
                    has_written: has_written || recreated,
                };
                judge(step_run, goal, &brand, now.as_ref(), &failure)?;
            }
        }
    }
}

/// An upload that failed.
struct SettleFailure<'a> {
    kind: AssetKind,
    asset: &'a Held,
    error: &'a WriteError,
    /// Whether this upload or an earlier one may have been carried out, whole or in part.
    in_doubt: bool,
    /// Whether an earlier upload, or a new creation, was accepted.
    has_written: bool,
}

/// Decides whether to continue after a failed upload.
fn judge(
    step_run: &mut StepRun<'_>,
    goal: &Goal<'_>,
    before: &Brand,
    now: Option<&Brand>,
    failure: &SettleFailure<'_>,
) -> Result<(), Trouble> {
    let SettleFailure { kind, error, .. } = failure;
    let cause = error.cause();
    let moved = |found: String| {
        Trouble::Stop(if failure.has_written {
            Stop::Unknown(format!(
                "part of it was written, and meanwhile {found}; plan again"
            ))
        } else {
            Stop::Moved(format!("{found}; plan again"))
        })
    };
    match now {
        None if failure.in_doubt => step_run.repair(format!(
            "the failed upload of the {kind} deleted the whole whitelabel; it was created again from what was there before"
        ))?,
        None => return Err(moved("somebody deleted the whitelabel".to_owned())),
        Some(brand) if brand.digest(*kind) == Some(&failure.asset.digest) => {
            step_run.note(format!(
                "the answer was inconclusive ({cause}), but the {kind} was stored"
            ));
        }
        Some(brand) if brand.revision == before.revision => {
            // Restoring an asset that an earlier upload destroyed is not given up so soon.
            let is_repair = goal.before.digest(*kind) == Some(&failure.asset.digest);
            if !is_repair && !answer::is_worth_repeating(error) {
                return Err(Trouble::Exhausted(Exhausted::new(error, 1)));
            }
        }
        Some(_) if failure.in_doubt => {
            step_run.note(format!("an upload of the {kind} failed on the way ({cause})"));
        }
        // Somebody wrote in between; the destroyed asset is restored on top of that.
        Some(brand) if taken(goal, brand).is_some() => {}
        Some(brand) => {
            return Err(moved(format!(
                "the whitelabel moved from revision {} to {}",
                before.revision, brand.revision
            )));
        }
    }
    Ok(())
}

/// Returns whether the upload of a logo will delete the welcome page, which counts as the logo as long as there is none
/// (observed 2).
fn is_at_risk(before: &Brand, uploaded: AssetKind) -> bool {
    uploaded == AssetKind::Logo
        && !before.assets.contains_key(&AssetKind::Logo)
        && has_welcome(before)
}

fn has_welcome(brand: &Brand) -> bool {
    brand.assets.contains_key(&AssetKind::Welcome)
}

/// Returns the first asset that is not as wanted, in the safe order.
fn next<'a>(wanted: &'a Brand, now: &Brand) -> Option<(AssetKind, &'a Held)> {
    Brand::SAFE_ORDER.into_iter().find_map(|kind| {
        let asset = wanted.assets.get(&kind)?;
        (now.digest(kind) != Some(&asset.digest)).then_some((kind, asset))
    })
}

/// Returns an asset that existed before this step and must exist after it, but was destroyed by it.
///
/// It is restored whatever somebody else wrote meanwhile: an upload leaves the settings as they are, and nothing else
/// would ever bring back an asset that the tree does not declare.
fn taken<'a>(goal: &Goal<'a>, now: &Brand) -> Option<(AssetKind, &'a Held)> {
    Brand::SAFE_ORDER.into_iter().find_map(|kind| {
        let asset = goal.wanted.assets.get(&kind)?;
        let was_there = goal.before.digest(kind) == Some(&asset.digest);
        (was_there && now.digest(kind).is_none()).then_some((kind, asset))
    })
}

/// Refuses to continue over settings that somebody else wrote.
fn foreign_settings(goal: &Goal<'_>, now: &Brand) -> Option<Stop> {
    if settings_in_sync(&goal.wanted.settings, &now.settings) {
        return None;
    }
    Some(Stop::Unknown(format!(
        "somebody changed the whitelabel while its assets were uploaded: {} in revision {}; plan again",
        verify::differing(&goal.wanted.settings, &now.settings),
        now.revision
    )))
}

/// Refuses to overwrite an asset that somebody else uploaded.
fn check_asset(goal: &Goal<'_>, now: &Brand, kind: AssetKind) -> Result<(), Trouble> {
    let Some(found) = now.digest(kind) else {
        return Ok(());
    };
    let ours = goal.before.digest(kind) == Some(found)
        || goal.tried.and_then(|tried| tried.digest(kind)) == Some(found);
    if ours {
        return Ok(());
    }
    Err(Trouble::Stop(Stop::Unknown(format!(
        "somebody replaced the {kind} while assets were uploaded; plan again"
    ))))
}

/// Notes the assets that an upload destroyed; the next round restores them.
fn note_eaten(
    step_run: &mut StepRun<'_>,
    wanted: &Brand,
    before: &Brand,
    now: &Brand,
    uploaded: AssetKind,
) -> Result<(), Stop> {
    for kind in wanted.assets.keys().filter(|kind| **kind != uploaded) {
        if before.assets.contains_key(kind) && !now.assets.contains_key(kind) {
            step_run.repair(format!(
                "the upload of the {uploaded} deleted the {kind}, which was put back"
            ))?;
        }
    }
    Ok(())
}

/// Reads the document and its assets.
async fn look(step_run: &StepRun<'_>, account: &AccountId) -> Result<Option<Brand>, ApiError> {
    let reader = step_run.context.reader();
    let read = || Brand::read(reader, account);
    reading::until(step_run.context.options.retries, read, |_| true).await
}

/// Reads after the server accepted an upload, retrying while what is read does not show it (C3, trap 38).
async fn look_for(
    step_run: &StepRun<'_>,
    account: &AccountId,
    goal: &Goal<'_>,
    (before, kind, asset, revision): (&Brand, AssetKind, &Held, Option<&Revision>),
) -> Result<Option<Brand>, Trouble> {
    let reader = step_run.context.reader();
    let read = || before.after_upload(reader, account, kind, revision);
    let shows = |found: &Option<Brand>| {
        found.as_ref().is_some_and(|brand| {
            brand.digest(kind) == Some(&asset.digest)
                && revision.is_none_or(|revision| brand.revision == *revision)
        })
    };
    let seen = reading::until(step_run.context.options.retries, read, shows).await;
    let happened = format!("the server accepted the {kind}");
    seen.map_err(|error| unseen(step_run, goal, &happened, &error))
}

/// Ends a step because nobody knows what is there after what happened last. An upload may have destroyed another asset
/// (B11, B12), so the snapshot is named; on the way back, whoever goes back does that.
fn unseen(step_run: &StepRun<'_>, goal: &Goal<'_>, happened: &str, error: &ApiError) -> Trouble {
    use std::fmt::Write as _;
    let unread = answer::explain(error);
    let mut reason =
        format!("{happened}; what is there now could not be read: {unread}; plan again");
    if goal.tried.is_none() {
        let run = step_run.context.run();
        let _ = write!(
            reason,
            "; the snapshot of run {run} holds what was there before"
        );
    }
    Trouble::Stop(Stop::Unknown(reason))
}

/// Re-creates a document that existed a moment ago.
///
/// The account is charged for nothing new, so consent is given to a server that asks for it (402): the alternative is a
/// brand that stays lost.
async fn create_again(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    goal: &Goal<'_>,
) -> Result<Brand, Trouble> {
    let retries = step_run.context.options.retries;
    let mut billing = step_run.context.options.billing;
    let mut failure = None;
    let mut repeat = true;
    for repetition in 0..=retries.writes {
        if repetition > 0 {
            retries.pause(repetition - 1).await;
        }
        let write = Write::Create {
            settings: &goal.wanted.settings,
            billing,
        };
        let mut happened = "the server accepted the whitelabel again".to_owned();
        if let Err(error) = step_run.send(account, &write).await? {
            happened = format!(
                "the whitelabel could not be created again: {}",
                error.cause()
            );
            if answer::is_billing(&error) {
                billing = BillingPolicy::Accept;
                step_run.note("the server asked for consent to charges before it took the whitelabel back; it was given, because nothing was added");
            } else if !answer::is_worth_repeating(&error) {
                repeat = false;
            }
            failure = Some(Exhausted::new(&error, repetition + 1));
        }
        let seen = look(step_run, account).await;
        if let Some(brand) = seen.map_err(|error| unseen(step_run, goal, &happened, &error))? {
            return Ok(brand);
        }
        if !repeat {
            break;
        }
    }
    let (why, advice) = match failure {
        Some(failure) => (failure.reason, failure.advice),
        None => ("the server never showed it".to_owned(), "plan again".into()),
    };
    Err(Trouble::Exhausted(Exhausted {
        reason: format!("the whitelabel could not be created again: {why}"),
        advice,
    }))
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Restores the previous state after the wanted one could not be reached; if the wanted state turns out to be in place,
/// it is kept.
pub(super) async fn go_back(
    step_run: &mut StepRun<'_>,
    account: &AccountId,
    before: &Brand,
    tried: &Brand,
    failure: Exhausted,
) -> Result<Brand, Stop> {
    let Exhausted { reason, advice } = failure;
    let goal = Goal {
        wanted: before,
        before,
        tried: Some(tried),
    };
    let start = look(step_run, account).await;
    let start = start.map_err(|error| {
        let unread = answer::explain(&error);
        let why = format!("what is there now could not be read: {unread}; plan again");
        lost(step_run, &reason, Trouble::Stop(Stop::Unknown(why)))
    })?;
    if let Some(brand) = start.as_ref().filter(|brand| has_same_assets(brand, tried)) {
        return Ok(brand.clone());
    }
    let is_there = start
        .as_ref()
        .is_some_and(|brand| next(before, brand).is_none());
    let settled = settle(step_run, account, &goal, start)
        .await
        .map_err(|trouble| lost(step_run, &reason, trouble))?;
    verify::public(step_run, account, settled.brand.document()).await?;
    let how = if is_there {
        "is there still"
    } else {
        "was put back"
    };
    Err(Stop::Failed(format!(
        "{reason}; what was there before {how}; {advice}"
    )))
}

fn has_same_assets(one: &Brand, other: &Brand) -> bool {
    AssetKind::ALL
        .into_iter()
        .all(|kind| one.digest(kind) == other.digest(kind))
}

fn lost(step_run: &StepRun<'_>, reason: &str, trouble: Trouble) -> Stop {
    let run = step_run.context.run();
    match trouble {
        Trouble::Exhausted(failure) => Stop::Failed(format!(
            "{reason}; putting back what was there before failed too: {}; the snapshot of run {run} holds all of it; {}",
            failure.reason, failure.advice
        )),
        Trouble::Stop(
            Stop::Unknown(why) | Stop::Failed(why) | Stop::Moved(why) | Stop::NotBegun(_, why),
        ) => Stop::Unknown(format!(
            "{reason}; then {why}; the snapshot of run {run} holds what was there before"
        )),
    }
}
