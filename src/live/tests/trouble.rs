//! Servers and networks that misbehave, and what is never shown.

use std::error::Error as _;

use serde_json::json;

use super::*;
use crate::live::{ApiError, WriteClient, WriteError};
use crate::model::{AssetKind, Revision};

const DOCUMENT: &str = "/v2/accounts/*/whitelabel";

/// A read gets over every passing trouble, and sends as often as the table of retries says.
#[tokio::test]
async fn reads_get_over_passing_trouble() {
    #[track_caller]
    fn sent(sandbox: &Sandbox, expected: u64, kind: FaultKind) {
        assert_eq!(
            sandbox.counts().of("GET", "whitelabel"),
            expected,
            "{kind:?}"
        );
    }
    for (kind, times, requests) in [
        (FaultKind::Status(503), 2, 3),
        (FaultKind::Status(429), 2, 3),
        (FaultKind::Hang, 1, 2),
        (FaultKind::CutBody, 2, 3),
        (FaultKind::LostAnswer, 1, 2),
        (FaultKind::DropConnection, 1, 2),
        (FaultKind::Status(500), 1, 2),
        (FaultKind::DelayMs(1), 1, 1),
    ] {
        let sandbox = sandbox().await;
        let client = client(&sandbox).await;
        sandbox.set_faults(vec![fault("GET", DOCUMENT, kind).times(times)]);
        let read = client.whitelabel(&gold()).await;
        assert!(matches!(read, Ok(Some(_))), "{kind:?}: {read:?}");
        sent(&sandbox, requests, kind);
    }
}

/// Trouble that stays is an error, never "no whitelabel" (invariant 6).
#[tokio::test]
async fn lasting_trouble_is_an_error() {
    for kind in [FaultKind::Status(503), FaultKind::Hang, FaultKind::CutBody] {
        let sandbox = sandbox().await;
        let client = client(&sandbox).await;
        sandbox.set_faults(vec![
            fault("GET", DOCUMENT, kind).times(9),
            fault("GET", "/v2/accounts/*/whitelabel/logo", kind).times(9),
        ]);
        let read = client.whitelabel(&gold()).await;
        assert!(read.is_err(), "{kind:?}: {read:?}");
        let read = client.asset(&gold(), AssetKind::Logo).await;
        assert!(read.is_err(), "{kind:?}: {read:?}");
    }
}

/// A write whose answer is lost is sent once, and its outcome is unknown; one that was certainly not
/// processed is sent again.
#[tokio::test]
async fn writes_are_repeated_only_when_that_is_safe() {
    for (kind, requests, landed) in [
        (FaultKind::LostAnswer, 1, None),
        (FaultKind::CutBody, 1, None),
        (FaultKind::Hang, 1, None),
        (FaultKind::Status(500), 1, None),
        (FaultKind::Status(429), 2, Some(true)),
        (FaultKind::Status(503), 2, Some(true)),
        (FaultKind::Status(412), 1, Some(false)),
    ] {
        let sandbox = sandbox().await;
        let writer = WriteClient::new(client(&sandbox).await);
        let read = writer.read().whitelabel(&gold()).await.unwrap().unwrap();
        sandbox.set_faults(vec![fault("POST", DOCUMENT, kind)]);
        let update = writer
            .update(&gold(), &read.settings, &read.revision, &request())
            .await;
        match landed {
            None => assert!(
                matches!(update, Err(WriteError::Lost(_))),
                "{kind:?}: {update:?}"
            ),
            Some(true) => assert!(update.is_ok(), "{kind:?}: {update:?}"),
            Some(false) => {
                assert!(
                    matches!(update, Err(WriteError::Refused(_))),
                    "{kind:?}: {update:?}"
                );
            }
        }
        assert_eq!(sandbox.counts().mutating, requests, "{kind:?}");
    }
}

/// Trap 28: what an attempt before a new login may have done stays in doubt, whatever comes of the login.
#[tokio::test]
async fn trap_28_a_new_login_takes_no_doubt_away() {
    for later in [
        fault("PUT", "/v2/api_auth", FaultKind::Status(403)),
        fault("POST", DOCUMENT, FaultKind::Status(412)).nth(3),
    ] {
        let sandbox = sandbox().await;
        let writer = WriteClient::new(client(&sandbox).await);
        let read = writer.read().whitelabel(&gold()).await.unwrap().unwrap();
        sandbox.set_faults(vec![
            fault("POST", DOCUMENT, FaultKind::Status(503)),
            fault("POST", DOCUMENT, FaultKind::Status(401)).nth(2),
            later,
        ]);
        let update = writer
            .update(&gold(), &read.settings, &read.revision, &request())
            .await;
        assert!(matches!(update, Err(WriteError::Lost(_))), "{update:?}");
    }
}

/// Nobody listens: nothing was sent.
#[tokio::test]
async fn no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = given_token(&url).await;
    let read = client.whitelabel(&gold()).await;
    assert!(matches!(read, Err(ApiError::Connect { .. })), "{read:?}");
    let writer = WriteClient::new(client);
    let delete = writer
        .delete(&gold(), &Revision::new("1-x"), &request())
        .await;
    assert!(matches!(delete, Err(WriteError::NotSent(_))), "{delete:?}");
}

