//! The routes of the API.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{accepted, refused};
use super::v1::{AccountsV1, HistoryV1, ObjectV1, PlanV1, StatusV1};
use crate::daemon::Author;
use crate::dashboard::access::{Admitted, Entry};
use crate::dashboard::intervene::{self, Refused, Seen};
use crate::dashboard::order::Order;
use crate::dashboard::page::{Filter, Sort, select};
use crate::dashboard::state::Shared;
use crate::model::{AccountName, count};

/// The maximum number of incidents in one answer.
const INCIDENTS: usize = 500;

type Asked = State<Arc<Shared>>;

pub(in crate::dashboard) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/status", get(status))
        .route("/accounts", get(accounts))
        .route("/accounts/{name}", get(account))
        .route("/template", get(template))
        .route("/plan", get(plan))
        .route("/history", get(history))
        .route("/pause", post(pause))
        .route("/resume", post(resume))
        .route("/resync", post(resync))
        .route("/approve", post(approve))
        .route("/reject", post(reject))
        .route("/put-off", post(put_off))
        .route("/propose", post(propose))
        .fallback(async || refused(StatusCode::NOT_FOUND, "there is no such path in the API"))
        .method_not_allowed_fallback(async || {
            refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path takes another method",
            )
        })
}

/// Lets authorized requests pass; an intervention must also not come from a page of another site.
pub(in crate::dashboard) async fn guard(
    State(shared): Asked,
    Extension(admitted): Extension<Admitted>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let entry = admitted.entry;
    if !entry.is_in() {
        return refused(
            StatusCode::UNAUTHORIZED,
            "send the token as Authorization: Bearer …; without a configured token, ask from this machine by its own name",
        );
    }
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    if !asks && entry != Entry::Token {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        // A form of another site cannot send this type without a CORS preflight.
        let is_json = kind.split(';').next() == Some("application/json");
        if !is_json || !shared.access.is_own_origin(headers) {
            return refused(
                StatusCode::FORBIDDEN,
                "send orders as application/json, from no other site's page",
            );
        }
    }
    next.run(request).await
}

async fn status(State(shared): Asked) -> Response {
    Json(StatusV1::new(
        &shared.published.status(),
        &shared.channels.status(),
    ))
    .into_response()
}

async fn accounts(State(shared): Asked, Query(filter): Query<Filter>) -> Response {
    let status = shared.published.status();
    Json(AccountsV1::new(&select(&status, &filter, Sort::Name))).into_response()
}

async fn account(State(shared): Asked, Path(name): Path<String>) -> Response {
    match shared
        .published
        .status()
        .accounts
        .get(&AccountName::new(name))
    {
        Some(account) => Json(ObjectV1::from(&**account)).into_response(),
        None => refused(
            StatusCode::NOT_FOUND,
            "the tree has no account of that name",
        ),
    }
}

async fn template(State(shared): Asked) -> Response {
    match &shared.published.status().template {
        Some(template) => Json(ObjectV1::from(&**template)).into_response(),
        None => refused(
            StatusCode::NOT_FOUND,
            "the tree declares no domain template",
        ),
    }
}

async fn plan(State(shared): Asked) -> Response {
    Json(PlanV1::from(&*shared.published.status())).into_response()
}

/// How much of the history is requested.
#[derive(Deserialize)]
struct Recent {
    limit: Option<usize>,
}

async fn history(State(shared): Asked, Query(recent): Query<Recent>) -> Response {
    let limit = recent.limit.unwrap_or(100).min(INCIDENTS);
    Json(HistoryV1::new(&shared.published.status(), limit)).into_response()
}

/// The request for a pause.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseOrder {
    reason: String,
    /// The pause ends by itself after this many minutes.
    minutes: Option<u32>,
    by: Option<String>,
}

/// Who intervenes, and why.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AuthorOrder {
    by: Option<String>,
    reason: Option<String>,
}

async fn pause(order: Order) -> Response {
    answered(read(&order.body).and_then(|pause: PauseOrder| {
        let author = order.author(pause.by.as_deref(), Some(&pause.reason))?;
        intervene::pause(&order.shared, pause.minutes, author)?;
        Ok("paused once the step in flight is done".to_owned())
    }))
}

