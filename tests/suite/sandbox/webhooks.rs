//! Webhooks: what they tell, whom they count on, and what can happen on the way (V1–V5).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use emblazon::sandbox::{Fault, FaultKind, Options, Profile, Seed};
use serde_json::{Value, json};

use super::caller::{ACME, Caller, OTHER, SEED, acme};
use crate::stand_in::StandIn;

const MASTER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const HOOKS: &str = "/v2/accounts/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/webhooks";
const PATIENCE: Duration = Duration::from_mins(1);

/// Takes what a hook delivers.
struct Receiving {
    server: StandIn,
    heard: Receiver<String>,
}

impl Receiving {
    fn new() -> Self {
        let (server, heard) = StandIn::hearing();
        Self { server, heard }
    }

    /// Waits for deliveries, and returns account, action and type of each in the order in which they came.
    fn wait(&self, number: usize) -> Vec<String> {
        let told = (0..number).map(|_| {
            let event = self.next();
            let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {}",
                &text("account_id")[..4],
                text("action"),
                text("type")
            )
        });
        told.collect()
    }

    /// Waits for one delivery, and returns its body.
    fn next(&self) -> Value {
        let request = self.heard.recv_timeout(PATIENCE).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("X-Account-ID: {MASTER}")), "{head}");
        assert!(head.contains("X-Hook-ID: "), "{head}");
        if head.contains("application/json") {
            return serde_json::from_str(body).unwrap();
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        json!(form)
    }

    /// Nothing else came: a last change is told, and it is the next one.
    async fn is_drained(&self, caller: &Caller) {
        caller.delete(&acme("")).await.expect(200);
        let told = self.wait(1);
        assert_eq!(told, ["acac doc_deleted whitelabel"]);
    }
}

/// Creates a hook for one action, and returns its id.
async fn hook(caller: &Caller, uri: &str, more: &Value) -> String {
    let mut data = json!({
        "hook": "object", "name": "test", "uri": uri, "format": "json", "include_subaccounts": true,
        "custom_data": {"type": "whitelabel", "action": "doc_edited"},
    });
    let (Value::Object(all), Value::Object(more)) = (&mut data, more) else {
        panic!("{more}");
    };
    all.extend(more.clone());
    let answer = caller.put(HOOKS, &data).await;
    answer.expect(201);
    answer.json()["data"]["id"].as_str().unwrap().to_owned()
}

async fn with(profile: Profile) -> Caller {
    let seed = format!("{SEED}server: {{hook_pause_ms: 0}}\n");
    let seed = Seed::parse(&seed, Path::new(".")).unwrap();
    let options = Options {
        profile,
        ..Options::seeded(seed)
    };
    Caller::with(options).await
}

