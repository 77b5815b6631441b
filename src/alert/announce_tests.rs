use super::*;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::alert::{EmailChannel, SlackChannel, Smtp, SmtpTls, WebhookChannel};
use crate::daemon::{Alert, AlertKind};
use crate::forge::{ForgeKind, signed};
use crate::model::{AccountName, Secret};

/// What a stand-in was sent.
struct Heard {
    path: String,
    headers: HeaderMap,
    body: String,
}

/// What the handler of a stand-in works with: where what it hears goes, and how it answers.
type Stand = (mpsc::UnboundedSender<Heard>, Arc<Mutex<Vec<u16>>>);

/// Starts a server that answers with some statuses in turn, and then with 200.
async fn receiver(answers: &[u16]) -> (String, mpsc::UnboundedReceiver<Heard>) {
    let (sender, heard) = mpsc::unbounded_channel();
    let answers = Arc::new(Mutex::new(answers.to_vec()));
    let serve = async |State((sender, answers)): State<Stand>,
                       uri: Uri,
                       headers: HeaderMap,
                       body: Bytes| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let path = uri.path().to_owned();
        let _ = sender.send(Heard {
            path,
            headers,
            body,
        });
        let mut answers = answers.lock().unwrap();
        let status = if answers.is_empty() {
            200
        } else {
            answers.remove(0)
        };
        StatusCode::from_u16(status).unwrap()
    };
    let router = Router::new().fallback(serve).with_state((sender, answers));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), heard)
}

/// A board with drift on one account; each call is another round.
fn drift(published: &PublishedStatus, message: &str) {
    published.change(|status| {
        status.cluster.beat += jiff::SignedDuration::from_secs(1);
        status.cluster.alerts = vec![Alert {
            kind: AlertKind::Drift,
            account: Some(AccountName::new("acme")),
            brand: None,
            message: message.to_owned(),
            since: status.cluster.beat,
        }];
    });
}

fn announcer(channels: Vec<(String, Channel)>) -> Announcer {
    Announcer {
        damping: Damping {
            confirmations: Some(1),
            after: Some(Duration::ZERO),
        },
        channels,
        pauses: vec![Duration::ZERO; 3],
        ..Announcer::default()
    }
}

fn webhook(url: &str) -> Channel {
    let secret = Some(Secret::new("canary"));
    Channel::Webhook(WebhookChannel::new(url, secret, None).unwrap())
}

/// Announces until the stand-in heard something, then stops.
async fn announced<T>(
    announcer: Announcer,
    published: &PublishedStatus,
    heard: impl Future<Output = T>,
) -> (T, Channels) {
    let (channels, stop) = (Channels::default(), CancellationToken::new());
    let task = tokio::spawn(announce(
        announcer,
        published.clone(),
        channels.clone(),
        stop.clone(),
    ));
    let heard = heard.await;
    stop.cancel();
    task.await.unwrap();
    (heard, channels)
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again() {
    let (url, mut heard) = receiver(&[503, 429]).await;
    let published = PublishedStatus::new(Timestamp::UNIX_EPOCH);
    drift(&published, "company_name differs");
    let third = async {
        heard.recv().await.unwrap();
        heard.recv().await.unwrap();
        heard.recv().await.unwrap()
    };
    let way = webhook(&format!("{url}/hook"));
    let (heard, channels) = announced(
        announcer(vec![("webhook".to_owned(), way)]),
        &published,
        third,
    )
    .await;
    let header = |name: &str| heard.headers[name].to_str().unwrap().to_owned();
    let said = format!("{}.{}", header("x-emblazon-timestamp"), heard.body);
    let signature = signed(&Secret::new("canary"), said.as_bytes());
    assert_eq!(
        header("x-emblazon-signature-256"),
        format!("sha256={signature}")
    );
    let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
    assert_eq!(body["kind"], "drift");
    assert_eq!(body["title"], "emblazon: acme was changed by hand");
    assert_eq!(body["lines"], json!(["acme: company_name differs"]));
    let status = &channels.status()[0];
    assert_eq!((status.sent, status.failed, &status.problem), (1, 0, &None));
}

#[tokio::test]
async fn what_is_refused_is_given_up_and_seen() {
    let (url, mut heard) = receiver(&[404, 503, 503, 503, 503]).await;
    let published = PublishedStatus::new(Timestamp::UNIX_EPOCH);
    drift(&published, "company_name differs");
    let way = webhook(&format!("{url}/canary"));
    let (_, channels) = announced(
        announcer(vec![("webhook".to_owned(), way)]),
        &published,
        heard.recv(),
    )
    .await;
    let status = &channels.status()[0];
    assert_eq!((status.sent, status.failed), (0, 1));
    let problem = status.problem.as_deref().unwrap();
    assert_eq!(problem, "not taken: the answer was 404 Not Found");
    // What may pass is tried four times, and given up then.
    drift(&published, "company_name differs");
    let fourth = async {
        for _ in 0..4 {
            heard.recv().await.unwrap();
        }
    };
    let way = webhook(&format!("{url}/canary"));
    let ((), channels) = announced(
        announcer(vec![("webhook".to_owned(), way)]),
        &published,
        fourth,
    )
    .await;
    assert_eq!(channels.status()[0].failed, 1);
}

#[tokio::test]
async fn a_restart_tells_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (url, mut heard) = receiver(&[]).await;
    let published = PublishedStatus::new(Timestamp::UNIX_EPOCH);
    drift(&published, "company_name differs");
    let remembering = |url: &str| {
        let slack = SlackChannel::new(&Secret::new(url)).unwrap();
        Announcer {
            memory: Some(folder.path().join("alerts.json")),
            ..announcer(vec![("slack".to_owned(), Channel::Slack(slack))])
        }
    };
    announced(remembering(&url), &published, heard.recv()).await;
    // The next thing that is heard is the end, not the beginning once more.
    drift(&published, "company_name differs");
    let end = async {
        published.change(|status| {
            status.cluster.beat += jiff::SignedDuration::from_secs(1);
            status.cluster.alerts.clear();
        });
        heard.recv().await.unwrap()
    };
    let (heard, _) = announced(remembering(&url), &published, end).await;
    assert!(
        heard.body.contains("is as declared again"),
        "{}",
        heard.body
    );
}

