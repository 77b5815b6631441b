//! Sends requests: token, pace, retries, deadlines, size limits.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{
    CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tracing::debug;
use url::Url;

use super::activity::Activity;
use super::attachment::attachment;
use super::classify::classify;
use super::config::{ClientConfig, Limits};
use super::deadline::Deadline;
use super::error::ApiError;
use super::failure::{Failure, Stage};
use super::no_answer::NoAnswer;
use super::pace::{Pace, RequestKind, Sample};
use super::redact::Redaction;
use super::request::{Answer, Body, Envelope, Request, RequestId};
use super::retry::Class;
use super::session::{Login, Session, State, end_of_token};
use super::silence::Silence;
use super::subject::Subject;
use crate::model::{AccountId, Revision, Secret, is_loopback};
use crate::transport::{self, BodyError, JsonError, innermost, parse_json, read_body};

/// The largest body of an error answer, in bytes; it is only searched for a reason.
const ERROR_BYTES: usize = 1 << 20;

/// How long an idle connection is kept: the server closes it after 120 s (C1).
const IDLE: Duration = Duration::from_secs(90);

/// State that all clients of one cluster share.
#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    /// Host and port of the base.
    host: String,
    session: Session,
    pace: Pace,
    silence: Mutex<Silence>,
    activity: Activity,
    deadline: Deadline,
    pub(super) limits: Limits,
    random: Mutex<fastrand::Rng>,
    ca_pem: Option<Vec<u8>>,
    allow_plain_http: bool,
}

impl Transport {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, ApiError> {
        let base = config.base()?;
        Ok(Self {
            http: http(config, &base)?,
            host: host(&base),
            base,
            session: Session::new(config.credential.clone()),
            pace: Pace::new(config.limits.concurrency),
            silence: Mutex::default(),
            activity: config.activity.clone(),
            deadline: config.deadline.clone(),
            limits: config.limits,
            random: Mutex::new(fastrand::Rng::with_seed(config.seed)),
            ca_pem: config.ca_pem.clone(),
            allow_plain_http: config.allow_plain_http,
        })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(super) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Logs in if necessary, and returns the token's own account if known.
    pub(super) async fn own_account(&self) -> Result<Option<AccountId>, ApiError> {
        Ok(self.login(None).await?.account)
    }

    /// Returns a token that lasts for a while, as far as it says when it ends; `refused` is one that was not accepted.
    pub(super) async fn token(
        &self,
        lasts: SignedDuration,
        refused: Option<&Secret>,
    ) -> Result<Secret, ApiError> {
        let login = self.login(refused).await?;
        let ends = end_of_token(&login.token);
        let is_ending = ends.is_some_and(|end| end.duration_since(Timestamp::now()) < lasts);
        if is_ending && self.session.is_renewable() {
            return Ok(self.login(Some(&login.token)).await?.token);
        }
        Ok(login.token)
    }

    /// Creates a client for a websocket, which is an HTTP/1.1 connection at first; it may go where the token may go.
    pub(super) fn websocket_client(&self, url: &Url) -> Result<reqwest::Client, ApiError> {
        let is_local = url.host().as_ref().is_some_and(is_loopback);
        if url.scheme() == "http" && !is_local && !self.allow_plain_http {
            return Err(ApiError::Configuration(
                "ws:// to another machine would send the token unencrypted over the network; write wss://, or set `allow_plain_http: true` for the cluster".to_owned(),
            ));
        }
        let builder = transport::client(url, self.ca_pem.as_deref())
            .map_err(|error| ApiError::Configuration(error.to_string()))?;
        let builder = builder.http1_only().connect_timeout(self.limits.connect);
        let client = builder.build();
        client.map_err(|error| {
            ApiError::Configuration(format!("no HTTP client: {}", innermost(&error)))
        })
    }

    /// Explains why a request for a websocket had no answer.
    pub(super) async fn explain(&self, url: &Url, error: &reqwest::Error) -> ApiError {
        let no_answer = NoAnswer {
            host: &host(url),
            is_tls: url.scheme() == "https",
            call: "GET",
            connect: self.limits.connect,
            timeout: self.limits.read,
            attempt: 1,
        };
        no_answer.investigate(error).await
    }

    /// Cleans a text from the server.
    pub(super) fn clean(&self, text: &str, token: &Secret) -> String {
        self.session.redaction(Some(token)).clean(text)
    }

    /// Sends a request with the token; if the token is refused, renews it and sends the request once more (trap 28).
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let login = self.login(None).await.map_err(Failure::of_login)?;
        let refused = match self.tries(request, Some(&login.token)).await {
            Err(failure) if failure.is_unauthorised() && self.session.is_renewable() => failure,
            other => return other,
        };
        let renewed = self.login(Some(&login.token)).await;
        let renewed = renewed.map_err(|error| Failure::of_login(error).after(&refused))?;
        let answer = self.tries(request, Some(&renewed.token)).await;
        answer.map_err(|failure| failure.after(&refused))
    }

