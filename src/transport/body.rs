//! The body of an answer, within bounds of size and time.

use std::time::{Duration, Instant};

use reqwest::Response;

/// The fewest bytes a second: the slowest line that anybody administers a platform over is ten times as fast.
pub const SLOWEST: usize = 1_000;

/// Why there is no body.
#[derive(Debug)]
pub enum BodyError {
    /// It is larger than it may be.
    TooLarge,
    /// It comes drop by drop, or stopped coming.
    TooSlow {
        /// How many bytes came.
        bytes: usize,
        /// In which time.
        after: Duration,
    },
    /// It broke off, or took too long.
    Broken(reqwest::Error),
}

/// Reads a body of at most `cap` bytes, which may be idle for `patience` in all, and comes no slower than that.
///
/// # Errors
/// When it is larger, comes drop by drop, or breaks off.
pub async fn read_body(
    response: &mut Response,
    cap: usize,
    patience: Duration,
) -> Result<Vec<u8>, BodyError> {
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > cap {
        return Err(BodyError::TooLarge);
    }
    let started = Instant::now();
    let mut body = Vec::with_capacity(announced);
    loop {
        let left = due(body.len(), patience).saturating_sub(started.elapsed());
        let Ok(chunk) = tokio::time::timeout(left, response.chunk()).await else {
            return Err(BodyError::TooSlow {
                bytes: body.len(),
                after: started.elapsed(),
            });
        };
        let Some(chunk) = chunk.map_err(BodyError::Broken)? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > cap {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
}

/// Tells until when more must come, after so many bytes.
fn due(bytes: usize, patience: Duration) -> Duration {
    let milliseconds = bytes.saturating_mul(1_000) / SLOWEST;
    let paid = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX));
    patience.saturating_add(paid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_buys_time() {
        #[track_caller]
        fn check(bytes: usize, milliseconds: u64) {
            let found = due(bytes, Duration::from_secs(10));
            assert_eq!(found, Duration::from_millis(milliseconds), "{bytes}");
        }
        check(0, 10_000);
        check(1, 10_001);
        check(5_000, 15_000);
        check(64 << 20, 67_118_864);
    }
}