#[tokio::test]
async fn a_commit_gets_its_status_on_each_forge() {
    for (forge, path, header, name, failed) in [
        (
            ForgeKind::Github,
            "/repos/acme/brands/statuses/abc",
            "authorization",
            "context",
            "failure",
        ),
        (
            ForgeKind::Gitea,
            "/repos/acme/brands/statuses/abc",
            "authorization",
            "context",
            "failure",
        ),
        (
            ForgeKind::Gitlab,
            "/projects/acme%2Fbrands/statuses/abc",
            "private-token",
            "name",
            "failed",
        ),
    ] {
        let (url, mut heard) = receiver(&[]).await;
        let published = PublishedStatus::new(Timestamp::UNIX_EPOCH);
        published.change(|status| {
            status.cluster.role = Role::Leader {
                since: Timestamp::UNIX_EPOCH,
            };
            status.cluster.source.seen = Some("abc".to_owned());
            status.cluster.source.problem = Some("2 errors".to_owned());
        });
        let token = Secret::new("canary");
        let forge = ForgeChannel::new(forge, &url, "acme/brands", token).unwrap();
        let announcer = Announcer {
            forges: vec![("commit_status".to_owned(), forge)],
            ..Announcer::default()
        };
        let (heard, channels) = announced(announcer, &published, heard.recv()).await;
        let heard = heard.unwrap();
        assert_eq!(heard.path, path);
        assert!(heard.headers[header].to_str().unwrap().contains("canary"));
        let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
        assert_eq!(
            (&body["state"], &body[name]),
            (&json!(failed), &json!("emblazon/emblazon"))
        );
        assert_eq!(channels.status()[0].sent, 1);
    }
}

#[tokio::test]
async fn a_living_loop_is_heard() {
    let (url, mut heard) = receiver(&[]).await;
    let pinger = Pinger::new(&Secret::new(format!("{url}/ping"))).unwrap();
    let announcer = Announcer {
        ping: Some((pinger, Duration::from_mins(1))),
        ..Announcer::default()
    };
    let alive = PublishedStatus::new(Timestamp::now());
    let (heard, _) = announced(announcer, &alive, heard.recv()).await;
    assert_eq!(heard.unwrap().path, "/ping");
}

/// Plays a mail server for one message, and returns what was said to it.
async fn mail_server(listener: TcpListener) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 stand-in\r\n").await.unwrap();
    let (mut said, mut is_data) = (String::new(), false);
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push_str(&line);
        said.push('\n');
        let answer: &[u8] = match line.split(' ').next().unwrap() {
            "." if is_data => {
                is_data = false;
                b"250 taken\r\n"
            }
            _ if is_data => continue,
            "EHLO" => b"250-stand-in\r\n250 AUTH PLAIN\r\n",
            "AUTH" => b"235 welcome\r\n",
            "DATA" => {
                is_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => break,
            _ => b"250 fine\r\n",
        };
        writing.write_all(answer).await.unwrap();
        if said.contains("\n.\n") {
            break;
        }
    }
    said
}

#[tokio::test]
async fn an_email_says_what_is_wrong() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smtp = Smtp {
        server: "127.0.0.1".to_owned(),
        port: Some(listener.local_addr().unwrap().port()),
        tls: SmtpTls::None,
        login: Some(("daemon".to_owned(), Secret::new("canary"))),
    };
    let to = [
        "Ops <ops@example.com>".to_owned(),
        "night@example.com".to_owned(),
    ];
    let email = EmailChannel::new(&smtp, "emblazon <emblazon@example.com>", &to).unwrap();
    let published = PublishedStatus::new(Timestamp::UNIX_EPOCH);
    drift(
        &published,
        "company_name is \"Größe\"\r\nBcc: evil@example.com",
    );
    let way = Channel::Email(email);
    let (said, channels) = announced(
        announcer(vec![("email".to_owned(), way)]),
        &published,
        mail_server(listener),
    )
    .await;
    for expected in [
        "MAIL FROM:<emblazon@example.com>",
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<night@example.com>",
        "Subject: emblazon: acme was changed by hand",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(!said.contains("\nBcc:"), "{said}");
    assert_eq!(channels.status()[0].sent, 1);
}

#[test]
fn mail_goes_over_tls_or_stays_here() {
    let smtp = Smtp {
        server: "smtp.example.com".to_owned(),
        port: None,
        tls: SmtpTls::None,
        login: None,
    };
    let error =
        EmailChannel::new(&smtp, "a@example.com", &["b@example.com".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("use starttls"), "{error}");
    let encrypted = Smtp {
        tls: SmtpTls::Starttls,
        ..smtp
    };
    assert!(EmailChannel::new(&encrypted, "a@example.com", &["b@example.com".to_owned()]).is_ok());
    let error = EmailChannel::new(&encrypted, "nobody", &[]).unwrap_err();
    assert!(error.to_string().contains("goes to nobody"), "{error}");
}
