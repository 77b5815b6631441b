//! Logging in, once, and once more.

use camino::Utf8Path;
use futures_util::future::join_all;

use super::*;
use crate::live::{ApiError, SecretError, WriteClient, WriteError, credential, resolve};
use crate::model::{Identity, Realm};
use crate::tree::{AuthConfig, SecretSource, UserAccount};

fn user(password: &str, account: UserAccount) -> Credential {
    Credential::User {
        user: "admin".to_owned(),
        password: Secret::new(password),
        account,
    }
}

async fn connect(sandbox: &Sandbox, credential: Credential) -> Result<ReadClient, ApiError> {
    let config = ClientConfig {
        credential,
        ..config(sandbox)
    };
    ReadClient::connect(config).await
}

#[tokio::test]
async fn an_api_key_leads_to_its_account() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    assert_eq!(client.root(), &master());
    let master = client.account(&master()).await.unwrap().unwrap();
    assert!(master.superduper);
    assert_eq!(master.realm, "master.sip.example.com");
    assert_eq!(client.account(&id('9')).await, Ok(None));
}

/// A3: a user logs in by the account's name or realm.
#[tokio::test]
async fn users_log_in() {
    let sandbox = sandbox().await;
    for account in [
        UserAccount::Name("Gold".to_owned()),
        UserAccount::Realm("gold.sip.example.com".to_owned()),
    ] {
        let client = connect(&sandbox, user("canary-password", account)).await;
        assert_eq!(client.unwrap().root(), &gold());
    }
    let account = UserAccount::Realm("gold.sip.example.com".to_owned());
    let refused = connect(&sandbox, user("wrong", account)).await.unwrap_err();
    assert_eq!(
        refused,
        ApiError::Unauthorised {
            multi_factor: false
        }
    );
}

#[tokio::test]
async fn a_configured_root_wins() {
    let sandbox = sandbox().await;
    let mut config = config(&sandbox);
    config.root = Some(Identity::Realm(Realm::new("gold.sip.example.com")));
    let client = ReadClient::connect(config.clone()).await.unwrap();
    assert_eq!(client.root(), &gold());
    config.root = Some(Identity::Realm(Realm::new("master.sip.example.com")));
    let client = ReadClient::connect(config.clone()).await.unwrap();
    assert_eq!(client.root(), &master());
    config.root = Some(Identity::Realm(Realm::new("nobody.example.com")));
    let error = ReadClient::connect(config).await.unwrap_err();
    assert!(matches!(error, ApiError::NoSuchAccount { .. }), "{error}");
}

/// Trap 41: the server echoes a wrong key; the error does not.
#[tokio::test]
async fn trap_41_a_wrong_key_is_not_shown() {
    let sandbox = sandbox().await;
    let key = "canary".repeat(11)[..64].to_owned();
    let credential = Credential::ApiKey(Secret::new(key.clone()));
    let error = connect(&sandbox, credential).await.unwrap_err();
    assert_eq!(error, ApiError::UnknownApiKey);
    assert!(!format!("{error}{error:?}{}", error.advice()).contains("canary"));
}

/// A run of many calls at once logs in once.
#[tokio::test]
async fn one_login_for_all() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let gold = gold();
    join_all((0..20).map(|_| client.whitelabel(&gold))).await;
    assert_eq!(sandbox.counts().of("PUT", "auth"), 1);
}

/// Trap 28: a token that expires in the middle is renewed once, for all calls that met it, and each
/// call is sent once more.
#[tokio::test]
async fn trap_28_an_expired_token_is_renewed_once() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    sandbox.advance(Duration::from_secs(4000));
    let gold = gold();
    let all = join_all((0..20).map(|_| client.whitelabel(&gold))).await;
    assert!(all.iter().all(|one| matches!(one, Ok(Some(_)))));
    assert_eq!(sandbox.counts().of("PUT", "auth"), 2);
}

/// Trap 28: a 401 to the new token as well is final.
#[tokio::test]
async fn trap_28_a_401_on_replay_is_fatal() {
    let sandbox = sandbox().await;
    let client = client(&sandbox).await;
    let path = "/v2/accounts/*/whitelabel";
    sandbox.set_faults(vec![
        fault("GET", path, FaultKind::Status(401)).times(9),
        fault("POST", path, FaultKind::Status(401)).times(9),
    ]);
    let before = sandbox.counts().total;
    let refused = ApiError::Unauthorised {
        multi_factor: false,
    };
    assert_eq!(client.whitelabel(&gold()).await, Err(refused.clone()));
    // The call, the login, the call again.
    assert_eq!(sandbox.counts().total - before, 3);
    let writer = WriteClient::new(client);
    let update = writer
        .update(
            &gold(),
            &settings(serde_json::json!({"company_name": "x"})),
            &crate::model::Revision::new("1-x"),
            &request(),
        )
        .await;
    assert_eq!(update, Err(WriteError::NotSent(refused)));
}

