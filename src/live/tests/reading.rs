//! Reading documents, assets, the template, and what the public sees.

use serde_json::json;

use super::*;
use crate::live::ApiError;
use crate::model::{AssetKind, AssetType, Digest};

#[tokio::test]
async fn a_document() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let document = client.whitelabel(&gold()).await.unwrap().unwrap();
    assert!(document.revision.as_str().starts_with("1-"));
    let expected = json!({
        "company_name": "Gold", "domain": "gold.example.com", "brandColor": "#ffcc00",
    });
    assert_eq!(
        document.settings.get(&"brandColor".into()),
        expected.get("brandColor")
    );
    assert_eq!(document.settings.get(&"id".into()), None);
    assert_eq!(client.whitelabel(&id('c')).await, Ok(None));
}

/// Trap 27: no account, no whitelabel, no asset and an unknown domain are four answers.
#[tokio::test]
async fn trap_27_each_404_is_what_it_is() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let nobody = client.whitelabel(&id('9')).await;
    assert!(
        matches!(nobody, Err(ApiError::NoSuchAccount { .. })),
        "{nobody:?}"
    );
    let nobody = client.asset(&id('9'), AssetKind::Logo).await;
    assert!(
        matches!(nobody, Err(ApiError::NoSuchAccount { .. })),
        "{nobody:?}"
    );
    assert_eq!(client.whitelabel(&id('c')).await, Ok(None));
    assert_eq!(client.asset(&id('c'), AssetKind::Logo).await, Ok(None));
    assert_eq!(client.asset(&gold(), AssetKind::Icon).await, Ok(None));
    assert_eq!(client.public_whitelabel("no.example.com").await, Ok(None));
    let icon = client
        .public_asset("gold.example.com", AssetKind::Icon)
        .await;
    assert_eq!(icon, Ok(None));
}

/// Traps 13 and 14, B14: the answer's type is worth nothing; the bytes are exact.
#[tokio::test]
async fn trap_13_assets_are_known_by_their_bytes() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    sandbox
        .world()
        .put_attachment(gold().as_str(), "logo-x.png", "undefined", PNG);
    let logo = client
        .asset(&gold(), AssetKind::Logo)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(logo.bytes, PNG);
    assert_eq!(logo.facts.digest, Digest::of(PNG));
    assert_eq!(logo.facts.asset_type, Some(AssetType::Png));
    assert_eq!(logo.attachment.as_deref(), Some("logo-x.png"));
    let public = client
        .public_asset("gold.example.com", AssetKind::Logo)
        .await;
    assert_eq!(public.unwrap().unwrap().bytes, PNG);
}

/// Trap 16, observed 2: a welcome that answers for the logo is no logo; an old name without a prefix is.
#[tokio::test]
async fn trap_16_observed_02_a_welcome_is_no_logo() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let put = |name: &str, bytes: &[u8]| {
        sandbox
            .world()
            .put_attachment(gold().as_str(), name, "x/y", bytes);
    };
    put("welcome-x.html", HTML);
    assert_eq!(client.asset(&gold(), AssetKind::Logo).await, Ok(None));
    put("icon-x.ico", ICO);
    assert_eq!(client.asset(&gold(), AssetKind::Logo).await, Ok(None));
    let welcome = client.asset(&gold(), AssetKind::Welcome).await;
    assert_eq!(welcome.unwrap().unwrap().bytes, HTML);
    sandbox
        .world()
        .put_attachment(id('e').as_str(), "brand.png", "x/y", PNG);
    let old = client
        .asset(&id('e'), AssetKind::Logo)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(old.attachment.as_deref(), Some("brand.png"));
}

/// Trap 36, D5: the template is read raw, with one GET.
#[tokio::test]
async fn trap_36_the_template_is_read_raw() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let template = client.template().await.unwrap();
    let hosts = &template.0["CNAME"];
    assert!(hosts.contains_key("portal.{{domain}}"), "{hosts:?}");
    assert_eq!(sandbox.counts().mutating, 0);
}

/// Observed 7: a broken template makes every read of it fail; that is no empty template.
#[tokio::test]
async fn observed_07_a_broken_template_is_an_error() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let broken = settings(json!({"A": {"x.{{domain}}": "192.0.2.1"}}));
    sandbox.world().set_template(broken.as_object().clone());
    assert_eq!(client.template().await, Err(ApiError::InitFailed));
}

/// Observed 5: public lookups carry the token, so they are not limited.
#[tokio::test]
async fn observed_05_public_lookups_carry_the_token() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    for _ in 0..130 {
        let found = client.public_whitelabel("GOLD.example.com").await;
        assert!(matches!(found, Ok(Some(_))), "{found:?}");
    }
}

/// Observed 6, 11, 12, A1: the token is in its one header and nowhere else; nothing asks for a part
/// of an asset or makes it conditional; each request has a name.
#[tokio::test]
async fn observed_06_11_12_headers_of_an_asset_read() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = connection.read(&mut request).await.unwrap();
        connection
            .write_all(&plain(
                "200 OK",
                "content-disposition: attachment; filename=icon-x.ico\r\n",
                "x",
            ))
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&request[..length]).to_lowercase();
        sender.send(text).unwrap();
    });
    let client = given_token(&url).await;
    client.asset(&gold(), AssetKind::Icon).await.unwrap();
    let request = receiver.await.unwrap();
    let headers: Vec<&str> = request.lines().collect();
    assert!(
        headers[0].ends_with("/whitelabel/icon http/1.1"),
        "{request}"
    );
    assert!(headers.contains(&"x-auth-token: canary-token"), "{request}");
    assert!(headers.contains(&"accept: */*"), "{request}");
    assert!(request.contains("\r\nx-request-id: emblazon-"), "{request}");
    assert_eq!(request.matches("canary").count(), 1, "{request}");
    for unwanted in ["\r\nrange:", "\r\nif-", "\r\nauthorization:"] {
        assert!(!request.contains(unwanted), "{request}");
    }
}

/// Trap 38: a stale answer is the server's; the client passes on what it was told, revision included,
/// so that whoever verifies can read again.
#[tokio::test]
async fn trap_38_a_stale_read_shows_its_revision() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    sandbox.world().edit_settings(gold().as_str(), |settings| {
        settings.insert("company_name".to_owned(), json!("New"));
    });
    let path = "/v2/accounts/*/whitelabel";
    sandbox.set_faults(vec![fault("GET", path, FaultKind::StaleRead)]);
    let stale = client.whitelabel(&gold()).await.unwrap().unwrap();
    let fresh = client.whitelabel(&gold()).await.unwrap().unwrap();
    assert_ne!(stale.revision, fresh.revision);
    assert_eq!(
        fresh.settings.get(&"company_name".into()),
        Some(&json!("New"))
    );
}
