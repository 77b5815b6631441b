//! Verifies requests that claim to come from the forge.

use axum::http::HeaderMap;
use serde::Deserialize;
use thiserror::Error;

use crate::forge::{ForgeKind, Proof, is_same, is_signature};
use crate::model::Secret;

/// The length of a signature: SHA-256 in hexadecimal.
const SIGNATURE: usize = 64;

/// The forge that may notify of pushes, and of which branch.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The forge.
    pub forge: ForgeKind,
    /// The secret that it authenticates with.
    pub secret: Secret,
    /// The branch that is watched; any branch when a work tree is watched.
    pub branch: Option<String>,
}

/// An authenticated request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Marks that identify it if it is sent again.
    pub marks: Vec<String>,
    /// Its content.
    pub heard: Heard,
}

/// The content of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something was pushed to the branch.
    Push {
        /// The commit that the branch is reported to be at.
        commit: String,
    },
    /// Nothing relevant here, and why.
    Ignored(String),
}

/// Why a request is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// It is not sent as JSON.
    #[error(
        "send the event as application/json; in the webhook's settings this is the content type"
    )]
    ContentType,
    /// It has no proof of the secret.
    #[error("the header {0} is missing; set the secret in the webhook's settings")]
    NoProof(&'static str),
    /// Its proof does not match the secret.
    #[error(
        "the header {0} does not fit the secret; set the same secret here and in the webhook's settings"
    )]
    WrongProof(&'static str),
    /// Its body is not a push event.
    #[error("the body is no push event")]
    Body,
}

/// The fields of an event that are read; all forges have them.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "ref")]
    reference: String,
    after: String,
}

/// Checks the headers of a request: without a possible proof in them, its body need not be read.
pub fn may_prove(hook: &Hook, headers: &HeaderMap) -> Result<(), Rejection> {
    let (header, proof) = hook.forge.proof();
    let given = headers.get(header).and_then(|value| value.to_str().ok());
    let given = given.ok_or(Rejection::NoProof(header))?;
    let can_hold = match proof {
        Proof::Signature(prefix) => (given.strip_prefix(prefix)).is_some_and(|signature| {
            signature.len() == SIGNATURE && signature.bytes().all(|byte| byte.is_ascii_hexdigit())
        }),
        Proof::Token => is_same(&hook.secret, given),
    };
    can_hold.then_some(()).ok_or(Rejection::WrongProof(header))
}

/// Verifies a request. The body is parsed only after the proof.
pub fn judge(hook: &Hook, headers: &HeaderMap, body: &[u8]) -> Result<Delivery, Rejection> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (header, proof) = hook.forge.proof();
    let given = text(header).ok_or(Rejection::NoProof(header))?;
    let holds = match proof {
        Proof::Signature(prefix) => given
            .strip_prefix(prefix)
            .is_some_and(|signature| is_signature(&hook.secret, body, signature)),
        Proof::Token => is_same(&hook.secret, given),
    };
    if !holds {
        return Err(Rejection::WrongProof(header));
    }
    let kind = text("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Rejection::ContentType);
    }
    let ids = hook.forge.delivery_headers().iter();
    let mut marks: Vec<String> = ids
        .filter_map(|name| Some(format!("{name}: {}", text(name)?)))
        .collect();
    if let Proof::Signature(_) = proof {
        // The signature does not cover the delivery's id, so a replayed body may come with a new id.
        marks.push(given.to_ascii_lowercase());
    }
    let event = text(hook.forge.event_header()).unwrap_or_default();
    if event != hook.forge.push() {
        let shown: String = event.chars().take(40).collect();
        let heard = Heard::Ignored(format!("the event {shown:?} is no push"));
        return Ok(Delivery { marks, heard });
    }
    let event: Event = serde_json::from_slice(body).map_err(|_| Rejection::Body)?;
    Ok(Delivery {
        marks,
        heard: heard(hook, event)?,
    })
}

fn heard(hook: &Hook, event: Event) -> Result<Heard, Rejection> {
    let Some(branch) = event.reference.strip_prefix("refs/heads/") else {
        return Ok(Heard::Ignored("not a branch".to_owned()));
    };
    if hook
        .branch
        .as_ref()
        .is_some_and(|watched| watched != branch)
    {
        return Ok(Heard::Ignored("another branch".to_owned()));
    }
    let is_id = matches!(event.after.len(), 40 | 64)
        && event.after.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id {
        return Err(Rejection::Body);
    }
    if event.after.bytes().all(|byte| byte == b'0') {
        return Ok(Heard::Ignored("the branch was deleted".to_owned()));
    }
    Ok(Heard::Push {
        commit: event.after,
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
