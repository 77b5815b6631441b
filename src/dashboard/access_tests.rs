use super::*;
use axum::http::{HeaderName, HeaderValue};

const TOKEN: &str = "canary-canary-canary-canary";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    lines.iter().map(line).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn with_token() -> Access {
    let public = Url::parse("https://watch.example.com").unwrap();
    let names = ["emblazon.monitoring.svc".to_owned()];
    Access::new(Some(Secret::new(TOKEN)), Some(public), &names).unwrap()
}

/// Returns the part of a `Set-Cookie` that comes back.
fn sent_back(set: &str) -> String {
    set.split(';').next().unwrap().to_owned()
}

#[test]
fn without_a_token_only_this_machine_by_its_own_name() {
    #[track_caller]
    fn check(access: &Access, host: &str, expected: Entry) {
        assert_eq!(
            access.entry(&headers(&[("host", host)]), CLIENT, at(0)),
            expected,
            "{host}"
        );
    }
    let access = Access::new(None, None, &[]).unwrap();
    check(&access, "127.0.0.1:8642", Entry::Local);
    check(&access, "localhost:8642", Entry::Local);
    check(&access, "[::1]", Entry::Local);
    check(&access, "rebound.example.com:8642", Entry::Refused);
    check(&access, "localhost.example.com", Entry::Refused);
    check(&access, "", Entry::Refused);
    assert_eq!(
        access.entry(&HeaderMap::new(), CLIENT, at(0)),
        Entry::Refused
    );
}

#[test]
fn with_a_token_it_must_be_shown() {
    #[track_caller]
    fn check(access: &Access, value: &str, expected: Entry) {
        let headers = headers(&[("authorization", value), ("host", "127.0.0.1")]);
        assert_eq!(access.entry(&headers, CLIENT, at(0)), expected, "{value}");
    }
    let access = with_token();
    check(&access, &format!("Bearer {TOKEN}"), Entry::Token);
    check(&access, &format!("bearer {TOKEN}"), Entry::Token);
    check(&access, &format!("Bearer {TOKEN}x"), Entry::Refused);
    check(&access, &format!("Basic {TOKEN}"), Entry::Refused);
    check(&access, TOKEN, Entry::Refused);
    check(&access, "Bearer ", Entry::Refused);
}