/// A creation, a change, an upload (which counts twice) and a deletion, of an account below the hook's.
async fn change_everything(caller: &Caller) {
    let settings = json!({"domain": "acme.example.com"});
    caller.put(&acme(""), &settings).await.expect(201);
    caller.post(&acme(""), &settings).await.expect(200);
    let png = b"\x89PNG\r\n\x1a\nx";
    caller
        .upload(&acme("/logo"), "image/png", png)
        .await
        .expect(200);
    caller.delete(&acme("")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hook_tells_of_every_change_below_where_it_can_name_all() {
    for profile in [Profile::Master, Profile::V5, Profile::V43] {
        let (caller, receiving) = (with(profile).await, Receiving::new());
        let all = json!({"custom_data": {"type": "whitelabel", "action": "all", "secret": "s"}});
        hook(&caller, &receiving.server.url(), &all).await;
        change_everything(&caller).await;
        if profile == Profile::V43 {
            // There `all` is compared literally, and nothing ever fits.
            let edited = json!({"custom_data": {"type": "whitelabel", "action": "doc_deleted"}});
            hook(&caller, &receiving.server.url(), &edited).await;
            caller
                .put(&acme(""), &json!({"domain": "b.example.com"}))
                .await
                .expect(201);
            receiving.is_drained(&caller).await;
            continue;
        }
        for _ in 0..5 {
            let event = receiving.next();
            assert_eq!(event["secret"], "s", "{event}");
            assert_eq!(event["account_id"], ACME);
            assert_eq!(event["id"], "whitelabel");
            // What the hook says itself replaces what happened.
            assert_eq!(event["action"], "all");
            assert_eq!(event.get("rev"), None);
            let author = (profile == Profile::V5).then_some(MASTER);
            assert_eq!(event["auth_account_id"].as_str(), author);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_for_each_action_tells_of_that_action() {
    for (profile, format) in [(Profile::V43, "form-data"), (Profile::Master, "json")] {
        let (caller, receiving) = (with(profile).await, Receiving::new());
        for action in ["doc_created", "doc_edited", "doc_deleted"] {
            let one =
                json!({"format": format, "custom_data": {"type": "whitelabel", "action": action}});
            hook(&caller, &receiving.server.url(), &one).await;
        }
        change_everything(&caller).await;
        let mut told = receiving.wait(5);
        told.sort();
        let edited = "acac doc_edited whitelabel";
        assert_eq!(
            told,
            [
                "acac doc_created whitelabel",
                "acac doc_deleted whitelabel",
                edited,
                edited,
                edited
            ]
        );
        // A change by hand is told like any other, and so is one of the account's own document.
        caller.sandbox.world().edit_settings(OTHER, |settings| {
            settings.insert("company_name".to_owned(), json!("by hand"));
        });
        assert_eq!(receiving.wait(1), ["0e0e doc_created whitelabel"]);
    }
}

/// The owner's own account and, where it says so, those below; nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_tells_of_the_accounts_that_it_covers() {
    let (caller, receiving) = (Caller::new().await, Receiving::new());
    let created = |below: bool| json!({"include_subaccounts": below, "custom_data": {"type": "whitelabel", "action": "doc_created"}});
    hook(&caller, &receiving.server.url(), &created(false)).await;
    caller.put(&acme(""), &json!({})).await.expect(201);
    let own = format!("/v2/accounts/{MASTER}/whitelabel");
    caller.put(&own, &json!({})).await.expect(201);
    assert_eq!(receiving.wait(1), ["aaaa doc_created whitelabel"]);
}

/// Reads a hook until it is enabled or not.
async fn wait_until(caller: &Caller, id: &str, enabled: bool) -> Value {
    loop {
        let answer = caller.get(&format!("{HOOKS}/{id}")).await;
        let hook = answer.json()["data"].clone();
        if hook["enabled"] == enabled {
            return hook;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_failures_in_a_minute_disable_a_hook_until_somebody_enables_it() {
    // A status is not tried again; an error of the connection is.
    let refusing = StandIn::start(|_, connection| {
        connection.json("202 Accepted", "{}");
    });
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (uri, changes) in [(refusing.url(), 6), (gone, 3)] {
        let caller = with(Profile::Master).await;
        let id = hook(&caller, &uri, &json!({})).await;
        caller.put(&acme(""), &json!({})).await.expect(201);
        for _ in 0..changes {
            caller.post(&acme(""), &json!({})).await.expect(200);
        }
        let hook = wait_until(&caller, &id, false).await;
        assert_eq!(hook["disable_reason"], "too many failed attempts");
        let enable = json!({"re-enable": true});
        caller
            .json("PATCH", HOOKS, &json!({ "data": enable }))
            .await
            .expect(200);
        let hook = wait_until(&caller, &id, true).await;
        assert_eq!(hook.get("disable_reason"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_deliveries_on_their_way() {
    let path = format!("/v2/accounts/{ACME}/whitelabel");
    let edited = "acac doc_edited whitelabel";
    let deleted = "acac doc_deleted whitelabel";
    for (kind, expected) in [
        (FaultKind::LostEvent, vec![deleted]),
        (FaultKind::DoubledEvent, vec![edited, edited, deleted]),
        (FaultKind::SwappedEvent, vec![deleted, edited]),
        (FaultKind::ForgedEvent, vec![edited, edited, deleted]),
        (FaultKind::DelayMs(1), vec![edited, deleted]),
    ] {
        let (caller, receiving) = (Caller::new().await, Receiving::new());
        for action in ["doc_edited", "doc_deleted"] {
            let one =
                json!({"custom_data": {"type": "whitelabel", "action": action, "secret": "s"}});
            hook(&caller, &receiving.server.url(), &one).await;
        }
        caller.put(&acme(""), &json!({})).await.expect(201);
        caller
            .sandbox
            .set_faults(vec![Fault::new("HOOK", &path, kind)]);
        caller.post(&acme(""), &json!({})).await.expect(200);
        let mut told = Vec::new();
        if !matches!(kind, FaultKind::LostEvent | FaultKind::SwappedEvent) {
            told = receiving.wait(expected.len() - 1);
        }
        caller.delete(&acme("")).await.expect(200);
        told.extend(receiving.wait(expected.len() - told.len()));
        assert_eq!(told, expected, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_hook_is_refused() {
    let caller = Caller::new().await;
    let good = json!({"hook": "object", "name": "x", "uri": "http://127.0.0.1:1/"});
    caller.put(HOOKS, &good).await.expect(201);
    for (name, value) in [
        ("hook", json!("nothing")),
        ("http_verb", json!("patch")),
        ("uri", json!([])),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        let answer = caller.put(HOOKS, &bad).await;
        answer.expect(400);
        assert!(answer.json()["data"].get(name).is_some(), "{name}");
    }
    caller
        .json("PATCH", HOOKS, &json!({"data": {}}))
        .await
        .expect(400);
    caller.get(&format!("{HOOKS}/nobody")).await.expect(404);
    // Somebody else's hooks are nobody's here.
    let other = format!("/v2/accounts/{OTHER}/webhooks");
    assert_eq!(caller.get(&other).await.json()["data"], json!([]));
}

/// As a real server is by default.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_to_the_server_itself_can_be_refused() {
    let strict = "accounts: [{name: Master, id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}]\nserver: {refuses_loopback_hooks: true}";
    let seed = Seed::parse(strict, Path::new(".")).unwrap();
    let caller = Caller::with(Options::seeded(seed)).await;
    for (uri, status) in [
        ("http://127.0.0.1:1/", 400),
        ("http://localhost/", 400),
        ("https://watch.example.com/", 201),
    ] {
        let hook = json!({"hook": "object", "name": "x", "uri": uri});
        caller.put(HOOKS, &hook).await.expect(status);
    }
}
