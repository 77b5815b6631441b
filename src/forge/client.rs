//! Sends requests to a forge.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use super::picture::CommentPicture;
use super::request::{self, Request};
use super::{ForgeError, ForgeKind, Target};
use crate::model::Digest;
use crate::transport::{self, BodyError, TlsProblem, parse_json, read_body};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many bytes an answer may have: enough for a page of the longest comments.
const LONGEST: usize = 128_000_000;
/// How many JSON values an answer may have: a page of a hundred comments has about 10,000.
const VALUES: usize = 200_000;

pub(super) struct Forge {
    client: Client,
    pub(super) target: Target,
}

impl Forge {
    pub(super) fn new(target: Target) -> Result<Self, ForgeError> {
        let client = client(&target)?;
        Ok(Self { client, target })
    }

    /// Sends a request, and returns the JSON of the answer's body; null if the body is empty.
    pub(super) async fn send(&self, request: &Request) -> Result<Value, ForgeError> {
        let path = request.path.split('?').next().unwrap_or_default();
        let call = format!("{} {path}", request.method);
        let url = request::url(&self.target, request);
        let mut builder = self.client.request(request.method.clone(), url);
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        answered(builder, call).await
    }

    /// Sends a picture as the only part of a form, and returns the JSON of the answer's body.
    pub(super) async fn upload(
        &self,
        path: &str,
        part: &str,
        picture: &CommentPicture,
    ) -> Result<Value, ForgeError> {
        let (name, boundary) = (picture.name(), Digest::of(&picture.bytes));
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
        );
        let end = format!("\r\n--{boundary}--\r\n");
        let body = [head.as_bytes(), &picture.bytes, end.as_bytes()].concat();
        let api = self.target.api.as_str().trim_end_matches('/');
        let builder = self.client.post(format!("{api}{path}"));
        let builder = builder.header(
            CONTENT_TYPE,
            format!("multipart/form-data; boundary={boundary}"),
        );
        answered(builder.body(body), format!("POST {path}")).await
    }
}

/// Sends a request, and reads its answer within bounds; `call` names it in errors.
async fn answered(builder: RequestBuilder, call: String) -> Result<Value, ForgeError> {
    let unreachable = |error: reqwest::Error| {
        let problem = TlsProblem::of(&error).map(|problem| problem.explained());
        ForgeError::Unreachable(problem.unwrap_or_else(|| error.without_url().to_string()))
    };
    let mut response = builder.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    if !response.status().is_success() {
        return Err(refused(status, response.headers(), call));
    }
    let bytes = read_body(&mut response, LONGEST, PATIENCE).await;
    let bytes = bytes.map_err(|error| match error {
        BodyError::Broken(error) => unreachable(error),
        BodyError::TooLarge | BodyError::TooSlow { .. } => ForgeError::Answer(call.clone()),
    })?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    parse_json(&bytes, VALUES).map_err(|_| ForgeError::Answer(call))
}

/// Returns the error for an unsuccessful answer. Its body is not shown: it may repeat what was sent.
fn refused(status: u16, headers: &HeaderMap, call: String) -> ForgeError {
    let after = transport::retry_after(headers, Timestamp::now());
    let spent = headers
        .get("x-ratelimit-remaining")
        .is_some_and(|left| left == "0");
    // GitHub reports rate limiting as 403, with the time to wait or a limit that is used up.
    if status == 429 || status >= 500 || (status == 403 && (after.is_some() || spent)) {
        return ForgeError::Busy {
            status,
            call,
            after,
        };
    }
    let hint = match status {
        401 => "the token is invalid or has expired",
        403 => {
            "the token may not do this; on GitHub give the job `pull-requests: write` and `issues: write`"
        }
        404 => "not found, or the token has no access; check --url, --repository and --number",
        422 | 400 => "it does not take the text; is it over the forge's limit?",
        _ => "check --url",
    };
    ForgeError::Refused { status, call, hint }
}

fn client(target: &Target) -> Result<Client, ForgeError> {
    let builder = transport::client(&target.api, None);
    let builder = builder.map_err(|error| ForgeError::Client(error.to_string()))?;
    let builder = builder.default_headers(headers(target)?).timeout(PATIENCE);
    builder
        .build()
        .map_err(|error| ForgeError::Client(error.to_string()))
}

fn headers(target: &Target) -> Result<HeaderMap, ForgeError> {
    let token = target.token.expose();
    let (name, value, accept) = match target.kind {
        ForgeKind::Github => (
            AUTHORIZATION.as_str(),
            format!("Bearer {token}"),
            "application/vnd.github+json",
        ),
        ForgeKind::Gitea => (
            AUTHORIZATION.as_str(),
            format!("token {token}"),
            "application/json",
        ),
        ForgeKind::Gitlab => ("private-token", token.to_owned(), "application/json"),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| ForgeError::Missing {
        what: "the forge's token",
        how: "what the environment holds cannot be one: it has a line end or another control character",
    })?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(reqwest::header::HeaderName::from_static(name), value);
    if target.kind == ForgeKind::Github {
        headers.insert(
            "x-github-api-version",
            HeaderValue::from_static("2022-11-28"),
        );
    }
    Ok(headers)
}