#[test]
fn a_session_is_opened_by_the_token_and_ends_at_logout() {
    let access = with_token();
    let set = access.log_in(TOKEN, CLIENT, at(1000)).unwrap();
    assert!(
        set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    let line = sent_back(&set);
    assert!(!line.contains("canary"));
    let entry =
        |line: &str, second| access.entry(&headers(&[("cookie", line)]), CLIENT, at(second));
    assert_eq!(entry(&line, 1001), Entry::Session);
    assert_eq!(entry(&format!("other=1; {line}"), 1001), Entry::Session);
    assert_eq!(entry(&line, 1000 + 12 * 3600), Entry::Refused);
    assert_eq!(entry(&format!("{line}0"), 1001), Entry::Refused);
    // Another process knows nothing of it.
    let other = with_token();
    assert_eq!(
        other.entry(&headers(&[("cookie", &line)]), CLIENT, at(1001)),
        Entry::Refused
    );
    // Whoever copied the cookie has nothing from it any more.
    let ended = access.log_out(&headers(&[("cookie", &line)]));
    assert_eq!(entry(&sent_back(&ended), 1001), Entry::Refused);
    assert_eq!(entry(&line, 1001), Entry::Refused);
}

#[test]
fn wrong_logins_of_anybody_lock_nobody_out() {
    let access = with_token();
    let wrong = |client, second| access.log_in("wrong", client, at(second)).unwrap_err();
    for _ in 0..10 {
        assert_eq!(wrong(CLIENT, 1000), LoginError::Wrong);
    }
    assert_eq!(wrong(CLIENT, 1001), LoginError::TooMany);
    assert_eq!(wrong(OTHER, 1001), LoginError::Wrong);
    for client in [CLIENT, OTHER] {
        assert!(access.log_in(TOKEN, client, at(1001)).is_ok());
    }
    assert_eq!(wrong(CLIENT, 1060), LoginError::Wrong);
}

#[test]
fn wrong_bearer_tokens_are_limited_too() {
    let access = with_token();
    let shown = |token: &str, client| {
        let headers = headers(&[("authorization", &format!("Bearer {token}"))]);
        access.entry(&headers, client, at(1000))
    };
    for _ in 0..10 {
        assert_eq!(shown("wrong", CLIENT), Entry::Refused);
    }
    assert_eq!(shown("wrong", CLIENT), Entry::Limited);
    // Forms and headers are one way to guess.
    assert_eq!(
        access.log_in("wrong", CLIENT, at(1000)),
        Err(LoginError::TooMany)
    );
    assert_eq!(shown("wrong", OTHER), Entry::Refused);
    assert_eq!(shown(TOKEN, CLIENT), Entry::Token);
    // Who shows nothing is not counted.
    for _ in 0..20 {
        assert_eq!(
            access.entry(&HeaderMap::new(), OTHER, at(1000)),
            Entry::Refused
        );
    }
    assert_eq!(shown("wrong", OTHER), Entry::Refused);
}

#[test]
fn it_is_asked_by_its_own_names_only() {
    #[track_caller]
    fn check(access: &Access, host: &str, expected: bool) {
        let headers = headers(&[("host", host)]);
        assert_eq!(access.is_own_name(&headers), expected, "{host}");
    }
    let access = with_token();
    check(&access, "watch.example.com", true);
    check(&access, "WATCH.example.com:443", true);
    check(&access, "emblazon.monitoring.svc:8642", true);
    check(&access, "10.1.2.3:8642", true);
    check(&access, "[2001:db8::1]:8642", true);
    check(&access, "localhost:8642", true);
    check(&access, "rebound.example.com:8642", false);
    check(&access, "watch.example.com.rebound.example", false);
    check(&access, "watch.example.com@rebound.example", false);
    check(&access, "watch.example.com/", true);
    check(&access, "", false);
    assert!(!access.is_own_name(&HeaderMap::new()));
    let local = Access::new(None, None, &[]).unwrap();
    check(&local, "127.0.0.1:8642", true);
    check(&local, "10.1.2.3:8642", false);
}

#[test]
fn a_form_of_another_page_is_refused() {
    #[track_caller]
    fn check(
        access: &Access,
        good: &[(&'static str, &str)],
        other: (&'static str, &str),
        token: &str,
    ) {
        let mut headers = headers(good);
        headers.insert(other.0, HeaderValue::from_str(other.1).unwrap());
        assert!(!access.is_own_form(&headers, token), "{other:?}");
    }
    let access = with_token();
    let (token, set) = access.form(&HeaderMap::new()).unwrap();
    let line = sent_back(&set.unwrap());
    let good: [(&str, &str); 3] = [
        ("cookie", &line),
        ("host", "127.0.0.1:8642"),
        ("origin", "http://127.0.0.1:8642"),
    ];
    assert!(access.is_own_form(&headers(&good), &token));
    assert_eq!(access.form(&headers(&good)).unwrap(), (token.clone(), None));
    check(
        &access,
        &good,
        ("origin", "http://evil.example.com"),
        &token,
    );
    check(&access, &good, ("origin", "http://127.0.0.1:1"), &token);
    check(&access, &good, ("origin", "null"), &token);
    check(&access, &good, ("sec-fetch-site", "cross-site"), &token);
    check(&access, &good, ("sec-fetch-site", "same-site"), &token);
    check(&access, &good, ("cookie", "emblazon_form=other"), &token);
    check(&access, &good, ("cookie", ""), &token);
    check(&access, &good, ("host", "127.0.0.1:8642"), "");
    check(&access, &good, ("host", "127.0.0.1:8642"), &line);
    // What stands in front may take off TLS, and change the name.
    let mut behind = headers(&good);
    behind.insert(
        "origin",
        HeaderValue::from_static("https://watch.example.com"),
    );
    assert!(access.is_own_form(&behind, &token));
}
