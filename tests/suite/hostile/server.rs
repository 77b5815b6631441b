//! A server, or somebody in its place, that answers to hurt.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use emblazon::live::{ClientConfig, CollectOptions, Credential, ReadClient, collect};
use emblazon::model::Secret;
use emblazon::plan::{self, Action, RefusalKind};
use emblazon::report::{self, Command, Facts, text};
use emblazon::tree::{self, Loaded, Workdir};
use serde_json::{Value, json};

use super::bounded;
use crate::cli::{check_exit, stderr, stdout, write};
use crate::platform::Platform;
use crate::stand_in::{Asked, Counted, StandIn, port, relay};

const TOKEN: &str = "canary-token-4f1c";
const KEY: &str = "canary-key-4f1c";

/// The most bytes that are read of one answer, and what lies in sockets' buffers beside it, which grow to tens of
/// MiB on some systems; a list may be longer.
fn most_taken(path: &str) -> u64 {
    let read = if path.contains("descendants") {
        64 << 20
    } else {
        8 << 20
    };
    read + (64 << 20)
}

fn login(asked: &Asked, stream: &mut Counted<'_>) -> bool {
    if !asked.path.contains("_auth") {
        return false;
    }
    let body =
        json!({"auth_token": TOKEN, "status": "success", "data": {"account_id": "0".repeat(32)}});
    stream.json("201 Created", &body.to_string());
    true
}

/// Plans a tree of one account against a stand-in: it is no success, and nothing is shown of token and key.
#[track_caller]
fn check(name: &str, server: &StandIn, said: &str) {
    check_identity(
        name,
        server,
        said,
        "account: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
}

/// Does the same with a tree that names its account so.
#[track_caller]
fn check_identity(name: &str, server: &StandIn, said: &str, identity: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = "clusters: {production: {api: \"https://api.example.com\"}}\n";
    write(folder.path(), "emblazon.yaml", config);
    let account = format!("{identity}\nwhitelabel: {{company_name: A}}\n");
    write(folder.path(), "accounts/acme/account.yaml", &account);
    let url = server.url();
    let variables = [("EMBLAZON_API", url.as_str()), ("EMBLAZON_API_KEY", KEY)];
    // All that is logged of many requests would be too much to look through.
    let arguments: &[&str] = if identity.starts_with("realm") {
        &["plan"]
    } else {
        &["plan", "-vvv"]
    };
    let output = bounded(folder.path(), &variables, arguments);
    let (out, talk) = (stdout(&output), stderr(&output));
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| [1, 5, 6].contains(&code)),
        "{name}: {code:?}\n{out}\n{talk}"
    );
    assert!(
        out.contains(said) || talk.contains(said),
        "{name}: {out}\n{talk}"
    );
    for text in [&out, &talk] {
        assert!(
            !text.contains(TOKEN) && !text.contains(KEY),
            "{name}: {text}"
        );
    }
    assert!(
        out.len() + talk.len() < 100 << 10,
        "{name}: too much is said"
    );
    assert!(server.asked.load(Ordering::SeqCst) > 0);
}

#[test]
fn bodies_without_an_end() {
    // Each of a chunk, a length that is announced, a connection's end, and heads without an end.
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    let endless: [(&str, &[u8], Vec<u8>); 3] = [
        (
            "chunks",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            chunk,
        ),
        (
            "no length",
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
            vec![b'['; 0x10000],
        ),
        (
            "announced",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            vec![b' '; 0x10000],
        ),
    ];
    for (name, head, body) in endless {
        let most = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&most);
        let server = StandIn::start(move |asked, stream| {
            if login(asked, stream) {
                return;
            }
            let mut taken = 0;
            let mut is_taken = stream.send(head);
            while is_taken {
                is_taken = stream.send(&body);
                taken += body.len() as u64;
            }
            seen.fetch_max(
                taken.saturating_sub(most_taken(&asked.path)),
                Ordering::SeqCst,
            );
        });
        check(name, &server, "the answer has more than");
        let over = most.load(Ordering::SeqCst);
        assert_eq!(over, 0, "{name}: bytes of one answer beyond its limit");
    }
}

