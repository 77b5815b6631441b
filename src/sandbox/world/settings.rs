//! How the fake server behaves, as far as a seed may change it.

/// Settings of the fake server that a `sandbox.yaml` may change.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// How long a token lives, in seconds (A5); a real server's default is 3600.
    pub token_lifetime: u64,
    /// How many requests without a good token a caller may send at once (C4, observed 5); no limit
    /// when absent.
    pub bucket: Option<u32>,
    /// How many of them come back each second.
    pub refill_per_second: u32,
    /// What creating a whitelabel costs; a price asks for `accept_charges` (C7).
    pub price: Option<f64>,
    /// The largest request body, in bytes (B6).
    pub upload_limit: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            token_lifetime: 3600,
            bucket: Some(100),
            refill_per_second: 10,
            price: None,
            upload_limit: 8_000_000,
        }
    }
}
