//! The brand card: what a person needs to know to decide about a brand, in sentences.
//!
//! Every format that shows changes to people draws it, so that a report, a comment and the dashboard say the same.

mod label;
mod outcome;
mod sentences;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::diff::Change;
use crate::model::{AccountId, is_parked_domain, lasting, visible};
use crate::plan::Risk;
use crate::report::{Look, Looks};
use sentences::{sentences, set_from, set_to};

pub(crate) use sentences::running_code;

pub use outcome::{Alarm, Outcome, Tense, Visibility};

/// The longest list of what changes in [`Card::summary`].
const SUMMARISED: usize = 4;

/// What a person needs to know about the changes of one brand, or about changes that several brands share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What the brand is called: its company name, else its name in the tree.
    pub heading: String,
    /// Its domain.
    pub domain: Option<String>,
    /// What happens, the most alarming first, then in the order in which customers meet it.
    pub outcomes: Vec<Outcome>,
    /// Why it cannot simply be undone.
    pub undo: Option<&'static str>,
}

/// Who a card is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The display name.
    pub title: &'a str,
    /// The id of the account, by which its parked domain is known.
    pub id: Option<&'a AccountId>,
    /// How the brand looks on both sides, if that is known.
    pub looks: Option<&'a Looks>,
}

impl Card {
    /// Builds the card for some changes of a subject.
    #[must_use]
    pub fn new<'c>(
        subject: Subject<'_>,
        changes: impl IntoIterator<Item = &'c Change>,
        risk: Option<Risk>,
        tense: Tense,
    ) -> Self {
        let changes: Vec<&Change> = changes.into_iter().collect();
        let names = |of: fn(&Look) -> Option<&str>, key: &str| {
            let looks = subject.looks.into_iter();
            let looks = looks.flat_map(|looks| [&looks.after, &looks.before]);
            let found = looks.flatten().find_map(of).map(str::to_owned);
            found.or_else(|| set_to(&changes, key))
        };
        let heading = names(|look| look.company.as_deref(), "company_name");
        let domain = names(|look| look.domain.as_deref(), "domain");
        // A brand that is taken away is known by the address that it has, not by the parked name on its way.
        let is_parked = |domain: &String| subject.id.is_some_and(|id| is_parked_domain(id, domain));
        let domain = match domain {
            Some(parked) if is_parked(&parked) => set_from(&changes, "domain").or(Some(parked)),
            domain => domain,
        };
        Self {
            heading: visible(heading.as_deref().unwrap_or(subject.title)).into_owned(),
            domain: domain.map(|domain| visible(&domain).into_owned()),
            outcomes: sentences(subject.id, &changes, tense),
            undo: risk.filter(|risk| *risk == Risk::Destructive && subject.id.is_some()).map(|_| {
                "The brand is offline until it is written again. `emblazon restore RUN` brings back what was deleted."
            }),
        }
    }

    /// Adds how long resolvers may give old records after the change.
    pub(super) fn outlived(&mut self, seconds: u32) {
        let is_records = |outcome: &&mut Outcome| outcome.visibility == Visibility::Names;
        if let Some(records) = self.outcomes.iter_mut().find(is_records) {
            let _ = write!(
                records.sentence,
                " Resolvers may give the old ones for up to {}.",
                lasting(seconds)
            );
        }
    }

    /// Returns what changes in a few words, such as `logo, address, help link and 2 more`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut seen = BTreeSet::new();
        let about = self.outcomes.iter().map(|outcome| outcome.about.as_str());
        let about: Vec<&str> = about.filter(|about| seen.insert(*about)).collect();
        let shown = if about.len() > SUMMARISED + 1 {
            SUMMARISED
        } else {
            about.len()
        };
        let (first, others) = about.split_at(shown);
        match (first, others.len()) {
            ([], _) => "nothing that customers see".to_owned(),
            ([only], 0) => (*only).to_owned(),
            ([start @ .., last], 0) => format!("{} and {last}", start.join(", ")),
            (first, more) => format!("{} and {more} more", first.join(", ")),
        }
    }

    /// Returns whether something on the card may harm customers.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|outcome| outcome.alarm == Alarm::Raised) || self.undo.is_some()
    }

    /// Returns how much customers see of the changes; the largest comes first on a page.
    #[must_use]
    pub fn extent(&self) -> usize {
        let weight = |outcome: &Outcome| match (outcome.alarm, outcome.visibility) {
            (Alarm::Raised, _) => 1000,
            (Alarm::None, Visibility::Login) => 10,
            (Alarm::None, Visibility::SignedIn | Visibility::Names) => 2,
            (Alarm::None, Visibility::Unknown) => 1,
        };
        self.outcomes.iter().map(weight).sum()
    }

    /// Describes who sees the changes.
    #[must_use]
    pub fn seen_by(&self) -> &'static str {
        let visibilities = self.outcomes.iter().map(|outcome| outcome.visibility);
        let seen = |visibility| matches!(visibility, Visibility::Login | Visibility::SignedIn);
        let most = visibilities.clone().filter(|one| seen(*one)).max();
        match visibilities.min() {
            Some(Visibility::Login) if most == Some(Visibility::SignedIn) => {
                "Everybody who opens the login page sees some of this, and customers see the rest once they are signed in."
            }
            Some(Visibility::Login) => "Everybody who opens the login page sees this.",
            Some(Visibility::SignedIn) => "Customers see this once they are signed in.",
            Some(Visibility::Names) => "Phones and browsers follow this through DNS.",
            Some(Visibility::Unknown) | None => "Nothing on the login page changes.",
        }
    }
}
