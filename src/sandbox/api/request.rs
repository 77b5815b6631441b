//! Request parsing, as Kazoo does it.

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::outcome::Failure;
use super::upload::Upload;
use crate::model::Object;
use crate::sandbox::Profile;

/// The wording as recorded. It depends on a library's version, so clients must not rely on it.
const UNREADABLE_JSON: &str = "decoder_exit around 0";

/// A request as received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The HTTP method.
    pub(crate) method: String,
    /// The path, still encoded.
    pub(crate) path: String,
    /// The query, still encoded.
    pub(crate) query: String,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The whole body.
    pub(crate) body: Bytes,
    /// The sender's address.
    pub(crate) peer: String,
}

impl Request {
    /// Returns a header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the media type without parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let media_type = value.split(';').next().unwrap_or(value);
        Some(media_type.trim().to_ascii_lowercase())
    }

    /// Returns how the body is parsed; a form is never parsed as JSON, whatever it contains.
    fn reading(&self) -> Reading {
        match self.media_type().as_deref() {
            None | Some("application/json" | "application/x-json") => Reading::Json,
            Some("application/x-www-form-urlencoded") => Reading::Form,
            Some(_) => Reading::File,
        }
    }
}

/// How a body is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Json,
    Form,
    File,
}

/// The parts of a request in which handlers look up values (E11).
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// The member `data`; an empty object when there is no body (E7).
    pub(crate) data: Value,
    /// The members of the envelope other than `data`, under normalised names (E8).
    pub(crate) envelope: Object,
    /// The query, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The uploaded file, if the body is one.
    pub(crate) upload: Option<Upload>,
}

impl Input {
    /// Parses the query and the body.
    ///
    /// # Errors
    /// 400 when the body is too large, not JSON, not an envelope, or not base64 (B5, B6, E7, E9).
    pub(crate) fn parse(
        request: &Request,
        profile: Profile,
        upload_limit: usize,
    ) -> Result<Self, Failure> {
        let query = url::form_urlencoded::parse(request.query.as_bytes())
            .into_owned()
            .collect();
        let mut input = Self {
            data: json!({}),
            envelope: Object::new(),
            query,
            upload: None,
        };
        if request.body.len() > upload_limit {
            return Err(too_large(upload_limit));
        }
        let mut envelope = match request.reading() {
            Reading::File => {
                let media_type = request.media_type().unwrap_or_default();
                let encoding = request.header("content-transfer-encoding");
                input.upload = Some(Upload::received(&media_type, encoding, &request.body)?);
                return Ok(input);
            }
            Reading::Json | Reading::Form if request.body.is_empty() => return Ok(input),
            Reading::Json
                if profile.refuses_other_encodings()
                    && std::str::from_utf8(&request.body).is_err() =>
            {
                return Err(invalid_json(UNREADABLE_JSON));
            }
            Reading::Json => json_members(&request.body)?,
            Reading::Form => form_members(&request.body),
        };
        match envelope.remove("data") {
            Some(data @ (Value::Object(_) | Value::Array(_))) => input.data = data,
            None => return Err(no_data(&envelope)),
            Some(other) => return Err(wrong_data(&other)),
        }
        input.envelope = envelope;
        Ok(input)
    }

    /// Looks up a request value: in `data`, then in the query, then in the envelope (E11).
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.data
            .get(name)
            .map(text)
            .or_else(|| self.query_value(name).map(str::to_owned))
            .or_else(|| self.envelope.get(name).map(text))
    }

    /// Looks up a value in the query only.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Looks up a boolean.
    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        self.value(name).map(|text| text == "true")
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn json_members(body: &[u8]) -> Result<Object, Failure> {
    let parsed =
        serde_json::from_str(&lenient_text(body)).map_err(|_| invalid_json(UNREADABLE_JSON))?;
    match parsed {
        Value::Object(members) => Ok(members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (normalised(&key), value))
            .collect()),
        _ => Err(invalid_json("All JSON must be valid")),
    }
}

/// Parses a form; JSON in it becomes one name without a value, so `data` is missing.
fn form_members(body: &[u8]) -> Object {
    url::form_urlencoded::parse(body)
        .map(|(name, value)| {
            let value = if value.is_empty() {
                json!(true)
            } else {
                json!(value)
            };
            (name.into_owned(), value)
        })
        .collect()
}

/// Decodes a body as text; bytes that are not UTF-8 are decoded as Latin-1, as the recordings show (`val.bad_utf8`).
fn lenient_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    text
}

/// Normalises the name of a top-level member (E8).
fn normalised(key: &str) -> String {
    key.to_lowercase().replace('-', "_")
}

fn invalid_json(message: &str) -> Failure {
    Failure::unreadable(&json!({"json": {"invalid": {"message": message, "target": "body"}}}))
}

fn no_data(envelope: &Object) -> Failure {
    Failure::unreadable(&json!({"data": {"required": {
        "message": "Field is required but missing",
        "value": envelope,
    }}}))
}

fn wrong_data(value: &Value) -> Failure {
    Failure::unreadable(&json!({"data": {"type": {
        "message": "Value did not match type(s): object, array",
        "target": "object, array",
        "value": value,
    }}}))
}

fn too_large(limit: usize) -> Failure {
    Failure::unreadable(&json!({"file": {"maxSize": {
        "message": format!("Payload or Files must not be more than {limit} bytes"),
        "target": limit,
    }}}))
}
