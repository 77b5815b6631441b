//! Commit statuses on a forge.

use serde_json::json;

use super::AlertError;
use super::http::{Endpoint, send};
use crate::alert::{CommitStanding, Progress};
use crate::forge::ForgeKind;
use crate::model::Secret;

/// Sets the status of commits.
#[derive(Clone, Debug)]
pub struct ForgeChannel {
    endpoint: Endpoint,
    forge: ForgeKind,
    repository: String,
    token: Secret,
}

impl ForgeChannel {
    /// Creates a channel to a repository, such as `owner/name`. `api` is the forge's API: `https://api.github.com`,
    /// `https://gitlab.example.com/api/v4`, `https://gitea.example.com/api/v1`.
    pub fn new(
        forge: ForgeKind,
        api: &str,
        repository: &str,
        token: Secret,
    ) -> Result<Self, AlertError> {
        Ok(Self {
            endpoint: Endpoint::new(api, "the API of commit_status in alerts")?,
            forge,
            repository: repository.to_owned(),
            token,
        })
    }

    /// Sets the status of one commit, without retries.
    pub async fn send(
        &self,
        standing: &CommitStanding,
        context: &str,
        link: Option<&str>,
    ) -> Result<(), AlertError> {
        let state = state(self.forge, standing.progress);
        let mut segments = match self.forge {
            ForgeKind::Github | ForgeKind::Gitea => {
                let mut segments = vec!["repos"];
                segments.extend(self.repository.split('/'));
                segments
            }
            // On GitLab, the whole name is one segment.
            ForgeKind::Gitlab => vec!["projects", &self.repository],
        };
        segments.extend(["statuses", &standing.commit]);
        let request = self.endpoint.post_below(&segments);
        let request = match self.forge {
            ForgeKind::Github => request
                .bearer_auth(self.token.expose())
                .header("accept", "application/vnd.github+json"),
            ForgeKind::Gitea => {
                request.header("authorization", format!("token {}", self.token.expose()))
            }
            ForgeKind::Gitlab => request.header("private-token", self.token.expose()),
        };
        let name = match self.forge {
            ForgeKind::Github | ForgeKind::Gitea => "context",
            ForgeKind::Gitlab => "name",
        };
        let body = json!({
            "state": state,
            name: context,
            "description": standing.description,
            "target_url": link,
        });
        send(request.json(&body)).await
    }
}

fn state(forge: ForgeKind, progress: Progress) -> &'static str {
    match (forge, progress) {
        (_, Progress::Pending) => "pending",
        (_, Progress::Applied) => "success",
        (ForgeKind::Gitlab, Progress::Failed) => "failed",
        (ForgeKind::Github | ForgeKind::Gitea, Progress::Failed) => "failure",
    }
}
