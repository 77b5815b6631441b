//! What is to be known of accounts outside the tree.

use crate::diff::Differences;
use crate::live::{Outside, Unmanaged};
use crate::model::{AccountId, count, parked_domain};

/// The maximum number of accounts that a note names.
const MOST_NAMED: usize = 3;

/// Returns the notes of a report about accounts outside the tree, except those that were removed from it and have a
/// difference, with notes of its own.
pub(super) fn notes(outside: &Outside, differences: Option<&Differences>) -> Vec<String> {
    let departed = || differences.iter().flat_map(|found| &found.departed);
    let is_told = |id: &AccountId| departed().any(|known| known.id.as_ref() == Some(id));
    let parked_ones = outside.parked.iter().filter(|it| !is_told(&it.id));
    let mut notes: Vec<String> = parked_ones.map(parked).collect();
    if !outside.reserved.is_empty() {
        notes.push(format!(
            "not in the tree: {}, without a whitelabel, still {} the domain of one that was deleted: {}",
            count(outside.reserved.len(), "account"),
            if outside.reserved.len() == 1 { "reserves" } else { "reserve" },
            named(&outside.reserved)
        ));
    }
    if outside.unread > 0 {
        notes.push(format!(
            "not in the tree: {} not read one by one, and counted as having a whitelabel; some may only reserve the domain of a deleted one",
            match outside.unread {
                1 => "1 account was".to_owned(),
                many => format!("{many} accounts were"),
            }
        ));
    }
    notes
}

fn parked(account: &Unmanaged) -> String {
    format!(
        "{} ({}), which is not in the tree: nobody reaches its brand: its domain is the parked name {}, because a run released the domain and did not come to what was to follow; `emblazon history` lists the runs, and `emblazon restore RUN` of that one puts its domain back, and a domain declared for it in the tree does too",
        account.name,
        account.id,
        parked_domain(&account.id)
    )
}

fn named(accounts: &[Unmanaged]) -> String {
    let shown: Vec<String> = (accounts.iter().take(MOST_NAMED))
        .map(|account| format!("{} ({})", account.name, account.id))
        .collect();
    let more = match accounts.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
