//! Compares a saved plan with the same plan derived again. Pure.
//!
//! A plan file is not trusted, even if its digest matches: whoever can change the file can also recompute the digest.
//! Only steps that are in the saved plan and that also follow now from its commit and the live state may be executed.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{Plan, Precondition, Refusal, Scope, Step, StepId, Subject};
use crate::diff::Change;
use crate::live::{Live, LiveDocument, Reading};
use crate::model::{AccountId, AccountName, Revision};

/// What may be executed of a saved plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// The steps that must not be executed, because the object or a dependency changed since, each with the reason.
    pub withheld: BTreeMap<StepId, String>,
    /// The objects that need changes now, but have no step in the saved plan.
    pub beside: Vec<Subject>,
}

/// Why a saved plan is rejected: no change since it was made explains it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Contradiction {
    /// The plan claims to cover other accounts than it can.
    #[error("the plan claims to cover {said}, but what it names covers {found}")]
    Scope {
        /// The scope that the plan claims.
        said: String,
        /// The actual scope.
        found: String,
    },
    /// Steps do not follow from the tree and the platform, although neither changed.
    #[error("what the plan does to {0} does not follow from the tree and from what is live")]
    Steps(String),
}

/// The steps of one object, in order.
type Chain<'p> = Vec<&'p Step>;
type Chains<'p> = BTreeMap<&'p Subject, Chain<'p>>;

/// The state of an object relative to what the plan saw.
enum Stand {
    AsSeen,
    Moved(String),
    Unread(String),
}

/// Compares a saved plan with the one just derived from the same tree, and returns what may be executed.
///
/// `is_same_base` is whether both plans used the same base: what a run wrote in between counts as applied, and changes
/// the causes of differences.
///
/// # Errors
/// When nothing outside the file explains the difference.
pub fn confirm(
    saved: &Plan,
    now: &Plan,
    live: &Live,
    is_same_base: bool,
) -> Result<Confirmed, Contradiction> {
    same_scope(&saved.scope, &now.scope)?;
    let (then, today) = (chains(saved), chains(now));
    let refused: BTreeMap<Option<&Subject>, &Refusal> = (now.refusals.iter())
        .map(|refusal| (refusal.subject.as_ref(), refusal))
        .collect();
    let mut confirmed = Confirmed::default();
    let mut odd = None;
    let mut has_moved = false;
    for (subject, steps) in &then {
        let anew = today.get(subject);
        if let Some(anew) = anew.filter(|anew| is_same(steps, anew, is_same_base)) {
            if let Some(reason) = told_otherwise(anew, steps, (&then, &today)) {
                withhold(&mut confirmed, steps, &format!("{reason}; plan again"));
            }
            continue;
        }
        let stand = stand(subject, steps, anew, live);
        let reason = match (stand, refused.get(&Some(*subject))) {
            (Stand::Unread(reason), _) => format!("it could not be read: {reason}; plan again"),
            (Stand::Moved(reason), _) => {
                has_moved = true;
                format!("{reason}; plan again")
            }
            (Stand::AsSeen, Some(refusal)) => {
                format!("it is refused now: {}; {}", refusal.message, refusal.help)
            }
            (Stand::AsSeen, None) => {
                odd.get_or_insert_with(|| subject.title().to_owned());
                "it now needs other changes; plan again".to_owned()
            }
        };
        withhold(&mut confirmed, steps, &reason);
    }
    // A change of one object can affect others: once a domain is free, the account that waited for it needs other
    // steps.
    if let Some(title) = odd.filter(|_| is_same_base && !has_moved) {
        return Err(Contradiction::Steps(title));
    }
    let more = today.keys().filter(|subject| !then.contains_key(*subject));
    confirmed.beside = more.map(|subject| (*subject).clone()).collect();
    Ok(confirmed)
}

/// Checks that both plans cover the same accounts. The number of unreadable accounts, and of those outside the tree,
/// may differ.
fn same_scope(said: &Scope, found: &Scope) -> Result<(), Contradiction> {
    let whom = |scope: &Scope| Scope {
        unreadable: 0,
        departed: 0,
        records_unread: false,
        ..scope.clone()
    };
    if whom(said) == whom(found) {
        return Ok(());
    }
    let told = |scope: &Scope| {
        let since = scope.since.as_deref().map_or_else(String::new, |since| {
            format!(", those that changed since {since}")
        });
        let shard = scope.shard.map_or_else(String::new, |it| {
            format!(", shard {} of {} accounts", it.shard, it.accounts)
        });
        format!(
            "{} of {} accounts{since}{shard}",
            scope.accounts,
            scope.whole()
        )
    };
    Err(Contradiction::Scope {
        said: told(said),
        found: told(found),
    })
}

fn withhold(confirmed: &mut Confirmed, steps: &Chain<'_>, reason: &str) {
    let withheld = steps.iter().map(|step| (step.id, reason.to_owned()));
    confirmed.withheld.extend(withheld);
}

fn chains(plan: &Plan) -> Chains<'_> {
    let mut chains = Chains::new();
    for step in &plan.steps {
        chains.entry(&step.subject).or_default().push(step);
    }
    chains
}

