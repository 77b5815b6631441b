//! E-mail over SMTP.

use std::time::{Duration, SystemTime};

use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Host;

use super::AlertError;
use crate::alert::notice::Notice;
use crate::model::{Secret, is_loopback};

/// Timeout of each response of the server.
const PATIENCE: Duration = Duration::from_secs(15);

/// How TLS is negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// With STARTTLS, which is required.
    #[default]
    Starttls,
    /// From the start of the connection.
    Implicit,
    /// Without TLS; only to this machine.
    None,
}

/// A mail server, and how to connect to it.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its host name.
    pub server: String,
    /// Its port; the usual one for the kind of TLS when absent.
    pub port: Option<u16>,
    /// How TLS is negotiated.
    pub tls: SmtpTls,
    /// User name and password of the daemon.
    pub login: Option<(String, Secret)>,
}

/// Sends messages as e-mail.
#[derive(Clone, Debug)]
pub struct EmailChannel {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl EmailChannel {
    /// Creates a channel to a mail server and some recipients; connects to nothing yet.
    pub fn new(smtp: &Smtp, from: &str, to: &[String]) -> Result<Self, AlertError> {
        let address = |text: &str| {
            text.parse::<Mailbox>().map_err(|error| {
                AlertError::Configuration(format!(
                    "{text:?} in alerts is no e-mail address: {error}"
                ))
            })
        };
        if to.is_empty() {
            return Err(AlertError::Configuration(
                "an email in alerts goes to nobody; name somebody in `to`".to_owned(),
            ));
        }
        Ok(Self {
            transport: transport(smtp)?,
            from: address(from)?,
            to: to
                .iter()
                .map(|text| address(text))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), AlertError> {
        let message = self.message(notice)?;
        let sent = self.transport.send(message).await;
        sent.map(|_| ()).map_err(|error| {
            if error.is_permanent() {
                AlertError::Refused(error.to_string())
            } else if error.is_transient() {
                AlertError::Later(error.to_string())
            } else {
                AlertError::NoAnswer(error.to_string())
            }
        })
    }

    fn message(&self, notice: &Notice) -> Result<Message, AlertError> {
        let millis = u64::try_from(notice.at.as_millisecond()).unwrap_or_default();
        let mut builder: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .subject(&notice.title)
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{}@emblazon.invalid>", notice.id)))
            .raw_header(HeaderValue::new(
                // Prevents out-of-office replies (RFC 3834).
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(header::ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder
            .body(format!("{}\n", notice.text()))
            .map_err(|error| AlertError::Refused(error.to_string()))
    }
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, AlertError> {
    let parameters = || {
        TlsParameters::new(smtp.server.clone())
            .map_err(|error| AlertError::Configuration(format!("no TLS: {error}")))
    };
    let (tls, port) = match smtp.tls {
        SmtpTls::Starttls => (Tls::Required(parameters()?), 587),
        SmtpTls::Implicit => (Tls::Wrapper(parameters()?), 465),
        SmtpTls::None => {
            let host = Host::parse(&smtp.server).ok();
            let here = host.is_some_and(|host| {
                is_loopback(&match &host {
                    Host::Domain(name) => Host::Domain(name.as_str()),
                    Host::Ipv4(address) => Host::Ipv4(*address),
                    Host::Ipv6(address) => Host::Ipv6(*address),
                })
            });
            if !here {
                return Err(AlertError::Configuration(format!(
                    "tls: none is for a mail server on this machine, and {} is another; use starttls",
                    smtp.server
                )));
            }
            (Tls::None, 25)
        }
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.server.clone())
        .port(smtp.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some((user, password)) = &smtp.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}