#[test]
fn a_login_without_an_end() {
    let server = StandIn::start(|_, stream| {
        let mut is_taken = stream.send(b"HTTP/1.1 201 Created\r\nconnection: close\r\n\r\n");
        while is_taken {
            is_taken = stream.send(&vec![b' '; 0x10000]);
        }
    });
    check("login", &server, "the answer has more than");
    // The login is not asked for again and again.
    assert!(server.taken.load(Ordering::SeqCst) <= 4 * most_taken(""));
}

#[test]
fn a_body_that_unpacks_to_more_than_is_read() {
    let mut packed = Vec::new();
    let mut encoder = Deflate::new(&mut packed);
    for _ in 0..(1 << 30) / Deflate::BLOCK {
        encoder.zeros();
    }
    encoder.finish();
    assert!(packed.len() < 8 << 20, "{} bytes", packed.len());
    let packed = Arc::new(packed);
    let server = StandIn::start(move |asked, stream| {
        if !login(asked, stream) {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                packed.len()
            );
            stream.send(head.as_bytes());
            stream.send(&packed);
        }
    });
    check("a gigabyte of zeros", &server, "the answer has more than");
}

/// Writes gzip members that each unpack to a block of zeros: one distance-one match of 258 bytes after the other.
pub(super) struct Deflate<'a> {
    out: &'a mut Vec<u8>,
    bits: u32,
    count: u32,
}

impl<'a> Deflate<'a> {
    pub(super) const BLOCK: usize = 258 * 1024;

    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        out.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let mut new = Self {
            out,
            bits: 0,
            count: 0,
        };
        // A block of the fixed codes that is not the last one, and one zero to copy from.
        new.push(0b010, 3);
        new.push(0b0000_1100, 8);
        new
    }

    /// Adds bits, the first in the lowest place.
    fn push(&mut self, bits: u32, count: u32) {
        self.bits |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.bits.to_le_bytes()[0]);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    pub(super) fn zeros(&mut self) {
        for _ in 0..Self::BLOCK / 258 {
            // Length 258 is code 285, fixed code 11000101; then distance 1, five zeros.
            self.push(0b1010_0011, 8);
            self.push(0, 5);
        }
    }

    pub(super) fn finish(&mut self) {
        // The end of the block, and an empty last one; the check at the end is never reached.
        self.push(0, 7);
        self.push(0b011, 3);
        self.push(0, 7);
        self.push(0, 7);
        self.out.extend([0; 8]);
    }
}

#[test]
fn json_that_is_deep_wide_or_none() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_data = format!(
        "{{\"data\":{}1{}}}",
        "{\"a\":".repeat(50_000),
        "}".repeat(50_000)
    );
    let mut wide = "{\"data\":{".to_owned();
    for number in 0..200_000 {
        let _ = write!(wide, "\"k{number}\":[{{}}],");
    }
    wide.push_str("\"z\":1},\"revision\":\"1-a\"}");
    let numbers = format!(
        "{{\"data\":{{\"company_name\":{}}}}}",
        "9".repeat(1_000_000)
    );
    for (name, body) in [
        ("deep", deep),
        ("deep data", deep_data),
        ("wide", wide),
        (
            "a key twice",
            r#"{"data":{"company_name":"A","company_name":"B"},"revision":"1-a"}"#.to_owned(),
        ),
        ("a number of a million digits", numbers),
        ("half", "{\"data\":".to_owned()),
        ("nothing", String::new()),
        ("no JSON", "<html>\u{1b}[2J\u{202e}</html>".to_owned()),
        ("no UTF-8", "\u{fffd}".to_owned()),
    ] {
        let server = StandIn::start(move |asked, stream| {
            if !login(asked, stream) {
                stream.json("200 OK", &body);
            }
        });
        let said = match name {
            "wide" => "it holds more than 20000 values",
            "a key twice" => "duplicate key \"company_name\" in one of its objects",
            _ => "",
        };
        check(name, &server, said);
    }
}

