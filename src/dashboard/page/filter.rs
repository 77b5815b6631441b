//! Filtering and paging of accounts.

use std::cmp::Reverse;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::daemon::{HealthState, ObjectStatus, State, Status};

/// The default and the maximum number of accounts on a page.
const SIZE: usize = 50;
const LARGEST: usize = 500;

/// Which accounts are requested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::dashboard) struct Filter {
    /// In this state.
    pub(super) state: Choice,
    /// In this health.
    pub(super) health: HealthChoice,
    /// With this text in name, company, domain or id.
    pub(super) q: String,
    /// The page, from 1.
    pub(super) page: Option<usize>,
    /// The number of accounts on a page.
    pub(super) size: Option<usize>,
    /// The order.
    pub(super) sort: SortChoice,
}

/// A state, or all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Choice {
    #[default]
    #[serde(alias = "")]
    All,
    Ready,
    Reconciling,
    Stalled,
    Unknown,
}

/// A health, or all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HealthChoice(Option<HealthState>);

impl HealthChoice {
    pub(super) fn state(self) -> Option<HealthState> {
        self.0
    }
}

impl<'de> Deserialize<'de> for HealthChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = HealthState::ALL
            .into_iter()
            .find(|state| state.as_str() == word);
        if known.is_none() && !word.is_empty() {
            return Err(D::Error::custom(format!("there is no health {word:?}")));
        }
        Ok(Self(known))
    }
}

/// An order of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dashboard) enum Sort {
    /// By name.
    Name,
    /// What harms customers first, then what needs attention, then by name.
    Trouble,
    /// By sync, what needs a person first.
    Sync,
    /// The most differences first.
    Differences,
    /// By health, the worst first.
    Health,
    /// What was not checked for the longest time first.
    Checked,
}

impl Sort {
    /// The orders that a page offers, each by the heading of a column.
    pub(super) const COLUMNS: [(Self, &str); 5] = [
        (Self::Name, "Account"),
        (Self::Sync, "Sync"),
        (Self::Differences, "Differences"),
        (Self::Health, "Health"),
        (Self::Checked, "Last checked"),
    ];

    /// Returns the word for URLs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Trouble => "trouble",
            Self::Sync => "sync",
            Self::Differences => "differences",
            Self::Health => "health",
            Self::Checked => "checked",
        }
    }

    /// Sorts accounts that are in the order of their names, which is kept among equals.
    fn apply(self, accounts: &mut [&ObjectStatus]) {
        let health = |account: &ObjectStatus| Reverse(account.health_state());
        match self {
            Self::Name => {}
            Self::Trouble => accounts.sort_by_cached_key(|account| {
                let health = account.health_state();
                (
                    Reverse(health.max(HealthState::Progressing)),
                    urgency(account.state),
                )
            }),
            Self::Sync => accounts.sort_by_cached_key(|account| urgency(account.state)),
            Self::Differences => accounts.sort_by_cached_key(|account| {
                Reverse(account.confirmed_drift().count() + account.pending.len())
            }),
            Self::Health => accounts.sort_by_cached_key(|account| health(account)),
            Self::Checked => accounts.sort_by_cached_key(|account| account.checked),
        }
    }
}

/// An order, or the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SortChoice(pub(super) Option<Sort>);

impl<'de> Deserialize<'de> for SortChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let columns = Sort::COLUMNS.map(|(sort, _)| sort);
        let mut known = columns.into_iter().chain([Sort::Trouble]);
        let found = known.find(|sort| sort.as_str() == word);
        if found.is_none() && !word.is_empty() {
            return Err(D::Error::custom(format!("there is no order {word:?}")));
        }
        Ok(Self(found))
    }
}

/// The accounts that a page shows.
pub(in crate::dashboard) struct Selected<'s> {
    pub(in crate::dashboard) accounts: Vec<&'s ObjectStatus>,
    /// The number of matching accounts on all pages.
    pub(in crate::dashboard) total: usize,
    pub(in crate::dashboard) page: usize,
    pub(in crate::dashboard) pages: usize,
}

/// Selects accounts; `usual` is the order when none is requested. A page after the last one is the last one.
pub(in crate::dashboard) fn select<'s>(
    status: &'s Status,
    filter: &Filter,
    usual: Sort,
) -> Selected<'s> {
    let wanted = filter.q.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    let mut accounts: Vec<&ObjectStatus> = status
        .accounts
        .values()
        .map(|account| &**account)
        .filter(|account| {
            filter
                .state
                .state()
                .is_none_or(|state| state == account.state)
        })
        .filter(|account| {
            let health = filter.health.state();
            health.is_none_or(|health| health == account.health_state())
        })
        .filter(|account| {
            wanted.is_empty()
                || has(account.title())
                || account.company.as_deref().is_some_and(has)
                || account.domain.as_deref().is_some_and(has)
                || (account
                    .live
                    .iter()
                    .flat_map(|live| [&live.company, &live.domain]))
                .any(|text| text.as_deref().is_some_and(has))
                || account.id.as_ref().is_some_and(|id| has(id.as_str()))
        })
        .collect();
    filter.sort.0.unwrap_or(usual).apply(&mut accounts);
    let size = filter.size.unwrap_or(SIZE).clamp(1, LARGEST);
    let total = accounts.len();
    let pages = total.div_ceil(size).max(1);
    let page = filter.page.unwrap_or(1).clamp(1, pages);
    let accounts = accounts
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .collect();
    Selected {
        accounts,
        total,
        page,
        pages,
    }
}

