//! Reads request bodies, with limits on size, time and, for unauthenticated ones, the total memory.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use thiserror::Error;

use super::unproven::{Share, UNPROVEN, Unproven};

/// The timeout of a body: a forge sends it in one go, and a client that sends byte after byte only holds memory.
pub(super) const TIME: Duration = Duration::from_secs(10);

/// The increment in which the buffer of a body grows, whatever length its sender announces.
const STEP: usize = 16 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum BodyError {
    /// It is too long.
    #[error("the body has more than {0} bytes; send less")]
    TooLarge(usize),
    /// It did not arrive in time.
    #[error("the body took more than {} seconds; send it in one go", TIME.as_secs())]
    TooSlow,
    /// The memory budget is used up.
    #[error(
        "too much is being sent at once: all bodies that have proved nothing yet may hold {UNPROVEN} bytes, and the largest go first; send less, or again in a minute"
    )]
    NoRoom,
    /// The connection broke.
    #[error("the body ended before its end; send it again")]
    Broken,
}

impl BodyError {
    /// Returns the HTTP status of the error.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body of at most `most` bytes. Its part of the budget is given back when the share is dropped.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    budget: &Unproven,
) -> Result<(Vec<u8>, Share), BodyError> {
    read_within(TIME, headers, body, most, budget).await
}

async fn read_within(
    time: Duration,
    headers: &HeaderMap,
    body: Body,
    most: usize,
    budget: &Unproven,
) -> Result<(Vec<u8>, Share), BodyError> {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let share = budget.enter();
    let whole = collect(body, length, most, &share);
    let bytes = tokio::select! {
        whole = whole => whole?,
        () = share.cut() => return Err(BodyError::NoRoom),
        () = tokio::time::sleep(time) => return Err(BodyError::TooSlow),
    };
    Ok((bytes, share))
}

async fn collect(
    body: Body,
    length: Option<usize>,
    most: usize,
    share: &Share,
) -> Result<Vec<u8>, BodyError> {
    let mut pieces = body.into_data_stream();
    let mut bytes = Vec::new();
    if length.is_some_and(|length| length > most) {
        // A client that is still sending does not read the response, so the rest is received and dropped.
        while pieces.next().await.is_some_and(|piece| piece.is_ok()) {}
        return Err(BodyError::TooLarge(most));
    }
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| BodyError::Broken)?;
        let length = bytes.len() + piece.len();
        if length > most {
            return Err(BodyError::TooLarge(most));
        }
        if length > bytes.capacity() {
            let wanted = length.next_multiple_of(STEP);
            if !share.grow(wanted - bytes.capacity()) {
                return Err(BodyError::NoRoom);
            }
            bytes.reserve_exact(wanted - bytes.len());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    type Piece = Result<Bytes, std::io::Error>;

    fn pieces(sizes: &[usize]) -> Vec<Piece> {
        let piece = |size: &usize| Ok(Bytes::from(vec![b'x'; *size]));
        sizes.iter().map(piece).collect()
    }

    #[tokio::test]
    async fn a_sender_that_is_too_slow_is_cut_and_holds_nothing() {
        let budget = Unproven::default();
        let slow = stream::iter(pieces(&[100])).chain(stream::pending());
        let headers = HeaderMap::new();
        let read = read_within(
            Duration::ZERO,
            &headers,
            Body::from_stream(slow),
            1000,
            &budget,
        );
        assert_eq!(read.await.err(), Some(BodyError::TooSlow));
        assert_eq!(budget.total(), 0);
    }

    #[tokio::test]
    async fn a_body_is_as_long_as_it_may_be_whatever_it_says_of_itself() {
        async fn check(
            length: Option<&'static str>,
            sizes: &[usize],
            expected: Result<usize, BodyError>,
        ) {
            let budget = Unproven::default();
            let length =
                length.map(|length| (header::CONTENT_LENGTH, HeaderValue::from_static(length)));
            let headers: HeaderMap = length.into_iter().collect();
            let body = Body::from_stream(stream::iter(pieces(sizes)));
            let read = read(&headers, body, 1000, &budget).await;
            let read = read.map(|(bytes, share)| {
                assert!(budget.total() >= bytes.len());
                drop(share);
                bytes.len()
            });
            assert_eq!(read, expected, "{sizes:?}");
            assert_eq!(budget.total(), 0);
        }
        check(None, &[], Ok(0)).await;
        check(None, &[400, 600], Ok(1000)).await;
        check(None, &[400, 601], Err(BodyError::TooLarge(1000))).await;
        check(Some("1001"), &[1], Err(BodyError::TooLarge(1000))).await;
        check(Some("1"), &[400, 601], Err(BodyError::TooLarge(1000))).await;
    }

    #[tokio::test]
    async fn a_body_is_cut_for_the_sake_of_a_smaller_one() {
        let budget = Unproven::default();
        let large = stream::iter(pieces(&[UNPROVEN])).chain(stream::pending());
        let headers = HeaderMap::new();
        let large = read(&headers, Body::from_stream(large), UNPROVEN, &budget);
        let small = async {
            while budget.total() < UNPROVEN {
                tokio::task::yield_now().await;
            }
            let small = Body::from_stream(stream::iter(pieces(&[100])));
            read(&headers, small, 1000, &budget)
                .await
                .map(|(bytes, _)| bytes.len())
        };
        let (large, small) = tokio::join!(large, small);
        assert_eq!(small, Ok(100));
        assert_eq!(large.err(), Some(BodyError::NoRoom));
    }
}
