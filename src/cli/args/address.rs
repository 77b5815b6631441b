//! The URL of an API on the command line.

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
}