impl Filter {
    /// Returns the URL of another page of the same selection.
    pub(super) fn query(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(state) = self.state.state() {
            query.append_pair("state", state.as_str());
        }
        if let Some(health) = self.health.state() {
            query.append_pair("health", health.as_str());
        }
        if !self.q.is_empty() {
            query.append_pair("q", &self.q);
        }
        if let Some(sort) = self.sort.0 {
            query.append_pair("sort", sort.as_str());
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        format!("/?{}", query.finish())
    }

    /// Returns the URL of the first page of the same selection in another order.
    pub(super) fn sorted(&self, sort: Sort) -> String {
        let sort = SortChoice(Some(sort));
        Self {
            sort,
            ..self.clone()
        }
        .query(1)
    }

    /// Returns whether it leaves anything out.
    pub(super) fn is_on(&self) -> bool {
        self.state != Choice::All || self.health.state().is_some() || !self.q.is_empty()
    }
}

impl Choice {
    pub(super) fn state(self) -> Option<State> {
        match self {
            Self::All => None,
            Self::Ready => Some(State::Ready),
            Self::Reconciling => Some(State::Reconciling),
            Self::Stalled => Some(State::Stalled),
            Self::Unknown => Some(State::Unknown),
        }
    }
}

fn urgency(state: State) -> u8 {
    match state {
        State::Stalled => 0,
        State::Unknown => 1,
        State::Reconciling => 2,
        State::Ready => 3,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::daemon::Reason;
    use crate::model::AccountName;

    fn status() -> Status {
        let now = Timestamp::UNIX_EPOCH;
        let mut status = Status::new(now);
        for (name, company, reason) in [
            ("acme", "Acme Voice", Reason::InSync),
            ("bell", "Größe AG", Reason::Unreadable),
            ("cedar", "Cedar", Reason::DriftReported),
            ("delta", "Acme Delta", Reason::InSync),
        ] {
            let name = AccountName::new(name);
            let mut object = ObjectStatus::unread((&name).into(), now);
            object.company = Some(company.to_owned());
            object.put(reason, "", now);
            status.accounts.insert(name, Arc::new(object));
        }
        status
    }

    #[test]
    fn accounts_are_found() {
        #[track_caller]
        fn check(filter: &Filter, expected: &str, place: (usize, usize, usize)) {
            let status = status();
            let found = select(&status, filter, Sort::Trouble);
            let names: Vec<&str> = found
                .accounts
                .iter()
                .map(|account| account.title())
                .collect();
            assert_eq!(names.join(" "), expected, "{filter:?}");
            assert_eq!((found.total, found.page, found.pages), place, "{filter:?}");
        }
        let text = |q: &str| Filter {
            q: q.to_owned(),
            ..Filter::default()
        };
        let page = |page, size| Filter {
            page: Some(page),
            size: Some(size),
            ..Filter::default()
        };
        check(&Filter::default(), "cedar bell acme delta", (4, 1, 1));
        check(
            &Filter {
                sort: SortChoice(Some(Sort::Name)),
                ..Filter::default()
            },
            "acme bell cedar delta",
            (4, 1, 1),
        );
        check(
            &Filter {
                sort: SortChoice(Some(Sort::Sync)),
                ..Filter::default()
            },
            "cedar bell acme delta",
            (4, 1, 1),
        );
        check(
            &Filter {
                state: Choice::Ready,
                ..Filter::default()
            },
            "acme delta",
            (2, 1, 1),
        );
        check(&text(" ACME "), "acme delta", (2, 1, 1));
        check(&text("größe"), "bell", (1, 1, 1));
        check(&text("nobody"), "", (0, 1, 1));
        check(&page(2, 3), "delta", (4, 2, 2));
        check(&page(9, 3), "delta", (4, 2, 2));
        check(&page(0, 0), "cedar", (4, 1, 4));
    }

    #[test]
    fn a_page_keeps_the_filter() {
        let filter = Filter {
            state: Choice::Stalled,
            q: "a&b=\"".to_owned(),
            ..Filter::default()
        };
        assert_eq!(filter.query(3), "/?state=stalled&q=a%26b%3D%22&page=3");
        assert_eq!(Filter::default().query(1), "/?");
    }
}
