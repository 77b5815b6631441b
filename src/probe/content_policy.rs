//! Whether a page's Content-Security-Policy lets it ask a URL (CSP Level 3, section 6.7.2).

use url::{Host, Url};

/// The policies of a page; every one of them must allow a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContentPolicies(Vec<String>);

impl ContentPolicies {
    /// Collects policies from the values of headers, each of which may hold several, separated by commas.
    pub(super) fn new<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let policies = headers.into_iter().flat_map(|header| header.split(','));
        Self(policies.map(str::to_owned).collect())
    }

    /// Returns the directive that forbids a request, as it is written.
    pub(super) fn forbids(&self, directive: &str, page: &Url, target: &Url) -> Option<String> {
        self.0.iter().find_map(|policy| {
            let (name, sources) = found(policy, directive)?;
            let allows = sources.iter().any(|source| matches(source, page, target));
            (!allows).then(|| format!("{name} {}", sources.join(" ")))
        })
    }
}

/// Returns a directive of a policy, else the one that it falls back to.
fn found<'p>(policy: &'p str, directive: &str) -> Option<(&'p str, Vec<&'p str>)> {
    let of = |wanted: &str| {
        policy.split(';').find_map(|text| {
            let mut words = text.split_ascii_whitespace();
            let name = words.next()?;
            name.eq_ignore_ascii_case(wanted)
                .then(|| (name, words.collect()))
        })
    };
    of(directive).or_else(|| of("default-src"))
}

fn matches(source: &str, page: &Url, target: &Url) -> bool {
    let source = source.to_ascii_lowercase();
    match source.as_str() {
        "'self'" => page.origin() == target.origin(),
        "*" => matches!(target.scheme(), "http" | "https") || target.scheme() == page.scheme(),
        quoted if quoted.starts_with('\'') => false,
        scheme if scheme.ends_with(':') => is_scheme(scheme.trim_end_matches(':'), target),
        host => is_host(host, page, target),
    }
}

/// A scheme also allows its secure variant.
fn is_scheme(scheme: &str, target: &Url) -> bool {
    scheme == target.scheme() || (scheme == "http" && target.scheme() == "https")
}

fn is_host(source: &str, page: &Url, target: &Url) -> bool {
    let (scheme, rest) = match source.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => (page.scheme(), source),
    };
    let (authority, path) = rest
        .split_once('/')
        .map_or((rest, ""), |(host, path)| (host, path));
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let is_name = match (host.strip_prefix("*."), target.host()) {
        (Some(parent), Some(Host::Domain(name))) => name
            .strip_suffix(parent)
            .is_some_and(|it| it.ends_with('.') && it.len() > 1),
        (Some(_), _) | (None, None) => false,
        (None, Some(name)) => name.to_string() == host,
    };
    let is_port = match (port, target.port_or_known_default()) {
        ("*", _) => true,
        // Without a port, that of the scheme is meant.
        ("", port) => port == Some(443) || (port == Some(80) && target.scheme() == "http"),
        (wanted, port) => wanted.parse().ok() == port,
    };
    let path = format!("/{path}");
    let is_path = match path.as_str() {
        "/" => true,
        folder if folder.ends_with('/') => target.path().starts_with(folder),
        file => target.path().eq_ignore_ascii_case(file),
    };
    is_scheme(scheme, target) && is_name && is_port && is_path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_allow_or_forbid_the_api() {
        #[track_caller]
        fn check(policy: &str, forbidden: Option<&str>) {
            let page = Url::parse("https://portal.acme.example/").unwrap();
            let api = Url::parse("https://api.example.com:8443/v2/whitelabel/x").unwrap();
            let found = ContentPolicies::new([policy]).forbids("connect-src", &page, &api);
            assert_eq!(found.as_deref(), forbidden, "{policy}");
        }
        check("", None);
        check("script-src 'self'", None);
        check("connect-src *", None);
        check("default-src 'none'; connect-src https:", None);
        check(
            "default-src 'self'; connect-src https://api.example.com:8443",
            None,
        );
        check("connect-src api.example.com:*", None);
        check("connect-src *.example.com:8443", None);
        check("connect-src https://api.example.com:8443/v2/", None);
        check("default-src 'self'", Some("default-src 'self'"));
        check("connect-src", Some("connect-src "));
        check("connect-src 'none'", Some("connect-src 'none'"));
        check(
            "connect-src https://api.example.com",
            Some("connect-src https://api.example.com"),
        );
        check(
            "connect-src *.api.example.com:8443",
            Some("connect-src *.api.example.com:8443"),
        );
        check(
            "connect-src https://api.example.com:8443/v1/",
            Some("connect-src https://api.example.com:8443/v1/"),
        );
        check(
            "connect-src https:, connect-src 'self'",
            Some("connect-src 'self'"),
        );
    }
}
