//! Asks one of several resolvers, or servers of a zone, so that one that is silent holds up nothing.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

/// How long one resolver may take before the next one is asked as well.
const NEXT_RESOLVER: Duration = Duration::from_millis(500);

/// Asks the resolvers in turn, the next one when one fails or takes long, and returns the first answer.
///
/// Where all fail, this is the failure of the last one; `None` if there is no resolver.
pub(super) async fn first_answer<T, E, Asked>(
    resolvers: &[SocketAddr],
    ask: impl Fn(SocketAddr) -> Asked,
) -> Option<Result<T, E>>
where
    Asked: Future<Output = Result<T, E>>,
{
    first_within(NEXT_RESOLVER, resolvers, ask).await
}

async fn first_within<T, E, Asked>(
    wait: Duration,
    resolvers: &[SocketAddr],
    ask: impl Fn(SocketAddr) -> Asked,
) -> Option<Result<T, E>>
where
    Asked: Future<Output = Result<T, E>>,
{
    let mut asked = FuturesUnordered::new();
    let mut failure = None;
    for (number, resolver) in resolvers.iter().enumerate() {
        let answer = ask(*resolver);
        asked.push(async move { (number, answer.await) });
        if let Ok(Some(answer)) = timeout(wait, next(&mut asked, &mut failure)).await {
            return Some(Ok(answer));
        }
    }
    match next(&mut asked, &mut failure).await {
        Some(answer) => Some(Ok(answer)),
        None => failure.map(|(_, failure)| Err(failure)),
    }
}

/// Returns the next answer, and keeps the failure of the last resolver in their order.
async fn next<T, E>(
    asked: &mut FuturesUnordered<impl Future<Output = (usize, Result<T, E>)>>,
    failure: &mut Option<(usize, E)>,
) -> Option<T> {
    while let Some((number, answer)) = asked.next().await {
        match answer {
            Ok(answer) => return Some(answer),
            Err(failed) if failure.as_ref().is_none_or(|(last, _)| *last < number) => {
                *failure = Some((number, failed));
            }
            Err(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What a resolver does.
    #[derive(Clone, Copy)]
    enum Does {
        Answer,
        Fail,
        Nothing,
    }

    #[tokio::test]
    async fn the_first_answer_counts() {
        use Does::{Answer, Fail, Nothing};
        let check = async |resolvers: &[Does], expected: Option<Result<u16, u16>>, asks: &[u16]| {
            let addresses: Vec<SocketAddr> = (0_u16..)
                .zip(resolvers)
                .map(|(port, _)| ([127, 0, 0, 1], port).into())
                .collect();
            let asked = Mutex::new(Vec::new());
            let wait = Duration::from_millis(1);
            let answer = first_within(wait, &addresses, async |resolver: SocketAddr| {
                let port = resolver.port();
                asked.lock().unwrap().push(port);
                match resolvers[usize::from(port)] {
                    Answer => Ok(port),
                    Fail => Err(port),
                    Nothing => std::future::pending().await,
                }
            });
            assert_eq!(answer.await, expected);
            assert_eq!(*asked.lock().unwrap(), asks);
        };
        check(&[], None, &[]).await;
        check(&[Answer, Answer], Some(Ok(0)), &[0]).await;
        check(&[Fail, Answer], Some(Ok(1)), &[0, 1]).await;
        check(&[Nothing, Answer], Some(Ok(1)), &[0, 1]).await;
        check(&[Nothing, Nothing, Answer], Some(Ok(2)), &[0, 1, 2]).await;
        check(&[Fail, Fail], Some(Err(1)), &[0, 1]).await;
        check(&[Nothing, Fail, Answer], Some(Ok(2)), &[0, 1, 2]).await;
    }
}
