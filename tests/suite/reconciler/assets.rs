//! Assets: three files in one document, and a server that takes one for another.

use emblazon::model::{AssetKind, Digest};
use serde_json::json;

use super::tree::{icon, logo, welcome};
use super::{Account, Bench, scenario};

const LOGO: AssetKind = AssetKind::Logo;
const ICON: AssetKind = AssetKind::Icon;
const WELCOME: AssetKind = AssetKind::Welcome;

const RED: [u8; 3] = [200, 0, 0];
const BLUE: [u8; 3] = [0, 0, 200];

async fn check(bench: &Bench, account: &Account, expected: [Option<Vec<u8>>; 3]) {
    for (kind, expected) in [LOGO, ICON, WELCOME].into_iter().zip(expected) {
        let found = bench.hands.asset_bytes(account, kind).await;
        assert!(found == expected, "{kind} is not as expected");
    }
}

#[tokio::test]
async fn trap_14_settings_and_three_assets_in_one_run() {
    scenario(async |bench: &Bench| {
        let acme = bench.account("acme").await;
        let text = "whitelabel: {company_name: Acme}\nassets: {logo: logo.png, icon: icon.ico, welcome: welcome.html}";
        let tree = bench
            .tree()
            .account(&acme, text)
            .beside(&acme, "logo.png", &logo(RED))
            .beside(&acme, "icon.ico", &icon(RED))
            .beside(&acme, "welcome.html", &welcome("Acme"))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        acme create company_name (differs) whitelabel (differs); done
        acme upload icon (differs); done
        acme upload logo (differs); done
        acme upload welcome (differs); done
        ");
        check(bench, &acme, [Some(logo(RED)), Some(icon(RED)), Some(welcome("Acme"))]).await;
        // One of them changes.
        let tree = bench
            .tree()
            .account(&acme, text)
            .beside(&acme, "logo.png", &logo(BLUE))
            .beside(&acme, "icon.ico", &icon(RED))
            .beside(&acme, "welcome.html", &welcome("Acme"))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @"acme upload logo (differs); done");
        check(bench, &acme, [Some(logo(BLUE)), Some(icon(RED)), Some(welcome("Acme"))]).await;
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "Acme");
    })
    .await;
}

/// The server takes the welcome for the logo, and deletes it when a logo comes.
#[tokio::test]
async fn observed_02_a_logo_spares_the_welcome() {
    scenario(async |bench: &Bench| {
        for with_icon in [false, true] {
            let name = if with_icon { "icon" } else { "alone" };
            let acme = bench.branded(name, json!({"company_name": "Acme"})).await;
            if with_icon {
                bench.hands.upload(&acme, ICON, &icon(RED)).await;
            }
            bench.hands.upload(&acme, WELCOME, &welcome("By hand")).await;
            let tree = bench
                .tree()
                .account(&acme, "assets: {logo: logo.png}")
                .beside(&acme, "logo.png", &logo(RED))
                .load();
            let told = bench.converge(&tree).await;
            let expected = format!(
                "{name} upload logo (differs); done\n  the upload of the logo deleted the welcome, which was put back"
            );
            assert_eq!(told, expected);
            let icon = with_icon.then(|| icon(RED));
            check(bench, &acme, [Some(logo(RED)), icon, Some(welcome("By hand"))]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn trap_01_assets_that_are_not_declared_survive() {
    scenario(async |bench: &Bench| {
        let acme = bench.branded("acme", json!({"company_name": "Old"})).await;
        bench.hands.upload(&acme, LOGO, &logo(RED)).await;
        bench.hands.upload(&acme, ICON, &icon(RED)).await;
        bench
            .hands
            .upload(&acme, WELCOME, &welcome("By hand"))
            .await;
        let tree = bench
            .tree()
            .account(
                &acme,
                "whitelabel: {company_name: New}\nassets: {icon: icon.ico}",
            )
            .beside(&acme, "icon.ico", &icon(BLUE))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        acme update company_name (differs); done
        acme upload icon (differs); done
        ");
        check(
            bench,
            &acme,
            [Some(logo(RED)), Some(icon(BLUE)), Some(welcome("By hand"))],
        )
        .await;
    })
    .await;
}

/// The name tells an upload of ours from one by hand; only the bytes decide whether it differs.
#[tokio::test]
async fn observed_04_uploads_are_named_by_their_digest() {
    scenario(async |bench: &Bench| {
        let acme = bench.branded("acme", json!({"company_name": "Acme"})).await;
        bench.hands.upload(&acme, LOGO, &logo(RED)).await;
        let tree = |colour| {
            bench
                .tree()
                .account(&acme, "assets: {logo: logo.png}")
                .beside(&acme, "logo.png", &logo(colour))
                .load()
        };
        assert_eq!(bench.settled(&tree(RED)).await.plan.steps, []);
        let (name, _) = bench.hands.asset(&acme, LOGO).await.unwrap();
        assert_eq!(name, "logo-byhand.png");
        assert_snapshot!(bench.converge(&tree(BLUE)).await, @"acme upload logo (differs); done");
        let (name, bytes) = bench.hands.asset(&acme, LOGO).await.unwrap();
        assert_eq!(name, format!("logo-{}.png", Digest::of(&logo(BLUE))));
        assert!(bytes == logo(BLUE));
    })
    .await;
}

/// An asset can only be removed by deleting everything; the rest comes back.
#[tokio::test]
async fn trap_18_an_asset_is_removed_by_creating_the_rest_again() {
    scenario(async |bench: &Bench| {
        let domain = bench.domain("acme");
        let settings = json!({"company_name": "Acme", "domain": domain, "brandColor": "teal"});
        let acme = bench.branded("acme", settings).await;
        bench.hands.upload(&acme, LOGO, &logo(RED)).await;
        bench.hands.upload(&acme, ICON, &icon(RED)).await;
        bench.hands.upload(&acme, WELCOME, &welcome("By hand")).await;
        let text = "whitelabel: {company_name: Acme}\nassets: {icon: null}";
        let tree = bench.tree().account(&acme, text).load();
        let plan = bench.plan(&tree).await.plan;
        assert_eq!(plan.steps, []);
        assert_snapshot!(bench.refusals(&plan), @"Recreate: the icon of acme can only be removed by deleting the whitelabel and creating it again");
        let text = format!("recreate: allowed\n{text}");
        let tree = bench.tree().account(&acme, &text).load();
        assert_snapshot!(bench.converge(&tree).await, @"acme recreate icon (removal); done");
        check(bench, &acme, [Some(logo(RED)), None, Some(welcome("By hand"))]).await;
        let live = bench.hands.public(&domain).await.unwrap();
        assert_eq!(live["brandColor"], "teal");
    })
    .await;
}