    /// Sends a request and reads the JSON envelope of its answer.
    pub(super) async fn send_json(&self, request: &Request<'_>) -> Result<Envelope, Failure> {
        let answer = self.send(request).await?;
        self.opened(&answer, request).await
    }

    /// Sends a conditional request; returns `None` if the document still has the request's revision.
    pub(super) async fn send_if_changed(
        &self,
        request: &Request<'_>,
    ) -> Result<Option<Envelope>, Failure> {
        let answer = self.send(request).await?;
        if answer.is_unchanged {
            return Ok(None);
        }
        self.opened(&answer, request).await.map(Some)
    }

    /// Parses the envelope of an answer to a request that was sent with the token.
    async fn opened(&self, answer: &Answer, request: &Request<'_>) -> Result<Envelope, Failure> {
        let problem = match envelope(&answer.body, request.values) {
            Ok(envelope) => return Ok(envelope),
            Err(problem) => problem,
        };
        let token = match &*self.session.lock().await {
            State::LoggedIn(login) => Some(login.token.clone()),
            State::Fresh | State::Rejected(_) => None,
        };
        Err(Failure {
            error: problem.told(&self.session.redaction(token.as_ref())),
            stage: Stage::Request,
            doubtful: true,
        })
    }

    /// Returns the login; logs in if there is none, or if the server refused `refused` and no other request has renewed
    /// it meanwhile.
    async fn login(&self, refused: Option<&Secret>) -> Result<Login, ApiError> {
        let mut state = self.session.lock().await;
        match &*state {
            State::LoggedIn(login)
                if refused.is_none_or(|old| old.expose() != login.token.expose()) =>
            {
                return Ok(login.clone());
            }
            State::Rejected(error) => return Err(error.clone()),
            State::LoggedIn(_) | State::Fresh => {}
        }
        let result = self.fetch_login().await;
        match &result {
            Ok(login) => *state = State::LoggedIn(login.clone()),
            Err(error) if Class::of(error) == Class::Final => {
                *state = State::Rejected(error.clone());
            }
            Err(_) => {}
        }
        result
    }

    async fn fetch_login(&self) -> Result<Login, ApiError> {
        let Some((path, body)) = self.session.login_request() else {
            return Err(ApiError::Unauthorised {
                multi_factor: false,
            });
        };
        let request = Request {
            method: Method::PUT,
            body: Body::Envelope(body),
            subject: Subject {
                login: true,
                ..Subject::default()
            },
            ..Request::get(vec![path], self.limits.document_bytes, self.limits.read)
        };
        let answer = self
            .tries(&request, None)
            .await
            .map_err(|failure| failure.error)?;
        let envelope = envelope(&answer.body, request.values)
            .map_err(|problem| problem.told(&self.session.redaction(None)))?;
        let token = envelope
            .text("auth_token")
            .ok_or_else(|| ApiError::Unusable {
                reason: "the login's answer has no token".to_owned(),
            })?;
        let account = envelope.data.get("account_id").and_then(Value::as_str);
        Ok(Login {
            token: Secret::new(token),
            account: account.and_then(|id| AccountId::parse(id).ok()),
        })
    }

