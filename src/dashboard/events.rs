//! `/events`: notifies pages of changes, with server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

use super::access::Admitted;
use super::state::Shared;

/// The minimum time between two events; changes in between are one event.
const PAUSE: Duration = Duration::from_millis(500);

/// The time between two signs of life, by which each side notices that the other is gone; a page says so after a few.
const SIGN: Duration = Duration::from_secs(2);

/// Sends the number of each new version. A slow reader misses versions, and delays nobody.
pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
) -> Response {
    if !admitted.entry.is_in() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(place) = Arc::clone(&shared.listeners).try_acquire_owned() else {
        let later = [(header::RETRY_AFTER, "60")];
        return (StatusCode::SERVICE_UNAVAILABLE, later, "too many listen\n").into_response();
    };
    let seen = shared.published.status().version;
    let begin = (shared, place, seen, true);
    let events = stream::unfold(begin, |(shared, place, seen, first)| async move {
        if first {
            let event = Event::default().event("version").data(seen.to_string());
            return Some((Ok::<_, Infallible>(event), (shared, place, seen, false)));
        }
        let newer = tokio::select! {
            newer = shared.published.newer_than(seen) => newer,
            () = tokio::time::sleep(SIGN) => {
                let event = Event::default().event("sign").data("alive");
                return Some((Ok(event), (shared, place, seen, false)));
            }
            () = shared.stop.cancelled() => return None,
        };
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = shared.stop.cancelled() => return None,
        }
        let seen = newer.version.max(shared.published.status().version);
        let event = Event::default().event("version").data(seen.to_string());
        Some((Ok(event), (shared, place, seen, false)))
    });
    Sse::new(events).into_response()
}
