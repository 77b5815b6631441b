//! Steps on assets: upload and recreate.

use emblazon::apply::{Applied, StepResult};
use emblazon::model::{AssetKind, Digest};
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::stage::{Stage, Tree, html, ico, only, png};

/// Four accounts: with nothing, with a welcome only, with welcome and icon, with a logo only.
const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
  - name: acme
    id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    whitelabel: {domain: acme.example.com, brandColor: red}
  - name: beta
    id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    whitelabel: {domain: beta.example.com, brandColor: red}
    assets: {welcome: welcome.html}
  - name: city
    id: cccccccccccccccccccccccccccccccc
    whitelabel: {domain: city.example.com, brandColor: red}
    assets: {welcome: welcome.html, icon: icon.ico}
  - name: delta
    id: dddddddddddddddddddddddddddddddd
    whitelabel: {domain: delta.example.com, brandColor: red}
    assets: {logo: logo.png}
";

const LOGO: AssetKind = AssetKind::Logo;
const ICON: AssetKind = AssetKind::Icon;
const WELCOME: AssetKind = AssetKind::Welcome;

async fn stage() -> Stage {
    let files = [
        ("welcome.html", html("seeded")),
        ("icon.ico", ico("seeded")),
        ("logo.png", png("seeded")),
    ];
    Stage::start(SEED, &files).await
}

fn logo_for(name: &str) -> Tree {
    Tree::new()
        .account(name, json!({}))
        .asset(name, LOGO, Some(png("new")))
}

fn assets(stage: &Stage, name: &str) -> Vec<(AssetKind, Vec<u8>)> {
    stage.shown(name).unwrap().assets.into_iter().collect()
}

