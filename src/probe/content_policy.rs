//! Whether a page's Content-Security-Policy lets it ask a URL (CSP Level 3, section 6.7.2).

use url::{Host, Url};

/// The policies of a page; every one of them must allow a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContentPolicies {
    by_headers: Vec<String>,
    by_page: Vec<String>,
}

/// A script that a page loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) url: Url,
    /// The `nonce` of its element.
    pub(super) nonce: String,
    /// Whether it stands in the page; else another script adds it.
    pub(super) is_in_page: bool,
}

impl ContentPolicies {
    /// Collects policies from the values of headers and of `meta` elements, each of which may hold several, separated by
    /// commas.
    pub(super) fn new<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        metas: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            by_headers: split(headers),
            by_page: split(metas),
        }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        let all = self.by_headers.iter().chain(&self.by_page);
        all.map(String::as_str)
    }

    /// Returns the directive that forbids a page to ask a URL, as it is written.
    pub(super) fn forbids_call(&self, page: &Url, target: &Url) -> Option<String> {
        self.forbids(&["connect-src", "default-src"], |source| {
            matches(source, page, target)
        })
    }

    /// Returns the directive that forbids a page to take the URL as its base, as it is written.
    pub(super) fn forbids_base(&self, page: &Url, base: &Url) -> Option<String> {
        self.forbids(&["base-uri"], |source| matches(source, page, base))
    }

    /// Returns what forbids a page to load a script, as it is written.
    pub(super) fn forbids_script(&self, page: &Url, script: &Script) -> Option<String> {
        let strictly = |source: &&str| source.eq_ignore_ascii_case("'strict-dynamic'");
        let nonce = format!("'nonce-{}'", script.nonce);
        let found = self.all().find_map(|policy| {
            let names = ["script-src-elem", "script-src", "default-src"];
            let (name, sources) = found(policy, &names)?;
            let has_nonce = !script.nonce.is_empty() && sources.contains(&nonce.as_str());
            // What a trusted script adds is trusted, and nothing is by its address.
            let allows = if sources.iter().any(strictly) {
                has_nonce || !script.is_in_page
            } else {
                has_nonce || sources.iter().any(|it| matches(it, page, &script.url))
            };
            (!allows).then(|| written(name, &sources))
        });
        found.or_else(|| {
            let mut directives = self.all().filter_map(|it| {
                found_one(it, "require-trusted-types-for")
                    .map(|(name, types)| written(name, &types))
            });
            directives.next().filter(|_| !script.is_in_page)
        })
    }

    /// Returns the directive that keeps all scripts from running, as it is written. A page itself cannot hold it.
    pub(super) fn stops_scripts(&self) -> Option<String> {
        self.sandboxes("allow-scripts")
    }

    /// Returns the directive that takes its origin from the page, and so its cookies.
    pub(super) fn hides_origin(&self) -> Option<String> {
        self.sandboxes("allow-same-origin")
    }

    fn sandboxes(&self, flag: &str) -> Option<String> {
        self.by_headers.iter().find_map(|policy| {
            let (name, flags) = found_one(policy, "sandbox")?;
            let is_allowed = flags.iter().any(|it| it.eq_ignore_ascii_case(flag));
            (!is_allowed).then(|| written(name, &flags))
        })
    }

    /// Returns whether browsers ask over TLS what the page asks in clear text.
    pub(super) fn upgrades(&self) -> bool {
        self.all()
            .any(|policy| found_one(policy, "upgrade-insecure-requests").is_some())
    }

    fn forbids(&self, names: &[&str], allows: impl Fn(&str) -> bool) -> Option<String> {
        self.all().find_map(|policy| {
            let (name, sources) = found(policy, names)?;
            let is_allowed = sources.iter().any(|source| allows(source));
            (!is_allowed).then(|| written(name, &sources))
        })
    }
}

fn split<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let policies = values.into_iter().flat_map(|value| value.split(','));
    policies.map(str::to_owned).collect()
}

fn written(name: &str, sources: &[&str]) -> String {
    [&[name], sources].concat().join(" ")
}

/// Returns the first of these directives that a policy has, with its values.
fn found<'p>(policy: &'p str, names: &[&str]) -> Option<(&'p str, Vec<&'p str>)> {
    names.iter().find_map(|name| found_one(policy, name))
}

fn found_one<'p>(policy: &'p str, wanted: &str) -> Option<(&'p str, Vec<&'p str>)> {
    policy.split(';').find_map(|text| {
        let mut words = text.split_ascii_whitespace();
        let name = words.next()?;
        name.eq_ignore_ascii_case(wanted)
            .then(|| (name, words.collect()))
    })
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
            let found = ContentPolicies::new([policy], []).forbids_call(&page, &api);
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
        check("connect-src", Some("connect-src"));
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

    #[test]
    fn policies_let_scripts_run_or_not() {
        #[track_caller]
        fn check(policy: &str, is_in_page: bool, forbidden: Option<&str>) {
            let page = Url::parse("https://portal.acme.example/").unwrap();
            let script = Script {
                url: page.join("js/main.js").unwrap(),
                nonce: "abc".to_owned(),
                is_in_page,
            };
            let found = ContentPolicies::new([], [policy]).forbids_script(&page, &script);
            assert_eq!(found.as_deref(), forbidden, "{policy}");
        }
        check("connect-src 'none'", true, None);
        check("script-src 'self'", true, None);
        check("default-src 'none'", true, Some("default-src 'none'"));
        check("default-src 'none'; script-src 'self'", true, None);
        check(
            "script-src 'self'; script-src-elem",
            true,
            Some("script-src-elem"),
        );
        check("script-src 'nonce-abc'", true, None);
        check(
            "script-src 'nonce-xyz'",
            true,
            Some("script-src 'nonce-xyz'"),
        );
        check("script-src 'self' 'strict-dynamic'", false, None);
        check(
            "script-src 'self' 'strict-dynamic'",
            true,
            Some("script-src 'self' 'strict-dynamic'"),
        );
        check("require-trusted-types-for 'script'", true, None);
        check(
            "require-trusted-types-for 'script'",
            false,
            Some("require-trusted-types-for 'script'"),
        );
    }

    #[test]
    fn only_a_header_puts_a_page_into_a_sandbox() {
        let by_header = ContentPolicies::new(["sandbox allow-same-origin"], []);
        assert_eq!(
            by_header.stops_scripts().as_deref(),
            Some("sandbox allow-same-origin")
        );
        assert_eq!(by_header.hides_origin(), None);
        let by_page = ContentPolicies::new([], ["sandbox"]);
        assert_eq!(
            (by_page.stops_scripts(), by_page.hides_origin()),
            (None, None)
        );
    }
}
