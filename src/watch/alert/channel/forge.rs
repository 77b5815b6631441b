//! The status beside a commit on its forge.

use serde_json::json;

use super::AlertError;
use super::http::{Endpoint, send};
use crate::model::Secret;
use crate::watch::alert::{CommitStanding, Progress};
use crate::watch::http::webhook::Forge;

/// Sets the status of commits.
#[derive(Clone, Debug)]
pub struct ForgeChannel {
    endpoint: Endpoint,
    forge: Forge,
    repository: String,
    token: Secret,
}

impl ForgeChannel {
    /// Prepares a repository, such as `owner/name`. `api` is the forge's API: `https://api.github.com`,
    /// `https://gitlab.example.com/api/v4`, `https://gitea.example.com/api/v1`.
    pub fn new(
        forge: Forge,
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

    /// Sets the status of one commit, once.
    pub async fn send(
        &self,
        standing: &CommitStanding,
        context: &str,
        link: Option<&str>,
    ) -> Result<(), AlertError> {
        let state = state(self.forge, standing.progress);
        let mut segments = match self.forge {
            Forge::Github | Forge::Gitea => {
                let mut segments = vec!["repos"];
                segments.extend(self.repository.split('/'));
                segments
            }
            // The whole name is one segment there.
            Forge::Gitlab => vec!["projects", &self.repository],
        };
        segments.extend(["statuses", &standing.commit]);
        let request = self.endpoint.post_below(&segments);
        let request = match self.forge {
            Forge::Github => request
                .bearer_auth(self.token.expose())
                .header("accept", "application/vnd.github+json"),
            Forge::Gitea => {
                request.header("authorization", format!("token {}", self.token.expose()))
            }
            Forge::Gitlab => request.header("private-token", self.token.expose()),
        };
        let name = match self.forge {
            Forge::Github | Forge::Gitea => "context",
            Forge::Gitlab => "name",
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

fn state(forge: Forge, progress: Progress) -> &'static str {
    match (forge, progress) {
        (_, Progress::Pending) => "pending",
        (_, Progress::Applied) => "success",
        (Forge::Gitlab, Progress::Failed) => "failed",
        (Forge::Github | Forge::Gitea, Progress::Failed) => "failure",
    }
}
