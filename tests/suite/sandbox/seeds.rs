//! `sandbox.yaml`.

use std::path::Path;

use emblazon::sandbox::{Options, Seed};

use super::Caller;
use super::caller::ACME;

#[test]
fn mistakes_are_named() {
    #[track_caller]
    fn check(yaml: &str, expected: &str) {
        let error = Seed::parse(yaml, Path::new(".")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check("accounts: []", "the first one is the master");
    check("accounts: [{name: A, colour: red}]", "colour");
    check("accounts: [{name: A, id: short}]", "0-9 and a-f");
    check(
        "accounts: [{name: A}, {name: B, parent: C}]",
        "unknown parent \"C\"",
    );
    check("accounts: [{name: A}, {name: A}]", "id of another one");
    check("accounts: [{name: A, api_key: x}]", "64 characters");
    check(
        "accounts: [{name: A, whitelabel: {}, assets: {logo: no.png}}]",
        "no.png",
    );
    check(
        "accounts: [{name: A, assets: {logo: no.png}}]",
        "no whitelabel",
    );
    check("accounts: [{name: A}]\nfaults: [{fault: melt}]", "melt");
}

#[tokio::test]
async fn whitelabels_assets_and_reservations_are_there_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.html"), "<p>hi</p>").unwrap();
    let yaml = format!(
        "accounts:
  - name: Master
  - name: Acme
    id: {ACME}
    whitelabel: {{company_name: A, domain: acme.example.com}}
    assets: {{welcome: w.html}}
    reserved_domain: old.example.com
template: {{A: {{}}}}
"
    );
    let seed = Seed::parse(&yaml, folder.path()).unwrap();
    let caller = Caller::with(Options::seeded(seed)).await;
    assert_eq!(
        caller.get("/v2/whitelabel/acme.example.com").await.status,
        404
    );
    let found = caller.get("/v2/whitelabel/old.example.com/welcome").await;
    assert_eq!(found.body, b"<p>hi</p>");
}

#[tokio::test]
async fn a_generated_world_is_full() {
    let caller = Caller::with(Options::seeded(Seed::generate(3))).await;
    let world = caller.sandbox.world();
    let full = world
        .accounts()
        .filter_map(|account| account.whitelabel.as_ref())
        .filter(|document| document.attachments.len() == 3);
    assert_eq!(full.count(), 3);
}
