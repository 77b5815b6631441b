//! What a hostile server answers with, whatever it was asked.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::server::{Deflate, replace_at};
use crate::stand_in::Counted;

/// A way to answer.
pub(super) struct Mode {
    pub(super) name: String,
    answer: Answer,
}

enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A beginning, and the same piece again and again as long as anybody takes it.
    Endless(&'static [u8], Vec<u8>),
    /// What the server says, with another value in one place.
    Instead(&'static str, Value),
    /// Nothing; the connection stays.
    Nothing,
}

impl Mode {
    /// Tells whether it says what might be true: then nothing but what is kept can be held against whoever believes it.
    pub(super) fn is_plausible(&self) -> bool {
        matches!(self.answer, Answer::Instead(..))
    }

    /// Tells whether somebody waits for an answer that does not come.
    pub(super) fn hangs(&self) -> bool {
        match &self.answer {
            Answer::Nothing => true,
            // Heads that announce an answer, and no answer ever.
            Answer::Endless(head, _) => head.is_empty(),
            Answer::Bytes(_) | Answer::Instead(..) => false,
        }
    }

    /// Answers; `real` is what the server would have said: its status and its body.
    pub(super) fn answer(&self, real: (&str, &[u8]), stream: &mut Counted<'_>) {
        match &self.answer {
            Answer::Bytes(bytes) => {
                stream.send(bytes);
            }
            Answer::Endless(head, piece) => {
                let mut is_taken = stream.send(head);
                while is_taken {
                    is_taken = stream.send(piece);
                }
            }
            Answer::Instead(place, value) => {
                let (status, body) = real;
                let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
                replace_at(&mut body, place, value);
                stream.json(status, &body.to_string());
            }
            Answer::Nothing => {}
        }
    }
}

/// The most bytes that a client of these tests takes of one answer.
pub(super) const MOST: usize = 64 << 10;

/// Lists them all.
#[allow(clippy::too_many_lines, reason = "a uniform list")]
pub(super) fn modes() -> Vec<Mode> {
    let mode = |name: &str, answer| Mode {
        name: name.to_owned(),
        answer,
    };
    let chunk = [b"1000\r\n".as_slice(), &vec![b' '; 0x1000], b"\r\n"].concat();
    let mut modes = vec![
        mode(
            "chunks without an end",
            Answer::Endless(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                chunk,
            ),
        ),
        mode(
            "a body without an end",
            Answer::Endless(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
                vec![b'['; 0x1000],
            ),
        ),
        mode(
            "a length of 99999999999",
            Answer::Endless(
                b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
                vec![b' '; 0x1000],
            ),
        ),
        mode(
            "a head without an end",
            Answer::Endless(b"HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n".repeat(200)),
        ),
        mode(
            "100 without an end",
            Answer::Endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)),
        ),
        mode("nothing, and no end", Answer::Nothing),
        mode(
            "zeros, packed",
            Answer::Bytes(packed("200 OK", &zeros(4 * MOST))),
        ),
        mode(
            "no packed body",
            Answer::Bytes(packed("200 OK", b"not packed")),
        ),
        mode(
            "no HTTP",
            Answer::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n\r\n\r\n".to_vec()),
        ),
        mode(
            "an alert of TLS",
            Answer::Bytes(b"\x15\x03\x01\x00\x02\x02\x0a\r\n\r\n".to_vec()),
        ),
        mode(
            "unchanged, unasked",
            Answer::Bytes(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()),
        ),
        mode(
            "no content",
            Answer::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ),
        mode(
            "half a body",
            Answer::Bytes(
                b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{\"data\""
                    .to_vec(),
            ),
        ),
    ];
    modes.extend(bodies().into_iter().map(|(name, body)| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        mode(
            name,
            Answer::Bytes([head.into_bytes(), body.into_bytes()].concat()),
        )
    }));
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        // Where nobody listens.
        let head = format!(
            "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
        );
        modes.push(mode(status, Answer::Bytes(head.into_bytes())));
    }
    for place in ["", "data", "revision", "status"] {
        for value in [
            json!(null),
            json!(true),
            json!(-1),
            json!("\u{1b}[2J"),
            json!([]),
            json!([[{"a": null}]]),
        ] {
            modes.push(Mode {
                name: format!("{value} as {place:?}"),
                answer: Answer::Instead(place, value),
            });
        }
    }
    modes
}

/// JSON that is deep, wide, double or none.
fn bodies() -> Vec<(&'static str, String)> {
    let mut wide = "{\"data\":{".to_owned();
    for number in 0..3_000 {
        let _ = write!(wide, "\"k{number}\":[{{}}],");
    }
    wide.push_str("\"z\":1},\"revision\":\"1-a\"}");
    vec![
        (
            "deep",
            format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        ),
        (
            "deep data",
            format!(
                "{{\"data\":{}1{}}}",
                "{\"a\":".repeat(5_000),
                "}".repeat(5_000)
            ),
        ),
        ("wide", wide),
        (
            "a number of many digits",
            format!("{{\"data\":{{\"company_name\":{}}}}}", "9".repeat(50_000)),
        ),
        ("half", "{\"data\":".to_owned()),
        ("an empty body", String::new()),
        ("no JSON", "<html>\u{1b}[2J\u{202e}</html>".to_owned()),
        (
            "a key twice",
            r#"{"data":{"domain":"a.example.com","domain":"b.example.com"},"revision":"1-a"}"#
                .to_owned(),
        ),
        (
            "data twice",
            r#"{"data":{},"revision":"1-a","data":{"domain":"b.example.com"}}"#.to_owned(),
        ),
        (
            "an error as a success",
            r#"{"data":{},"status":"error","error":"500"}"#.to_owned(),
        ),
    ]
}

fn packed(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Packs at least so many zeros.
fn zeros(count: usize) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = Deflate::new(&mut packed);
    for _ in 0..=count / Deflate::BLOCK {
        encoder.zeros();
    }
    encoder.finish();
    packed
}
