//! Settings, assets and accounts.

use std::sync::Arc;

use serde_json::{Value, json};

use super::lines;
use crate::diff::fixture::{
    account, exclusive, facts, id, live, object, path, sources, store, tree, with_asset,
};
use crate::diff::{Cause, Status, compare, settings_in_sync};
use crate::live::{Live, Reading};
use crate::model::{AccountName, AssetKind, Identity, Realm, Settings, parked_domain};
use crate::tree::DesiredAccount;

#[track_caller]
fn check_account(desired: DesiredAccount, document: Value, expected: &[&str]) {
    let differences = compare(
        &tree(vec![desired]),
        None,
        &live([("acme", Some(document))]),
        &sources(),
    );
    assert_eq!(lines(&differences), expected);
}

#[track_caller]
fn check(desired: Value, document: Value, expected: &[&str]) {
    check_account(account("acme", desired), document, expected);
}

/// Trap 6 and trap 32: what the server defaults, and what it coerces, are one value with their other spellings.
#[test]
fn trap_06_trap_32_defaulted_booleans() {
    for desired in [json!(null), json!(false), json!("false")] {
        for document in [
            json!({}),
            json!({"hide_powered": false}),
            json!({"hide_powered": "false"}),
        ] {
            check(json!({"hide_powered": desired}), document, &[]);
        }
    }
    check(
        json!({"hide_powered": "true"}),
        json!({"hide_powered": true}),
        &[],
    );
    check(
        json!({"hide_powered": "true"}),
        json!({}),
        &["hide_powered: - -> true (Differs)"],
    );
    check(
        json!({"hide_powered": false}),
        json!({"hide_powered": true}),
        &["hide_powered: true -> false (Differs)"],
    );
    check(
        json!({"hide_powered": null}),
        json!({"hide_powered": true}),
        &["hide_powered: true -> - (Removal)"],
    );
    // The server has no default for the keys of the UI, and coerces none of them.
    check(
        json!({"hide_port": false}),
        json!({}),
        &["hide_port: - -> false (Differs)"],
    );
    check(
        json!({"hide_port": false}),
        json!({"hide_port": "false"}),
        &["hide_port: \"false\" -> false (Differs)"],
    );
}

/// Trap 8: case does not matter to the server or the UI, anything else does.
#[test]
fn trap_08_case_of_domains() {
    check(
        json!({"domain": "a.example"}),
        json!({"domain": "A.Example"}),
        &[],
    );
    check(
        json!({"domain": "a.example"}),
        json!({"domain": "a.example."}),
        &["domain: \"a.example.\" -> \"a.example\" (Differs)"],
    );
    check(
        json!({"company_name": "acme"}),
        json!({"company_name": "Acme"}),
        &["company_name: \"Acme\" -> \"acme\" (Differs)"],
    );
}

/// Trap 26: one authority is one authority, and it is written as text.
#[test]
fn trap_26_port_authority() {
    check(
        json!({"port": {"authority": "x"}}),
        json!({"port": {"authority": ["x"]}}),
        &[],
    );
    check(
        json!({"port": {"authority": ["x"]}}),
        json!({"port": {"authority": "x"}}),
        &[],
    );
    check(
        json!({"port": {"authority": ["x"]}}),
        json!({"port": {"authority": "y"}}),
        &["port.authority: \"y\" -> \"x\" (Differs)"],
    );
    check(
        json!({"port": {"authority": "x"}}),
        json!({"port": {"authority": ["x", "y"]}}),
        &["port.authority: [\"x\",\"y\"] -> \"x\" (Differs)"],
    );
}

/// Trap 7 and trap 20: the server's own keys are nobody's difference, even under exclusive ownership.
#[test]
fn trap_07_trap_20_server_keys() {
    let document = json!({"id": "whitelabel", "_read_only": {}, "content_type": "image/png",
        "content_length": 7, "company_name": "Acme"});
    check(json!({"company_name": "Acme"}), document.clone(), &[]);
    check_account(
        exclusive(account("acme", json!({"company_name": "Acme"}))),
        document.clone(),
        &[],
    );
    assert!(settings_in_sync(
        &Settings::from(object(json!({"company_name": "Acme"}))),
        &Settings::from(object(document)),
    ));
}

