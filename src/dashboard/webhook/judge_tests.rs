use super::*;
use crate::forge::signed;
use axum::http::{HeaderName, HeaderValue};

const COMMIT: &str = "9fceb02d0ae598e95dc970b74767f19372d61af8";

fn hook(forge: ForgeKind) -> Hook {
    Hook {
        forge,
        secret: Secret::new("canary"),
        branch: Some("main".to_owned()),
    }
}

fn push(reference: &str, after: &str) -> String {
    format!(r#"{{"ref":"{reference}","before":"{COMMIT}","after":"{after}","commits":[{{}}]}}"#)
}

/// Judges a request with the usual headers of the forge, and with those given in their place.
fn judged(
    forge: ForgeKind,
    body: &str,
    instead: &[(&'static str, &str)],
) -> Result<Delivery, Rejection> {
    let hook = hook(forge);
    let signature = signed(&hook.secret, body.as_bytes());
    let (proof, delivery, event) = match forge {
        ForgeKind::Github => (format!("sha256={signature}"), "x-github-delivery", "push"),
        ForgeKind::Gitlab => ("canary".to_owned(), "x-gitlab-event-uuid", "Push Hook"),
        ForgeKind::Gitea => (signature, "x-gitea-delivery", "push"),
    };
    let mut headers = HeaderMap::new();
    let usual = [
        (forge.proof().0, proof.as_str()),
        (forge.event_header(), event),
        (delivery, "72d3162e"),
        ("content-type", "application/json"),
    ];
    for (name, value) in usual.iter().chain(instead) {
        let name = HeaderName::from_static(name);
        if value.is_empty() {
            headers.remove(name);
        } else {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
    judge(&hook, &headers, body.as_bytes())
}

const FORGES: [ForgeKind; 3] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea];

#[test]
fn a_push_to_the_branch_is_heard() {
    for forge in FORGES {
        let delivery = judged(forge, &push("refs/heads/main", COMMIT), &[]).unwrap();
        let commit = COMMIT.to_owned();
        assert_eq!(delivery.heard, Heard::Push { commit }, "{forge:?}");
        let marks = if forge == ForgeKind::Gitlab { 1 } else { 2 };
        assert_eq!(delivery.marks.len(), marks, "{forge:?}");
    }
}

#[test]
fn other_events_are_ignored() {
    #[track_caller]
    fn check(reference: &str, after: &str, expected: &str) {
        for forge in FORGES {
            let delivery = judged(forge, &push(reference, after), &[]).unwrap();
            assert_eq!(
                delivery.heard,
                Heard::Ignored(expected.to_owned()),
                "{forge:?}"
            );
        }
    }
    check("refs/heads/next", COMMIT, "another branch");
    check("refs/heads/main/next", COMMIT, "another branch");
    check("refs/tags/main", COMMIT, "not a branch");
    check("main", COMMIT, "not a branch");
    check("refs/heads/main", &"0".repeat(40), "the branch was deleted");
    for forge in FORGES {
        let other = [(forge.event_header(), "ping")];
        let delivery = judged(forge, "{}", &other).unwrap();
        assert!(matches!(delivery.heard, Heard::Ignored(_)), "{forge:?}");
    }
}

#[test]
fn what_does_not_prove_itself_is_rejected() {
    #[track_caller]
    fn check(forge: ForgeKind, instead: &[(&'static str, &str)], expected: Rejection) {
        let body = push("refs/heads/main", COMMIT);
        assert_eq!(judged(forge, &body, instead), Err(expected), "{forge:?}");
        // Without the proof nothing is told about the rest.
        assert_eq!(
            judged(forge, "not JSON", instead),
            Err(expected),
            "{forge:?}"
        );
    }
    let other = signed(&Secret::new("other"), b"body");
    for forge in FORGES {
        let (header, _) = forge.proof();
        check(forge, &[(header, "")], Rejection::NoProof(header));
        check(forge, &[(header, "canarY")], Rejection::WrongProof(header));
        check(forge, &[(header, &other)], Rejection::WrongProof(header));
    }
    let (header, _) = ForgeKind::Github.proof();
    let prefixed = format!("sha256={other}");
    check(
        ForgeKind::Github,
        &[(header, &prefixed)],
        Rejection::WrongProof(header),
    );
    check(
        ForgeKind::Github,
        &[
            (header, ""),
            ("x-hub-signature", "sha1=00"),
            ("x-gitlab-token", "canary"),
        ],
        Rejection::NoProof(header),
    );
}

#[test]
fn what_cannot_be_read_is_rejected() {
    #[track_caller]
    fn check(body: &str, kind: &str, expected: Rejection) {
        for forge in FORGES {
            let rejected = judged(forge, body, &[("content-type", kind)]);
            assert_eq!(rejected, Err(expected), "{forge:?}");
        }
    }
    let good = push("refs/heads/main", COMMIT);
    check(
        &good,
        "application/x-www-form-urlencoded",
        Rejection::ContentType,
    );
    check(&good, "", Rejection::ContentType);
    check("payload=%7B%7D", "application/json", Rejection::Body);
    check("[]", "application/json; charset=utf-8", Rejection::Body);
    check(
        &push("refs/heads/main", "HEAD"),
        "application/json",
        Rejection::Body,
    );
    check(
        &push("refs/heads/main", &"-".repeat(40)),
        "application/json",
        Rejection::Body,
    );
    check(&"[".repeat(100_000), "application/json", Rejection::Body);
}

#[test]
fn a_body_that_comes_again_under_a_new_id_is_known() {
    let body = push("refs/heads/main", COMMIT);
    for forge in [ForgeKind::Github, ForgeKind::Gitea] {
        let mut deliveries = super::super::Deliveries::default();
        let header = forge.delivery_headers()[0];
        let first = judged(forge, &body, &[(header, "1")]).unwrap();
        let again = judged(forge, &body, &[(header, "2")]).unwrap();
        assert!(deliveries.is_new(&first.marks));
        assert!(!deliveries.is_new(&again.marks));
    }
}
