//! Reads until the result is as expected, or the retries are used up.

use super::options::RetryLimits;

/// Retries while a read fails or shows something unexpected, and returns what was seen last.
///
/// Reads may lag behind a write (C3, trap 38). After a write that may have done damage, giving up at the first failed
/// read would leave the damage unrepaired.
pub(super) async fn until<T, E, F>(
    retries: RetryLimits,
    mut read: impl FnMut() -> F,
    is_expected: impl Fn(&T) -> bool,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut last = read().await;
    for repetition in 1..retries.reads {
        if last.as_ref().is_ok_and(&is_expected) {
            break;
        }
        retries.pause(repetition - 1).await;
        // A failed read does not discard what an earlier one showed.
        last = read().await.or_else(|error| last.map_err(|_| error));
    }
    last
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::live::ApiError;

    #[tokio::test]
    async fn reads_until_it_is_as_expected() {
        #[track_caller]
        fn unread() -> Result<u32, ApiError> {
            Err(ApiError::InitFailed)
        }
        async fn check(
            answers: Vec<Result<u32, ApiError>>,
            expected: Result<u32, ApiError>,
            left: usize,
        ) {
            let retries = RetryLimits {
                reads: 3,
                writes: 1,
                pause: Duration::ZERO,
            };
            let mut answers = answers.into_iter();
            let mut next = || std::future::ready(answers.next().expect("too many reads"));
            let got = until(retries, &mut next, |answer| *answer == 7).await;
            assert_eq!(got, expected);
            assert_eq!(answers.len(), left);
        }
        check(vec![Ok(7), Ok(1)], Ok(7), 1).await;
        check(vec![Ok(1), unread(), Ok(7), Ok(1)], Ok(7), 1).await;
        check(vec![Ok(1), Ok(2), Ok(3)], Ok(3), 0).await;
        check(vec![Ok(1), Ok(2), unread()], Ok(2), 0).await;
        check(vec![unread(), unread(), unread()], unread(), 0).await;
    }
}
