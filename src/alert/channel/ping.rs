//! The dead man's ping: somebody else notices when it stops.

use super::AlertError;
use super::http::{Endpoint, send};
use crate::model::Secret;

/// Asks for an address now and then, as long as the daemon is alive.
#[derive(Clone, Debug)]
pub struct Pinger {
    endpoint: Endpoint,
}

impl Pinger {
    /// Prepares an address, which is its own secret.
    pub fn new(url: &Secret) -> Result<Self, AlertError> {
        Ok(Self {
            endpoint: Endpoint::new(url.expose(), "the URL of alerts.ping")?,
        })
    }

    /// Says that all is well.
    pub async fn ping(&self) -> Result<(), AlertError> {
        send(self.endpoint.get()).await
    }
}