/// A token that was given cannot be renewed.
#[tokio::test]
async fn a_given_token_is_used_as_it_is() {
    let sandbox = sandbox().await;
    let client = given_token(&sandbox.url()).await;
    let refused = ApiError::Unauthorised {
        multi_factor: false,
    };
    assert_eq!(client.whitelabel(&gold()).await, Err(refused));
    assert_eq!(sandbox.counts().of("PUT", "auth"), 0);
    let mut config = ClientConfig::new(sandbox.url(), Credential::Token(Secret::new("opaque")));
    config.limits = limits();
    let error = ReadClient::connect(config).await.unwrap_err();
    insta::assert_snapshot!(error.explained(), @"the token does not say whose it is; declare `root` with an account id; correct the cluster's entry in emblazon.yaml");
}

#[tokio::test]
async fn secrets_from_the_environment() {
    let environment = |name: &str| (name == "KEY").then(|| " canary\n".to_owned());
    let source = |name: &str| SecretSource::Environment(name.to_owned());
    let top = Utf8Path::new(".");
    let found = resolve(&source("KEY"), top, &environment).await.unwrap();
    assert_eq!(found.expose(), "canary");
    let error = resolve(&source("OTHER"), top, &environment)
        .await
        .unwrap_err();
    insta::assert_snapshot!(error, @"environment variable OTHER is not set; set it, or declare another source under `auth`");
}

/// Without any declaration the key wins over the token, and is the one that is asked for.
#[tokio::test]
async fn credentials_as_declared() {
    let top = Utf8Path::new(".");
    let both = |name: &str| name.starts_with("EMBLAZON_").then(|| name.to_owned());
    let token = |name: &str| (name == "EMBLAZON_TOKEN").then(|| name.to_owned());
    let found = credential(&AuthConfig::Environment, top, &both).await;
    assert!(matches!(found, Ok((Credential::ApiKey(key), origin))
            if key.expose() == "EMBLAZON_API_KEY" && origin == "environment variable EMBLAZON_API_KEY"));
    let found = credential(&AuthConfig::Environment, top, &token).await;
    assert!(
        matches!(found, Ok((Credential::Token(token), _)) if token.expose() == "EMBLAZON_TOKEN")
    );
    let missing = credential(&AuthConfig::Environment, top, &|_| None).await;
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("EMBLAZON_API_KEY")
    );
    let declared = AuthConfig::User {
        user: "admin".to_owned(),
        password: SecretSource::Environment("EMBLAZON_PASSWORD".to_owned()),
        account: UserAccount::Name("Gold".to_owned()),
    };
    let found = credential(&declared, top, &both).await;
    let (found, origin) = found.unwrap();
    assert!(matches!(found, Credential::User { .. }));
    assert_eq!(
        origin,
        "environment variable EMBLAZON_PASSWORD, for user admin"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn secrets_from_files_of_their_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let top = Utf8Path::from_path(folder.path()).unwrap();
    let path = top.join("key");
    std::fs::write(&path, "canary\nsecond line\n").unwrap();
    let source = SecretSource::File("key".into());
    let set = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o640);
    let error = resolve(&source, top, &|_| None).await.unwrap_err();
    insta::assert_snapshot!(error, @"secret file key has mode 640; remove access for group and others with `chmod 600 key`");
    set(0o600);
    let found = resolve(&source, top, &|_| None).await.unwrap();
    assert_eq!(found.expose(), "canary");
    std::fs::write(&path, "\ncanary").unwrap();
    let error = resolve(&source, top, &|_| None).await.unwrap_err();
    insta::assert_snapshot!(error, @"secret file key holds no secret on its first line; put the secret alone into it");
    let missing = SecretSource::File("none".into());
    let error = resolve(&missing, top, &|_| None).await.unwrap_err();
    assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn secrets_from_commands_without_a_shell() {
    let top = Utf8Path::new(".");
    let run = async |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        resolve(&SecretSource::Command(words), top, &|_| None).await
    };
    let found = run(&["printf", "$HOME;canary\nmore"]).await.unwrap();
    assert_eq!(found.expose(), "$HOME;canary");
    let failed = run(&["false", "canary"]).await.unwrap_err();
    assert!(!failed.to_string().contains("canary"), "{failed}");
    let missing = run(&["/no/such/program"]).await.unwrap_err();
    assert!(
        missing.to_string().contains("could not be started"),
        "{missing}"
    );
    let silent = run(&["true"]).await.unwrap_err();
    assert!(matches!(silent, SecretError::NoSecret { .. }), "{silent}");
}
