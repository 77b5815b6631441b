//! What is done with a request that says it comes from the forge.

use axum::http::HeaderMap;
use serde::Deserialize;
use thiserror::Error;

use crate::forge::{ForgeKind, Proof, is_same, is_signature};
use crate::model::Secret;

/// The characters of a signature: SHA-256 in hexadecimal.
const SIGNATURE: usize = 64;

/// Who may tell of pushes, and of which.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The forge.
    pub forge: ForgeKind,
    /// What it proves itself with.
    pub secret: Secret,
    /// The branch that is watched; any when a work tree is watched.
    pub branch: Option<String>,
}

/// A request that proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What is remembered of it, to know it when it comes again.
    pub marks: Vec<String>,
    /// What it says.
    pub heard: Heard,
}

/// What a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something was pushed to the branch.
    Push {
        /// The commit that the branch is said to be at.
        commit: String,
    },
    /// Nothing that matters here, and why.
    Ignored(String),
}

/// Says why a request is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// It does not come as JSON.
    #[error(
        "send the event as application/json; in the webhook's settings this is the content type"
    )]
    ContentType,
    /// It does not prove itself.
    #[error("the header {0} is missing; set the secret in the webhook's settings")]
    NoProof(&'static str),
    /// It proves itself with something else.
    #[error(
        "the header {0} does not fit the secret; set the same secret here and in the webhook's settings"
    )]
    WrongProof(&'static str),
    /// It says nothing that can be read.
    #[error("the body is no push event")]
    Body,
}

/// What is read of the event; the forges agree on it.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "ref")]
    reference: String,
    after: String,
}

/// Looks at the headers of a request: without a proof in them its body need not be read.
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

/// Looks at a request. The body is read only after the proof.
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
        // The signature does not cover the delivery's id, so that a new id may stand above an old body.
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
