//! Determines which accounts must release a domain before another can claim it.
//!
//! Each account reserves at most one domain: that of its document or, after a `POST` without a domain or a lost write,
//! a different one (W21, W22). Three operations free it: a write with another domain, a repeated write of the same
//! document, and a move to a parked name. A domain is parked only if nothing else works: the account drops its domain
//! (W22), its whitelabel is deleted, which frees nothing on Kazoo 4.3, it reserves a domain but has none in its
//! document, or no document at all, or it is chosen to break a cycle (W23).

use std::collections::{BTreeMap, BTreeSet};

use super::{Part, RefusalKind, Sibling, Siblings};
use crate::live::{Outside, Reading, Unmanaged};
use crate::model::{AccountId, DomainName, Identity, Realm, is_parked_domain};

/// The properties of an account that matter for domains. Domains are in lower case.
#[derive(Clone, Debug)]
pub(super) struct DomainUser {
    pub(super) name: String,
    pub(super) id: Option<AccountId>,
    /// What the plan does with the document.
    pub(super) effect: DocumentEffect,
    /// The live document's domain.
    pub(super) live: Option<String>,
    /// The desired domain.
    pub(super) wanted: Option<String>,
    /// Whether its whitelabel is to be deleted, and a guard refuses that.
    pub(super) is_to_go: bool,
    /// What to do for its domain to be released, where that stays although the tree no longer has it.
    pub(super) keeps_for: Option<String>,
    /// Why a guard keeps it from being changed for the sake of another account, and what to do.
    pub(super) locked: Option<Refused>,
}

/// What the plan does with a document, apart from domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentEffect {
    /// It could not be read; no steps are planned.
    Unknown,
    /// It does not exist, and is not created.
    Missing,
    /// It is created.
    Created,
    /// A guard keeps it unchanged, even if another account needs its domain.
    Held,
    /// It stays as it is.
    Untouched,
    /// It is changed.
    Updated,
    /// It is deleted.
    Deleted,
}

/// What an account must do because of domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// It moves to the parked name first. An account without a document gets one with that name, which is deleted again.
    pub(super) parks: bool,
    /// It is written although nothing changes, to free this domain, which it still reserves.
    pub(super) frees: Option<String>,
    /// The accounts that must release a domain before it is written.
    pub(super) waits_for: BTreeSet<usize>,
    /// Why it is not written.
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

/// What the decision depends on besides the accounts of the tree.
pub(super) struct DomainFacts<'a> {
    pub(super) holders: &'a Holders,
    pub(super) part: &'a Part,
    pub(super) outside: &'a Outside,
    /// The accounts, of the tree or removed from it, whose deletion a guard refuses.
    pub(super) kept: BTreeMap<AccountId, Kept>,
}

/// An account whose deletion a guard refuses.
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) kind: RefusalKind,
}

impl Kept {
    fn refused(&self, domain: &str) -> Refused {
        let name = &self.name;
        let message = format!("{domain} is held by {name}, whose deletion is refused");
        let help = match self.kind {
            RefusalKind::Prune => {
                format!("run with `--prune`, which deletes the whitelabel of {name}")
            }
            _ => format!("resolve the refusal of {name} first"),
        };
        Refused { message, help }
    }
}

/// All accounts of the tree, indexed by id and by live and desired domain.
struct Registry<'a> {
    users: &'a [DomainUser],
    facts: &'a DomainFacts<'a>,
    by_id: BTreeMap<&'a AccountId, usize>,
    /// The accounts by the domain of their live document.
    by_live: BTreeMap<&'a str, BTreeSet<usize>>,
    /// The first account that is to be written with a domain.
    by_wanted: BTreeMap<&'a str, usize>,
}

impl<'a> Registry<'a> {
    fn new(users: &'a [DomainUser], facts: &'a DomainFacts<'a>) -> Self {
        let mut registry = Self {
            users,
            facts,
            by_id: BTreeMap::new(),
            by_live: BTreeMap::new(),
            by_wanted: BTreeMap::new(),
        };
        for (index, user) in users.iter().enumerate() {
            if let Some(id) = &user.id {
                registry.by_id.insert(id, index);
            }
            if let Some(live) = &user.live {
                registry.by_live.entry(live).or_default().insert(index);
            }
            if let (Some(wanted), true) = (&user.wanted, user.is_written()) {
                registry.by_wanted.entry(wanted).or_insert(index);
            }
        }
        registry
    }

    /// Returns a domain's reservations on the server, if they were requested.
    fn reservations(&self, domain: &str) -> Option<&'a Reading<Vec<Unmanaged>>> {
        self.facts.holders.get(&DomainName::parse(domain).ok()?)
    }
}

