//! The `alerts` section of the daemon's file.

use std::collections::BTreeMap;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    AlertError, Announcer, Channel, Damping, EmailChannel, ForgeChannel, Pinger, SlackChannel,
    Smtp, SmtpTls, WebhookChannel,
};
use crate::forge::ForgeKind;
use crate::live::SecretConfig;
use crate::model::Secret;
use crate::model::Span;

/// Who is alerted of what, and how well it must be confirmed first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// In how many consecutive cycles a condition must be found; 2 when absent, and 1 for a change by hand, which two
    /// reads have confirmed.
    pub confirmations: Option<u32>,
    /// How long a condition must last, such as 5m; 30s when absent, and 0s for a change by hand.
    pub after: Option<Span>,
    /// The channels that alerts are sent to.
    pub channels: Vec<ChannelConfig>,
    /// The dead man's ping: an external monitor notices when it stops.
    pub ping: Option<PingConfig>,
}

/// A channel for alerts.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChannelConfig {
    /// Any receiver of JSON.
    Webhook {
        /// Its URL.
        url: String,
        /// The secret that messages are signed with.
        #[serde(default)]
        secret: Option<SecretConfig>,
        /// A custom body; placeholders in double braces are replaced.
        #[serde(default)]
        body: Option<serde_json::Value>,
    },
    /// Slack, and services compatible with its webhooks.
    Slack {
        /// The URL of the incoming webhook, which is a secret.
        url: SecretConfig,
    },
    /// E-mail.
    Email {
        /// The mail server.
        server: String,
        /// Its port; 587, 465 or 25 when absent, depending on `tls`.
        #[serde(default)]
        port: Option<u16>,
        /// How TLS is negotiated.
        #[serde(default)]
        tls: SmtpTls,
        /// The user name; needs `password`.
        #[serde(default)]
        user: Option<String>,
        /// The password.
        #[serde(default)]
        password: Option<SecretConfig>,
        /// The sender, such as `emblazon <emblazon@example.com>`.
        from: String,
        /// The recipients.
        to: Vec<String>,
    },
    /// The commit status on a forge.
    CommitStatus {
        /// The kind of forge.
        forge: ForgeKind,
        /// Its API, such as `https://api.github.com` or `https://gitlab.example.com/api/v4`.
        api: String,
        /// The repository, such as `owner/name`.
        repository: String,
        /// A token that may set statuses.
        token: SecretConfig,
    },
}

/// The dead man's ping: an external monitor notices when it stops.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PingConfig {
    /// The URL that is requested, which is a secret.
    pub url: SecretConfig,
    /// How often to request it, such as 1m; 1m when absent.
    #[serde(default)]
    pub every: Option<Span>,
}

impl AlertsConfig {
    /// Resolves the secrets and checks everything that can be checked without sending anything. `folder` is the folder
    /// of the daemon's file; `environment` looks up a variable.
    pub async fn resolve(
        &self,
        folder: &Utf8Path,
        environment: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<Announcer, AlertError> {
        let fetch = async |secret: &SecretConfig| {
            let fetched = secret.fetch(folder, environment).await;
            fetched.map_err(|error| AlertError::Configuration(format!("alerts: {error}")))
        };
        let mut announcer = Announcer {
            damping: Damping {
                confirmations: self.confirmations,
                after: self.after.map(|after| after.0),
            },
            ..Announcer::default()
        };
        let mut names = BTreeMap::new();
        for config in &self.channels {
            let number = names.entry(config.word()).or_insert(0_u32);
            *number += 1;
            let name = match number {
                1 => config.word().to_owned(),
                more => format!("{}-{more}", config.word()),
            };
            match config {
                ChannelConfig::Webhook { url, secret, body } => {
                    let secret = match secret {
                        Some(secret) => Some(fetch(secret).await?),
                        None => None,
                    };
                    let channel = WebhookChannel::new(url, secret, body.clone())?;
                    announcer.channels.push((name, Channel::Webhook(channel)));
                }
                ChannelConfig::Slack { url } => {
                    let channel = SlackChannel::new(&fetch(url).await?)?;
                    announcer.channels.push((name, Channel::Slack(channel)));
                }
                ChannelConfig::Email {
                    server,
                    port,
                    tls,
                    user,
                    password,
                    from,
                    to,
                } => {
                    let login: Option<(String, Secret)> = match (user, password) {
                        (None, None) => None,
                        (Some(user), Some(password)) => {
                            Some((user.clone(), fetch(password).await?))
                        }
                        _ => {
                            return Err(AlertError::Configuration(
                                "an email in alerts has only one of user and password; name both, or neither".to_owned(),
                            ));
                        }
                    };
                    let smtp = Smtp {
                        server: server.clone(),
                        port: *port,
                        tls: *tls,
                        login,
                    };
                    let channel = EmailChannel::new(&smtp, from, to)?;
                    announcer.channels.push((name, Channel::Email(channel)));
                }
                ChannelConfig::CommitStatus {
                    forge,
                    api,
                    repository,
                    token,
                } => {
                    let channel = ForgeChannel::new(*forge, api, repository, fetch(token).await?)?;
                    announcer.forges.push((name, channel));
                }
            }
        }
        if let Some(ping) = &self.ping {
            let pinger = Pinger::new(&fetch(&ping.url).await?)?;
            let every = ping.every.map_or(Announcer::PING, |every| every.0);
            announcer.ping = Some((pinger, every));
        }
        Ok(announcer)
    }
}

impl ChannelConfig {
    fn word(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Email { .. } => "email",
            Self::CommitStatus { .. } => "commit_status",
        }
    }
}
