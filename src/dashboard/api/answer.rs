//! Generic answers of the API, and the schema of all answers.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, http::header};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::v1::{AccountsV1, HistoryV1, ObjectV1, PlanV1, StatusV1};

/// An intervention was accepted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct AcceptedV1 {
    version: u32,
    /// Always true: what cannot be done is refused. The status and the history show what becomes of the intervention.
    accepted: bool,
    /// What happens now.
    message: String,
}

/// Something is wrong with the request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ErrorV1 {
    version: u32,
    /// What is wrong, and what to do.
    error: String,
}

/// All answers, for the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is wanted")]
enum AnswerV1 {
    Status(Box<StatusV1>),
    Accounts(AccountsV1),
    Account(Box<ObjectV1>),
    Plan(PlanV1),
    History(HistoryV1),
    Accepted(AcceptedV1),
    Error(ErrorV1),
}

pub(super) fn accepted(message: String) -> Response {
    let body = AcceptedV1 {
        version: 1,
        accepted: true,
        message,
    };
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

pub(in crate::dashboard) fn refused(status: StatusCode, error: &str) -> Response {
    let body = ErrorV1 {
        version: 1,
        error: error.to_owned(),
    };
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let how = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, how);
    }
    response
}

/// Returns the JSON Schema of all answers of the API.
#[must_use]
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<AnswerV1>();
    schema.insert(
        "title".to_owned(),
        "What the API of emblazon watch answers, version 1".into(),
    );
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
