//! The HTTP client for APIs of primaries: `https://`, or `http://` on loopback only.

use std::error::Error;
use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::PushError;
use crate::model::is_loopback;
use crate::transport::{self, innermost};

/// Parses and checks the base URL: an API key must not cross the network in clear text.
pub(super) fn base(text: &str) -> Result<Url, PushError> {
    let wrong = |problem: &str| Err(PushError::Configuration(problem.to_owned()));
    let Ok(mut url) = Url::parse(text) else {
        return wrong("`url` of the push is not a URL; write it as https://host:port");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return wrong("`url` of the push must be an https:// or http:// URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("`url` of the push must not hold credentials; declare `api_key`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("`url` of the push must not have a query or a fragment; leave them out");
    }
    if url.scheme() == "http" && !url.host().as_ref().is_some_and(is_loopback) {
        return wrong(
            "`url` of the push is http:// to another machine, which would send the API key unencrypted over the network; use https://",
        );
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Creates the client; `ca_pem` holds further certificate authorities.
pub(super) fn client(
    base: &Url,
    ca_pem: Option<&[u8]>,
    patience: Duration,
) -> Result<Client, PushError> {
    let unusable = |error: &dyn Error| {
        PushError::Configuration(format!(
            "no HTTP client: {}; correct `dns: push`",
            innermost(error)
        ))
    };
    let builder = transport::client(base, ca_pem).map_err(|error| unusable(&error))?;
    let client = builder.timeout(patience).build();
    client.map_err(|error| unusable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_goes_over_tls_or_stays_here() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            match (base(text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, expected) => panic!("{got:?} instead of {expected:?}"),
            }
        }
        check(
            "https://dns.example.net:8081/",
            Ok("https://dns.example.net:8081/"),
        );
        check("http://127.0.0.1:8081", Ok("http://127.0.0.1:8081/"));
        check("http://[::1]:8081/pdns/", Ok("http://[::1]:8081/pdns"));
        check("http://localhost:8081", Ok("http://localhost:8081/"));
        check(
            "http://dns.example.net",
            Err("unencrypted over the network"),
        );
        check(
            "http://localhost.example.net",
            Err("unencrypted over the network"),
        );
        check(
            "https://user:canary@dns.example.net",
            Err("must not hold credentials"),
        );
        check("https://dns.example.net?a=b", Err("query"));
        check("ftp://dns.example.net", Err("https://"));
        check("dns.example.net", Err("not a URL"));
    }
}
