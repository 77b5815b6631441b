//! State that outlives the process, recordings, and counts over HTTP.

use emblazon::sandbox::{Counts, Options};
use serde_json::{Value, json};

use super::Caller;
use super::caller::{acme, seed};
use crate::conformance::recording;

#[tokio::test]
async fn a_folder_keeps_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state: Some(folder.path().join("state")),
        ..Options::seeded(seed())
    };
    let caller = Caller::with(options()).await;
    caller
        .put(&acme(""), &json!({"domain": "acme.example.com"}))
        .await;
    let uploaded = caller.upload(&acme("/logo"), "image/png", b"\x89\0").await;
    let token = caller.token.clone();
    caller.sandbox.stop().await;
    let caller = Caller::with(options()).await;
    assert_eq!(caller.get(&acme("/logo")).await.body, b"\x89\0");
    assert_eq!(
        caller.get("/v2/whitelabel/acme.example.com").await.status,
        200
    );
    let again = Caller { token, ..caller };
    let read = again.get(&acme("")).await;
    assert_eq!(
        (read.status, read.json()["revision"].clone()),
        (200, uploaded.json()["revision"].clone())
    );
}

#[tokio::test]
async fn a_recording_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let caller = Caller::with(Options {
        record: Some(file.clone()),
        ..Options::seeded(seed())
    })
    .await;
    caller.put(&acme(""), &json!({"company_name": "A"})).await;
    caller.upload(&acme("/logo"), "image/png", b"\x89PNG").await;
    caller.get(&acme("/logo")).await;
    // A compressed body must not hide what a plain one shows.
    let gzip = [("Accept-Encoding", "gzip")];
    let compressed = caller.send("GET", &acme(""), &gzip, None).await;
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    let text = std::fs::read_to_string(file).unwrap();
    let all = recording::everything_in(&text).await;
    for secret in [caller.sandbox.api_key(), caller.token.as_str()] {
        assert!(!all.contains(secret));
    }
    assert!(all.contains("{{token:Master}}"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let login = lines[0]["request_body"].as_str().unwrap();
    assert_eq!(login, "{\"data\":{\"api_key\":\"{{api_key:Master}}\"}}");
    assert_eq!(lines[1]["path"], "/v2/accounts/{{account:Acme}}/whitelabel");
    assert_eq!(
        lines[1]["request_headers"]["X-Auth-Token"],
        "{{token:Master}}"
    );
    assert_eq!(lines[3]["response_body"], json!({"base64": "iVBORw=="}));
}

#[tokio::test]
async fn counts_are_told_over_http() {
    let caller = Caller::new().await;
    caller.put(&acme(""), &json!({})).await;
    let answer = caller.get("/sandbox/counts").await;
    let counts: Counts = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((counts.total, counts.mutating), (2, 1));
    assert_eq!(counts.of("PUT", "whitelabel"), 1);
    assert!(counts.connections >= 2);
}
