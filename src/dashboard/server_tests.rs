use super::*;

use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder};

use crate::daemon::{LiveBrand, ObjectStatus, PendingWork, Reason, Role};
use crate::forge::{ForgeKind, signed};
use crate::model::{AccountName, Digest};

pub(super) const TOKEN: &str = "canary-canary-canary-canary";

/// A server with two accounts, one of them hostile, and what it was ordered.
pub(super) struct Stage {
    pub(super) server: Server,
    queue: WorkQueue,
    pub(super) published: PublishedStatus,
    client: Client,
}

impl Stage {
    pub(super) async fn start(token: Option<&str>) -> Self {
        let now = Timestamp::now();
        let published = PublishedStatus::new(now);
        published.change(|status| {
            status.cluster.role = Role::Leader { since: now };
            status.cluster.source.tree = Some(Digest::of(b"tree"));
            status.cluster.plan = Some(Digest::of(b"plan"));
            status.cluster.offer.steps = 1;
            for name in ["acme", "<script>alert(1)</script>\u{202e}"] {
                let name = AccountName::new(name);
                let mut object = ObjectStatus::unread((&name).into(), now);
                object.company = Some("As declared".to_owned());
                object.live = Some(LiveBrand {
                    is_there: true,
                    company: Some(format!("{name} & \"Sons\"")),
                    domain: Some("live.example.com".to_owned()),
                    ..LiveBrand::default()
                });
                object.put(Reason::DriftReported, "company_name", now);
                status.accounts.insert(name, Arc::new(object));
            }
        });
        let config = HttpConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..HttpConfig::default()
        };
        let queue = WorkQueue::default();
        let face = Face {
            events: None,
            published: published.clone(),
            queue: queue.clone(),
            channels: Channels::default(),
            token: token.map(Secret::new),
            hook: Some(Hook {
                forge: ForgeKind::Github,
                secret: Secret::new("hook"),
                branch: Some("main".to_owned()),
            }),
            patience: Duration::from_mins(1),
        };
        let server = Server::start(&config, face).await.unwrap();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(tls())
            .build()
            .unwrap();
        Self {
            server,
            queue,
            published,
            client,
        }
    }

    pub(super) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.server.address());
        self.client.request(method, url)
    }

    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        answer(self.ask(Method::GET, path)).await
    }

    pub(super) fn ordered(&self) -> PendingWork {
        self.queue.take()
    }
}

fn tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

pub(super) async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn hostile_names_are_only_text() {
    let stage = Stage::start(None).await;
    let (status, page) = stage.get("/").await;
    assert_eq!(status, 200);
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(!page.contains('\u{202e}'), "{page}");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e} &amp; &quot;Sons&quot;"),
        "{page}"
    );
    let hostile = page::path("<script>alert(1)</script>\u{202e}");
    let (status, page) = stage.get(&hostile).await;
    assert_eq!(status, 200, "{hostile}");
    assert!(!page.contains("<script>alert"), "{page}");
}