#[test]
fn numbers_by_value() {
    check(json!({"logoutTimer": 1}), json!({"logoutTimer": 1.0}), &[]);
    check(
        json!({"realm_suffix": [1.0, {"a": 2}]}),
        json!({"realm_suffix": [1, {"a": 2.0}]}),
        &[],
    );
    check(
        json!({"logoutTimer": 1}),
        json!({"logoutTimer": "1"}),
        &["logoutTimer: \"1\" -> 1 (Differs)"],
    );
    check(
        json!({"x": 9_007_199_254_740_993_i64}),
        json!({"x": 9_007_199_254_740_992_i64}),
        &["x: 9007199254740992 -> 9007199254740993 (Differs)"],
    );
}

#[test]
fn leaves_maps_and_scalars_in_each_others_place() {
    check(
        json!({"nav": {"help": "h"}}),
        json!({"nav": "odd"}),
        &[
            "nav: \"odd\" -> - (Differs)",
            "nav.help: - -> \"h\" (Differs)",
        ],
    );
    check(json!({"nav": {"help": null}}), json!({"nav": "odd"}), &[]);
    check(
        json!({"social": "s"}),
        json!({"social": {"a": 1, "b": {"c": 2}}}),
        &["social: {\"a\":1,\"b\":{\"c\":2}} -> \"s\" (Differs)"],
    );
    check(
        json!({"nav": null}),
        json!({"nav": {"help": "h", "logout": "l"}}),
        &["nav: {\"help\":\"h\",\"logout\":\"l\"} -> - (Removal)"],
    );
    check(json!({"appLinks": {}}), json!({"appLinks": {"a": 1}}), &[]);
    check(
        json!({"appLinks": {}}),
        json!({}),
        &["appLinks: - -> {} (Differs)"],
    );
    check(
        json!({"appLinks": {}}),
        json!({"appLinks": 1}),
        &["appLinks: 1 -> {} (Differs)"],
    );
    check(
        json!({"nav": {"help": "h"}}),
        json!({"nav": {"help": "h", "logout": "l"}}),
        &[],
    );
}

#[test]
fn ownership() {
    let document =
        json!({"company_name": "Acme", "nav": {"help": "h", "logout": "l"}, "hide_powered": false});
    let declared = json!({"nav": {"help": "h"}});
    check(declared.clone(), document.clone(), &[]);
    check_account(
        exclusive(account("acme", declared)),
        document,
        &[
            "company_name: \"Acme\" -> - (Removal)",
            "nav.logout: \"l\" -> - (Removal)",
        ],
    );
    check_account(
        exclusive(account("acme", json!({"nav": {"help": "h"}}))),
        json!({"nav": {}}),
        &["nav.help: - -> \"h\" (Differs)"],
    );
}

#[test]
fn removal_of_the_last_key_of_a_declared_map() {
    let base = tree(vec![account("acme", json!({"appLinks": {"a": 1}}))]);
    let desired = tree(vec![account("acme", json!({"appLinks": {}}))]);
    let document = json!({"appLinks": {"a": 1}});
    let differences = compare(
        &desired,
        Some(&base),
        &live([("acme", Some(document.clone()))]),
        &sources(),
    );
    assert_eq!(lines(&differences), ["appLinks.a: 1 -> - (Removal)"]);
    let after = differences.accounts[0]
        .edit
        .apply_to(&Settings::from(object(document)));
    assert_eq!(after, Settings::from(object(json!({"appLinks": {}}))));
}

#[test]
fn three_ways() {
    let base = tree(vec![account(
        "acme",
        json!({"a": 1, "b": 1, "c": 1, "d": 1}),
    )]);
    let desired = tree(vec![account("acme", json!({"a": 1, "b": 2, "c": 2}))]);
    let document = json!({"a": 9, "b": 1, "c": 9, "d": 1, "e": 1});
    let differences = compare(
        &desired,
        Some(&base),
        &live([("acme", Some(document))]),
        &sources(),
    );
    assert_eq!(
        lines(&differences),
        [
            "a: 9 -> 1 (Drift)",
            "b: 1 -> 2 (Git)",
            "c: 9 -> 2 (Conflict)",
            "d: 1 -> - (Removal)"
        ]
    );
    assert!(differences.notes.is_empty());
}

