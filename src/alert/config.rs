//! `alerts` in the daemon's configuration.

use std::collections::BTreeMap;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    AlertError, Announcer, Channel, Damping, EmailChannel, ForgeChannel, Pinger, SlackChannel,
    Smtp, WebhookChannel,
};
use crate::forge::ForgeKind;
use crate::live::SecretConfig;
use crate::model::Secret;
use crate::model::Span;

/// Who is told of what, and how sure the daemon must be before.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// In how many rounds in a row something must be found; 2 when absent.
    pub confirmations: Option<u32>,
    /// How long it must last, such as 5m; 30s when absent.
    pub after: Option<Span>,
    /// Who is told.
    pub channels: Vec<ChannelConfig>,
    /// Whose silence somebody else notices.
    pub ping: Option<PingConfig>,
}

/// A way to people or machines.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChannelConfig {
    /// Any receiver of JSON.
    Webhook {
        /// Its address.
        url: String,
        /// What messages are signed with.
        #[serde(default)]
        secret: Option<SecretConfig>,
        /// The body instead of the usual one; words in double braces are replaced.
        #[serde(default)]
        body: Option<serde_json::Value>,
    },
    /// Slack, and what takes the same.
    Slack {
        /// The incoming webhook's address, which is a secret.
        url: SecretConfig,
    },
    /// E-mail.
    Email {
        /// The mail server.
        server: String,
        /// Its port; 587, 465 or 25 when absent.
        #[serde(default)]
        port: Option<u16>,
        /// How TLS begins.
        #[serde(default)]
        tls: SmtpTls,
        /// Whom to log in as; needs `password`.
        #[serde(default)]
        user: Option<String>,
        /// The password.
        #[serde(default)]
        password: Option<SecretConfig>,
        /// The sender, such as `emblazon <emblazon@example.com>`.
        from: String,
        /// Who gets it.
        to: Vec<String>,
    },
    /// The status beside a commit on its forge.
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

/// How TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// By STARTTLS, and not without.
    #[default]
    Starttls,
    /// At once.
    Implicit,
    /// Not at all; only to this machine.
    None,
}

/// Whose silence somebody else notices.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PingConfig {
    /// The address that is asked for, which is a secret.
    pub url: SecretConfig,
    /// How often, such as 1m, which is taken when absent.
    #[serde(default)]
    pub every: Option<Span>,
}

impl AlertsConfig {
    /// Fetches the secrets and checks everything that can be checked without sending anything. `folder` is where the
    /// configuration lies; `environment` looks a variable up.
    pub async fn resolve(
        &self,
        folder: &Utf8Path,
        environment: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<Announcer, AlertError> {
        let fetch = async |secret: &SecretConfig| {
            let fetched = secret.fetch(folder, environment).await;
            fetched.map_err(|error| AlertError::Configuration(format!("alerts: {error}")))
        };
        let usual = Damping::default();
        let mut announcer = Announcer {
            damping: Damping {
                confirmations: self.confirmations.unwrap_or(usual.confirmations),
                after: self.after.map_or(usual.after, |after| after.0),
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
