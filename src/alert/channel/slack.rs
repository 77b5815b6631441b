//! Slack, and what is compatible with it: Mattermost, Rocket.Chat, Discord behind `/slack`.

use serde_json::json;

use super::AlertError;
use super::http::{Endpoint, send};
use crate::alert::{Notice, Severity};
use crate::model::Secret;

/// Posts messages to an incoming webhook.
#[derive(Clone, Debug)]
pub struct SlackChannel {
    endpoint: Endpoint,
}

impl SlackChannel {
    /// Creates a channel to an incoming webhook, whose URL is a secret.
    pub fn new(url: &Secret) -> Result<Self, AlertError> {
        Ok(Self {
            endpoint: Endpoint::new(url.expose(), "the URL of slack in alerts")?,
        })
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), AlertError> {
        send(self.endpoint.post().json(&json!({"text": text(notice)}))).await
    }
}

/// Formats a notice in Slack's markup. Names must neither mention people (`<!channel>`) nor make links.
fn text(notice: &Notice) -> String {
    let sign = match notice.severity {
        Severity::Critical => ":rotating_light:",
        Severity::Problem => ":red_circle:",
        Severity::Resolved => ":large_green_circle:",
    };
    let text = escaped(&notice.text());
    match text.split_once('\n') {
        Some((title, rest)) => format!("{sign} *{title}*\n{rest}"),
        None => format!("{sign} *{text}*"),
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('@', "@\u{200b}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notice::tests::notice;

    #[test]
    fn names_cannot_call_people() {
        let mut notice =
            notice("production: <!channel> & <https://evil.example|acme> @here was changed");
        notice.lines.push("acme: company_name".to_owned());
        insta::assert_snapshot!(text(&notice).replace('\u{200b}', "(nothing)"), @r"
        :red_circle: *production: &lt;!channel&gt; &amp; &lt;https://evil.example|acme&gt; @(nothing)here was changed*
        - acme: company_name
        ");
    }
}