/// Eight megabytes with 400,000 keys take little more memory than their bytes.
#[test]
fn a_document_of_400_000_keys() {
    let mut body = "{\"data\":{".to_owned();
    for number in 0..400_000 {
        let _ = write!(body, "\"key-{number:06}\":{},", 100_000 + number);
    }
    body.push_str("\"z\":1},\"revision\":\"1-a\"}");
    assert!(
        body.len() > 7_500_000 && body.len() < 8 << 20,
        "{}",
        body.len()
    );
    let server = StandIn::start(move |asked, stream| {
        if !login(asked, stream) {
            stream.json("200 OK", &body);
        }
    });
    check("400,000 keys", &server, "it holds more than 20000 values");
}

/// A list with another page behind each page, each of them with accounts that nobody has seen before.
#[test]
fn a_list_that_pages_for_ever() {
    let page = AtomicU64::new(0);
    let server = StandIn::start(move |asked, stream| {
        if login(asked, stream) {
            return;
        }
        let number = page.fetch_add(1, Ordering::SeqCst);
        let item = json!({"id": format!("{number:032x}"), "name": "x", "realm": "x"});
        let next = format!("{number:x}");
        let body = json!({"data": [item], "next_start_key": next, "status": "success"});
        stream.json("200 OK", &body.to_string());
    });
    let said = "the server's list of accounts has no end:";
    check_identity("pages", &server, said, "realm: acme.sip.example.com");
    // One list for the realm, one for all accounts, and those that show what is outside the tree.
    let asked = server.asked.load(Ordering::SeqCst);
    assert!(asked < 5 * 400, "{asked} requests");
}

/// Whoever answers with another place is not followed there, and the token stays here.
#[test]
fn redirects_are_not_followed() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let elsewhere = StandIn::start(|_, stream| {
            stream.json("200 OK", "{\"data\":{}}");
        });
        let location = elsewhere.url();
        let server = StandIn::start(move |asked, stream| {
            if !login(asked, stream) {
                let path = &asked.path;
                let head = format!(
                    "HTTP/1.1 {status}\r\nlocation: {location}{path}\r\ncontent-length: 0\r\n\r\n"
                );
                stream.send(head.as_bytes());
            }
        });
        check(status, &server, "");
        assert_eq!(elsewhere.asked.load(Ordering::SeqCst), 0, "{status}");
    }
    // The login neither: there the key would go along.
    let elsewhere = StandIn::start(|_, _| {});
    let location = elsewhere.url();
    let server = StandIn::start(move |asked, stream| {
        let path = &asked.path;
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}{path}\r\ncontent-length: 0\r\n\r\n"
        );
        stream.send(head.as_bytes());
    });
    check("login", &server, "");
    assert_eq!(elsewhere.asked.load(Ordering::SeqCst), 0);
}

