//! Who must let a domain go before who may claim it.
//!
//! Each account reserves at most one domain: the one of its document or, after a `POST` without a domain
//! or a lost write, another (W21, W22). Four ways free it: a delete, a write with another domain, a
//! write of the same document again, and a move to a parked name. An account's domain is parked only
//! where nothing else will do: it drops its domain (W22), it reserves one without having one, or it
//! is the one account of a cycle that has to step aside (W23).

use std::collections::{BTreeMap, BTreeSet};

use super::Siblings;
use crate::diff::parked_domain;
use crate::live::{Reading, Unmanaged};
use crate::model::{AccountId, DomainName, Identity, Realm};

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
    /// A guard keeps it as it is, whatever others ask of it.
    Held,
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

/// All accounts of the tree, found by what they have and want.
struct Registry<'a> {
    parties: &'a [Party],
    holders: &'a Holders,
    siblings: Option<&'a Siblings>,
    by_id: BTreeMap<&'a AccountId, usize>,
    /// Whose documents have a domain.
    by_live: BTreeMap<&'a str, BTreeSet<usize>>,
    /// Who is the first to be written with a domain.
    by_wanted: BTreeMap<&'a str, usize>,
}

impl<'a> Registry<'a> {
    fn new(parties: &'a [Party], holders: &'a Holders, siblings: Option<&'a Siblings>) -> Self {
        let mut registry = Self {
            parties,
            holders,
            siblings,
            by_id: BTreeMap::new(),
            by_live: BTreeMap::new(),
            by_wanted: BTreeMap::new(),
        };
        for (index, party) in parties.iter().enumerate() {
            if let Some(id) = &party.id {
                registry.by_id.insert(id, index);
            }
            if let Some(live) = &party.live {
                registry.by_live.entry(live).or_default().insert(index);
            }
            if let (Some(wanted), true) = (&party.wanted, party.is_written()) {
                registry.by_wanted.entry(wanted).or_insert(index);
            }
        }
        registry
    }

    /// Returns what the server says of a domain's reservations, when it was asked.
    fn reservations(&self, domain: &str) -> Option<&'a Reading<Vec<Unmanaged>>> {
        self.holders.get(&DomainName::parse(domain).ok()?)
    }
}

/// Decides for all accounts at once; one verdict a party, in their order.
pub(super) fn settle(
    parties: &[Party],
    holders: &Holders,
    siblings: Option<&Siblings>,
) -> Vec<Verdict> {
    let registry = Registry::new(parties, holders, siblings);
    let mut refused: BTreeMap<usize, Refused> = BTreeMap::new();
    // Each round refuses at least one more account, so it ends.
    let mut verdicts = loop {
        let (verdicts, more) = Round::new(&registry, &refused).run();
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

/// One attempt to settle everything, with what is known to be refused.
struct Round<'a> {
    registry: &'a Registry<'a>,
    refused: &'a BTreeMap<usize, Refused>,
    verdicts: Vec<Verdict>,
    /// Written accounts whose claims are still to be looked at.
    open: BTreeSet<usize>,
    more: BTreeMap<usize, Refused>,
}

impl<'a> Round<'a> {
    fn new(registry: &'a Registry<'a>, refused: &'a BTreeMap<usize, Refused>) -> Self {
        let parties = registry.parties.iter().enumerate();
        let is_refused = |index: &usize| refused.contains_key(index);
        Self {
            registry,
            refused,
            verdicts: (parties.clone())
                .map(|(index, party)| Verdict {
                    parks: party.drops() && !is_refused(&index),
                    ..Verdict::default()
                })
                .collect(),
            open: parties
                .filter(|(index, party)| party.is_written() && !is_refused(index))
                .map(|(index, _)| index)
                .collect(),
            more: BTreeMap::new(),
        }
    }

    /// Returns the verdicts, and who must be refused besides.
    fn run(mut self) -> (Vec<Verdict>, BTreeMap<usize, Refused>) {
        while let Some(index) = self.open.pop_first() {
            if let Some(domain) = &self.registry.parties[index].wanted {
                self.claim(index, domain);
            }
        }
        (self.verdicts, self.more)
    }

    fn claim(&mut self, index: usize, domain: &str) {
        if let Some(rival) = rival(self.registry, index, domain) {
            self.more.insert(index, rival);
            return;
        }
        let (holders, note) = holders_of(self.registry, index, domain);
        self.verdicts[index].note = note;
        for holder in holders {
            match holder {
                Holder::Outside(account) => {
                    let refused = held_outside(domain, &account, self.registry.siblings);
                    self.more.insert(index, refused);
                }
                Holder::Inside(holder) => self.ask(index, holder, domain),
            }
        }
    }

    /// Has one account let go of the domain that another claims.
    fn ask(&mut self, index: usize, holder: usize, domain: &str) {
        let party = &self.registry.parties[holder];
        match let_go(party, domain, self.refused.contains_key(&holder)) {
            LetGo::Refused(reason) => {
                self.more.insert(index, reason);
                return;
            }
            LetGo::ByItself => {}
            LetGo::Parks => self.verdicts[holder].parks = true,
            LetGo::Rewrites => {
                // It claims its own domain again, and may have to wait for that in turn.
                if self.verdicts[holder].frees.is_none() {
                    self.verdicts[holder].frees = Some(domain.to_owned());
                    self.open.insert(holder);
                }
            }
        }
        self.verdicts[index].waits_for.insert(holder);
    }
}

enum Holder {
    Inside(usize),
    Outside(Unmanaged),
}

/// Lists everybody else who has a domain: by the server's reservations, and by documents.
fn holders_of(
    registry: &Registry<'_>,
    index: usize,
    domain: &str,
) -> (Vec<Holder>, Option<String>) {
    let mut inside = registry.by_live.get(domain).cloned().unwrap_or_default();
    let mut outside = Vec::new();
    let mut note = None;
    match registry.reservations(domain) {
        None => {}
        Some(Reading::Unknown(reason)) => {
            note = Some(format!(
                "who holds {domain} could not be read ({reason}); the server refuses the write if somebody does"
            ));
        }
        Some(Reading::Known(accounts)) => {
            for account in accounts {
                match registry.by_id.get(&account.id) {
                    Some(other) => {
                        inside.insert(*other);
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
        fate if is_refused || fate == Fate::Held => refuse(
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
        Fate::Created | Fate::Updated | Fate::Untouched | Fate::Held => LetGo::Parks,
    }
}

/// Of two accounts that want one domain which neither has, the later one is refused.
fn rival(registry: &Registry<'_>, index: usize, domain: &str) -> Option<Refused> {
    let first = *registry.by_wanted.get(domain)?;
    let rival = registry.parties.get(first).filter(|_| first < index)?;
    Some(Refused {
        message: format!("{domain} is declared by {} too", rival.name),
        help: "declare it for one account only".to_owned(),
    })
}

fn held_outside(domain: &str, holder: &Unmanaged, siblings: Option<&Siblings>) -> Refused {
    let identities = [
        Identity::Id(holder.id.clone()),
        Identity::Realm(Realm::new(holder.realm.as_str())),
    ];
    let find = |siblings: &Siblings| {
        let mut found = identities
            .iter()
            .filter_map(|it| siblings.elsewhere.get(it));
        found.next().cloned().map(|name| (siblings.shard, name))
    };
    if let Some((shard, name)) = siblings.and_then(find) {
        return Refused {
            message: format!(
                "{domain} is held by {name}, which another shard than {shard} plans for"
            ),
            help: format!("run again when {name} has let it go, or run without --shard"),
        };
    }
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
