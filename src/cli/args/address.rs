//! The URL of an API, and where to listen, on the command line.

use std::net::SocketAddr;

use url::Url;

/// Parses the base URL of an API. Its user decides whether plain HTTP is allowed.
pub(super) fn address(text: &str) -> Result<String, String> {
    let example = "write it as https://api.example.com:8443";
    match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(text.to_owned()),
        _ if text.is_empty() => Err(format!(
            "it is empty; {example}, or leave it out to take the tree's"
        )),
        _ => Err(example.to_owned()),
    }
}

/// Parses where to listen.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().ok();
    let example = port.map_or_else(
        || "127.0.0.1:8642".to_owned(),
        |port| format!("127.0.0.1:{port}"),
    );
    let wrong = |_| format!("write address and port, such as {example}");
    text.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        #[track_caller]
        fn check(text: &str, is_taken: bool) {
            assert_eq!(address(text).is_ok(), is_taken, "{text:?}");
        }
        check("https://api.example.com:8443", true);
        check("http://127.0.0.1:8000/v2", true);
        check("", false);
        check("api.example.com", false);
        check("localhost:8000", false);
        check("mailto:api@example.com", false);
    }

    #[test]
    fn places_to_listen() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            let found = listen(text).map(|address| address.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{text}");
        }
        check("127.0.0.1:8642", Ok("127.0.0.1:8642"));
        check("[::1]:0", Ok("[::1]:0"));
        check(
            "8000",
            Err("write address and port, such as 127.0.0.1:8000"),
        );
        check(
            "localhost",
            Err("write address and port, such as 127.0.0.1:8642"),
        );
    }
}