#[track_caller]
fn done(applied: &Applied) -> String {
    for outcome in &applied.outcomes {
        assert!(
            matches!(outcome.result, StepResult::Done { .. }),
            "{outcome:?}"
        );
    }
    let notes = applied.outcomes.iter().flat_map(|outcome| &outcome.notes);
    notes.map(String::as_str).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn trap_14_assets_and_settings_in_one_run() {
    let stage = stage().await;
    let tree = Tree::new()
        .account("acme", json!({"company_name": "Acme"}))
        .asset("acme", LOGO, Some(png("1")))
        .asset("acme", ICON, Some(ico("2")))
        .asset("acme", WELCOME, Some(html("3")));
    let applied = stage.converge(&tree).await;
    assert_eq!(applied.outcomes.len(), 4);
    assert_eq!(done(&applied), "");
    assert_eq!(
        assets(&stage, "acme"),
        [(LOGO, png("1")), (ICON, ico("2")), (WELCOME, html("3"))]
    );
    assert_eq!(stage.shown("acme").unwrap().settings["brandColor"], "red");
}

/// The digest in an attachment's name tells our uploads from those by hand.
#[tokio::test]
async fn observed_04_uploads_are_named_by_their_digest() {
    let stage = stage().await;
    stage.converge(&logo_for("acme")).await;
    let world = stage.sandbox.world();
    let document = world.account_named("acme").unwrap().whitelabel.as_ref();
    let (name, _) = document.unwrap().asset(LOGO).unwrap();
    assert_eq!(name, format!("logo-{}.png", Digest::of(&png("new"))));
}

/// The server takes a lone welcome for the logo, and deletes it when a logo comes.
#[tokio::test]
async fn trap_16_a_welcome_that_is_alone_survives_the_logo() {
    let stage = stage().await;
    let applied = stage.converge(&logo_for("beta")).await;
    insta::assert_snapshot!(done(&applied), @"the upload of the logo deleted the welcome, which was put back");
    assert_eq!(
        assets(&stage, "beta"),
        [(LOGO, png("new")), (WELCOME, html("seeded"))]
    );
}

/// With an icon beside it the welcome is eaten all the same.
#[tokio::test]
async fn observed_02_a_welcome_beside_an_icon_survives_the_logo() {
    let stage = stage().await;
    let applied = stage.converge(&logo_for("city")).await;
    insta::assert_snapshot!(done(&applied), @"the upload of the logo deleted the welcome, which was put back");
    assert_eq!(
        assets(&stage, "city"),
        [
            (LOGO, png("new")),
            (ICON, ico("seeded")),
            (WELCOME, html("seeded"))
        ]
    );
}

/// A stale read right after the upload hides that the welcome is gone.
#[tokio::test]
async fn observed_02_a_stale_read_does_not_hide_the_loss() {
    let stage = stage().await;
    let tree = logo_for("city");
    let plan = stage.plan(&tree).await;
    let welcome = "/v2/accounts/*/whitelabel/welcome";
    stage.faults(vec![
        Fault::new("GET", welcome, FaultKind::StaleRead).nth(2),
    ]);
    done(&stage.apply(&tree, &plan).await);
    assert_eq!(assets(&stage, "city").len(), 3);
}

/// A failed upload of the first or only asset deletes the whole document; with another asset there
/// only the old one of its kind is lost.
#[tokio::test]
async fn trap_17_observed_03_a_document_that_an_upload_destroyed_is_put_back() {
    for (name, expected) in [
        ("acme", vec![(LOGO, png("new"))]),
        ("beta", vec![(LOGO, png("new")), (WELCOME, html("seeded"))]),
        (
            "city",
            vec![
                (LOGO, png("new")),
                (ICON, ico("seeded")),
                (WELCOME, html("seeded")),
            ],
        ),
        ("delta", vec![(LOGO, png("new"))]),
    ] {
        let stage = stage().await;
        let tree = logo_for(name);
        let plan = stage.plan(&tree).await;
        let destroy = Fault::new("POST", "*/logo", FaultKind::DestroyDocument);
        stage.faults(vec![destroy]);
        let applied = stage.apply(&tree, &plan).await;
        let notes = done(&applied);
        insta::allow_duplicates! {
            if name == "city" {
                insta::assert_snapshot!(notes, @"an upload of the logo failed on the way (the server is not available (500: datastore_fault))");
            } else {
                assert!(notes.contains("deleted the whole whitelabel"), "{name}: {notes}");
            }
        }
        assert_eq!(assets(&stage, name), expected, "{name}");
        let shown = stage.shown(name).unwrap();
        assert_eq!(shown.settings["brandColor"], "red");
        assert_eq!(shown.reserved, Some(format!("{name}.example.com")));
        assert_eq!(stage.plan(&tree).await.steps, []);
    }
}

/// When no upload of a logo ever succeeds, everything else is as before, and the old logo too where
/// it can be put back.
#[tokio::test]
async fn observed_03_an_upload_that_always_destroys_ends_with_what_was_there() {
    for (name, times) in [("acme", 99), ("beta", 99), ("city", 99), ("delta", 3)] {
        let stage = stage().await;
        let before = stage.shown(name).unwrap();
        let tree = logo_for(name);
        let plan = stage.plan(&tree).await;
        let destroy = Fault::new("POST", "*/logo", FaultKind::DestroyDocument).times(times);
        stage.faults(vec![destroy]);
        let applied = stage.apply(&tree, &plan).await;
        let StepResult::Failed { reason } = &only(&applied).result else {
            panic!("{applied:?}");
        };
        assert!(reason.contains("what was there before"), "{reason}");
        let after = stage.shown(name).unwrap();
        assert_eq!(after.assets, before.assets, "{name}");
        assert_eq!(after.settings["brandColor"], "red");
        assert_eq!(after.reserved, before.reserved);
    }
}

#[tokio::test]
async fn a_lost_logo_that_cannot_be_put_back_is_named_with_its_snapshot() {
    let stage = stage().await;
    let tree = logo_for("delta");
    let plan = stage.plan(&tree).await;
    let destroy = Fault::new("POST", "*/logo", FaultKind::DestroyDocument).times(99);
    stage.faults(vec![destroy]);
    let applied = stage.apply(&tree, &plan).await;
    let StepResult::Failed { reason } = &only(&applied).result else {
        panic!("{applied:?}");
    };
    assert!(reason.contains("the snapshot of run "), "{reason}");
    assert!(
        stage.shown("delta").is_some(),
        "at least the settings are back"
    );
}

/// A refused upload may have stored its file all the same.
#[tokio::test]
async fn trap_17_an_upload_is_judged_by_what_is_there() {
    let stage = stage().await;
    let tree = logo_for("delta");
    for fault in [
        FaultKind::Status(409),
        FaultKind::Status(500),
        FaultKind::Status(503),
        FaultKind::Status(412),
        FaultKind::LostAnswer,
        FaultKind::CutBody,
        FaultKind::DropConnection,
    ] {
        let stage = Stage::start(
            SEED,
            &[
                ("welcome.html", html("seeded")),
                ("icon.ico", ico("seeded")),
                ("logo.png", png("seeded")),
            ],
        )
        .await;
        let plan = stage.plan(&tree).await;
        stage.faults(vec![Fault::new("POST", "*/logo", fault)]);
        done(&stage.apply(&tree, &plan).await);
        assert_eq!(assets(&stage, "delta"), [(LOGO, png("new"))], "{fault:?}");
    }
    drop(stage);
}

/// An asset can only be removed by deleting everything; the rest comes back.
#[tokio::test]
async fn trap_18_a_recreation_keeps_everything_else() {
    let stage = stage().await;
    let tree = Tree::new()
        .account("city", json!({}))
        .asset("city", ICON, None);
    stage.converge(&tree).await;
    let shown = stage.shown("city").unwrap();
    assert_eq!(shown.settings["brandColor"], "red");
    assert_eq!(shown.reserved.as_deref(), Some("city.example.com"));
    assert_eq!(assets(&stage, "city"), [(WELCOME, html("seeded"))]);
}

/// A recreation that cannot be finished goes back to everything, the removed asset included.
#[tokio::test]
async fn trap_18_a_recreation_that_fails_goes_back() {
    let stage = stage().await;
    let before = stage.shown("city").unwrap();
    let tree = Tree::new()
        .account("city", json!({}))
        .asset("city", ICON, None);
    let plan = stage.plan(&tree).await;
    stage.faults(vec![
        Fault::new("POST", "*/welcome", FaultKind::DestroyDocument).times(3),
    ]);
    let applied = stage.apply(&tree, &plan).await;
    let StepResult::Failed { reason } = &only(&applied).result else {
        panic!("{applied:?}");
    };
    assert!(
        reason.contains("what was there before was put back"),
        "{reason}"
    );
    let after = stage.shown("city").unwrap();
    assert_eq!(
        (after.assets, after.reserved),
        (before.assets, before.reserved)
    );
    assert_eq!(after.settings["brandColor"], "red");
}

#[tokio::test]
async fn a_file_that_changed_since_the_plan_is_not_sent() {
    let stage = stage().await;
    let tree = logo_for("acme");
    let plan = stage.plan(&tree).await;
    let mut changed = tree.clone();
    for bytes in changed.files.values_mut() {
        bytes.push(0);
    }
    let mutating = stage.sandbox.counts().mutating;
    let applied = stage.apply(&changed, &plan).await;
    insta::assert_snapshot!(format!("{:?}", only(&applied).result), @r#"Failed { reason: "accounts/acme/logo is not the file that was planned (fc31ed886683 instead of ccd7236996f5); plan again" }"#);
    assert_eq!(stage.sandbox.counts().mutating, mutating);
}

/// An upload that was refused was not carried out, even if nothing can be read after it.
#[tokio::test]
async fn what_was_not_accepted_was_not_uploaded() {
    let stage = stage().await;
    let tree = logo_for("acme");
    let plan = stage.plan(&tree).await;
    let before = stage.shown("acme");
    stage.faults(vec![
        Fault::new("POST", "*/whitelabel/logo", FaultKind::Status(401)),
        Fault::new("PUT", "*_auth", FaultKind::Status(401)).times(9),
    ]);
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @"failed: the server does not accept the login; nothing was changed; check the API key, the password or the token; a given token lasts about an hour");
    assert_eq!(stage.shown("acme"), before);
}

/// What was accepted, or may have been, is told as such when nothing can be read after it.
#[tokio::test]
async fn what_cannot_be_read_after_an_upload_is_unknown() {
    for upload in [None, Some(FaultKind::Status(500))] {
        let stage = stage().await;
        let tree = logo_for("acme");
        let plan = stage.plan(&tree).await;
        let posts = upload.map(|kind| Fault::new("POST", "*/whitelabel/logo", kind));
        let reads = Fault::new("GET", "*/accounts/*/whitelabel", FaultKind::Status(403));
        // The first read is that of the precondition.
        let reads = reads.nth(2).times(99);
        stage.faults(posts.into_iter().chain([reads]).collect());
        let applied = stage.apply(&tree, &plan).await;
        let reason = reason(&applied);
        let (reason, snapshot) = reason.split_once("; the snapshot of run ").unwrap();
        assert!(
            snapshot.ends_with(" holds what was there before"),
            "{snapshot}"
        );
        match upload {
            None => {
                insta::assert_snapshot!(reason, @"unknown: the server accepted the logo; what is there now could not be read: the login may not do this; log in with an account above it; the domain template needs the master account; plan again");
            }
            Some(_) => {
                insta::assert_snapshot!(reason, @"unknown: the server aborted the request (init failed); what is there now could not be read: the login may not do this; log in with an account above it; the domain template needs the master account; plan again");
            }
        }
    }
}

fn reason(applied: &Applied) -> String {
    match &only(applied).result {
        StepResult::Failed { reason } => format!("failed: {reason}"),
        StepResult::Unknown { reason } => format!("unknown: {reason}"),
        other => panic!("{other:?}"),
    }
}