    /// Sends a request, with retries as the table in [`super::retry`] says.
    async fn tries(
        &self,
        request: &Request<'_>,
        token: Option<&Secret>,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let call = call(request);
        let mut doubtful = false;
        let mut attempt = 1;
        loop {
            let slot = self.pace.enter().await;
            let sent = Instant::now();
            let result = match self.admits(request, sent) {
                Ok(timeout) => {
                    let _under = self.activity.begin(&self.host, &call, attempt, sent);
                    let sending = Sending {
                        request,
                        token,
                        call: &call,
                        timeout,
                        attempt,
                    };
                    self.once(&sending).await
                }
                Err(error) => Err(error),
            };
            self.listen(&result);
            slot.finish(sample(request.kind, result.as_ref().err(), sent.elapsed()));
            let error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let chance = self.random().f64();
            let pause =
                self.limits
                    .retry
                    .pause(&error, request.repeat, attempt, started.elapsed(), chance);
            let Some(pause) = pause else {
                return Err(Failure {
                    error,
                    stage: Stage::Request,
                    doubtful,
                });
            };
            doubtful |= matches!(
                Class::of(&error),
                Class::Unavailable | Class::Lost | Class::Slow
            );
            debug!(attempt, pause_ms = pause.as_millis(), %error, "trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Returns how long a request that is sent now may take, or why it must not be sent.
    fn admits(&self, request: &Request<'_>, now: Instant) -> Result<Duration, ApiError> {
        let left = self.deadline.left(now).map_err(ApiError::Late)?;
        let in_a_row = self.silence().admits(now);
        in_a_row.map_err(|in_a_row| ApiError::Silent {
            host: self.host.clone(),
            in_a_row,
        })?;
        Ok(left.map_or(request.timeout, |left| left.min(request.timeout)))
    }

    /// Records whether the server answered at all.
    fn listen(&self, result: &Result<Answer, ApiError>) {
        match result {
            Err(
                ApiError::TimedOut { .. }
                | ApiError::TooSlow { .. }
                | ApiError::HandshakeTimedOut { .. }
                | ApiError::Connect {
                    is_silent: true, ..
                },
            ) => self.silence().timed_out(Instant::now()),
            Err(ApiError::Silent { .. } | ApiError::Late(_) | ApiError::Connect { .. }) => {}
            Ok(_) | Err(_) => self.silence().answered(),
        }
    }

    /// Sends a request once and reads its answer.
    async fn once(&self, sending: &Sending<'_>) -> Result<Answer, ApiError> {
        let request = sending.request;
        let id = request.id.cloned().unwrap_or_else(|| self.new_id());
        let call = sending.call;
        let sent = Instant::now();
        let ms = || sent.elapsed().as_millis();
        match self.builder(sending, &id)?.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                debug!(call, status, ms = ms(), %id, "answered");
                self.answer(sending, response).await
            }
            Err(error) => {
                let error = self.no_answer(sending).investigate(&error).await;
                debug!(call, %error, ms = ms(), %id, "no answer");
                Err(error)
            }
        }
    }

    async fn answer(
        &self,
        sending: &Sending<'_>,
        mut response: Response,
    ) -> Result<Answer, ApiError> {
        let request = sending.request;
        let status = response.status();
        if let Some(known) = request
            .if_none_match
            .filter(|_| status == StatusCode::NOT_MODIFIED)
        {
            return unchanged(response.headers(), known);
        }
        if status.is_success() {
            let body = self.read(&mut response, request.cap, sending).await?;
            let disposition = text(response.headers(), &CONTENT_DISPOSITION);
            return Ok(Answer {
                body,
                attachment: disposition.and_then(|value| attachment(&value)),
                is_unchanged: false,
            });
        }
        // The status alone says most, even if the body was cut off.
        let body = self
            .read(&mut response, ERROR_BYTES, sending)
            .await
            .unwrap_or_default();
        let wait = transport::retry_after(response.headers(), Timestamp::now());
        let redaction = self.session.redaction(sending.token);
        let subject = Subject {
            values: !matches!(request.body, Body::Nothing),
            ..request.subject
        };
        Err(classify(status.as_u16(), wait, &body, subject, &redaction))
    }

    fn builder(&self, sending: &Sending<'_>, id: &RequestId) -> Result<RequestBuilder, ApiError> {
        let request = sending.request;
        let mut builder = self
            .http
            .request(request.method.clone(), self.url(request)?)
            .timeout(sending.timeout)
            .header("x-request-id", id.as_str());
        if let Some(token) = sending.token {
            let mut value = HeaderValue::from_str(token.expose()).map_err(|_| {
                ApiError::Configuration("the token holds characters that no token has".to_owned())
            })?;
            value.set_sensitive(true);
            builder = builder.header("x-auth-token", value);
        }
        if let Some(revision) = request.if_match {
            builder = builder.header(IF_MATCH, revision.etag());
        }
        if let Some(revision) = request.if_none_match {
            builder = builder.header(IF_NONE_MATCH, revision.etag());
        }
        Ok(match &request.body {
            Body::Nothing => builder,
            Body::Envelope(envelope) => builder.json(envelope),
            Body::File(content_type, bytes) => builder
                .header(CONTENT_TYPE, *content_type)
                .body(bytes.to_vec()),
        })
    }

    fn url(&self, request: &Request<'_>) -> Result<Url, ApiError> {
        // A segment of dots would lead to another path, and an empty one would mean another call.
        if request
            .path
            .iter()
            .any(|part| matches!(*part, "" | "." | ".."))
        {
            return Err(ApiError::NoSuchPath {
                message: "an empty name cannot be asked for".to_owned(),
            });
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ApiError::Configuration("`api` takes no path".to_owned()))?
            .pop_if_empty()
            .push("v2")
            .extend(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    async fn read(
        &self,
        response: &mut Response,
        cap: usize,
        sending: &Sending<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let read = read_body(response, cap, self.limits.drops);
        read.await.map_err(|error| match error {
            BodyError::TooLarge => ApiError::AnswerTooLarge { limit: cap },
            BodyError::TooSlow { bytes, after } => ApiError::TooSlow {
                host: self.host.clone(),
                call: sending.call.to_owned(),
                bytes,
                after,
                attempts: sending.attempt,
            },
            BodyError::Broken(error) => self.no_answer(sending).explain(&error),
        })
    }

    fn no_answer<'a>(&'a self, sending: &'a Sending<'_>) -> NoAnswer<'a> {
        NoAnswer {
            host: &self.host,
            is_tls: self.base.scheme() == "https",
            call: sending.call,
            connect: self.limits.connect,
            timeout: sending.timeout,
            attempt: sending.attempt,
        }
    }

    fn new_id(&self) -> RequestId {
        RequestId::new(format!("emblazon-{:016x}", self.random().u64(..)))
    }

    fn silence(&self) -> std::sync::MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self) -> std::sync::MutexGuard<'_, fastrand::Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attempt of a request.
struct Sending<'a> {
    request: &'a Request<'a>,
    token: Option<&'a Secret>,
    /// Method and path.
    call: &'a str,
    timeout: Duration,
    /// Number of the attempt, from 1.
    attempt: u32,
}

