//! What Blackhole tells, over a real websocket.

use serde_json::json;
use url::Url;

use super::*;
use crate::live::{BlackholeConnection, BlackholeError, BlackholeEvent};
use crate::model::Revision;

async fn connected(sandbox: &Sandbox) -> BlackholeConnection {
    let client = client(sandbox).await;
    connect(&client, &sandbox.blackhole_url()).await.unwrap()
}

async fn connect(client: &ReadClient, url: &str) -> Result<BlackholeConnection, BlackholeError> {
    BlackholeConnection::connect(client, &Url::parse(url).unwrap()).await
}

/// Subscribes to one account.
async fn subscribed(sandbox: &Sandbox) -> BlackholeConnection {
    let mut connection = connected(sandbox).await;
    connection.want([gold()].into());
    let told = connection.next().await.unwrap();
    assert_eq!(told, BlackholeEvent::Subscribed(gold()));
    connection
}

fn rename(sandbox: &Sandbox, company: &str) -> Revision {
    let mut world = sandbox.world();
    world.edit_settings(gold().as_str(), |settings| {
        settings.insert("company_name".to_owned(), json!(company));
    });
    Revision::new(
        world
            .document(gold().as_str())
            .unwrap()
            .revision
            .to_string(),
    )
}

#[tokio::test]
async fn each_change_comes_with_its_revision() {
    let sandbox = sandbox().await;
    let mut connection = subscribed(&sandbox).await;
    for company in ["One", "Two"] {
        let changed = BlackholeEvent::Changed {
            account: gold(),
            revision: Some(rename(&sandbox, company)),
        };
        assert_eq!(connection.next().await.unwrap(), changed);
    }
    assert_eq!(sandbox.counts().mutating, 0);
}

/// Accounts come and go with the tree; one that is not there is refused, and the others are told of.
#[tokio::test]
async fn subscriptions_follow_what_is_wanted() {
    let sandbox = sandbox().await;
    let mut connection = subscribed(&sandbox).await;
    connection.want([id('d'), id('f')].into());
    let mut told = Vec::new();
    while told.len() < 2 {
        told.push(connection.next().await.unwrap());
    }
    let refused = "unauthorized account id".to_owned();
    assert_eq!(
        told,
        [
            BlackholeEvent::Subscribed(id('d')),
            BlackholeEvent::Refused(id('f'), refused)
        ]
    );
    // The subscription to the first account has ended.
    rename(&sandbox, "unheard");
    sandbox
        .world()
        .put_attachment(id('d').as_str(), "logo.png", "image/png", PNG);
    let told = connection.next().await.unwrap();
    assert!(matches!(told, BlackholeEvent::Changed { account, .. } if account == id('d')));
}

#[tokio::test]
async fn a_refused_token_is_renewed_for_the_next_connection() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    // The sandbox's clock is ahead: only the server knows that the token has ended.
    sandbox.advance(Duration::from_hours(2));
    let mut connection = connect(&client, &sandbox.blackhole_url()).await.unwrap();
    connection.want([gold()].into());
    let error = connection.next().await.unwrap_err();
    assert!(matches!(error, BlackholeError::Unauthorised), "{error}");
    connection.renew_token().await.unwrap();
    let mut next = connect(&client, &sandbox.blackhole_url()).await.unwrap();
    next.want([gold()].into());
    let told = next.next().await.unwrap();
    assert_eq!(told, BlackholeEvent::Subscribed(gold()));
}

/// A token that says that it ends soon is not sent along any more.
#[tokio::test]
async fn the_client_logs_in_anew_before_its_token_ends() {
    let seed = SEED.replace("accounts:", "server: {token_lifetime: 30}\naccounts:");
    let seed = Seed::parse(&seed, Path::new(".")).unwrap();
    let sandbox = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let logins = || sandbox.counts().of("PUT", "auth");
    let client = client(&sandbox).await;
    assert_eq!(logins(), 1);
    connect(&client, &sandbox.blackhole_url()).await.unwrap();
    assert_eq!(logins(), 2);
}

#[tokio::test]
async fn the_end_of_a_connection_is_told() {
    let path = format!("/v2/accounts/{}/whitelabel", gold());
    for (method, kind) in [
        ("SUBSCRIBE", FaultKind::DropConnection),
        ("BLACKHOLE", FaultKind::DropConnection),
    ] {
        let sandbox = sandbox().await;
        let mut connection = connected(&sandbox).await;
        sandbox.set_faults(vec![fault(method, &path, kind)]);
        connection.want([gold()].into());
        let mut told = connection.next().await;
        if told.is_ok() {
            rename(&sandbox, "One");
            told = connection.next().await;
        }
        let error = told.unwrap_err();
        assert!(
            matches!(error, BlackholeError::Ended | BlackholeError::Broken(_)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_blackhole_says_what_to_do() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let page = plain("200 OK", "", "<h1>no</h1>");
    let forged = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: eA==\r\n\r\n".to_vec();
    for (answer, expected) in [(page, "status 200"), (forged, "status 101")] {
        let url = stranger(answer).await.replace("http", "ws");
        let error = connect(&client, &url).await.unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains("port 5555"),
            "{error}"
        );
    }
    let error = connect(&client, "ws://127.0.0.1:1/")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("127.0.0.1:1"), "{error}");
    let error = connect(&client, "ws://kazoo.example.com:5555/")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("allow_plain_http: true"),
        "{error}"
    );
}

/// The proxy that gives Blackhole its TLS may have a certificate of the platform's own authority.
#[tokio::test]
async fn it_is_reached_over_tls_with_an_authority_of_ones_own() {
    const UI: &str =
        "ui: {at: 192.0.2.80, api: 'https://localhost:8443/v2/', api_at: 192.0.2.81}\n";
    let seed = Seed::parse(&format!("{SEED}{UI}"), Path::new(".")).unwrap();
    let sandbox = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let secure = sandbox.detours()[&"192.0.2.81:8443".parse().unwrap()];
    let url = format!("wss://localhost:{}/", secure.port());
    let stranger = client(&sandbox).await;
    let error = connect(&stranger, &url).await.unwrap_err().to_string();
    assert!(error.contains("ca_file"), "{error}");
    let mut config = config(&sandbox);
    config.ca_pem = sandbox.authority().map(String::into_bytes);
    let trusting = ReadClient::connect(config).await.unwrap();
    let mut connection = connect(&trusting, &url).await.unwrap();
    connection.want([gold()].into());
    let told = connection.next().await.unwrap();
    assert_eq!(told, BlackholeEvent::Subscribed(gold()));
    let changed = BlackholeEvent::Changed {
        account: gold(),
        revision: Some(rename(&sandbox, "One")),
    };
    assert_eq!(connection.next().await.unwrap(), changed);
}
