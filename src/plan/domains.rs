//! Who must let a domain go before who may claim it.
//!
//! Each account reserves at most one domain: the one of its document or, after a `POST` without a domain
//! or a lost write, another (W21, W22). Four ways free it: a delete, a write with another domain, a
//! write of the same document again, and a move to a parked name. An account's domain is parked only
//! where nothing else will do: it drops its domain (W22), it reserves one without having one, or it
//! is the one account of a cycle that has to step aside (W23).

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::parked_domain;
use crate::live::{Reading, Unmanaged};
use crate::model::{AccountId, DomainName};

/// One account of the tree, as far as domains concern it. Domains are in lower case.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) id: Option<AccountId>,
    /// What the plan does with the document.
    pub(super) fate: Fate,
    /// The live document's domain.
    pub(super) live: Option<String>,
    /// The domain that it is to have.
    pub(super) wanted: Option<String>,
}

/// What the plan does with a document, domains aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It could not be read; nothing is done.
    Unknown,
    /// There is none, and none is made.
    Missing,
    /// It is made.
    Created,
    /// It stays as it is.
    Untouched,
    /// It is changed.
    Updated,
    /// It is deleted.
    Deleted,
}

/// What domains ask of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Its domain goes to the parked name first.
    pub(super) parks: bool,
    /// It is written although nothing of it changes, to free this domain that it reserves.
    pub(super) frees: Option<String>,
    /// The accounts that must have let go before it is written.
    pub(super) waits_for: BTreeSet<usize>,
    /// Why nothing of it is written.
    pub(super) refused: Option<Refused>,
    /// Why the server may refuse the claim.
    pub(super) note: Option<String>,
}

/// Why a domain cannot be claimed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) help: String,
}

type Holders = BTreeMap<DomainName, Reading<Vec<Unmanaged>>>;

/// Decides for all accounts at once; one verdict a party, in their order.
pub(super) fn settle(parties: &[Party], holders: &Holders) -> Vec<Verdict> {
    let mut refused: BTreeMap<usize, Refused> = BTreeMap::new();
    // Each round refuses at least one more account, so it ends.
    let mut verdicts = loop {
        let (verdicts, more) = round(parties, holders, &refused);
        if more.is_empty() {
            break verdicts;
        }
        refused.extend(more);
    };
    break_cycles(parties, &mut verdicts);
    for (index, reason) in refused {
        verdicts[index].refused = Some(reason);
    }
    verdicts
}

impl Party {
    fn is_written(&self) -> bool {
        matches!(self.fate, Fate::Created | Fate::Updated)
    }

    /// Tells whether it drops a domain that is its own, which no write without a domain does (W22).
    fn drops(&self) -> bool {
        let is_parked = match (&self.live, &self.id) {
            (Some(live), Some(id)) => *live == parked_domain(id),
            _ => false,
        };
        self.fate == Fate::Updated && self.live.is_some() && self.wanted.is_none() && !is_parked
    }
}

fn round(
    parties: &[Party],
    holders: &Holders,
    refused: &BTreeMap<usize, Refused>,
) -> (Vec<Verdict>, BTreeMap<usize, Refused>) {
    let mut verdicts: Vec<Verdict> = parties
        .iter()
        .enumerate()
        .map(|(index, party)| Verdict {
            parks: party.drops() && !refused.contains_key(&index),
            ..Verdict::default()
        })
        .collect();
    let mut more = BTreeMap::new();
    let mut open: BTreeSet<usize> = (0..parties.len())
        .filter(|index| parties[*index].is_written() && !refused.contains_key(index))
        .collect();
    while let Some(index) = open.pop_first() {
        let party = &parties[index];
        let Some(domain) = &party.wanted else {
            continue;
        };
        if let Some(rival) = rival(parties, index, domain) {
            more.insert(index, rival);
            continue;
        }
        let (others, note) = holders_of(parties, holders, index, domain);
        verdicts[index].note = note;
        for other in others {
            match other {
                Holder::Outside(account) => {
                    more.insert(index, held_outside(domain, &account));
                }
                Holder::Inside(holder) => {
                    match let_go(&parties[holder], domain, refused.contains_key(&holder)) {
                        LetGo::Refused(reason) => {
                            more.insert(index, reason);
                        }
                        LetGo::ByItself => {
                            verdicts[index].waits_for.insert(holder);
                        }
                        LetGo::Parks => {
                            verdicts[holder].parks = true;
                            verdicts[index].waits_for.insert(holder);
                        }
                        LetGo::Rewrites => {
                            if verdicts[holder].frees.is_none() {
                                verdicts[holder].frees = Some(domain.clone());
                                open.insert(holder);
                            }
                            verdicts[index].waits_for.insert(holder);
                        }
                    }
                }
            }
        }
    }
    (verdicts, more)
}

