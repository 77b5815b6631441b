//! `/kazoo/webhook`: the platform tells that a brand has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;

use super::state::{Shared, count};
use crate::daemon::{ChangeAuthor, Hint, PlatformEvents, Role, SECRET_KEY, Status, WorkItem};
use crate::forge::is_same;
use crate::model::{AccountId, AccountName, Revision};

/// The path, below the daemon's URL.
pub const PATH: &str = "/kazoo/webhook";

/// How long a value may be to be looked at.
const LONGEST: usize = 200;

/// An event that knows the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PlatformEvent {
    account: AccountId,
    revision: Option<Revision>,
    author: Option<ChangeAuthor>,
}

/// Why a request is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoEvent {
    /// It does not know the secret.
    Unproven,
    /// It is about something else, or cannot be understood.
    Ignored,
}

/// Receives an event, and responds before anything is done about it.
///
/// Only 200 counts for the platform, and six other answers within a minute disable the hook (V4); so whoever knows the
/// secret gets 200, whatever it is that he tells, and a standby refuses nobody.
pub(super) async fn hear(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let Some(events) = &shared.events else {
        return (StatusCode::NOT_FOUND, "events are not configured\n");
    };
    let counters = &shared.counters;
    let status = shared.published.status();
    if !matches!(status.cluster.role, Role::Leader { .. }) {
        // The leader's secret is not known here, and another answer would disable its hook. Nothing is kept of it: whoever
        // begins to lead reads every account first.
        count(&counters.unheard_events);
        return (StatusCode::OK, "another daemon leads\n");
    }
    let event = match judge(events, &headers, &body) {
        Ok(event) => event,
        Err(NoEvent::Unproven) => {
            count(&counters.forged_events);
            tracing::debug!("an event of the platform did not know the secret");
            return (StatusCode::UNAUTHORIZED, "the secret is missing or wrong\n");
        }
        Err(NoEvent::Ignored) => {
            count(&counters.ignored_events);
            return (StatusCode::OK, "ignored\n");
        }
    };
    let Some(account) = account_of(&status, &event.account) else {
        count(&counters.ignored_events);
        return (StatusCode::OK, "the tree has no such account\n");
    };
    count(&counters.events);
    let now = Timestamp::now();
    events.count(now);
    shared.queue.give(WorkItem::Hint {
        account,
        hint: Hint {
            heard: now,
            revision: event.revision,
            author: event.author,
        },
    });
    (StatusCode::OK, "heard\n")
}

fn account_of(status: &Status, id: &AccountId) -> Option<AccountName> {
    let mut accounts = status.accounts.iter();
    let found = accounts.find(|(_, object)| object.id.as_ref() == Some(id));
    found.map(|(name, _)| name.clone())
}

/// Reads an event, as JSON or as a form (V3).
fn judge(
    events: &PlatformEvents,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<PlatformEvent, NoEvent> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let values = if kind.eq_ignore_ascii_case("application/json") {
        json_values(body)
    } else {
        url::form_urlencoded::parse(body).into_owned().collect()
    };
    let text = |name: &str| values.get(name).filter(|text| text.len() <= LONGEST);
    let secret = text(SECRET_KEY).ok_or(NoEvent::Unproven)?;
    if !events.prove(|known| is_same(known, secret)) {
        return Err(NoEvent::Unproven);
    }
    if text("type").is_none_or(|object| object != "whitelabel") {
        return Err(NoEvent::Ignored);
    }
    let account = text("account_id").and_then(|id| AccountId::parse(id).ok());
    let is_id = |id: &&String| id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Ok(PlatformEvent {
        account: account.ok_or(NoEvent::Ignored)?,
        revision: text("rev").map(Revision::new),
        author: text("auth_account_id")
            .filter(is_id)
            .map(|account| ChangeAuthor {
                account: account.clone(),
                user: text("auth_user_id").filter(is_id).cloned(),
            }),
    })
}

/// Returns the members of an object that are text.
fn json_values(body: &[u8]) -> BTreeMap<String, String> {
    let values: BTreeMap<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let texts = values.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::model::Secret;

    const ACCOUNT: &str = "acacacacacacacacacacacacacacacac";

    #[test]
    fn an_event_is_what_knows_the_secret_and_names_an_account() {
        let events = PlatformEvents::default();
        events.expect(Secret::new("canary"));
        let check = |kind: &'static str, body: &str, expected: Result<&str, NoEvent>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            let judged = judge(&events, &headers, body.as_bytes());
            let told = judged.map(|event| {
                let author = event.author.map(|author| author.to_string());
                let revision = event.revision.map(|revision| revision.as_str().to_owned());
                assert_eq!(event.account.as_str(), ACCOUNT);
                [revision, author].map(Option::unwrap_or_default).join("|")
            });
            assert_eq!(told, expected.map(str::to_owned), "{body}");
        };
        let json = "application/json; charset=utf-8";
        let form = "application/x-www-form-urlencoded";
        let whole = format!(
            r#"{{"id":"whitelabel","type":"whitelabel","action":"all","account_id":"{ACCOUNT}","emblazon_secret":"canary","n":1"#
        );
        check(json, &format!("{whole}}}"), Ok("|"));
        check(json, &format!(r#"{whole},"rev":"3-aa"}}"#), Ok("3-aa|"));
        check(
            json,
            &format!(r#"{whole},"auth_account_id":"aa","auth_user_id":"bb"}}"#),
            Ok("|user bb of account aa"),
        );
        check(
            json,
            &format!(r#"{whole},"auth_account_id":"aa"}}"#),
            Ok("|account aa, with an API key"),
        );
        check(
            json,
            &format!(r#"{whole},"auth_account_id":"<b>\n"}}"#),
            Ok("|"),
        );
        check(
            form,
            &format!("type=whitelabel&account_id={ACCOUNT}&emblazon_secret=canary"),
            Ok("|"),
        );
        for body in [
            "",
            "{}",
            "[",
            r#"{"emblazon_secret":"canarY"}"#,
            r#"{"emblazon_secret":["canary"]}"#,
        ] {
            check(json, body, Err(NoEvent::Unproven));
        }
        check(json, &whole.replace("canary", ""), Err(NoEvent::Unproven));
        for body in [
            r#"{"emblazon_secret":"canary"}"#,
            r#"{"emblazon_secret":"canary","type":"account","account_id":"x"}"#,
            r#"{"emblazon_secret":"canary","type":"whitelabel","account_id":"../x"}"#,
        ] {
            check(json, body, Err(NoEvent::Ignored));
        }
    }
}