/// An account is the same after it was renamed, and after its identity was written in the other way.
#[test]
fn base_accounts_are_found_by_identity() {
    #[track_caller]
    fn check(base: DesiredAccount, desired: DesiredAccount, is_same: bool) {
        let name = desired.name.to_string();
        let differences = compare(
            &tree(vec![desired]),
            Some(&tree(vec![base])),
            &live([(&name, Some(json!({"a": 1, "b": 1})))]),
            &sources(),
        );
        assert_eq!(differences.is_empty(), !is_same);
    }
    let old = || account("acme", json!({"a": 1, "b": 1}));
    let with_identity = |name: &str, identity: Identity| {
        let mut new = account(name, json!({"a": 1}));
        new.identity.value = identity;
        new
    };
    let realm = || Identity::Realm(Realm::new("acme.sip.example.com"));
    check(old(), account("acme", json!({"a": 1})), true);
    check(
        old(),
        with_identity("renamed", Identity::Id(id("acme"))),
        true,
    );
    check(old(), with_identity("acme", realm()), true);
    check(
        old(),
        with_identity("acme", Identity::Id(id("other"))),
        false,
    );
    check(old(), with_identity("renamed", realm()), false);
}

/// Without a base nothing can have been dropped, and the report says so.
#[test]
fn without_a_base_nothing_is_dropped() {
    let differences = compare(
        &tree(vec![account("acme", json!({"a": 1}))]),
        None,
        &live([("acme", Some(json!({"a": 1, "d": 1})))]),
        &sources(),
    );
    assert!(differences.is_empty());
    assert_eq!(differences.notes.len(), 1);
}

#[test]
fn secrets_are_not_shown() {
    check(
        json!({"sso": null}),
        json!({"sso": {"client": "x", "client_secret": "hunter2"}}),
        &["sso: present -> - (Removal)"],
    );
    check(
        json!({"jiraFeedback": {"api_key": null}}),
        json!({"jiraFeedback": {"api_key": "hunter2"}}),
        &["jiraFeedback.api_key: present -> - (Removal)"],
    );
}

#[test]
fn existence_of_the_whitelabel() {
    #[track_caller]
    fn check(desired: DesiredAccount, document: Option<Value>, expected: &[&str]) {
        let differences = compare(
            &tree(vec![desired]),
            None,
            &live([("acme", document)]),
            &sources(),
        );
        assert_eq!(lines(&differences), expected);
    }
    let absent = || DesiredAccount {
        absent: Some(crate::diff::fixture::PLACE),
        ..account("acme", json!({}))
    };
    check(account("acme", json!({})), None, &[]);
    check(account("acme", json!({"domain": null})), None, &[]);
    check(
        account("acme", json!({"domain": "a.example"})),
        None,
        &[
            "domain: - -> \"a.example\" (Differs)",
            "whitelabel: - -> present (Differs)",
        ],
    );
    check(
        account("acme", json!({"hide_powered": false})),
        None,
        &["whitelabel: - -> present (Differs)"],
    );
    check(absent(), None, &[]);
    check(
        absent(),
        Some(json!({"a": 1})),
        &["whitelabel: present -> - (Removal)"],
    );
}

#[test]
fn assets_by_digest() {
    let logo = facts("new").digest.short().to_owned();
    let old = facts("old").digest.short().to_owned();
    let desired = tree(vec![with_asset(
        account("acme", json!({})),
        AssetKind::Logo,
        Some("new"),
    )]);
    let with = |asset| {
        let mut live = live([("acme", Some(json!({})))]);
        store(&mut live, "acme", AssetKind::Logo, asset);
        compare(&desired, None, &live, &sources())
    };
    assert!(with(Some(("new", "logo-1.png"))).is_empty());
    assert_eq!(lines(&with(None)), [format!("logo: - -> {logo} (Differs)")]);
    assert_eq!(
        lines(&with(Some(("old", "logo-1.png")))),
        [format!("logo: {old} -> {logo} (Differs)")]
    );
    // Observed 2: the welcome page stands in for a logo that is not there.
    assert_eq!(
        lines(&with(Some(("old", "welcome-1.html")))),
        [format!("logo: - -> {logo} (Differs)")]
    );
}

