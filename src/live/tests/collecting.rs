//! The whole live side of a tree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::diag::{FileId, Place, Span, Spanned};
use crate::live::{ApiError, CollectOptions, Live, Reading, Unmanaged, collect};
use crate::model::{
    AccountName, AssetFacts, AssetFile, AssetKind, ClusterName, Digest, DomainName, Identity,
    Realm, Revision, parked_domain,
};
use crate::tree::{
    AccountPolicy, AuthConfig, ClusterConfig, Declared, Desired, DesiredAccount, DesiredTemplate,
    DnsMode, Ownership, Policy,
};

const PLACE: Place = Place {
    file: FileId(0),
    span: Span { start: 0, end: 0 },
};

pub(super) fn desired(accounts: Vec<DesiredAccount>) -> Desired {
    Desired {
        cluster: ClusterConfig {
            name: ClusterName::new("test"),
            api: None,
            root: None,
            allow_plain_http: false,
            ca_file: None,
            ui: None,
            auth: AuthConfig::Environment,
            keys: Vec::new(),
        },
        accounts: accounts.into_iter().map(Into::into).collect(),
        template: None,
        policy: Policy::default(),
    }
}

pub(super) fn account(
    name: &str,
    identity: Identity,
    whitelabel: Value,
    assets: &[AssetKind],
) -> DesiredAccount {
    let file = AssetFile {
        path: "x".into(),
        facts: AssetFacts {
            digest: Digest::of(b""),
            size: 0,
            asset_type: None,
            dimensions: None,
        },
    };
    let declared = |value| Declared {
        value: Some(value),
        place: PLACE,
    };
    DesiredAccount {
        name: AccountName::new(name),
        identity: Spanned {
            value: identity,
            place: PLACE,
        },
        settings: settings(whitelabel)
            .leaves()
            .into_iter()
            .map(|(path, value)| {
                let value = Some(value.clone());
                (
                    path,
                    Declared {
                        value,
                        place: PLACE,
                    },
                )
            })
            .collect(),
        assets: assets
            .iter()
            .map(|kind| (*kind, declared(file.clone())))
            .collect(),
        absent: None,
        dns: DnsMode::Observe,
        ignore: BTreeSet::new(),
        labels: BTreeMap::new(),
        policy: AccountPolicy::default(),
    }
}

pub(super) fn by_id(digit: char) -> Identity {
    Identity::Id(id(digit))
}

pub(super) fn by_realm(realm: &str) -> Identity {
    Identity::Realm(Realm::new(realm))
}

fn unmanaged(live: &Live) -> Vec<&str> {
    let Some(Reading::Known(list)) = &live.unmanaged else {
        panic!("{:?}", live.unmanaged);
    };
    list.iter().map(|account| account.name.as_str()).collect()
}

async fn live(sandbox: &Sandbox, desired: &Desired) -> Live {
    let client = client(sandbox).await;
    collect(&client, desired, &CollectOptions::default())
        .await
        .unwrap()
}

/// Who holds a domain: names, or the reason why that is not known.
fn holders(live: &Live, domain: &str) -> Result<Vec<String>, String> {
    match &live.holders[&DomainName::parse(domain).unwrap()] {
        Reading::Known(found) => Ok(found.iter().map(|one| one.name.clone()).collect()),
        Reading::Unknown(reason) => Err(reason.clone()),
    }
}

#[tokio::test]
async fn accounts_assets_and_what_is_outside() {
    let sandbox = sandbox().await;
    sandbox
        .world()
        .put_attachment(gold().as_str(), "logo-x.png", "x/y", PNG);
    let tree = desired(vec![
        account(
            "gold",
            by_id('b'),
            json!({"domain": "Gold.example.com"}),
            &[AssetKind::Logo, AssetKind::Icon],
        ),
        account(
            "empty",
            by_realm("EMPTY.sip.example.com"),
            json!({}),
            &[AssetKind::Logo],
        ),
    ]);
    let live = live(&sandbox, &tree).await;
    let gold = &live.accounts[&AccountName::new("gold")];
    let document = gold.document.known().unwrap().as_ref().unwrap();
    assert_eq!(document.revision, Revision::new(revision_of(&sandbox)));
    let logo = document.assets[&AssetKind::Logo]
        .known()
        .unwrap()
        .as_ref()
        .unwrap();
    assert_eq!(logo.facts.digest, Digest::of(PNG));
    assert_eq!(document.assets[&AssetKind::Icon], Reading::Known(None));
    assert_eq!(document.assets.len(), 2);
    let empty = &live.accounts[&AccountName::new("empty")];
    assert_eq!(empty.id, Reading::Known(id('c')));
    assert_eq!(empty.document, Reading::Known(None));
    assert_eq!(unmanaged(&live), ["Past", "Capitals"]);
    // The same name in another case is the account's own already.
    assert_eq!(live.holders, BTreeMap::new());
    assert_eq!(live.template, None);
    assert_eq!(sandbox.counts().mutating, 0);
}

