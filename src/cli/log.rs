//! `-v`: log lines on standard error.

use super::screen::Log;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends emblazon's own events to standard error. Those of libraries are dropped, because an HTTP library's trace shows
/// headers, and with them tokens.
pub(crate) fn start(verbosity: u8, colour: bool) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Log::new(colour))
        .with_ansi(colour)
        .with_target(verbosity > 1)
        .without_time()
        .with_filter(Targets::new().with_target("emblazon", level));
    // A second start in one process, as in tests, keeps the first.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