/// Observed 2: a welcome page that the server gives as the logo is no logo to be removed.
#[test]
fn observed_02_a_stand_in_is_no_logo() {
    let desired = tree(vec![with_asset(
        account("acme", json!({})),
        AssetKind::Logo,
        None,
    )]);
    let mut live = live([("acme", Some(json!({})))]);
    store(
        &mut live,
        "acme",
        AssetKind::Logo,
        Some(("page", "welcome-1.html")),
    );
    assert!(compare(&desired, None, &live, &sources()).is_empty());
}

#[test]
fn unknown_gives_no_change() {
    let desired = tree(vec![with_asset(
        account("acme", json!({"a": 1})),
        AssetKind::Logo,
        Some("new"),
    )]);
    let status = |live: &Live| {
        let differences = compare(&desired, None, live, &sources());
        let account = &differences.accounts[0];
        (
            account.status(),
            lines(&differences).len(),
            account.unknown.clone(),
        )
    };
    let unknown = |text: &str| vec![text.to_owned()];
    assert_eq!(
        status(&Live::default()),
        (Status::Unknown, 0, unknown("the account was not read"))
    );
    let mut state = live([("acme", None)]);
    let name = AccountName::new("acme");
    Arc::make_mut(state.accounts.get_mut(&name).expect("there")).document =
        Reading::Unknown("timed out".to_owned());
    assert_eq!(status(&state), (Status::Unknown, 0, unknown("timed out")));
    Arc::make_mut(state.accounts.get_mut(&name).expect("there")).id =
        Reading::Unknown("no realm".to_owned());
    assert_eq!(status(&state), (Status::Unknown, 0, unknown("no realm")));
    // The settings are known, the asset is not.
    let state = live([("acme", Some(json!({"a": 1})))]);
    assert_eq!(
        status(&state),
        (Status::Unknown, 0, unknown("logo: it was not read"))
    );
    let state = live([("acme", Some(json!({"a": 2})))]);
    assert_eq!(
        status(&state),
        (Status::Changes, 1, unknown("logo: it was not read"))
    );
}

#[test]
fn a_parked_name_that_was_left_behind_is_removed() {
    let parked = parked_domain(&id("acme"));
    check(
        json!({"a": 1}),
        json!({"a": 1, "domain": parked}),
        &[&format!("domain: \"{parked}\" -> - (Removal)")],
    );
}

/// A run made it only to release a domain, and its deletion failed.
#[test]
fn a_placeholder_that_was_left_behind_is_deleted_unless_a_brand_is_declared() {
    let parked = parked_domain(&id("acme"));
    let left = json!({"domain": parked, "hide_powered": false});
    let deleted: &[&str] = &["whitelabel: present -> - (Removal)"];
    check(json!({}), left.clone(), deleted);
    check(json!({"domain": null}), left.clone(), deleted);
    check(
        json!({"domain": "x.example"}),
        left,
        &[&format!("domain: \"{parked}\" -> \"x.example\" (Differs)")],
    );
    // It holds more, so it is somebody's brand.
    check(
        json!({}),
        json!({"domain": parked, "theirs": 1}),
        &[&format!("domain: \"{parked}\" -> - (Removal)")],
    );
}

#[test]
fn the_edit_keeps_what_it_does_not_name() {
    let differences = compare(
        &tree(vec![account(
            "acme",
            json!({"nav": {"help": "h"}, "fake_api_url": null}),
        )]),
        None,
        &live([(
            "acme",
            Some(json!({"nav": {"logout": "l"}, "fake_api_url": "f", "x": 1})),
        )]),
        &sources(),
    );
    let account = &differences.accounts[0];
    assert_eq!(account.edit.remove, [path("fake_api_url")]);
    assert_eq!(
        account
            .changes
            .iter()
            .filter(|change| change.cause == Cause::Differs)
            .count(),
        1
    );
    let document = json!({"nav": {"logout": "l"}, "fake_api_url": "f", "x": 1});
    assert_eq!(
        account.edit.apply_to(&Settings::from(object(document))),
        Settings::from(object(json!({"nav": {"logout": "l", "help": "h"}, "x": 1})))
    );
}