/// Decides for all accounts at once; returns one verdict per account, in the same order.
pub(super) fn settle(users: &[DomainUser], facts: &DomainFacts<'_>) -> Vec<Verdict> {
    let registry = Registry::new(users, facts);
    let mut refused: BTreeMap<usize, Refused> = BTreeMap::new();
    // Each round but the last refuses at least one more account, so the loop ends.
    let mut verdicts = loop {
        let (verdicts, more) = Round::new(&registry, &refused).run();
        if more.is_empty() {
            break verdicts;
        }
        refused.extend(more);
    };
    break_cycles(&mut verdicts);
    for (index, reason) in refused {
        verdicts[index].refused = Some(reason);
    }
    verdicts
}

impl DomainUser {
    fn is_written(&self) -> bool {
        matches!(
            self.effect,
            DocumentEffect::Created | DocumentEffect::Updated
        )
    }

    /// Returns whether the account drops its own domain, which neither a write without a domain frees (W22) nor, on
    /// Kazoo 4.3, a deletion.
    fn drops(&self) -> bool {
        let is_parked = match (&self.live, &self.id) {
            (Some(live), Some(id)) => is_parked_domain(id, live),
            _ => false,
        };
        let leaves = matches!(
            self.effect,
            DocumentEffect::Updated | DocumentEffect::Deleted
        );
        leaves && self.live.is_some() && self.wanted.is_none() && !is_parked
    }
}

/// One attempt to decide for all accounts, given those known to be refused.
struct Round<'a> {
    registry: &'a Registry<'a>,
    refused: &'a BTreeMap<usize, Refused>,
    verdicts: Vec<Verdict>,
    /// The written accounts whose claims have not been processed yet.
    open: BTreeSet<usize>,
    more: BTreeMap<usize, Refused>,
}

impl<'a> Round<'a> {
    fn new(registry: &'a Registry<'a>, refused: &'a BTreeMap<usize, Refused>) -> Self {
        let users = registry.users.iter().enumerate();
        let is_refused = |index: &usize| refused.contains_key(index);
        Self {
            registry,
            refused,
            verdicts: (users.clone())
                .map(|(index, user)| Verdict {
                    parks: user.drops() && !is_refused(&index),
                    ..Verdict::default()
                })
                .collect(),
            open: users
                .filter(|(index, user)| user.is_written() && !is_refused(index))
                .map(|(index, _)| index)
                .collect(),
            more: BTreeMap::new(),
        }
    }