/// W22 and kazoo-4.3, statement 5: a reservation is no whitelabel, and a parked one is told apart.
#[tokio::test]
async fn what_is_outside_is_told_apart() {
    let sandbox = sandbox().await;
    let parked = parked_domain(&id('e'));
    sandbox.world().edit_settings(id('e').as_str(), |settings| {
        settings.insert("domain".to_owned(), json!(parked));
    });
    sandbox.world().delete_document(id('d').as_str());
    let live = live(&sandbox, &desired(vec![])).await;
    assert_eq!(unmanaged(&live), ["Gold", "Capitals"]);
    let names = |accounts: &[Unmanaged]| {
        let names = accounts.iter().map(|account| account.name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&live.outside.parked), ["Capitals"]);
    assert_eq!(names(&live.outside.reserved), ["Past"]);
    assert_eq!(live.outside.unread, 0);
    // Who cannot be read counts as having one.
    let path = format!("/v2/accounts/{}/whitelabel", id('b'));
    sandbox.set_faults(vec![
        Fault::new("GET", &path, FaultKind::Status(403)).times(99),
    ]);
    let live = self::live(&sandbox, &desired(vec![])).await;
    assert_eq!(unmanaged(&live), ["Gold", "Capitals"]);
    assert_eq!(live.outside.unread, 1);
}

fn revision_of(sandbox: &Sandbox) -> String {
    let world = sandbox.world();
    world
        .document(gold().as_str())
        .unwrap()
        .revision
        .to_string()
}

/// The root itself may be in the tree, by id or by realm, or stand outside with a whitelabel.
#[tokio::test]
async fn the_root_counts() {
    let sandbox = sandbox().await;
    sandbox
        .world()
        .edit_settings(master().as_str(), |settings| {
            settings.insert("domain".to_owned(), json!("root.example.com"));
        });
    let outside = live(&sandbox, &desired(vec![])).await;
    assert_eq!(unmanaged(&outside), ["Master", "Gold", "Past", "Capitals"]);
    let identity = by_realm("master.sip.example.com");
    let tree = desired(vec![account("root", identity, json!({}), &[])]);
    let inside = live(&sandbox, &tree).await;
    assert_eq!(unmanaged(&inside), ["Gold", "Past", "Capitals"]);
    let root = &inside.accounts[&AccountName::new("root")];
    assert!(matches!(root.document, Reading::Known(Some(_))), "{root:?}");
}