/// What is no Kazoo is told as such: no redirect is followed, no endless answer is read.
#[tokio::test]
async fn strangers() {
    #[track_caller]
    fn check(answer: &Result<Option<crate::live::Document>, ApiError>, expected: &ApiError) {
        assert_eq!(answer.as_ref().unwrap_err(), expected);
    }
    let ask = async |answer: Vec<u8>| {
        let mut config = ClientConfig::new(
            stranger(answer).await,
            Credential::Token(Secret::new("canary-token")),
        );
        config.root = Some(crate::model::Identity::Id(master()));
        config.limits = limits();
        config.limits.document_bytes = 1000;
        let client = ReadClient::connect(config).await.unwrap();
        client.whitelabel(&gold()).await
    };
    let unusable = |reason: &str| ApiError::Unusable {
        reason: reason.to_owned(),
    };
    let html = plain("200 OK", "content-type: text/html\r\n", "<h1>Welcome</h1>");
    check(&ask(html).await, &unusable("it is not a JSON object"));
    let no_data = plain("200 OK", "", r#"{"status":"success"}"#);
    check(&ask(no_data).await, &unusable("it has no `data`"));
    let no_revision = plain("200 OK", "", r#"{"data":{}}"#);
    check(&ask(no_revision).await, &unusable("it has no revision"));
    let redirect = plain("302 Found", "location: http://127.0.0.1:1/\r\n", "");
    let unexpected = ApiError::Unexpected {
        status: 302,
        message: String::new(),
    };
    check(&ask(redirect).await, &unexpected);
    let too_large = ApiError::AnswerTooLarge { limit: 1000 };
    let announced = plain("200 OK", "", &"x".repeat(1001));
    check(&ask(announced).await, &too_large);
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let streamed = format!("{head}{}", "x".repeat(5000)).into_bytes();
    check(&ask(streamed).await, &too_large);
}

/// Invariant 9, trap 41, observed 16: a canary as key, token and password is in no error, no `Debug`.
#[tokio::test]
async fn observed_16_no_secret_is_shown() {
    let echo = |status: &str| {
        let body = json!({
            "data": {"message": "bad canary-token", "cause": "canary-token",
                "key canary-token": {"rule canary-token": {"message": "canary-token"}}},
            "message": "canary-token", "auth_token": "canary-token",
        });
        plain(status, "", &body.to_string())
    };
    for status in [
        "400 x", "401 x", "402 x", "404 x", "409 x", "418 x", "500 x", "503 x", "200 x",
    ] {
        let client = given_token(&stranger(echo(status)).await).await;
        let error = client.whitelabel(&gold()).await.unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?} {}",
            error.source(),
            error.explained()
        );
        assert!(!shown.contains("canary"), "{status}: {shown}");
        assert!(!format!("{client:?}").contains("canary"));
    }
    let config = ClientConfig::new(
        "http://127.0.0.1:1",
        Credential::ApiKey(Secret::new("canary")),
    );
    assert!(!format!("{config:?}").contains("canary"));
}

/// A token that cannot be put into a header is told without being shown.
#[tokio::test]
async fn a_token_with_a_line_break() {
    let mut config = ClientConfig::new(
        "http://127.0.0.1:1",
        Credential::Token(Secret::new("canary\nx")),
    );
    config.root = Some(crate::model::Identity::Id(master()));
    let client = ReadClient::connect(config).await.unwrap();
    let error = client.whitelabel(&gold()).await.unwrap_err();
    insta::assert_snapshot!(error, @"the token holds characters that no token has");
}

/// TLS: the certificate file is checked when the client is made, and a server without TLS is told as such.
#[tokio::test]
async fn https() {
    let url = stranger(plain("200 OK", "", ""))
        .await
        .replace("http:", "https:");
    let mut config = ClientConfig::new(url, Credential::Token(Secret::new("canary")));
    config.root = Some(crate::model::Identity::Id(master()));
    config.limits = limits();
    config.ca_pem = Some(b"no certificate".to_vec());
    let wrong = ReadClient::connect(config.clone()).await.unwrap_err();
    // What is installed on this machine decides which: no certificates at all, or no TLS there.
    config.ca_pem = None;
    let read = match ReadClient::connect(config).await {
        Ok(client) => client.whitelabel(&gold()).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let told = matches!(read, Err(ApiError::Tls { .. } | ApiError::Configuration(_)));
    assert!(told, "{read:?}");
    insta::assert_snapshot!(wrong.explained(), @"`ca_file` holds no PEM certificate; correct the cluster's entry in emblazon.yaml");
}

/// C5: a proxy says how long to wait in seconds or as a date; what asks for more than the patience of a call ends it, and is
/// told.
#[tokio::test]
async fn a_date_to_retry_after_is_honoured() {
    const NOW: &str = "date: Wed, 21 Oct 2026 07:28:00 GMT\r\n";
    for (asked, told) in [
        ("Wed, 21 Oct 2026 08:28:00 GMT", "asks to wait 3600 s"),
        ("3600", "asks to wait 3600 s"),
        ("18446744073709551615", "asks to wait 86400 s"),
        // Past: the client tries as often as it does, without a wait of its own.
        ("Wed, 21 Oct 2026 07:00:00 GMT", "asks to wait 0 s"),
    ] {
        let headers = format!("{NOW}retry-after: {asked}\r\n");
        let url = stranger(plain("429 Too Many Requests", &headers, "")).await;
        let error = given_token(&url).await.whitelabel(&gold()).await;
        let shown = error.unwrap_err().to_string();
        assert!(shown.contains(told), "{asked}: {shown}");
    }
}
