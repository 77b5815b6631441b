//! The kinds of forge, and the headers of their webhooks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForgeKind {
    /// GitHub, and GitHub Enterprise.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea, and Forgejo.
    Gitea,
}

/// How a forge proves that it knows the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// HMAC-SHA256 over the body in hexadecimal, behind a prefix.
    Signature(&'static str),
    /// The secret itself.
    Token,
}

impl ForgeKind {
    /// Returns the word for configuration and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Gitea => "gitea",
        }
    }

    /// Returns the header of the proof, and what stands in it.
    pub(crate) fn proof(self) -> (&'static str, Proof) {
        match self {
            Self::Github => ("x-hub-signature-256", Proof::Signature("sha256=")),
            Self::Gitlab => ("x-gitlab-token", Proof::Token),
            Self::Gitea => ("x-gitea-signature", Proof::Signature("")),
        }
    }

    /// Returns the header that names the event.
    pub(crate) fn event_header(self) -> &'static str {
        match self {
            Self::Github => "x-github-event",
            Self::Gitlab => "x-gitlab-event",
            Self::Gitea => "x-gitea-event",
        }
    }

    /// Returns the headers that name the delivery, the best first.
    pub(crate) fn delivery_headers(self) -> &'static [&'static str] {
        match self {
            Self::Github => &["x-github-delivery"],
            Self::Gitlab => &["idempotency-key", "x-gitlab-event-uuid"],
            Self::Gitea => &["x-gitea-delivery"],
        }
    }

    /// Returns the event that is a push to a branch.
    pub(crate) fn push(self) -> &'static str {
        match self {
            Self::Github | Self::Gitea => "push",
            Self::Gitlab => "Push Hook",
        }
    }
}
