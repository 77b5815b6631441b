//! Requests to URLs that may be secrets themselves.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use url::Url;

use super::AlertError;
use crate::model::is_loopback;
use crate::transport::{self, innermost};

/// Timeout of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A URL, and the client that requests it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    client: Client,
    url: Url,
}

impl Endpoint {
    /// Checks a URL: messages must not be readable by everybody on the way. `what` names it in errors.
    pub(super) fn new(text: &str, what: &str) -> Result<Self, AlertError> {
        let wrong = |problem: &str| AlertError::Configuration(format!("{what} {problem}"));
        let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if url.host().as_ref().is_some_and(is_loopback) => {}
            "http" => return Err(wrong("is http:// to another machine; use https://")),
            _ => return Err(wrong("is not an https:// address")),
        }
        let unusable = || wrong("cannot be used: no HTTP client");
        let client = transport::client(&url, None).map_err(|_| unusable())?;
        let client = client.timeout(PATIENCE).build().map_err(|_| unusable())?;
        Ok(Self { client, url })
    }

    /// Creates a POST request.
    pub(super) fn post(&self) -> RequestBuilder {
        self.client.post(self.url.clone())
    }

    /// Creates a POST request to a path below the URL.
    pub(super) fn post_below(&self, segments: &[&str]) -> RequestBuilder {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        self.client.post(url)
    }

    /// Creates a GET request.
    pub(super) fn get(&self) -> RequestBuilder {
        self.client.get(self.url.clone())
    }
}

/// Sends a request; fails when it was not accepted.
pub(super) async fn send(request: RequestBuilder) -> Result<(), AlertError> {
    let answer = request.send().await.map_err(|error| {
        // The outer error would contain the URL.
        AlertError::NoAnswer(if error.is_timeout() {
            "timed out".to_owned()
        } else {
            innermost(&error)
        })
    })?;
    let status = answer.status();
    let said = format!("the answer was {status}");
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(AlertError::Later(said)),
        _ if status.is_server_error() => Err(AlertError::Later(said)),
        _ => Err(AlertError::Refused(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_goes_over_tls_or_stays_here() {
        #[track_caller]
        fn check(url: &str, expected: Option<&str>) {
            let error = Endpoint::new(url, "alerts: the URL of slack").err();
            let error = error.map(|error| error.to_string());
            assert!(
                !error.as_deref().unwrap_or_default().contains("canary"),
                "{error:?}"
            );
            match (error, expected) {
                (None, None) => {}
                (Some(error), Some(part)) => assert!(error.contains(part), "{error}"),
                (got, expected) => panic!("{url}: {got:?} instead of {expected:?}"),
            }
        }
        check("https://hooks.example.com/canary", None);
        check("http://127.0.0.1:1/canary", None);
        check("http://hooks.example.com/canary", Some("use https://"));
        check("ftp://hooks.example.com/canary", Some("https://"));
        check("canary", Some("not a URL"));
    }
}
