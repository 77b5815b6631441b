//! `/webhook`: a forge notifies the daemon of a push.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};

use super::body;
use super::listener::Client;
use super::state::{Shared, count};
use super::webhook::{Heard, Rejection, judge, may_prove};
use crate::daemon::WorkItem;

/// The maximum size of an event in bytes; a forge lists at most some thousand commits in one.
pub(super) const BODY: usize = 4 * 1024 * 1024;

/// Receives an event, and responds before anything is done about it. The body is read only if the headers can contain a
/// valid proof.
pub(super) async fn hear(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(client): ConnectInfo<Client>,
    headers: HeaderMap,
    body: Body,
) -> (StatusCode, String) {
    let Some(hook) = &shared.hook else {
        return said(StatusCode::NOT_FOUND, "no webhook is configured");
    };
    let counters = &shared.counters;
    let reject = |rejection: Rejection| {
        count(&counters.rejected);
        tracing::warn!(%rejection, forge = hook.forge.as_str(), "a webhook was rejected");
        said(status(rejection), &rejection.to_string())
    };
    if let Err(rejection) = may_prove(hook, &headers) {
        return reject(rejection);
    }
    let (body, share) = match body::read(&headers, body, BODY, &shared.unproven).await {
        Ok(read) => read,
        Err(error) => {
            count(&counters.cut);
            tracing::warn!(%error, "a webhook was not heard to its end");
            return said(error.status(), &error.to_string());
        }
    };
    let _busy = client.place.begin();
    let delivery = match judge(hook, &headers, &body) {
        Ok(delivery) => delivery,
        Err(rejection) => return reject(rejection),
    };
    drop(share);
    if !shared.is_new(&delivery.marks) {
        count(&counters.repeated);
        return said(StatusCode::ACCEPTED, "seen before");
    }
    match delivery.heard {
        Heard::Push { commit } => {
            count(&counters.pushes);
            tracing::info!(commit, "a forge told of a push");
            shared.queue.give(WorkItem::Webhook {
                commit: Some(commit),
            });
            said(StatusCode::ACCEPTED, "accepted")
        }
        Heard::Ignored(why) => {
            count(&counters.ignored);
            said(StatusCode::ACCEPTED, &format!("ignored: {why}"))
        }
    }
}

fn said(status: StatusCode, text: &str) -> (StatusCode, String) {
    (status, format!("{text}\n"))
}

fn status(rejection: Rejection) -> StatusCode {
    match rejection {
        Rejection::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Rejection::NoProof(_) | Rejection::WrongProof(_) => StatusCode::UNAUTHORIZED,
        Rejection::Body => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
