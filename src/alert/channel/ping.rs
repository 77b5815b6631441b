//! The dead man's ping: an external monitor notices when it stops.

use super::AlertError;
use super::http::{Endpoint, send};
use crate::model::Secret;

/// Requests a URL from time to time, as long as the daemon is alive.
#[derive(Clone, Debug)]
pub struct Pinger {
    endpoint: Endpoint,
}

impl Pinger {
    /// Creates a pinger for a URL, which is itself a secret.
    pub fn new(url: &Secret) -> Result<Self, AlertError> {
        Ok(Self {
            endpoint: Endpoint::new(url.expose(), "the URL of alerts.ping")?,
        })
    }

    /// Sends one ping.
    pub async fn ping(&self) -> Result<(), AlertError> {
        send(self.endpoint.get()).await
    }
}
