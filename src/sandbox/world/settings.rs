//! Configurable behaviour of the fake server.

/// Settings of the fake server that a `sandbox.yaml` may change.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// The lifetime of a token, in seconds (A5); a real server's default is 3600.
    pub token_lifetime: u64,
    /// The size of a caller's token bucket, which limits bursts of requests without a valid token (C4, observed 5) and
    /// bursts of frames on a connection of Blackhole (B1); no limit when absent.
    pub bucket: Option<u32>,
    /// The number of tokens that are refilled per second.
    pub refill_per_second: u32,
    /// The price of creating a whitelabel, which then requires `accept_charges` (C7).
    pub price: Option<f64>,
    /// The largest request body, in bytes (B6).
    pub upload_limit: usize,
    /// Whether the store keeps attachments in the order of their names instead of that of their uploads (observed 2).
    pub sorts_attachments: bool,
    /// Whether a webhook to this machine is refused, as a real server does by default (V4).
    pub refuses_loopback_hooks: bool,
    /// How long after an error of the connection a webhook is delivered again, in milliseconds (V4).
    pub hook_pause_ms: u64,
    /// How long a connection of Blackhole may be idle, in milliseconds (B1).
    pub blackhole_idle_ms: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            token_lifetime: 3600,
            bucket: Some(100),
            refill_per_second: 10,
            price: None,
            upload_limit: 8_000_000,
            sorts_attachments: false,
            refuses_loopback_hooks: false,
            hook_pause_ms: 2000,
            blackhole_idle_ms: 3_600_000,
        }
    }
}
