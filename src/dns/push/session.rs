//! One TCP connection to a primary, on which every message is signed and every answer verified (RFC 8945, section 5).

use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::TSigVerifier;
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::rdata::tsig::TsigError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PushError;
use super::endpoint::Endpoint;

/// A connection to a primary.
pub(super) struct Session<'a> {
    primary: &'a Endpoint,
    stream: TcpStream,
}

impl<'a> Session<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When the primary cannot be reached; nothing was sent.
    pub(super) async fn open(primary: &'a Endpoint) -> Result<Self, PushError> {
        let unreachable = |reason: String| PushError::Unreachable {
            server: primary.server.clone(),
            reason,
        };
        match timeout(primary.patience, TcpStream::connect(&primary.server)).await {
            Ok(Ok(stream)) => Ok(Self { primary, stream }),
            Ok(Err(error)) => Err(unreachable(error.to_string())),
            Err(_) => Err(unreachable("no connection in time".to_owned())),
        }
    }

    /// Sends a query and returns its answer.
    ///
    /// A query changes nothing, so a missing answer is reported as unreachable. So is a truncated one, since records
    /// that it lacks may exist.
    pub(super) async fn ask(&mut self, message: Message) -> Result<Message, PushError> {
        let answer = match self.send(message).await {
            Ok(answer) if answer.metadata.truncation => Err(self.lost("an answer that was cut")),
            other => other,
        };
        answer.map_err(|error| match error {
            PushError::Lost { server, reason } => PushError::Unreachable { server, reason },
            other => other,
        })
    }

    /// Signs and sends a message, and returns its verified answer.
    ///
    /// An answer that reports a failure is trusted without a signature, since the server cannot sign if it does not
    /// know the key (RFC 8945, section 5.3.2); one that reports success never is.
    pub(super) async fn send(&mut self, mut message: Message) -> Result<Message, PushError> {
        let id = message.metadata.id;
        let unsigned = |error: &dyn std::fmt::Display| {
            PushError::Configuration(format!("the message cannot be signed: {error}"))
        };
        let now = now();
        let verifier = message
            .finalize(&self.primary.signer, now)
            .map_err(|error| unsigned(&error))?
            .ok_or_else(|| unsigned(&"the key gives no signature"))?;
        let bytes = message.to_vec().map_err(|error| unsigned(&error))?;
        let bytes = timeout(self.primary.patience, self.exchange(&bytes))
            .await
            .map_err(|_| self.lost("no answer in time"))?
            .map_err(|error| self.lost(&error.to_string()))?;
        self.open_answer(id, &bytes, verifier, now)
    }

    async fn exchange(&mut self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        let length = u16::try_from(message.len()).map_err(std::io::Error::other)?;
        let mut packet = length.to_be_bytes().to_vec();
        packet.extend(message);
        self.stream.write_all(&packet).await?;
        let length = self.stream.read_u16().await?;
        let mut bytes = vec![0; usize::from(length)];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    fn open_answer(
        &self,
        id: u16,
        bytes: &[u8],
        mut verifier: TSigVerifier,
        now: u64,
    ) -> Result<Message, PushError> {
        let message = Message::from_vec(bytes).map_err(|error| self.lost(&error.to_string()))?;
        if message.metadata.id != id || message.metadata.message_type != MessageType::Response {
            return Err(self.lost("an answer to another question"));
        }
        let server = self.primary.server.clone();
        let key = self.primary.key.clone();
        if let Some(signature) = message.signature()
            && let Some(error) = signature_error(&signature.data, server.clone(), key.clone(), now)
        {
            return Err(error);
        }
        let succeeded = matches!(
            message.metadata.response_code,
            ResponseCode::NoError | ResponseCode::NXDomain
        );
        if verifier.verify(bytes).is_err() && succeeded {
            return Err(PushError::NotSigned { server, key });
        }
        Ok(message)
    }

    fn lost(&self, reason: &str) -> PushError {
        PushError::Lost {
            server: self.primary.server.clone(),
            reason: reason.to_owned(),
        }
    }
}

fn signature_error(tsig: &TSIG, server: String, key: String, now: u64) -> Option<PushError> {
    Some(match tsig.error.as_ref()? {
        TsigError::BadKey => PushError::BadKey { server, key },
        TsigError::BadSig | TsigError::BadTrunc => PushError::BadSignature { server, key },
        TsigError::BadTime => PushError::BadTime {
            server,
            seconds: server_time(&tsig.other)
                .map(|time| time.cast_signed().saturating_sub(now.cast_signed())),
        },
        TsigError::Unknown(0) => return None,
        TsigError::Unknown(code) => PushError::Rejected {
            server,
            reason: format!("TSIG error {code}"),
        },
    })
}

/// Reads the server's time, which a BADTIME carries in six octets (RFC 8945, section 5.2.3).
fn server_time(other: &[u8]) -> Option<u64> {
    let six: [u8; 6] = other.try_into().ok()?;
    Some(
        six.iter()
            .fold(0, |time, octet| time << 8 | u64::from(*octet)),
    )
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_tell_its_time() {
        assert_eq!(server_time(&[0, 0, 0x65, 0, 0, 0]), Some(0x6500_0000));
        assert_eq!(server_time(&[]), None);
    }
}
