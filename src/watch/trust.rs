//! What a commit cannot do, whoever pushed it: lead the credentials elsewhere, or name a command for the daemon to run.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::tree::{AuthConfig, Loaded, Origin, PushMethod, SecretSource};

/// What the tree may say of where credentials come from and go to. A commit that says more is not put in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// The base URLs of the platforms that the tree may name, up to and without `/v2`; any when absent.
    #[schemars(with = "Option<Vec<String>>")]
    pub api: Option<Vec<Url>>,
    /// The primaries that the tree may push records to, written as in `dns.push` (`server`, or `url`); when absent,
    /// none where `api` is declared, and any where it is not.
    pub dns: Option<Vec<String>>,
    /// Whether the tree may name a command that prints a secret: the daemon's user runs it. When absent, a folder of
    /// this machine may, and a Git remote may not.
    pub commands: Option<bool>,
}

/// What the tree may say of where credentials come from and go to, with everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    apis: Option<Vec<Url>>,
    primaries: Option<Vec<String>>,
    commands: bool,
}

impl Trust {
    /// Fills in what follows from the rest, and from whether the tree comes from elsewhere.
    pub(super) fn new(config: &TrustConfig, is_remote: bool) -> Self {
        let none_beside_api = || config.api.is_some().then(Vec::new);
        Self {
            apis: config.api.clone(),
            primaries: config.dns.clone().or_else(none_beside_api),
            commands: config.commands.unwrap_or(!is_remote),
        }
    }

    /// Returns the first thing that a tree says and may not, with its place.
    pub(super) fn breach(&self, loaded: &Loaded) -> Option<String> {
        self.api_breach(loaded)
            .or_else(|| self.primary_breach(loaded))
            .or_else(|| self.command_breach(loaded))
    }

    fn api_breach(&self, loaded: &Loaded) -> Option<String> {
        let allowed = self.apis.as_ref()?;
        let api = loaded.desired.cluster.api.as_ref()?;
        if allowed.iter().any(|allowed| is_same(allowed, &api.value)) {
            return None;
        }
        Some(format!(
            "{}: the platform {} is not one of trust.api in the daemon's file",
            Origin::of(api.place, &loaded.sources),
            shown(&api.value)
        ))
    }

    fn primary_breach(&self, loaded: &Loaded) -> Option<String> {
        let allowed = self.primaries.as_ref()?;
        let push = loaded.dns.push.as_ref()?;
        let (place, primary) = match &push.method {
            PushMethod::Rfc2136 { server, .. } => (server.place, &server.value),
            PushMethod::PowerDns { url, .. } => (url.place, &url.value),
        };
        let is_allowed = |allowed: &String| {
            allowed.eq_ignore_ascii_case(primary)
                || Url::parse(allowed).is_ok_and(|allowed| is_same(&allowed, primary))
        };
        if allowed.iter().any(is_allowed) {
            return None;
        }
        Some(format!(
            "{}: the primary {} is not one of trust.dns in the daemon's file",
            Origin::of(place, &loaded.sources),
            shown(primary)
        ))
    }

    fn command_breach(&self, loaded: &Loaded) -> Option<String> {
        if self.commands {
            return None;
        }
        let login = match &loaded.desired.cluster.auth {
            AuthConfig::Environment => None,
            AuthConfig::ApiKey(secret)
            | AuthConfig::Token(secret)
            | AuthConfig::User {
                password: secret, ..
            } => Some(("auth of the cluster", secret)),
        };
        let push = loaded.dns.push.as_ref().map(|push| match &push.method {
            PushMethod::Rfc2136 { secret, .. } => ("dns.push.key", secret),
            PushMethod::PowerDns { api_key, .. } => ("dns.push", api_key),
        });
        let mut secrets = [login, push].into_iter().flatten();
        let (whose, _) = secrets.find(|(_, secret)| matches!(secret, SecretSource::Command(_)))?;
        Some(format!(
            "emblazon.yaml: {whose} names a command, and the daemon runs none for whoever can push; name env or file, or declare trust: {{commands: true}} in the daemon's file"
        ))
    }
}

/// Tells whether a text is a URL, but for how it is spelt. Both go through the parser that the client uses.
fn is_same(allowed: &Url, text: &str) -> bool {
    let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    Url::parse(text).is_ok_and(|url| bare(&url) == bare(allowed))
}

/// Returns a URL without what may be a secret in it.
fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        Ok(_) | Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Workdir, load};

    #[test]
    fn what_a_tree_may_not_say() {
        #[track_caller]
        fn check(trust: &str, is_remote: bool, tree: &str, expected: Option<&str>) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("emblazon.yaml"), tree).unwrap();
            let loaded = load(
                &Workdir::open(folder.path().to_str().unwrap()).unwrap(),
                None,
            );
            let config: TrustConfig = serde_yaml::from_str(trust).unwrap();
            let breach = Trust::new(&config, is_remote).breach(&loaded.unwrap());
            match (breach, expected) {
                (None, None) => {}
                (Some(breach), Some(part)) => assert!(breach.contains(part), "{breach}"),
                (found, expected) => panic!("{trust} {tree}: {found:?}, not {expected:?}"),
            }
        }
        let at = |api: &str| format!("clusters: {{production: {{api: \"{api}\"}}}}\n");
        let pinned = "{api: [\"https://api.example.com:8443\"]}";
        check("{}", true, &at("https://anywhere.example.com"), None);
        check(pinned, true, &at("https://api.example.com:8443"), None);
        check(pinned, true, &at("https://API.example.com:8443/"), None);
        for elsewhere in [
            "https://evil.example.com:8443",
            "https://api.example.com",
            "http://api.example.com:8443",
            "https://api.example.com:8443/below",
            "https://api.example.com.evil.example.com:8443",
        ] {
            let expected = "emblazon.yaml:1:30: the platform http";
            check(pinned, true, &at(elsewhere), Some(expected));
        }
        let auth = "clusters: {production: {api: \"https://api.example.com:8443\", auth: {api_key: {command: [sh, -c, id]}}}}\n";
        check("{}", false, auth, None);
        check("{}", true, auth, Some("names a command"));
        check("{commands: false}", false, auth, Some("names a command"));
        check("{commands: true}", true, auth, None);
        let push = |method: &str| {
            let api = at("https://api.example.com:8443");
            format!("{api}dns: {{push: {{{method}}}}}\n")
        };
        let powerdns = push(
            "method: powerdns, url: \"https://pdns.example.com:8081\", api_key: {env: EMBLAZON_API_KEY}",
        );
        let bind = push(
            "method: rfc2136, server: ns1.example.com, key: {name: brands, secret: {command: [id]}}",
        );
        check("{commands: true}", true, &bind, None);
        check("{}", true, &bind, Some("dns.push.key names a command"));
        for tree in [&powerdns, &bind] {
            let trust = "{api: [\"https://api.example.com:8443\"], commands: true}";
            check(trust, true, tree, Some("the primary "));
        }
        let both = "{dns: [NS1.example.com, \"https://pdns.example.com:8081/\"], commands: true}";
        check(both, true, &bind, None);
        check(both, true, &powerdns, None);
        check(
            "{dns: []}",
            true,
            &powerdns,
            Some("the primary https://pdns.example.com:8081 is"),
        );
    }
}