enum Holder {
    Inside(usize),
    Outside(Unmanaged),
}

/// Lists everybody else who has a domain: by the server's reservations, and by documents.
fn holders_of(
    parties: &[Party],
    holders: &Holders,
    index: usize,
    domain: &str,
) -> (Vec<Holder>, Option<String>) {
    let mut inside: BTreeSet<usize> = (parties.iter().enumerate())
        .filter(|(_, party)| party.live.as_deref() == Some(domain))
        .map(|(other, _)| other)
        .collect();
    let mut outside = Vec::new();
    let mut note = None;
    let reading = DomainName::parse(domain)
        .ok()
        .and_then(|domain| holders.get(&domain));
    match reading {
        None => {}
        Some(Reading::Unknown(reason)) => {
            note = Some(format!(
                "who holds {domain} could not be read ({reason}); the server refuses the write if somebody does"
            ));
        }
        Some(Reading::Known(accounts)) => {
            for account in accounts {
                match parties
                    .iter()
                    .position(|party| party.id.as_ref() == Some(&account.id))
                {
                    Some(other) => {
                        inside.insert(other);
                    }
                    None => outside.push(account.clone()),
                }
            }
        }
    }
    inside.remove(&index);
    let all = (inside.into_iter().map(Holder::Inside))
        .chain(outside.into_iter().map(Holder::Outside))
        .collect();
    (all, note)
}

enum LetGo {
    /// It is deleted, or written with another domain.
    ByItself,
    Parks,
    Rewrites,
    Refused(Refused),
}

fn let_go(holder: &Party, domain: &str, is_refused: bool) -> LetGo {
    let name = &holder.name;
    let refuse = |message: String, help: String| LetGo::Refused(Refused { message, help });
    match holder.fate {
        Fate::Unknown => refuse(
            format!("{domain} may be held by {name}, which could not be read"),
            format!("run again when {name} can be read"),
        ),
        _ if is_refused => refuse(
            format!("{domain} is held by {name}, whose own steps are refused"),
            format!("resolve the refusal of {name} first"),
        ),
        Fate::Deleted => LetGo::ByItself,
        _ if holder.wanted.as_deref() == Some(domain) => refuse(
            format!("{domain} is held by {name}, which keeps it"),
            format!("declare another domain for {name}, or `domain: null`"),
        ),
        Fate::Missing => refuse(
            format!("{domain} is reserved by {name}, which has no whitelabel any more"),
            format!(
                "give {name} a whitelabel in the tree, or create and delete one by hand; that releases the domain"
            ),
        ),
        Fate::Created | Fate::Updated if holder.wanted.is_some() => LetGo::ByItself,
        Fate::Untouched if holder.wanted.is_some() => LetGo::Rewrites,
        Fate::Created | Fate::Updated | Fate::Untouched => LetGo::Parks,
    }
}

/// Of two accounts that want one domain which neither has, the later one is refused.
fn rival(parties: &[Party], index: usize, domain: &str) -> Option<Refused> {
    let rival = parties[..index]
        .iter()
        .find(|other| other.is_written() && other.wanted.as_deref() == Some(domain))?;
    Some(Refused {
        message: format!("{domain} is declared by {} too", rival.name),
        help: "declare it for one account only".to_owned(),
    })
}

fn held_outside(domain: &str, holder: &Unmanaged) -> Refused {
    Refused {
        message: format!(
            "{domain} is held by {:?} ({}), which is not in the tree",
            holder.name, holder.id
        ),
        help: "bring that account into the tree with another domain, or release the domain there"
            .to_owned(),
    }
}

/// Parks one account of each cycle: the first by the tree's order that is written for its own sake.
fn break_cycles(parties: &[Party], verdicts: &mut [Verdict]) {
    loop {
        let on_cycle = |index: &usize| waits_for_itself(parties, verdicts, *index);
        let chosen = (0..parties.len())
            .filter(|index| verdicts[*index].frees.is_none())
            .find(on_cycle)
            .or_else(|| (0..parties.len()).find(on_cycle));
        let Some(chosen) = chosen else { return };
        verdicts[chosen].parks = true;
    }
}

/// Tells whether an account waits for itself in the end. One that parks, or is deleted, lets go
/// before it waits for anybody.
fn waits_for_itself(parties: &[Party], verdicts: &[Verdict], start: usize) -> bool {
    let next = |index: usize| {
        verdicts[index]
            .waits_for
            .iter()
            .copied()
            .filter(|other| !verdicts[*other].parks && parties[*other].fate != Fate::Deleted)
    };
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = next(start).collect();
    while let Some(index) = open.pop() {
        if index == start {
            return true;
        }
        if seen.insert(index) {
            open.extend(next(index));
        }
    }
    false
}