    /// Returns the verdicts, and the accounts that must be refused in addition.
    fn run(mut self) -> (Vec<Verdict>, BTreeMap<usize, Refused>) {
        while let Some(index) = self.open.pop_first() {
            if let Some(domain) = &self.registry.users[index].wanted {
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
                    let refused = held_outside(domain, &account, self.registry.facts);
                    self.more.insert(index, refused);
                }
                Holder::Inside(holder) => self.ask(index, holder, domain),
            }
        }
    }

    /// Makes one account release the domain that another claims.
    fn ask(&mut self, index: usize, holder: usize, domain: &str) {
        let user = &self.registry.users[holder];
        let keeps = user.wanted.as_deref() == Some(domain);
        let id = user.id.as_ref().filter(|_| user.is_to_go && keeps);
        if let Some(kept) = id.and_then(|id| self.registry.facts.kept.get(id)) {
            self.more.insert(index, kept.refused(domain));
            return;
        }
        match let_go(user, domain, self.refused.contains_key(&holder)) {
            LetGo::Refused(reason) => {
                self.more.insert(index, reason);
                return;
            }
            LetGo::ByItself => {}
            LetGo::Parks => self.verdicts[holder].parks = true,
            LetGo::Rewrites => {
                // The rewrite claims the holder's own domain again, for which it may have to wait in turn.
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

/// Returns all other accounts that hold a domain, according to the server's reservations and to documents.
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
    /// It is written with another domain.
    ByItself,
    Parks,
    Rewrites,
    Refused(Refused),
}

fn let_go(holder: &DomainUser, domain: &str, is_refused: bool) -> LetGo {
    let name = &holder.name;
    let refuse = |message: String, help: String| LetGo::Refused(Refused { message, help });
    let keeps = holder.wanted.as_deref() == Some(domain);
    if let Some(locked) = holder.locked.as_ref().filter(|_| !is_refused && !keeps) {
        let message = format!("{domain} is held by {name}, and {name} {}", locked.message);
        return refuse(message, locked.help.clone());
    }
    match holder.effect {
        DocumentEffect::Unknown => refuse(
            format!("{domain} may be held by {name}, which could not be read"),
            format!("run again when {name} can be read"),
        ),
        effect if is_refused || effect == DocumentEffect::Held => refuse(
            format!("{domain} is held by {name}, whose own steps are refused"),
            format!("resolve the refusal of {name} first"),
        ),
        _ if keeps => refuse(
            format!("{domain} is held by {name}, which keeps it"),
            (holder.keeps_for.clone())
                .unwrap_or_else(|| format!("declare another domain for {name}, or `domain: null`")),
        ),
        DocumentEffect::Created | DocumentEffect::Updated if holder.wanted.is_some() => {
            LetGo::ByItself
        }
        DocumentEffect::Untouched if holder.wanted.is_some() => LetGo::Rewrites,
        DocumentEffect::Created
        | DocumentEffect::Updated
        | DocumentEffect::Untouched
        | DocumentEffect::Deleted
        | DocumentEffect::Missing
        | DocumentEffect::Held => LetGo::Parks,
    }
}

/// Returns a refusal if an earlier account wants the same domain.
fn rival(registry: &Registry<'_>, index: usize, domain: &str) -> Option<Refused> {
    let first = *registry.by_wanted.get(domain)?;
    let rival = registry.users.get(first).filter(|_| first < index)?;
    Some(Refused {
        message: format!("{domain} is declared by {} too", rival.name),
        help: "declare it for one account only".to_owned(),
    })
}

fn held_outside(domain: &str, holder: &Unmanaged, facts: &DomainFacts<'_>) -> Refused {
    if let Some(kept) = facts.kept.get(&holder.id) {
        return kept.refused(domain);
    }
    if let Some(refused) =
        (facts.part.siblings.as_ref()).and_then(|it| held_by_sibling(domain, holder, it))
    {
        return refused;
    }
    if let Some(refused) = held_by_unchosen(domain, holder, facts.part) {
        return refused;
    }
    let Unmanaged { id, name, .. } = holder;
    if facts.outside.reserved.iter().any(|it| it.id == *id) {
        return Refused {
            message: format!(
                "{domain} is held by {name:?} ({id}), which is not in the tree, and has no whitelabel: it still reserves the domain of one that was deleted"
            ),
            help: format!(
                "add a folder to `accounts/` whose account.yaml holds only `account: {id}`: then a plan releases the domain"
            ),
        };
    }
    Refused {
        message: format!("{domain} is held by {name:?} ({id}), which is not in the tree"),
        help: format!(
            "bring that account into the tree with another domain or `domain: null`; if it has no whitelabel any more, an account.yaml that holds only `account: {id}` is enough"
        ),
    }
}

/// Returns a refusal if another shard plans for the holder of a domain.
fn held_by_sibling(domain: &str, holder: &Unmanaged, siblings: &Siblings) -> Option<Refused> {
    let identities = identities(holder);
    let mut found = (identities.iter()).filter_map(|it| siblings.elsewhere.get(it));
    let Sibling { name, shard } = found.next()?;
    Some(Refused {
        message: format!(
            "{domain} is held by {name}, which another shard ({shard}) than {} plans for",
            siblings.shard
        ),
        help: format!(
            "run `emblazon apply --shard {shard}` first, if the tree gives {name} another domain; or run without `--shard`, which plans for both"
        ),
    })
}

/// Returns a refusal if the plan is for some accounts, and the holder of a domain may be another one of the tree.
fn held_by_unchosen(domain: &str, holder: &Unmanaged, part: &Part) -> Option<Refused> {
    part.selection.as_ref()?;
    let identities = identities(holder);
    let mut found = (identities.iter()).filter_map(|it| part.unchosen.get(it));
    if let Some(name) = found.next() {
        return Some(Refused {
            message: format!("{domain} is held by {name}, which is not chosen"),
            help: format!(
                "choose it too, with `--account {name}`, if the tree gives it another domain"
            ),
        });
    }
    part.since.as_ref()?;
    let Unmanaged { id, name, .. } = holder;
    Some(Refused {
        message: format!("{domain} is held by {name:?} ({id}), which did not change"),
        help: "plan without `--changed-since`, which looks at all accounts of the tree".to_owned(),
    })
}

/// Returns what a tree may name an account by.
fn identities(account: &Unmanaged) -> [Identity; 2] {
    [
        Identity::Id(account.id.clone()),
        Identity::Realm(Realm::new(account.realm.as_str())),
    ]
}

/// Breaks each cycle by parking one account: preferably the first in the tree that is not only written to free a
/// domain.
fn break_cycles(verdicts: &mut [Verdict]) {
    loop {
        let on_cycle = |index: &usize| waits_for_itself(verdicts, *index);
        let chosen = (0..verdicts.len())
            .filter(|index| verdicts[*index].frees.is_none())
            .find(on_cycle)
            .or_else(|| (0..verdicts.len()).find(on_cycle));
        let Some(chosen) = chosen else { return };
        verdicts[chosen].parks = true;
    }
}

/// Returns whether an account transitively waits for itself. An account that parks releases its domain before it waits
/// for others.
fn waits_for_itself(verdicts: &[Verdict], start: usize) -> bool {
    let next = |index: usize| {
        let waits = verdicts[index].waits_for.iter().copied();
        waits.filter(|other| !verdicts[*other].parks)
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
