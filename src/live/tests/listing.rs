//! Lists of accounts.

use std::fmt::Write as _;

use super::*;
use crate::live::{ApiError, Filter};

fn names(accounts: &[crate::live::Unmanaged]) -> Vec<&str> {
    accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect()
}

async fn paging_client(sandbox: &Sandbox, page_size: u32) -> ReadClient {
    let mut config = config(sandbox);
    config.limits.page_size = page_size;
    ReadClient::connect(config).await.unwrap()
}

/// L2, observed 10: all pages, of any size, without the root.
#[tokio::test]
async fn observed_10_all_pages() {
    let sandbox = sandbox().await;
    for (page_size, requests) in [(1, 4), (2, 2), (3, 2), (500, 1)] {
        let client = paging_client(&sandbox, page_size).await;
        let before = sandbox.counts().of("GET", "list");
        let all = client.descendants(&master(), &Filter::all()).await.unwrap();
        assert_eq!(names(&all), ["Gold", "Empty", "Past", "Capitals"]);
        let sent = sandbox.counts().of("GET", "list") - before;
        assert!(sent <= requests + 1, "{page_size}: {sent}");
    }
    let client = paging_client(&sandbox, 500).await;
    let below = client.descendants(&gold(), &Filter::all()).await.unwrap();
    assert_eq!(names(&below), ["Empty"]);
    assert_eq!(below[0].realm, "empty.sip.example.com");
}

/// Trap 37, observed 14: who has or had a domain; letter by letter when one is asked for.
#[tokio::test]
async fn trap_37_who_holds_a_domain() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let list = async |filter: Filter| {
        let found = client.descendants(&master(), &filter).await.unwrap();
        found.into_iter().map(|one| one.name).collect::<Vec<_>>()
    };
    let all = list(Filter::with_whitelabel_domain()).await;
    assert_eq!(all, ["Gold", "Past", "Capitals"]);
    assert_eq!(list(Filter::holding("old.example.com")).await, ["Past"]);
    assert_eq!(
        list(Filter::holding("LOUD.example.com")).await,
        ["Capitals"]
    );
    assert_eq!(list(Filter::holding("loud.example.com")).await, [""; 0]);
    assert_eq!(list(Filter::realm("gold.sip.example.com")).await, ["Gold"]);
}

/// Trap 39: many accounts of one name; the list ends, and is complete.
#[tokio::test]
async fn trap_39_pages_of_one_name_end() {
    let mut seed = SEED.to_owned();
    for number in 0..7 {
        let same = "{ name: Same, parent: Master, id: ";
        let _ = writeln!(
            seed,
            "  - {same}{number:032}, realm: same{number}.sip.example.com }}"
        );
    }
    let seed = Seed::parse(&seed, Path::new(".")).unwrap();
    let sandbox = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let client = paging_client(&sandbox, 2).await;
    let all = client.descendants(&master(), &Filter::all()).await.unwrap();
    assert_eq!(all.len(), 11);
    let ids: std::collections::BTreeSet<_> = all.iter().map(|one| &one.id).collect();
    assert_eq!(ids.len(), 11);
}

/// Trap 39: a list that repeats itself and cannot be had in one piece is an error, never a part.
#[tokio::test]
async fn trap_39_an_endless_list_is_an_error() {
    let sandbox = sandbox().await;
    let client = paging_client(&sandbox, 1).await;
    let path = "/v2/accounts/*/descendants";
    sandbox.set_faults(vec![
        fault("GET", path, FaultKind::Status(416)).nth(2).times(9),
    ]);
    let list = client.descendants(&master(), &Filter::all()).await;
    assert_eq!(list, Err(ApiError::RangeNotSatisfiable));
}

/// L2: a page that is too large for the server is asked for again, smaller.
#[tokio::test]
async fn a_page_that_is_too_large_is_made_smaller() {
    let sandbox = sandbox().await;
    let client = paging_client(&sandbox, 500).await;
    let path = "/v2/accounts/*/descendants";
    sandbox.set_faults(vec![fault("GET", path, FaultKind::Status(416)).times(2)]);
    let all = client.descendants(&master(), &Filter::all()).await.unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(sandbox.counts().of("GET", "list"), 3);
}