#[tokio::test]
async fn each_answer_says_what_a_browser_may_do() {
    let stage = Stage::start(None).await;
    for path in [
        "/",
        "/plan",
        "/history",
        "/accounts/acme",
        "/static/style.css",
        "/healthz",
        "/api/v1/status",
        "/nothing",
    ] {
        let response = stage.ask(Method::GET, path).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(
            header("content-security-policy").starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
    }
    let (_, page) = stage.get("/").await;
    for forbidden in [
        " onclick",
        " style=",
        "javascript:",
        "<style",
        "http://",
        "https://",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn without_the_token_nothing_is_shown_and_nothing_ordered() {
    let stage = Stage::start(Some(TOKEN)).await;
    for (method, path, expected) in [
        (Method::GET, "/", 303),
        (Method::GET, "/accounts/acme", 303),
        (Method::POST, "/pause", 303),
        (Method::GET, "/events", 401),
        (Method::GET, "/metrics", 401),
        (Method::GET, "/api/v1/status", 401),
        (Method::GET, "/api/v1/nothing", 401),
        (Method::POST, "/api/v1/resync", 401),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/readyz", 200),
        (Method::GET, "/leaderz", 200),
    ] {
        let (status, body) = answer(stage.ask(method, path)).await;
        assert_eq!(status, expected, "{path}");
        assert!(!body.contains("acme"), "{path}: {body}");
    }
    assert!(stage.ordered().is_empty());
    let (status, body) = answer(
        stage
            .ask(Method::GET, "/api/v1/accounts/acme")
            .bearer_auth(TOKEN),
    )
    .await;
    assert_eq!(status, 200);
    assert!(body.contains("drift_reported"), "{body}");
    assert_eq!(
        answer(stage.ask(Method::GET, "/metrics").bearer_auth(TOKEN))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_form_orders_only_from_its_own_page() {
    let stage = Stage::start(None).await;
    let response = stage.ask(Method::GET, "/").send().await.unwrap();
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = response.text().await.unwrap();
    let form = page.split("name=\"form\" value=\"").nth(1).unwrap();
    let form = form.split('"').next().unwrap();
    let send = |body: String, origin: &str| {
        stage
            .ask(Method::POST, "/pause")
            .header("cookie", &cookie)
            .header("origin", origin.to_owned())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let own = format!("http://{}", stage.server.address());
    let good = format!("form={form}&reason=proxies&minutes=30&by=me&back=%2Fplan");
    assert_eq!(
        answer(send(good.clone(), "http://evil.example.com"))
            .await
            .0,
        403
    );
    assert_eq!(
        answer(send("reason=proxies&minutes=30".to_owned(), &own))
            .await
            .0,
        403
    );
    for body in [
        "reason=+&minutes=30&by=me",
        "reason=a&minutes=7&by=me",
        "reason=a&minutes=30",
        "reason=a&minutes=30&by=++",
    ] {
        let refused = send(format!("form={form}&{body}"), &own);
        assert_eq!(answer(refused).await.0, 422, "{body}");
    }
    assert!(stage.ordered().is_empty());
    let response = send(good, &own).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &HeaderValue::from_static("/plan?done=pause"))
    );
    // The name need not be typed again.
    let known = response.headers()["set-cookie"].to_str().unwrap();
    assert!(known.starts_with("emblazon_name=me; "), "{known}");
    let pause = stage.ordered().pause.unwrap().unwrap();
    assert_eq!(
        (pause.reason.as_str(), pause.by.as_deref()),
        ("proxies", Some("me"))
    );
    assert!(pause.until.is_some());
}

#[tokio::test]
async fn the_api_takes_orders_and_no_form() {
    let stage = Stage::start(None).await;
    let post = |path: &str, body: &str, kind: &str| {
        stage
            .ask(Method::POST, &format!("/api/v1/{path}"))
            .header("content-type", kind.to_owned())
            .body(body.to_owned())
    };
    assert_eq!(answer(post("resync", "{}", "text/plain")).await.0, 403);
    let foreign =
        post("resync", "{}", "application/json").header("origin", "http://evil.example.com");
    assert_eq!(answer(foreign).await.0, 403);
    assert!(stage.ordered().is_empty());
    let json = "application/json";
    assert_eq!(
        answer(post("resync", r#"{"accounts":["acme"]}"#, json))
            .await
            .0,
        202
    );
    assert_eq!(stage.ordered().accounts, [AccountName::new("acme")].into());
    assert_eq!(
        answer(post("resync", r#"{"accounts":["nobody"]}"#, json))
            .await
            .0,
        404
    );
    assert_eq!(answer(post("pause", r#"{"reason":""}"#, json)).await.0, 422);
    assert_eq!(
        answer(post("pause", r#"{"raeson":"x"}"#, json)).await.0,
        422
    );
    assert_eq!(answer(post("resume", "", json)).await.0, 202);
    assert_eq!(stage.ordered().pause, Some(None));
    let other = format!(r#"{{"plan":"{}"}}"#, Digest::of(b"other"));
    assert_eq!(answer(post("approve", &other, json)).await.0, 409);
    let plan = format!(r#"{{"plan":"{}"}}"#, Digest::of(b"plan"));
    assert_eq!(answer(post("approve", &plan, json)).await.0, 422);
    let plan = format!(r#"{{"plan":"{}","by":"ada"}}"#, Digest::of(b"plan"));
    assert_eq!(answer(post("approve", &plan, json)).await.0, 202);
    let approved = [(None, Digest::of(b"plan"))].into();
    assert_eq!(stage.ordered().approved, approved);
}

#[tokio::test]
async fn answers_of_the_api_are_as_its_schema_says() {
    let stage = Stage::start(None).await;
    let schema: serde_json::Value = serde_json::from_str(&crate::dashboard::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in [
        "status",
        "accounts",
        "accounts?q=acme&state=stalled&size=1",
        "accounts/acme",
        "plan",
        "history?limit=3",
        "nothing",
        "template",
    ] {
        let (_, body) = stage.get(&format!("/api/v1/{path}")).await;
        let body: serde_json::Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}"));
        assert!(validator.is_valid(&body), "{path}: {body:#}");
    }
}

#[tokio::test]
async fn a_push_is_an_order_once() {
    let stage = Stage::start(Some(TOKEN)).await;
    let commit = "9fceb02d0ae598e95dc970b74767f19372d61af8";
    let body = format!(r#"{{"ref":"refs/heads/main","after":"{commit}"}}"#);
    let send = |signature: String| {
        stage
            .ask(Method::POST, "/webhook")
            .header("content-type", "application/json")
            .header("x-github-event", "push")
            .header("x-github-delivery", "1")
            .header("x-hub-signature-256", signature)
            .body(body.clone())
    };
    let good = format!("sha256={}", signed(&Secret::new("hook"), body.as_bytes()));
    assert_eq!(answer(send("sha256=00".to_owned())).await.0, 401);
    assert!(stage.ordered().is_empty());
    assert_eq!(
        answer(send(good.clone())).await,
        (202, "accepted\n".to_owned())
    );
    assert_eq!(stage.ordered().hint.as_deref(), Some(commit));
    assert_eq!(answer(send(good)).await, (202, "seen before\n".to_owned()));
    assert!(stage.ordered().is_empty());
    assert_eq!(answer(stage.ask(Method::GET, "/webhook")).await.0, 405);
    let large = "x".repeat(hook::BODY + 1);
    let forged = format!("sha256={}", "0".repeat(64));
    let large = (stage.ask(Method::POST, "/webhook"))
        .header("x-hub-signature-256", forged)
        .body(large);
    assert_eq!(answer(large).await.0, 413);
    let (_, metrics) = answer(stage.ask(Method::GET, "/metrics").bearer_auth(TOKEN)).await;
    for line in [
        "{outcome=\"push\"} 1",
        "{outcome=\"repeated\"} 1",
        "{outcome=\"rejected\"} 1",
    ] {
        assert!(
            metrics.contains(&format!("emblazon_webhooks_total{line}")),
            "{metrics}"
        );
    }
    assert!(!metrics.contains("acme"), "{metrics}");
}

#[tokio::test]
async fn changes_are_streamed_to_some_and_slow_readers_hold_nobody_up() {
    let stage = Stage::start(None).await;
    let mut open = Vec::new();
    for _ in 0..32 {
        let response = stage.ask(Method::GET, "/events").send().await.unwrap();
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    assert_eq!(stage.get("/events").await.0, 503);
    let mut reader = open.pop().unwrap();
    let first = reader.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: version\ndata: "), "{first:?}");
    // Nobody else reads, and the loop goes on all the same.
    for _ in 0..1000 {
        stage.published.change(|_| {});
    }
    let last = format!("data: {}", stage.published.status().version);
    let event = String::from_utf8(reader.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(
        event.contains(&last),
        "{event}: the last of all, in one event"
    );
    drop(open);
    drop(reader);
}

#[tokio::test]
async fn the_token_opens_a_session() {
    let stage = Stage::start(Some(TOKEN)).await;
    let response = stage
        .ask(Method::GET, "/login?next=%2Fplan")
        .send()
        .await
        .unwrap();
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let page = response.text().await.unwrap();
    let form = page
        .split("name=\"form\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let send = |token: &str| {
        stage
            .ask(Method::POST, "/login")
            .header("cookie", &cookie)
            .body(format!("form={form}&token={token}&next=%2Fplan"))
    };
    assert_eq!(answer(send("wrong")).await.0, 403);
    let response = send(TOKEN).send().await.unwrap();
    assert_eq!(response.headers()["location"], "/plan");
    let session = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let (status, page) = answer(stage.ask(Method::GET, "/plan").header("cookie", session)).await;
    assert_eq!(status, 200);
    assert!(page.contains("Log out"), "{page}");
}