async fn resume(order: Order) -> Response {
    answered(read_or_default(&order.body).and_then(|who: AuthorOrder| {
        let author = order.author(who.by.as_deref(), who.reason.as_deref())?;
        intervene::resume(&order.shared, author)?;
        Ok("resumed".to_owned())
    }))
}

/// The request to read accounts now.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResyncOrder {
    accounts: Vec<String>,
    by: Option<String>,
    reason: Option<String>,
}

async fn resync(order: Order) -> Response {
    answered(
        read_or_default(&order.body).and_then(|resync: ResyncOrder| {
            let author = order.author(resync.by.as_deref(), resync.reason.as_deref())?;
            let accounts = resync.accounts.into_iter().map(AccountName::new).collect();
            intervene::resync(&order.shared, accounts, author)?;
            Ok("check queued".to_owned())
        }),
    )
}

/// The request to approve or reject a plan, or one object's part of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionOrder {
    /// The digest of the plan or of the part.
    plan: String,
    /// The account, for its part.
    account: Option<String>,
    /// Whether the part of the domain template is meant.
    #[serde(default)]
    template: bool,
    by: Option<String>,
    reason: Option<String>,
    /// Until when it is put off.
    until: Option<Timestamp>,
}

impl DecisionOrder {
    fn seen(&self) -> Seen<'_> {
        Seen::of(&self.plan, self.account.as_deref(), self.template)
    }

    /// Refuses a time, for a decision that takes effect at once and for good.
    fn for_good(&self) -> Result<(), Refused> {
        match self.until {
            None => Ok(()),
            Some(_) => Err(Refused {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                why: "this decision has no end: leave out until, or use /api/v1/put-off".to_owned(),
            }),
        }
    }
}

/// Carries out a decision about a plan, or about one object's part of it.
fn decided(
    order: &Order,
    decide: impl FnOnce(&DecisionOrder, Author) -> Result<String, Refused>,
) -> Response {
    answered(read(&order.body).and_then(|decision: DecisionOrder| {
        let author = order.author(decision.by.as_deref(), decision.reason.as_deref())?;
        decide(&decision, author)
    }))
}

async fn approve(order: Order) -> Response {
    decided(&order, |decision, author| {
        decision.for_good()?;
        let steps = intervene::approve(&order.shared, decision.seen(), author)?;
        Ok(format!(
            "{} will be carried out, if that is still what there is to do; /api/v1/history shows the outcome",
            count(steps, "step")
        ))
    })
}

async fn reject(order: Order) -> Response {
    decided(&order, |decision, author| {
        decision.for_good()?;
        let objects = intervene::decline(&order.shared, decision.seen(), None, author)?;
        let them = if objects == 1 {
            ("it is", "it")
        } else {
            ("they are", "them")
        };
        Ok(format!(
            "{} will stay as {}, until somebody approves {} or other changes are planned",
            count(objects, "object"),
            them.0,
            them.1
        ))
    })
}

async fn put_off(order: Order) -> Response {
    decided(&order, |decision, author| {
        let until = decision.until.ok_or_else(|| Refused {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            why: "say until when, such as 2026-06-01T08:00:00Z".to_owned(),
        })?;
        let objects = intervene::decline(&order.shared, decision.seen(), Some(until), author)?;
        Ok(format!(
            "{} put off until {until}",
            count(objects, "object")
        ))
    })
}

/// The request to propose what was changed by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposalOrder {
    account: String,
    /// The digest of the patch that somebody saw; whatever it is by then when absent.
    digest: Option<String>,
    by: Option<String>,
    reason: Option<String>,
}

async fn propose(order: Order) -> Response {
    answered(read(&order.body).and_then(|proposal: ProposalOrder| {
        let author = order.author(proposal.by.as_deref(), proposal.reason.as_deref())?;
        let account = AccountName::new(proposal.account);
        let seen = (account, proposal.digest.as_deref());
        intervene::propose(&order.shared, seen, author)?;
        Ok("it is being proposed; /api/v1/history shows the outcome".to_owned())
    }))
}

fn answered(taken: Result<String, Refused>) -> Response {
    match taken {
        Ok(message) => accepted(message),
        Err(Refused { status, why }) => refused(status, &why),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        why: format!("body: {error}"),
    })
}

fn read_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refused> {
    if body.is_empty() {
        return Ok(T::default());
    }
    read(body)
}