/// Every value of every answer, with each wrong type in its place: no panic, nothing is taken for missing, and
/// nothing is planned that destroys or creates.
#[test]
fn wrong_types_everywhere() {
    let platform = Platform::renamed("a", "{max_unreadable_percent: 100}");
    platform.declare('a', "whitelabel: {company_name: old}\nassets: {}");
    platform.write(
        "domains.yaml",
        "template:\n  A:\n    \"new.{{domain}}\": {name: New, mapping: [192.0.2.7]}\n",
    );
    let sandbox = port(&platform.sandbox.url());
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!("\u{1b}[2J\u{202e}"),
        json!([]),
        json!({}),
        json!([[{"a": null}]]),
    ];
    let at = Arc::new(AtomicU64::new(0));
    let hit = Arc::new(AtomicU64::new(0));
    let (place, was_hit) = (Arc::clone(&at), Arc::clone(&hit));
    // Nothing changes on the platform, so each question is passed on once.
    let known: Mutex<BTreeMap<String, (String, Value)>> = Mutex::default();
    let server = StandIn::start(move |asked, stream| {
        let mut known = known.lock().unwrap();
        let answer = known.entry(format!("{} {}", asked.method, asked.path));
        let (status, mut value) = answer
            .or_insert_with(|| {
                let (head, body) = relay(sandbox, asked);
                let status = head.split("\r\n").next().unwrap()[9..].to_owned();
                (status, serde_json::from_slice(&body).unwrap_or_default())
            })
            .clone();
        if !asked.path.contains("_auth") {
            let number = place.load(Ordering::SeqCst);
            let kinds = wrong.len() as u64;
            let mut left = number / kinds;
            let replacement = &wrong[usize::try_from(number % kinds).unwrap()];
            if replace(&mut value, &mut left, replacement) {
                was_hit.fetch_add(1, Ordering::SeqCst);
            }
        }
        stream.json(&status, &value.to_string());
    });
    let source = Workdir::open(platform.folder().to_str().unwrap()).unwrap();
    let loaded = tree::load(&source, None).unwrap();
    let key = platform.sandbox.api_key().to_owned();
    let url = server.url();
    let mut config = ClientConfig::new(&url, Credential::ApiKey(Secret::new(&key)));
    config.limits.retry.attempts = 1;
    let client = platform.block_on(ReadClient::connect(config)).unwrap();
    let mut cases = 0;
    loop {
        let before = hit.load(Ordering::SeqCst);
        let said = platform.block_on(survey(&loaded, &client));
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        if hit.load(Ordering::SeqCst) == before {
            break;
        }
        cases += 1;
        at.fetch_add(1, Ordering::SeqCst);
    }
    println!("{cases} answers with a wrong type");
    assert!(cases > 100, "only {cases}");
    check_exit(&platform.run(&["plan"]), 2);
    platform.stop();
}

/// Reads, plans and reports; nothing may be created or deleted because of what was read.
async fn survey(loaded: &Loaded, client: &ReadClient) -> String {
    let desired = &loaded.desired;
    let live = match collect(client, desired, &CollectOptions::default()).await {
        Ok(live) => live,
        Err(error) => return error.to_string(),
    };
    let rules = plan::Options {
        allow: [RefusalKind::Prune].into(),
        ..plan::Options::default()
    };
    let planned = plan::plan(desired, None, &live, &loaded.sources, &rules);
    for step in &planned.plan.steps {
        assert!(
            !matches!(step.action, Action::Create { .. } | Action::Delete),
            "{step:?}"
        );
    }
    let digest = planned.plan.digest();
    let facts = Facts {
        desired: Some(desired),
        live: Some(&live),
        differences: Some(&planned.differences),
        plan: Some((&planned.plan, &digest)),
        ..Facts::new(Command::Plan, &[], &loaded.sources)
    };
    text::render(&report::report(&facts), text::Options::default()).to_string()
}

/// Puts a value in the place of a member of the envelope, or of the whole.
pub(super) fn replace_at(value: &mut Value, place: &str, replacement: &Value) {
    match (place, value) {
        ("", whole) => *whole = replacement.clone(),
        (place, Value::Object(members)) => {
            members.insert(place.to_owned(), replacement.clone());
        }
        (place, other) => *other = json!({ place: replacement }),
    }
}

/// Puts a value in the place of the nth one, counted from the outside in; tells whether there was one.
fn replace(value: &mut Value, left: &mut u64, replacement: &Value) -> bool {
    if *left == 0 {
        *value = replacement.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items
            .iter_mut()
            .any(|item| replace(item, left, replacement)),
        Value::Object(members) => members
            .values_mut()
            .any(|item| replace(item, left, replacement)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
