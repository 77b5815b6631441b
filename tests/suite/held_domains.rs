//! A domain that another account holds: each remedy that a refusal names is followed to its end, on Kazoo 4.3, where a
//! deletion does not release it.

use emblazon::sandbox::Profile;
use serde_json::json;

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};

const DOMAIN: &str = "x.example.com";

/// Starts a platform with two accounts, of which the tree has beta, which wants the domain.
fn world(acme: &str) -> World {
    let world = World::seeded_on(
        Profile::V43,
        &format!(
            "accounts:
  - name: Master
  - {{ name: Acme, id: {ACME}, realm: acme.sip.example.com, {acme} }}
  - {{ name: Beta, id: {BETA}, realm: beta.sip.example.com, whitelabel: {{ company_name: Beta }} }}
"
        ),
    );
    world.account("beta", BETA, &format!("domain: {DOMAIN}"));
    world
}

fn with_domain() -> String {
    format!("whitelabel: {{ company_name: Acme, domain: {DOMAIN} }}")
}

fn reserved() -> String {
    format!("reserved_domain: {DOMAIN}")
}

/// Declares acme by text below its identity.
fn declare(world: &World, text: &str) {
    let text = format!("account: {ACME}\n{text}\n");
    world.write("accounts/acme/account.yaml", &text);
}

/// Plans, which is refused, and returns what is told, with commands on one line.
fn refused(world: &World, options: &[&str]) -> String {
    let output = world.run(&[&["plan"], options].concat());
    check_exit(&output, 5);
    stdout(&output)
}

/// Returns the text between backticks that begins with some words, which must be on one line.
fn quoted<'t>(told: &'t str, start: &str) -> &'t str {
    let mut quoted = told
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let found = quoted.find(|text| text.starts_with(start));
    found.unwrap_or_else(|| panic!("no `{start}…`: {told}"))
}

fn check_handed_on(world: &World, arguments: &[&str]) {
    let output = world.run(&[&["apply", "--yes"], arguments].concat());
    check_exit(&output, 0);
    assert_eq!(
        world.live(BETA).unwrap()["domain"],
        DOMAIN,
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_account_outside_without_a_whitelabel_is_added_with_its_id_alone() {
    let world = world(&reserved());
    world.commit("beta");
    let told = refused(&world, &[]);
    assert!(told.contains("has no whitelabel"), "{told}");
    let line = quoted(&told, "account: ");
    assert_eq!(line, format!("account: {ACME}"));
    world.write("accounts/acme/account.yaml", &format!("{line}\n"));
    world.commit("the remedy");
    check_handed_on(&world, &[]);
    assert_eq!(world.live(ACME), None);
}

#[test]
fn an_account_outside_with_a_whitelabel_is_added_without_the_domain() {
    let world = world(&with_domain());
    world.commit("beta");
    let told = refused(&world, &[]);
    assert_eq!(quoted(&told, "domain"), "domain: null");
    declare(&world, "whitelabel: { domain: null }");
    world.commit("the remedy");
    check_handed_on(&world, &[]);
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme");
}

/// Whether the tree has `whitelabel: null`, or no longer has the account.
#[test]
fn a_deletion_that_is_refused_needs_prune() {
    for is_departed in [false, true] {
        let world = world(&with_domain());
        if is_departed {
            declare(&world, &format!("whitelabel: {{ domain: {DOMAIN} }}"));
            world.account("beta", BETA, "company_name: Beta");
            world.commit("before");
            world.apply();
            std::fs::remove_dir_all(world.clone.join("accounts/acme")).unwrap();
            world.account("beta", BETA, &format!("domain: {DOMAIN}"));
        } else {
            declare(&world, "whitelabel: null");
        }
        world.commit("acme goes");
        let told = refused(&world, &[]);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            told.contains("held by acme, whose deletion is refused help: run with `--prune`, which deletes the whitelabel of acme"),
            "{told}"
        );
        check_handed_on(&world, &["--prune"]);
        assert_eq!(world.live(ACME), None);
    }
}

/// Two accounts whose domains do not tell that they belong together, in two shards.
#[test]
fn a_domain_that_the_account_of_another_shard_reserves_is_released_without_shards() {
    let world = world(&reserved());
    declare(&world, "");
    world.commit("both");
    let shard = |index: usize| format!("{index}/2");
    let has = |index: usize, name: &str| {
        let report = world.report(&["plan", "--shard", &shard(index)]);
        let accounts = report["accounts"].as_array().unwrap();
        accounts
            .iter()
            .any(|account| account["name"] == json!(name))
    };
    let own = if has(1, "beta") { 1 } else { 2 };
    let other = 3 - own;
    assert!(has(other, "acme"), "both are in one shard");
    let told = refused(&world, &["--shard", &shard(own)]);
    let command = quoted(&told, "emblazon apply");
    assert_eq!(command, format!("emblazon apply --shard {}", shard(other)));
    assert!(told.contains("without `--shard`"), "{told}");
    // The first remedy is for a tree that gives the other account another domain.
    check_handed_on(&world, &[]);
}

/// What the tree does not declare is sent back as it is, and the server refuses it.
#[test]
fn a_provider_without_a_url_that_nobody_declares_is_removed() {
    let world = world("whitelabel: { company_name: Acme, sso_providers: [{ name: Old }] }");
    world.account("beta", BETA, "company_name: Beta");
    declare(&world, "whitelabel: { company_name: New }");
    world.commit("renamed");
    let output = world.run(&["apply", "--yes"]);
    check_exit(&output, 1);
    let told = stdout(&output);
    assert_eq!(quoted(&told, "sso_providers: "), "sso_providers: null");
    declare(
        &world,
        "whitelabel: { company_name: New, sso_providers: null }",
    );
    world.commit("without");
    world.apply();
    assert_eq!(world.live(ACME).unwrap()["company_name"], "New");
}
