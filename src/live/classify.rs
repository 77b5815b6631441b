//! Turns a status and a body into an [`ApiError`].

use std::time::Duration;

use serde_json::Value;

use super::config::DOCUMENT_VALUES;
use super::error::ApiError;
use super::redact::Redaction;
use super::refused::{lacking_schema, member, refused_values};
use super::subject::Subject;
use crate::transport::parse_json;

/// Returns the error for an unsuccessful answer. `body` may be empty or not JSON at all (trap 34).
pub(super) fn classify(
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
    subject: Subject<'_>,
    redaction: &Redaction,
) -> ApiError {
    // The status alone says most, even if the body is not JSON or exceeds the limits.
    let envelope = parse_json(body, DOCUMENT_VALUES).unwrap_or(Value::Null);
    let data = envelope.get("data").unwrap_or(&Value::Null);
    let word = envelope.get("message").and_then(Value::as_str);
    let said = || {
        let text = member(data, "message").or(data.as_str()).or(word);
        redaction.clean(text.unwrap_or_default())
    };
    match status {
        400 | 413 | 423 => refused_values(status, data, said(), subject, redaction),
        401 => ApiError::Unauthorised {
            multi_factor: data.get("multi_factor_request").is_some(),
        },
        402 => billing(word, data, said(), redaction),
        403 => ApiError::Forbidden,
        404 => not_found(data, said(), subject, redaction),
        405 => ApiError::MethodNotAllowed,
        406 => ApiError::NotAcceptable,
        409 => ApiError::Conflict,
        410 => ApiError::Gone,
        412 => ApiError::PreconditionFailed,
        415 => ApiError::UnsupportedType,
        416 => ApiError::RangeNotSatisfiable,
        429 => ApiError::TooManyRequests { retry_after },
        500 if word == Some("init failed") => ApiError::InitFailed,
        500 if word.is_some_and(|word| word.starts_with("datastore_")) => ApiError::Unavailable {
            status,
            message: redaction.clean(word.unwrap_or_default()),
            retry_after,
        },
        500 if let Some(schema) = lacking_schema(&said()) => ApiError::SchemaMissing { schema },
        502..=504 => ApiError::Unavailable {
            status,
            message: redaction.clean(word.unwrap_or_default()),
            retry_after,
        },
        _ => ApiError::Unexpected {
            status,
            message: said(),
        },
    }
}

fn billing(word: Option<&str>, data: &Value, said: String, redaction: &Redaction) -> ApiError {
    if word == Some("billing_issue") || word == Some("billing issue") {
        return ApiError::BillingStanding { message: said };
    }
    let mut prices = Vec::new();
    quotes("", data, &mut prices);
    let quote = if prices.is_empty() {
        said
    } else {
        redaction.clean(&prices.join("; "))
    };
    ApiError::Billing {
        quote: if quote.is_empty() {
            "the server does not say how much".to_owned()
        } else {
            quote
        },
    }
}

/// Collects every object that has a price or a quantity, with its path.
fn quotes(path: &str, value: &Value, into: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        return;
    };
    let figures: Vec<String> = ["quantity", "rate", "activation_charge", "total"]
        .iter()
        .filter_map(|name| {
            let figure = object.get(*name)?.as_number()?;
            Some(format!("{} {figure}", name.replace('_', " ")))
        })
        .collect();
    if !figures.is_empty() {
        into.push(format!("{path}: {}", figures.join(", ")));
    }
    for (name, inner) in object {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        quotes(&path, inner, into);
    }
}