/// Trap 10, W22: who holds the domains that are about to be claimed.
#[tokio::test]
async fn trap_10_holders_of_claimed_domains() {
    let sandbox = sandbox().await;
    sandbox
        .world()
        .edit_settings(master().as_str(), |settings| {
            settings.insert("domain".to_owned(), json!("Root.example.com"));
        });
    let claim = |digit: char, domain: &str| {
        let name = domain.split('.').next().unwrap();
        account(name, by_id(digit), json!({ "domain": domain }), &[])
    };
    let tree = desired(vec![
        claim('c', "free.example.com"),
        claim('c', "gold.example.com"),
        claim('c', "old.example.com"),
        claim('c', "loud.example.com"),
        claim('c', "root.example.com"),
        claim('d', "old.example.com"),
        claim('9', "lost.example.com"),
    ]);
    let live = live(&sandbox, &tree).await;
    let names = |names: &[&str]| Ok(names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(holders(&live, "free.example.com"), names(&[]));
    assert_eq!(holders(&live, "gold.example.com"), names(&["Gold"]));
    assert_eq!(holders(&live, "old.example.com"), names(&["Past"]));
    assert_eq!(holders(&live, "loud.example.com"), names(&["Capitals"]));
    assert_eq!(holders(&live, "root.example.com"), names(&["Master"]));
    // An account that could not be read claims nothing.
    assert_eq!(live.holders.len(), 5);
}

/// A reseller's login does not see who else holds a domain, and does not call it free.
#[tokio::test]
async fn trap_10_a_holder_out_of_sight_is_unknown() {
    let sandbox = sandbox().await;
    let key = sandbox
        .world()
        .account_named("Gold")
        .unwrap()
        .api_key
        .clone();
    let config = ClientConfig {
        credential: Credential::ApiKey(Secret::new(key)),
        ..config(&sandbox)
    };
    let client = ReadClient::connect(config).await.unwrap();
    let wanted = json!({"domain": "loud.example.com"});
    let tree = desired(vec![account("empty", by_id('c'), wanted, &[])]);
    let live = collect(&client, &tree, &CollectOptions::default())
        .await
        .unwrap();
    let reason = holders(&live, "loud.example.com").unwrap_err();
    assert!(reason.contains("none below bbbb"), "{reason}");
}

/// Invariant 6: what cannot be read is unknown, with what to do, and hinders nobody else.
#[tokio::test]
async fn failures_stay_with_their_account() {
    let sandbox = sandbox().await;
    let tree = desired(vec![
        account("bad", by_id('d'), json!({}), &[]),
        account("gold", by_id('b'), json!({}), &[AssetKind::Logo]),
        account("lost", by_id('9'), json!({}), &[]),
        account("lost-realm", by_realm("no.example.com"), json!({}), &[]),
    ]);
    let client = client(&sandbox).await;
    let path = format!("/v2/accounts/{}/whitelabel", id('d'));
    let list = "/v2/accounts/*/descendants";
    sandbox.set_faults(vec![
        fault("GET", &path, FaultKind::Status(503)).times(9),
        fault("GET", "/v2/accounts/*/whitelabel/logo", FaultKind::CutBody).times(9),
        fault("GET", list, FaultKind::Status(500)).nth(3).times(9),
    ]);
    let live = collect(&client, &tree, &CollectOptions::default())
        .await
        .unwrap();
    let reason = |name: &str| match &live.accounts[&AccountName::new(name)].document {
        Reading::Unknown(reason) => reason.clone(),
        known @ Reading::Known(_) => panic!("{name}: {known:?}"),
    };
    assert!(
        reason("bad").contains("not available (503"),
        "{}",
        reason("bad")
    );
    assert!(
        reason("lost").contains("no such account: 9999"),
        "{}",
        reason("lost")
    );
    insta::assert_snapshot!(reason("lost-realm"), @"no such account: none below aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa has realm no.example.com; check the realm and the cluster");
    let gold = live.accounts[&AccountName::new("gold")]
        .document
        .known()
        .unwrap();
    let logo = &gold.as_ref().unwrap().assets[&AssetKind::Logo];
    assert!(matches!(logo, Reading::Unknown(_)), "{logo:?}");
    assert!(
        matches!(live.unmanaged, Some(Reading::Unknown(_))),
        "{:?}",
        live.unmanaged
    );
}

/// Trap 28: without a login there is no live side at all.
#[tokio::test]
async fn trap_28_a_refused_login_ends_the_reading() {
    let sandbox = sandbox().await;
    let client = given_token(&sandbox.url()).await;
    let tree = desired(vec![account("gold", by_id('b'), json!({}), &[])]);
    let live = collect(&client, &tree, &CollectOptions::default()).await;
    assert_eq!(
        live,
        Err(ApiError::Unauthorised {
            multi_factor: false
        })
    );
}

/// Invariant 6, observed 7: a template that the server cannot give is unknown, not empty; none is read
/// when the tree declares none.
#[tokio::test]
async fn observed_07_the_template_may_be_unknown() {
    let sandbox = sandbox().await;
    let mut tree = desired(vec![]);
    tree.template = Some(DesiredTemplate {
        hosts: BTreeMap::new(),
        types: BTreeSet::new(),
        ownership: Ownership::Shared,
    });
    let readable = live(&sandbox, &tree).await;
    assert!(matches!(readable.template, Some(Reading::Known(_))));
    let broken = settings(json!({"A": {"x.{{domain}}": "192.0.2.1"}}));
    sandbox.world().set_template(broken.as_object().clone());
    let broken = live(&sandbox, &tree).await;
    assert!(matches!(broken.template, Some(Reading::Unknown(_))));
    assert!(broken.template_is_unservable && !readable.template_is_unservable);
}

/// Speed: accounts × (1 + declared assets) + a constant, whatever the number of accounts.
#[tokio::test]
async fn the_number_of_requests() {
    let mut constants = BTreeSet::new();
    for accounts in [3_usize, 40] {
        let sandbox = Sandbox::start(Options::seeded(Seed::generate(accounts)))
            .await
            .unwrap();
        let client = client(&sandbox).await;
        let all = client
            .descendants(client.root(), &crate::live::Filter::all())
            .await
            .unwrap();
        let before = sandbox.counts();
        let tree = desired(
            all.iter()
                .map(|one| {
                    let wanted = json!({"domain": format!("{}.example.com", one.name)});
                    account(
                        &one.name,
                        Identity::Id(one.id.clone()),
                        wanted,
                        &AssetKind::ALL,
                    )
                })
                .collect(),
        );
        let live = collect(&client, &tree, &CollectOptions::default())
            .await
            .unwrap();
        assert_eq!(live.accounts.len(), accounts);
        let sent = sandbox.counts().total - before.total;
        constants.insert(sent - accounts as u64 * 4);
        let connections = sandbox.counts().connections;
        // One that was answered may be free a moment after the next request has left on another.
        assert!(
            connections < 2 * u64::from(limits().concurrency),
            "{connections}"
        );
    }
    assert_eq!(constants, BTreeSet::from([2]));
}

/// The root, which no list of its descendants shows, is read once, whoever asks for it: the list of what is not in the
/// tree, and each domain that is about to be claimed.
#[tokio::test]
async fn the_root_is_read_once() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let claims = ["one.example.com", "two.example.com"];
    let accounts = ['b', 'd'].into_iter().zip(claims).map(|(name, domain)| {
        let wanted = json!({"domain": domain});
        account(&name.to_string(), by_id(name), wanted, &[])
    });
    let tree = desired(accounts.collect());
    let before = sandbox.counts().of("GET", "whitelabel");
    let live = collect(&client, &tree, &CollectOptions::default())
        .await
        .unwrap();
    assert_eq!(live.holders.len(), 2);
    let read = sandbox.counts().of("GET", "whitelabel") - before;
    assert_eq!(read, 4, "two accounts, the root, and one outside the tree");
}
