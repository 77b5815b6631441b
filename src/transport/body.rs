//! Reads the body of an answer, within limits of size and time.

use std::time::{Duration, Instant};

use reqwest::Response;

/// The slowest accepted rate, in bytes per second: any line used to administer a platform is ten times as fast.
pub const SLOWEST: usize = 1_000;

/// Why there is no body.
#[derive(Debug)]
pub enum BodyError {
    /// It exceeds the size limit.
    TooLarge,
    /// It arrives too slowly, or stopped arriving.
    TooSlow {
        /// How many bytes arrived.
        bytes: usize,
        /// How long they took.
        after: Duration,
    },
    /// It broke off, or took too long.
    Broken(reqwest::Error),
}

/// Reads a body of at most `cap` bytes.
///
/// It must arrive at [`SLOWEST`] bytes per second on average, with an allowance of `patience` in total.
///
/// # Errors
/// When it is larger, arrives too slowly, or breaks off.
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

/// Returns when more must have arrived, after `bytes` bytes, as a time since the start.
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