fn not_found(data: &Value, said: String, subject: Subject<'_>, redaction: &Redaction) -> ApiError {
    if subject.login {
        // The array in the answer holds the API key (trap 41).
        return ApiError::UnknownApiKey;
    }
    if let Some(parts) = data.as_array() {
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        return ApiError::NoSuchAsset {
            asset: redaction.clean(&parts.join("/")),
        };
    }
    if said.contains("account_id") {
        return ApiError::NoSuchAccount {
            account: subject.account.unwrap_or_default().to_owned(),
        };
    }
    match member(data, "cause") {
        Some("whitelabel") => ApiError::NoWhitelabel,
        Some(cause) if subject.domain.is_some() && subject.account != Some(cause) => {
            ApiError::UnknownDomain {
                domain: redaction.clean(cause),
            }
        }
        Some(cause) => ApiError::NoSuchAccount {
            account: redaction.clean(cause),
        },
        None => ApiError::NoSuchPath { message: said },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{KeyPath, Secret};

    /// A request that carried values of the tree.
    const VALUES: Subject<'_> = Subject {
        account: None,
        domain: None,
        login: false,
        values: true,
    };

    /// Finds a recorded answer by its name: status and body.
    #[track_caller]
    fn recorded(name: &str) -> (u16, String) {
        let lines = include_str!("../../tests/suite/recordings/kazoo-master.jsonl");
        let mut recordings = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = recordings.find(|recording| recording["name"] == name);
        let found = found.unwrap_or_else(|| panic!("no recording {name}"));
        let status = u16::try_from(found["status"].as_u64().unwrap()).unwrap();
        let body = found["response_body"].as_str().unwrap_or_default();
        (status, body.to_owned())
    }

    fn subject(name: &str) -> Subject<'_> {
        Subject {
            account: Some("59bf4a8641b8a1d827710bfc558510c9"),
            domain: name
                .starts_with("dom.public")
                .then_some("nope.example.test"),
            login: name.contains("_auth."),
            values: true,
        }
    }

    #[track_caller]
    fn check(name: &str, expected: &ApiError) {
        let (status, body) = recorded(name);
        let redaction = Redaction::new([Secret::new("{{token:master}}")]);
        let error = classify(status, None, body.as_bytes(), subject(name), &redaction);
        assert_eq!(&error, expected, "{name}: {error}");
    }

    /// Answers of a running server, with their meaning (E21, E22).
    #[test]
    fn recorded_errors() {
        let no_account = |account: &str| ApiError::NoSuchAccount {
            account: account.to_owned(),
        };
        let unauthorised = ApiError::Unauthorised {
            multi_factor: false,
        };
        check("auth.none", &unauthorised);
        check("auth.user_auth.bad", &unauthorised);
        check("dom.acct.reseller_other", &ApiError::Forbidden);
        check("crud.patch", &ApiError::MethodNotAllowed);
        check("crud.put.when_exists", &ApiError::Conflict);
        check("err.v1", &ApiError::Gone);
        check(
            "err.account_bad_id",
            &no_account("ffffffffffffffffffffffffffffffff"),
        );
        check(
            "err.account_short_id",
            &no_account("59bf4a8641b8a1d827710bfc558510c9"),
        );
        check(
            "desc.page0",
            &ApiError::NoSuchPath {
                message: "page size must be at least 1".to_owned(),
            },
        );
    }

    /// Trap 10: a domain that is in use is distinguished from a wrong one.
    #[test]
    fn trap_10_domain_in_use() {
        let in_use = |domain: &str| ApiError::DomainInUse {
            domain: domain.to_owned(),
        };
        check("val.dup_domain_put_upper", &in_use("ACME.example.test"));
        check("val.dup_domain_and_type", &in_use("acme.example.test"));
    }

    /// Trap 27: one 404, five meanings.
    #[test]
    fn trap_27_meanings_of_404() {
        let asset = |asset: &str| ApiError::NoSuchAsset {
            asset: asset.to_owned(),
        };
        check("crud.get.none", &ApiError::NoWhitelabel);
        check("crud.post.none", &ApiError::NoWhitelabel);
        check("att.icon.get_none", &asset("icon"));
        check("att.logo.get_no_doc", &asset("logo"));
        check(
            "dom.public.unknown",
            &ApiError::UnknownDomain {
                domain: "nope.example.test".to_owned(),
            },
        );
        check("auth.api_auth.bad", &ApiError::UnknownApiKey);
        check(
            "err.unknown_path",
            &ApiError::NoSuchPath {
                message: String::new(),
            },
        );
    }

    /// Trap 28: an expired token is spelled with a space and no reason.
    #[test]
    fn trap_28_two_spellings_of_401() {
        for body in [
            json!({"message": "invalid_credentials", "data": {"message": "invalid credentials"}}),
            json!({"message": "invalid credentials", "data": {}}),
        ] {
            let error = made(401, &body);
            assert_eq!(
                error,
                ApiError::Unauthorised {
                    multi_factor: false
                }
            );
        }
        let body = json!({"data": {"multi_factor_request": {}}});
        assert_eq!(
            made(401, &body),
            ApiError::Unauthorised { multi_factor: true }
        );
    }

    /// Trap 10, D11, W14d: a 400 is the tree's fault only when values of the tree were refused. The other errors say
    /// whose fault it is, and what helps.
    #[test]
    fn trap_10_whose_fault_a_400_is() {
        const TREE: &str = "in the tree";
        #[track_caller]
        fn check(status: u16, subject: Subject<'_>, data: &Value, expected: &[&str]) {
            let body = json!({"message": "validation error", "data": data});
            let body = serde_json::to_vec(&body).unwrap();
            let told = classify(status, None, &body, subject, &Redaction::default()).explained();
            for part in expected {
                assert!(told.contains(part), "{told}");
            }
            assert_eq!(told.contains(TREE), expected.contains(&TREE), "{told}");
        }
        let carries = |values, login| Subject {
            login,
            values,
            ..Subject::default()
        };
        let (tree, login, read) = (
            carries(true, false),
            carries(true, true),
            carries(false, false),
        );
        let rule =
            |path: &str, rule: &str, message: &str| json!({path: {rule: {"message": message}}});

        let schema = rule(
            "domains",
            "required",
            "The domains schema is missing, unable to validate request",
        );
        let helps = [
            "lacks its schema \"domains\"",
            "run `sup kapps_maintenance refresh system_schemas` on the platform",
        ];
        check(400, tree, &schema, &helps);
        let schema = json!({"message": "schema whitelabel not found."});
        check(
            500,
            tree,
            &schema,
            &["lacks its schema \"whitelabel\"", helps[1]],
        );

        let short = rule(
            "api_key",
            "minLength",
            "String must be at least 64 characters",
        );
        let credential = "refused the credential: api_key: String must be at least 64 characters";
        check(
            400,
            login,
            &short,
            &[credential, "an API key has 64 characters"],
        );
        let account = rule("account_name", "required", "Field is required but missing");
        check(
            400,
            login,
            &account,
            &["refused the credential: account_name"],
        );

        let value = rule(
            "company_name",
            "type",
            "Value did not match type(s): string",
        );
        check(
            400,
            tree,
            &value,
            &["company_name: Value did not match", TREE],
        );
        check(400, read, &value, &["did not understand the request"]);
        for envelope in [
            rule("json", "invalid", "decoder_exit around 0"),
            rule("data", "required", "Field is required but missing"),
        ] {
            check(400, tree, &envelope, &["look for a proxy that rewrites"]);
            check(400, login, &envelope, &["look for a proxy that rewrites"]);
        }
        let file = json!({"file": {"encoding": {"message": "failed to decode base64 data"}}});
        check(
            400,
            tree,
            &file,
            &["refused the file", "may be empty or damaged", TREE],
        );
    }

    /// Trap 33: too large is a 400, as recorded from an upload of over 8,000,000 bytes.
    #[test]
    fn trap_33_too_large_is_400() {
        let body = json!({"data": {"file": {"maxSize": {"message": "x", "target": 8_000_000}}}});
        let limit = Some(8_000_000);
        assert_eq!(made(400, &body), ApiError::TooLarge { limit });
        assert_eq!(made(413, &Value::Null), ApiError::TooLarge { limit: None });
    }

    /// Trap 34: some errors have no body; the status is enough.
    #[test]
    fn trap_34_errors_without_body() {
        check("val.accept_html", &ApiError::NotAcceptable);
        check("crud.get.if_match_wrong", &ApiError::PreconditionFailed);
        check("val.wrong_ct_text", &ApiError::UnsupportedType);
        check("crud.head", &ApiError::MethodNotAllowed);
    }

    /// Observed 7: what a broken template does to every reader.
    #[test]
    fn observed_07_init_failed() {
        check("domains.sys.get.nodomain", &ApiError::InitFailed);
        check("dom.public.root.tok", &ApiError::InitFailed);
    }

    /// Observed 9: dots inside a key are escaped as emblazon escapes them.
    #[test]
    fn observed_09_paths_of_rules() {
        let (status, body) = recorded("domains.sys.post.mapping_empty");
        let error = classify(status, None, body.as_bytes(), VALUES, &Redaction::default());
        let ApiError::Validation(violations) = error else {
            panic!("{error}");
        };
        let path = KeyPath::from_segments(["CNAME", "portal.{{domain}}", "mapping"]);
        assert_eq!(violations[0].path, path);
        assert_eq!(violations[0].rule, "minItems");
    }

    #[test]
    fn several_rules() {
        let (status, body) = recorded("val.two_errors");
        let error = classify(status, None, body.as_bytes(), VALUES, &Redaction::default());
        insta::assert_snapshot!(error.explained(), @"the server refused the values: company_name: Value did not match type(s): string; hide_powered: Value did not match type(s): boolean; correct these keys in the tree; this server may know another schema than emblazon");
    }

    #[track_caller]
    fn made(status: u16, body: &Value) -> ApiError {
        let body = serde_json::to_vec(body).unwrap();
        classify(
            status,
            None,
            &body,
            Subject::default(),
            &Redaction::default(),
        )
    }

    /// Trap 29: the costs are shown, and a bad standing is a different error (C7).
    #[test]
    fn trap_29_quotes() {
        let quote = json!({"message": "accept charges", "data": {
            "branding": {"whitelabel": {"category": "branding", "quantity": 1, "rate": 10.5}},
        }});
        insta::assert_snapshot!(made(402, &quote), @"the whitelabel costs money: branding.whitelabel: quantity 1, rate 10.5");
        let issue = json!({"message": "billing_issue", "data": {"message": "past due"}});
        insta::assert_snapshot!(made(402, &issue), @"billing refuses the change: past due");
        insta::assert_snapshot!(made(402, &json!({})), @"the whitelabel costs money: the server does not say how much");
    }

    /// C5: Kazoo does not say how long to wait; a proxy may.
    #[test]
    fn limits() {
        let wait = Some(Duration::from_secs(3));
        let error = classify(429, wait, b"", Subject::default(), &Redaction::default());
        assert_eq!(error, ApiError::TooManyRequests { retry_after: wait });
    }

    /// C5: who is told how long to wait is told to wait as long.
    #[test]
    fn the_remedy_names_the_time_that_the_server_asks_for() {
        let explained = |status, seconds: Option<u64>| {
            let wait = seconds.map(Duration::from_secs);
            let (subject, redaction) = (Subject::default(), Redaction::default());
            classify(status, wait, b"", subject, &redaction).explained()
        };
        insta::assert_snapshot!(explained(429, Some(3600)), @"the server says: too many requests, and asks to wait 3600 s; try again in 3600 s; another client may share this address");
        insta::assert_snapshot!(explained(429, Some(0)), @"the server says: too many requests, and asks to wait 0 s; wait a minute and try again; another client may share this address");
        insta::assert_snapshot!(explained(429, None), @"the server says: too many requests; wait a minute and try again; another client may share this address");
        insta::assert_snapshot!(explained(503, Some(3600)), @"the server is not available (503); try again in 3600 s; if it persists, ask the platform's operator");
        insta::assert_snapshot!(explained(503, None), @"the server is not available (503); try again later; if it persists, ask the platform's operator");
    }

    #[test]
    fn locked_accounts() {
        let expired = json!({"data": {"account": {"expired": {"message": "account expired"}}}});
        let locked = |state| ApiError::AccountLocked { state };
        assert_eq!(made(400, &expired), locked("expired"));
        let disabled = json!({"data": {"account.disabled": {"message": "x"}}});
        assert_eq!(made(423, &disabled), locked("disabled"));
        assert_eq!(made(423, &Value::Null), locked("locked"));
    }

    #[test]
    fn trouble() {
        let fault = json!({"message": "datastore_fault", "data": {"message": "x"}});
        insta::assert_snapshot!(made(500, &fault), @"the server is not available (500: datastore_fault)");
        insta::assert_snapshot!(made(503, &json!({"message": "datastore_unreachable"})), @"the server is not available (503: datastore_unreachable)");
        insta::assert_snapshot!(made(502, &Value::Null), @"the server is not available (502)");
        insta::assert_snapshot!(made(302, &Value::Null), @"the server answered with status 302");
        let (status, body) = recorded("val.data_array");
        let error = classify(
            status,
            None,
            body.as_bytes(),
            Subject::default(),
            &Redaction::default(),
        );
        insta::assert_snapshot!(error, @"the server answered with status 500: validation failed to run on the server");
    }

    /// Trap 41, observed 16: no recorded answer puts a key or a token into an error.
    #[test]
    fn trap_41_observed_16_no_echo() {
        let lines = include_str!("../../tests/suite/recordings/kazoo-master.jsonl");
        let canary = "c".repeat(64);
        for line in lines.lines() {
            let recording: Value = serde_json::from_str(line).unwrap();
            let status = u16::try_from(recording["status"].as_u64().unwrap()).unwrap();
            let body = recording["response_body"].as_str().unwrap_or_default();
            let body = body
                .replace("{{token:master}}", &canary)
                .replace(&"0".repeat(64), &canary);
            let name = recording["name"].as_str().unwrap();
            let error = classify(
                status,
                None,
                body.as_bytes(),
                subject(name),
                &Redaction::default(),
            );
            let shown = format!("{error} {error:?} {}", error.explained());
            assert!(!shown.contains(&canary), "{name}: {shown}");
        }
    }
}
