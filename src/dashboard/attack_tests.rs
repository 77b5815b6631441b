//! Attacks on the server, over raw HTTP, each named after itself. Whatever bound is asserted is a count.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::unproven::UNPROVEN;
use super::tests::{Stage, TOKEN};
use crate::forge::signed;
use crate::model::Secret;

impl Stage {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address()).await.unwrap()
    }

    /// Sends bytes as they are, and returns the answer.
    async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(stream).await
    }

    /// Asks for a path with these headers.
    async fn get_with(&self, path: &str, headers: &str) -> String {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
        ))
        .await
    }

    fn own(&self) -> String {
        format!("Host: {}\r\n", self.server.address())
    }
}

async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut may have said something before.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[track_caller]
fn is(answer: &str, status: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
}

/// A page elsewhere has given its own name this machine's address, and is its own origin to the browser.
#[tokio::test]
async fn dns_rebinding_shows_and_orders_nothing() {
    let rebound = "Host: rebound.example.com:8642\r\nOrigin: http://rebound.example.com:8642\r\nSec-Fetch-Site: same-origin\r\n";
    for token in [None, Some(TOKEN)] {
        let stage = Stage::start(token).await;
        for path in [
            "/",
            "/plan",
            "/login",
            "/events",
            "/metrics",
            "/static/page.js",
        ] {
            let told = stage.get_with(path, rebound).await;
            is(&told, 421);
            assert!(!told.contains("acme"), "{told}");
            assert!(told.contains("http.hosts"), "the way on: {told}");
        }
        let told = stage.get_with("/api/v1/accounts", rebound).await;
        is(&told, 421);
        assert!(told.contains("application/json"), "{told}");
        let order = format!(
            "POST /api/v1/resume HTTP/1.1\r\n{rebound}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        is(&stage.raw(&order).await, 421);
        assert!(stage.ordered().is_empty());
        // These say nothing but whether, and probes ask by any name.
        is(&stage.get_with("/healthz", rebound).await, 200);
        is(&stage.get_with("/healthz", "").await, 200);
    }
    // Whoever shows the token is no page: it may ask by any name.
    let stage = Stage::start(Some(TOKEN)).await;
    let shown = format!("Host: emblazon.internal\r\nAuthorization: Bearer {TOKEN}\r\n");
    is(&stage.get_with("/api/v1/accounts", &shown).await, 200);
}

#[tokio::test]
async fn a_browser_page_of_another_origin_reads_and_orders_nothing() {
    let stage = Stage::start(None).await;
    let own = stage.own();
    for headers in [
        "Origin: https://evil.example.com\r\n",
        "Origin: http://127.0.0.1:1\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
    ] {
        for path in [
            "/",
            "/accounts/acme",
            "/api/v1/accounts",
            "/metrics",
            "/events",
        ] {
            let told = stage.get_with(path, &format!("{own}{headers}")).await;
            is(&told, 403);
            assert!(!told.contains("acme"), "{headers}: {told}");
            assert!(
                !told.to_lowercase().contains("access-control-allow"),
                "{told}"
            );
        }
        let order = format!(
            "POST /api/v1/resume HTTP/1.1\r\n{own}{headers}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        is(&stage.raw(&order).await, 403);
    }
    // The question that a browser asks before it would send such an order.
    let ask = format!(
        "OPTIONS /api/v1/resume HTTP/1.1\r\n{own}Origin: https://evil.example.com\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    is(&stage.raw(&ask).await, 403);
    assert!(stage.ordered().is_empty());
    // A link from elsewhere may be followed.
    let followed =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    is(
        &stage.get_with("/plan", &format!("{own}{followed}")).await,
        200,
    );
}

#[tokio::test]
async fn two_host_headers_are_refused() {
    let stage = Stage::start(Some(TOKEN)).await;
    let (own, address) = (stage.own(), stage.server.address());
    let shown = format!("Authorization: Bearer {TOKEN}\r\n");
    for (path, headers) in [
        (
            "/plan",
            format!("{own}Host: rebound.example.com\r\n{shown}"),
        ),
        ("/healthz", format!("{own}{own}")),
        ("/webhook", format!("{own}{own}")),
        ("/plan", format!("{own}{shown}{shown}")),
        ("http://rebound.example.com/plan", format!("{own}{shown}")),
        ("/plan", shown.clone()),
    ] {
        is(&stage.get_with(path, &headers).await, 400);
    }
    let whole = format!("http://{address}/plan");
    is(&stage.get_with(&whole, &format!("{own}{shown}")).await, 200);
}

#[tokio::test]
async fn three_hundred_silent_connections_do_not_keep_health_away() {
    let stage = Stage::start(Some(TOKEN)).await;
    let mut silent = Vec::new();
    for number in 0..300 {
        let mut stream = stage.connect().await;
        if number % 2 == 0 {
            // Half a request is as silent as none.
            stream
                .write_all(b"POST /login HTTP/1.1\r\nHost: ")
                .await
                .unwrap();
        }
        silent.push(stream);
    }
    let own = stage.own();
    let asked = stage.get_with("/healthz", &own);
    // It is answered at once, or after a minute.
    let told = tokio::time::timeout(std::time::Duration::from_secs(30), asked).await;
    is(&told.expect("the silent are in the way"), 200);
    // So is everything else.
    let shown = format!("{own}Authorization: Bearer {TOKEN}\r\n");
    is(&stage.get_with("/plan", &shown).await, 200);
    drop(silent);
}

fn webhook(own: &str, length: usize, signature: &str) -> String {
    format!(
        "POST /webhook HTTP/1.1\r\n{own}Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn unsigned_bodies_held_open_stay_within_their_budget_and_a_push_gets_through() {
    const LARGE: usize = 4 * 1024 * 1024;
    let stage = Stage::start(None).await;
    let own = stage.own();
    let shared = stage.server.shared.upgrade().unwrap();
    let forged = format!("sha256={}", "0".repeat(64));
    let mut open = Vec::new();
    let mut most = 0;
    for _ in 0..60 {
        let mut stream = stage.connect().await;
        let head = webhook(&own, LARGE, &forged);
        stream.write_all(head.as_bytes()).await.unwrap();
        // All but the last byte; whoever is cut cannot send it all.
        let _ = stream.write_all(&vec![b' '; LARGE - 1]).await;
        most = most.max(shared.unproven.total());
        open.push(stream);
    }
    assert!((UNPROVEN / 2..=UNPROVEN).contains(&most), "{most}");
    let commit = "9fceb02d0ae598e95dc970b74767f19372d61af8";
    let body = format!(r#"{{"ref":"refs/heads/main","after":"{commit}"}}"#);
    let good = format!("sha256={}", signed(&Secret::new("hook"), body.as_bytes()));
    let told = stage.raw(&(webhook(&own, body.len(), &good) + &body)).await;
    is(&told, 202);
    assert_eq!(stage.ordered().hint.as_deref(), Some(commit));
}

#[tokio::test]
async fn a_body_that_cannot_prove_itself_is_not_read() {
    let stage = Stage::start(None).await;
    let own = stage.own();
    for signature in ["sha256=00", "sha1=0000", ""] {
        // Nothing of the body is ever sent, and the answer comes all the same.
        let told = stage.raw(&webhook(&own, 1000, signature)).await;
        is(&told, 401);
    }
}

#[tokio::test]
async fn wrong_tokens_lock_nobody_out_and_are_limited() {
    let stage = Stage::start(Some(TOKEN)).await;
    let own = stage.own();
    let mut told = Vec::new();
    for number in 0..20 {
        let guess = format!("{own}Authorization: Bearer guess-{number:020}\r\n");
        told.push(stage.get_with("/api/v1/status", &guess).await);
    }
    is(&told[9], 401);
    is(&told[19], 429);
    assert!(told[19].contains("retry-after"), "{}", told[19]);
    assert!(told[19].contains("10 in a minute"), "{}", told[19]);
    let right = format!("{own}Authorization: Bearer {TOKEN}\r\n");
    is(&stage.get_with("/api/v1/status", &right).await, 200);
}

#[tokio::test]
async fn a_session_that_was_copied_ends_with_the_logout() {
    let stage = Stage::start(Some(TOKEN)).await;
    let own = stage.own();
    let cookie = |told: &str, name: &str| {
        let line = told.lines().find_map(|line| {
            let value = line.strip_prefix("set-cookie: ")?;
            value.starts_with(name).then(|| value.split(';').next())?
        });
        line.unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let field = |page: &str| {
        let (_, rest) = page.split_once("name=\"form\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let page = stage.get_with("/login", &own).await;
    let (form, field) = (cookie(&page, "emblazon_form"), field(&page));
    let post = |path: &str, cookies: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\n{own}Cookie: {cookies}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let body = format!("form={field}&token={TOKEN}&next=/");
    let told = stage.raw(&post("/login", &form, &body)).await;
    is(&told, 303);
    let session = cookie(&told, "emblazon_session");
    let copied = format!("{own}Cookie: {session}\r\n");
    is(&stage.get_with("/plan", &copied).await, 200);
    let told = stage
        .raw(&post(
            "/logout",
            &format!("{form}; {session}"),
            &format!("form={field}"),
        ))
        .await;
    is(&told, 303);
    is(&stage.get_with("/plan", &copied).await, 303);
    is(&stage.get_with("/api/v1/status", &copied).await, 401);
}