/// Compares the steps of one object, ignoring their ids. It also ignores places in the tree, which any edit may shift,
/// and causes if the base differs.
fn is_same(then: &[&Step], now: &[&Step], is_same_base: bool) -> bool {
    let changes = |step: &Step| -> Vec<Change> {
        let mut changes = step.changes.clone();
        for change in &mut changes {
            change.origin = None;
        }
        changes
    };
    let causes = |step: &Step| -> Vec<_> { step.changes.iter().map(|it| it.cause).collect() };
    let without_causes = |step: &Step, other: &Step| {
        let (mut left, right) = (changes(step), changes(other));
        for (change, twin) in left.iter_mut().zip(&right) {
            change.cause = twin.cause;
        }
        left == right
    };
    then.len() == now.len()
        && (then.iter().zip(now)).all(|(one, other)| {
            one.action == other.action
                && one.risk == other.risk
                && asks(one, then) == asks(other, now)
                && without_causes(one, other)
                && (!is_same_base || causes(one) == causes(other))
        })
}

/// What a step requires of the live side: an earlier step of the same object, by its position, or a state.
#[derive(PartialEq)]
enum Asks<'p> {
    Earlier(Option<usize>),
    State(&'p Precondition),
}

fn asks<'p>(step: &'p Step, chain: &[&Step]) -> Asks<'p> {
    match &step.precondition {
        Precondition::AsLeftBy(id) => {
            Asks::Earlier(chain.iter().position(|earlier| earlier.id == *id))
        }
        state => Asks::State(state),
    }
}

/// Returns what else differs from the plan besides the writes themselves, if anything.
fn told_otherwise<'p>(
    anew: &Chain<'p>,
    steps: &Chain<'p>,
    chains: (&Chains<'p>, &Chains<'p>),
) -> Option<String> {
    if let Some(other) = waits_besides(anew, steps, chains) {
        let title = other.title();
        return Some(format!(
            "it now depends on {title}, which the plan does not say"
        ));
    }
    let differs = |(anew, step): (&&Step, &&Step)| anew.notes != step.notes;
    let differ = anew.iter().zip(steps).any(differs);
    differ.then(|| "its notes differ from those in the plan".to_owned())
}

/// Returns an object that the derived steps wait for but the saved ones do not.
fn waits_besides<'p>(
    anew: &Chain<'p>,
    steps: &Chain<'p>,
    (then, today): (&Chains<'p>, &Chains<'p>),
) -> Option<&'p Subject> {
    let place = |chains: &Chains<'p>, id: StepId| {
        chains.iter().find_map(|(subject, chain)| {
            let place = chain.iter().position(|step| step.id == id)?;
            Some((*subject, place))
        })
    };
    anew.iter().zip(steps).find_map(|(anew, step)| {
        let waits: BTreeSet<_> = (step.after.iter())
            .filter_map(|id| place(then, *id))
            .collect();
        let mut wanted = anew.after.iter().filter_map(|id| place(today, *id));
        wanted
            .find(|wanted| !waits.contains(wanted))
            .map(|(subject, _)| subject)
    })
}

fn stand(subject: &Subject, then: &Chain<'_>, anew: Option<&Chain<'_>>, live: &Live) -> Stand {
    let Some(seen) = then.first().map(|step| &step.precondition) else {
        return Stand::AsSeen;
    };
    match subject {
        Subject::Account { name, id } => account(name, id, seen, live),
        Subject::Template => match (&live.template, seen) {
            (Some(Reading::Known(now)), Precondition::Template(digest))
                if now.digest() == *digest =>
            {
                Stand::AsSeen
            }
            (_, Precondition::UnservableTemplate) if live.template_is_unservable => Stand::AsSeen,
            (Some(Reading::Unknown(reason)), _) => Stand::Unread(reason.clone()),
            _ => Stand::Moved("it changed since the plan".to_owned()),
        },
        // The precondition of the derived steps reflects the records at the primary.
        Subject::Zone(_) => match anew.and_then(|anew| anew.first()) {
            Some(step) if step.precondition == *seen => Stand::AsSeen,
            _ => {
                let moved = "its records changed since the plan, or could not be read";
                Stand::Moved(moved.to_owned())
            }
        },
    }
}

fn account(name: &AccountName, id: &AccountId, seen: &Precondition, live: &Live) -> Stand {
    let found = live.accounts.get(name).map(AsRef::as_ref);
    let Some(found) = found.or_else(|| live.departed.get(name)) else {
        return Stand::Moved("neither tree nor platform has it any more".to_owned());
    };
    match &found.id {
        Reading::Unknown(reason) => return Stand::Unread(reason.clone()),
        Reading::Known(now) if now != id => {
            return Stand::Moved(format!("it is the account {now} now"));
        }
        Reading::Known(_) => {}
    }
    let document = match &found.document {
        Reading::Unknown(reason) => return Stand::Unread(reason.clone()),
        Reading::Known(document) => document.as_ref(),
    };
    let told = |revision: Option<&Revision>| {
        revision.map_or_else(|| "no whitelabel".to_owned(), ToString::to_string)
    };
    let now = document.map(|document: &LiveDocument| &document.revision);
    let then = match seen {
        Precondition::Revision(revision) => Some(revision),
        _ => None,
    };
    if now == then {
        Stand::AsSeen
    } else {
        Stand::Moved(format!(
            "the plan saw {}, and now it is {}",
            told(then),
            told(now)
        ))
    }
}