/// Returns a request's name for messages: its method and path.
fn call(request: &Request<'_>) -> String {
    format!("{} /v2/{}", request.method, request.path.join("/"))
}

fn host(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    let port = base.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}")
}

/// Creates the HTTP client for one cluster.
fn http(config: &ClientConfig, base: &Url) -> Result<reqwest::Client, ApiError> {
    let builder = transport::client(base, config.ca_pem.as_deref())
        .map_err(|error| ApiError::Configuration(error.to_string()))?;
    builder
        .connect_timeout(config.limits.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(usize::from(config.limits.concurrency))
        .build()
        .map_err(|error| ApiError::Configuration(format!("no HTTP client: {}", innermost(&error))))
}

fn sample(kind: RequestKind, error: Option<&ApiError>, latency: Duration) -> Sample {
    match error {
        // "There is none" is an answer like any other: most accounts of a platform have no brand.
        None | Some(ApiError::NoWhitelabel | ApiError::NoSuchAsset { .. }) => {
            Sample::Answered(kind, latency)
        }
        Some(
            ApiError::TooManyRequests { .. }
            | ApiError::Unavailable { .. }
            | ApiError::TimedOut { .. }
            | ApiError::TooSlow { .. },
        ) => Sample::Overloaded,
        Some(_) => Sample::Nothing,
    }
}

/// Accepts a 304 only if its `ETag`, when present, is the one that was asked about: a cache on the path might answer
/// for another.
fn unchanged(headers: &HeaderMap, known: &Revision) -> Result<Answer, ApiError> {
    let tag = text(headers, &ETAG);
    let is_other = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) != known.etag();
    if tag.as_deref().is_some_and(is_other) {
        return Err(ApiError::Unusable {
            reason: "it says that another revision is unchanged".to_owned(),
        });
    }
    Ok(Answer {
        body: Vec::new(),
        attachment: None,
        is_unchanged: true,
    })
}

/// Why a successful answer cannot be used.
enum Problem {
    Json(JsonError),
    Envelope(&'static str),
}

impl Problem {
    fn told(self, redaction: &Redaction) -> ApiError {
        let reason = match self {
            Self::Json(JsonError::Twice(key)) => {
                JsonError::Twice(redaction.clean(&key)).to_string()
            }
            Self::Json(error) => error.to_string(),
            Self::Envelope(reason) => reason.to_owned(),
        };
        ApiError::Unusable { reason }
    }
}

fn envelope(body: &[u8], values: usize) -> Result<Envelope, Problem> {
    let Value::Object(mut members) = parse_json(body, values).map_err(Problem::Json)? else {
        return Err(Problem::Envelope("it is not a JSON object"));
    };
    let data = members
        .remove("data")
        .ok_or(Problem::Envelope("it has no `data`"))?;
    if members.get("status").and_then(Value::as_str) == Some("error") {
        return Err(Problem::Envelope(
            "its envelope says error, its status says success",
        ));
    }
    Ok(Envelope { data, members })
}

fn text(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any answer shows how busy the server is, even one that says there is nothing.
    #[test]
    fn every_answer_to_a_read_counts_for_the_pace() {
        #[track_caller]
        fn check(error: Option<&ApiError>, expected: Sample) {
            let latency = Duration::from_millis(7);
            assert_eq!(sample(RequestKind::Document, error, latency), expected);
        }
        let answered = Sample::Answered(RequestKind::Document, Duration::from_millis(7));
        check(None, answered);
        check(Some(&ApiError::NoWhitelabel), answered);
        let asset = "logo".to_owned();
        check(Some(&ApiError::NoSuchAsset { asset }), answered);
        check(Some(&ApiError::Conflict), Sample::Nothing);
        check(Some(&ApiError::Forbidden), Sample::Nothing);
    }
}
