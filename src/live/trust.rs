//! Restricts where a tree may take credentials from and send them to: only as the operator has allowed.
//!
//! Anyone who can open a pull request can write a tree, and CI plans it with the operator's credentials. So neither the
//! platform's URL, nor a command, nor a file is taken from a tree unless it is listed outside of the tree: in the
//! daemon's own file, or the operator's.

mod claim;
mod config;
mod entry;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

pub use self::claim::{Claim, Reach};
use self::claim::{bare, claims, real};
pub use self::config::{Commands, TrustConfig};
pub use self::entry::Entry;
use crate::tree::Loaded;

/// Folders where service managers and clusters put files with secrets, and emblazon's own.
const USUAL_FOLDERS: [&str; 4] = [
    "/etc/emblazon",
    "/run/credentials",
    "/run/secrets",
    "/var/run/secrets",
];
/// Variables that name such folders: of systemd, and of GitHub's and Gitea's runners.
const USUAL_VARIABLES: [&str; 2] = ["CREDENTIALS_DIRECTORY", "RUNNER_TEMP"];
/// The variable that, with `.tmp` appended, names the folder where GitLab's runner puts variables of type *file*.
const GITLAB_VARIABLE: &str = "CI_PROJECT_DIR";

/// What is trusted, with all folders resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    config: TrustConfig,
    /// Folders with secrets that need not be listed.
    usual: Vec<Utf8PathBuf>,
}

impl Trust {
    /// Resolves what an operator configured; `environment` tells where the runner puts secrets.
    #[must_use]
    pub fn new(config: TrustConfig, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut usual: Vec<Utf8PathBuf> = USUAL_FOLDERS.iter().map(Utf8PathBuf::from).collect();
        usual.extend(
            USUAL_VARIABLES
                .iter()
                .filter_map(|name| environment(name))
                .chain(environment(GITLAB_VARIABLE).map(|folder| folder + ".tmp"))
                .map(Utf8PathBuf::from)
                // An empty value, or the root folder, does not say where secrets are.
                .filter(|folder| folder.is_absolute() && folder.parent().is_some()),
        );
        Self { config, usual }
    }

    /// Lists the claims of a tree in a folder that are not allowed.
    #[must_use]
    pub fn missing(&self, loaded: &Loaded, folder: &Utf8Path, reach: Reach) -> Vec<Claim> {
        let mut claims = claims(loaded, folder, reach);
        claims.retain(|claim| !(claim.is_here && self.lets_here(&claim.entry)));
        claims.retain(|claim| !self.lets(&claim.entry));
        claims
    }

    /// Returns whether a claim that leads only to this machine needs no entry: only while its list is empty.
    fn lets_here(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Api(_) => self.config.api.is_empty(),
            Entry::Dns(_) => self.config.dns.is_empty(),
            Entry::Command(_) | Entry::File(_) | Entry::CaFile(_) => false,
        }
    }

    fn lets(&self, entry: &Entry) -> bool {
        let config = &self.config;
        match entry {
            Entry::Api(api) => {
                let mut trusted = config.api.iter();
                trusted.any(|trusted| bare(trusted.as_str()) == *api)
            }
            Entry::Dns(primary) => {
                let mut trusted = config.dns.iter();
                trusted.any(|trusted| {
                    trusted.eq_ignore_ascii_case(primary) || bare(trusted) == bare(primary)
                })
            }
            Entry::Command(words) => config.commands.include(words),
            Entry::File(path) => {
                let mut trusted = config.files.iter().chain(&self.usual);
                trusted.any(|trusted| path.starts_with(real(trusted)))
            }
            Entry::CaFile(file) => {
                let mut trusted = config.ca_files.iter();
                trusted.any(|trusted| {
                    trusted == file || real(Utf8Path::new(trusted)) == Utf8Path::new(file)
                })
            }
        }
    }

    /// Returns the lists that would allow the claims, one per line, including their existing entries.
    #[must_use]
    pub fn lines(&self, claims: &[Claim]) -> Vec<String> {
        let mut config = self.config.clone();
        for claim in claims {
            config.add(&claim.entry);
        }
        let lists = json!(config);
        let lists = lists.as_object().into_iter().flatten();
        let is_wanted = |name: &str| claims.iter().any(|claim| claim.entry.list() == name);
        lists
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, list)| format!("{name}: {list}"))
            .collect()
    }

    /// Returns the whole configuration that would allow the claims, as one line of JSON.
    #[must_use]
    pub fn text(&self, claims: &[Claim]) -> String {
        json!(self.config.clone().and(&Self::entries(claims))).to_string()
    }

    /// Returns the configuration that allows exactly the given claims.
    #[must_use]
    pub fn entries(claims: &[Claim]) -> TrustConfig {
        let mut config = TrustConfig::default();
        for claim in claims {
            config.add(&claim.entry);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Workdir, load};

    /// Lists what is missing, and checks that the reported lines allow it.
    fn missing(trust: &str, tree: &str, reach: Reach) -> String {
        let folder = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(folder.path()).unwrap();
        std::fs::write(top.join("emblazon.yaml"), tree).unwrap();
        std::fs::write(top.join("ca.pem"), "a certificate").unwrap();
        let loaded = load(&Workdir::open(top).unwrap(), None).unwrap();
        assert!(!loaded.has_errors(), "{tree}: {:?}", loaded.diagnostics);
        let environment = |name: &str| (name == "RUNNER_TEMP").then(|| "/runner/tmp".to_owned());
        let config: TrustConfig = serde_yaml::from_str(trust).unwrap();
        let trust = Trust::new(config.clone(), &environment);
        let claims = trust.missing(&loaded, top, reach);
        if !claims.is_empty() {
            let lines = trust.lines(&claims).join("\n");
            let told: TrustConfig = serde_yaml::from_str(&lines).unwrap();
            let all = Trust::new(config.and(&told), &environment);
            let left = all.missing(&loaded, top, reach);
            assert!(left.is_empty(), "{lines}: {left:?}");
        }
        let told: Vec<String> = claims.iter().map(ToString::to_string).collect();
        told.join("; ").replace(top.as_str(), "TREE")
    }

    fn at(api: &str, further: &str) -> String {
        format!("clusters: {{production: {{api: \"{api}\"{further}}}}}\n")
    }

    const HOME: &str = "https://api.example.com:8443";

    #[test]
    fn platforms() {
        #[track_caller]
        fn check(trust: &str, api: &str, is_let: bool) {
            let missing = missing(trust, &at(api, ", allow_plain_http: true"), Reach::Declared);
            let expected = "emblazon.yaml:1:30: the platform http";
            assert_eq!(missing.is_empty(), is_let, "{missing}");
            assert!(is_let || missing.starts_with(expected), "{missing}");
        }
        check("{}", "https://anywhere.example.com", false);
        for here in [
            "http://127.0.0.1:8000",
            "http://localhost",
            "https://[::1]:1",
        ] {
            check("{}", here, true);
            check("{dns: [ns1.example.com]}", here, true);
            check("{api: [\"https://api.example.com:8443\"]}", here, false);
        }
        let pinned = format!("{{api: [\"{HOME}\"]}}");
        check(&pinned, HOME, true);
        check(&pinned, "https://API.example.com:8443/", true);
        for elsewhere in [
            "https://evil.example.com:8443",
            "https://api.example.com",
            "http://api.example.com:8443",
            "https://api.example.com:8443/below",
            "https://api.example.com.evil.example.com:8443",
            "https://localhost.evil.example.com",
            "https://127.0.0.1.evil.example.com",
        ] {
            check(&pinned, elsewhere, false);
        }
        // An operator who names another platform does not go where the tree leads.
        let tree = at(
            "https://evil.example.com",
            ", auth: {token: {command: [id]}}",
        );
        assert_eq!(missing("{}", &tree, Reach::Elsewhere), "");
    }

    #[test]
    fn secrets() {
        #[track_caller]
        fn check(trust: &str, secret: &str, expected: &str) {
            let auth = format!(", auth: {{api_key: {secret}}}");
            let tree = at("http://127.0.0.1:8000", &auth);
            assert_eq!(missing(trust, &tree, Reach::Declared), expected);
        }
        let command = "emblazon.yaml: auth of cluster production names a command, sh, which is not in trust.commands";
        check("{}", "{command: [sh, -c, id]}", command);
        check("{commands: false}", "{command: [sh, -c, id]}", command);
        check("{commands: [[sh]]}", "{command: [sh, -c, id]}", command);
        check("{commands: [[sh, -c, id]]}", "{command: [sh, -c, id]}", "");
        check("{commands: true}", "{command: [sh, -c, id]}", "");
        check("{}", "{env: ANY}", "");
        let file = |path: &str| {
            format!(
                "emblazon.yaml: auth of cluster production names the file {path}, which is not in trust.files"
            )
        };
        check("{}", "{file: /nowhere/key}", &file("/nowhere/key"));
        check("{}", "{file: key}", &file("TREE/key"));
        check("{}", "{file: /run/secrets/../other}", &file("/run/other"));
        check(
            "{}",
            "{file: /run/secrets-not/x}",
            &file("/run/secrets-not/x"),
        );
        check("{}", "{file: /run/secrets/kazoo}", "");
        check("{}", "{file: /runner/tmp/kazoo}", "");
        check("{files: [/nowhere]}", "{file: /nowhere/key}", "");
        check("{files: [/nowhere/key]}", "{file: /nowhere/key}", "");
        check(
            "{files: [/nowhere/ke]}",
            "{file: /nowhere/key}",
            &file("/nowhere/key"),
        );
    }

    /// Each key of a reseller is as little the tree's to choose as the one for the rest.
    #[test]
    fn divided_keys() {
        let divided = ", auth: [{below: r.sip.example.com, api_key: {command: [id]}}, {below: s.sip.example.com, token: {file: /nowhere/key}}, {api_key: {env: ANY}}]";
        let tree = at("http://127.0.0.1:8000", divided);
        assert_eq!(
            missing("{}", &tree, Reach::Declared),
            "emblazon.yaml: auth of cluster production below r.sip.example.com names a command, id, which is not in trust.commands; emblazon.yaml: auth of cluster production below s.sip.example.com names the file /nowhere/key, which is not in trust.files"
        );
        let trust = "{commands: [[id]], files: [/nowhere]}";
        assert_eq!(missing(trust, &tree, Reach::Declared), "");
        assert_eq!(missing("{}", &tree, Reach::Elsewhere), "");
    }

    #[test]
    fn authorities() {
        #[track_caller]
        fn check(trust: &str, ca_file: &str, expected: &str) {
            let tree = at(HOME, &format!(", ca_file: {ca_file}"));
            let trust = format!("{{api: [\"{HOME}\"], ca_files: {trust}}}");
            assert_eq!(missing(&trust, &tree, Reach::Declared), expected);
        }
        let named = |path: &str| {
            format!(
                "emblazon.yaml: cluster production names the certificate authorities in {path}, which is not in trust.ca_files"
            )
        };
        let digest = crate::model::Digest::of(b"a certificate");
        check("[]", "ca.pem", &named("TREE/ca.pem"));
        check(&format!("[\"sha256:{}\"]", digest.as_str()), "ca.pem", "");
        check("[ca.pem]", "ca.pem", &named("TREE/ca.pem"));
        check("[]", "/nowhere/ca.pem", &named("/nowhere/ca.pem"));
        check("[/nowhere/ca.pem]", "/nowhere/ca.pem", "");
        // A platform on this machine needs no entry.
        let here = at("https://127.0.0.1:8443", ", ca_file: ca.pem");
        assert_eq!(missing("{}", &here, Reach::Declared), "");
        assert_ne!(missing("{}", &here, Reach::Elsewhere), "");
    }

    #[test]
    fn primaries() {
        #[track_caller]
        fn check(trust: &str, method: &str, expected: &str) {
            let tree = format!(
                "{}dns: {{push: {{{method}}}}}\n",
                at("http://127.0.0.1:1", "")
            );
            let found = missing(trust, &tree, Reach::Elsewhere);
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{found}"
            );
        }
        let powerdns =
            "method: powerdns, url: \"https://pdns.example.com:8081\", api_key: {env: KEY}";
        let bind = "method: rfc2136, server: ns1.example.com, key: {name: brands, secret: {command: [id]}}";
        check(
            "{}",
            powerdns,
            "the primary https://pdns.example.com:8081, which",
        );
        check(
            "{commands: true}",
            bind,
            "the primary ns1.example.com, which",
        );
        check(
            "{dns: [NS1.example.com]}",
            bind,
            "dns.push names a command, id",
        );
        let both = "{dns: [NS1.example.com, \"https://pdns.example.com:8081/\"], commands: true}";
        check(both, bind, "");
        check(both, powerdns, "");
        for here in [
            "127.0.0.1",
            "127.0.0.1:5353",
            "\"[::1]:53\"",
            "\"::1\"",
            "localhost:53",
        ] {
            let method =
                format!("method: rfc2136, server: {here}, key: {{name: k, secret: {{env: K}}}}");
            check("{}", &method, "");
        }
        for elsewhere in [
            "\"127.0.0.1#.evil.example.com\"",
            "localhost.evil.example.com",
            "127.0.0.1.evil.example.com:53",
        ] {
            let method = format!(
                "method: rfc2136, server: {elsewhere}, key: {{name: k, secret: {{env: K}}}}"
            );
            check("{}", &method, "the primary ");
        }
    }

    #[test]
    fn lines_hold_what_was_there() {
        let tree = at(HOME, ", auth: {api_key: {command: [vault, \"a b\"]}}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("emblazon.yaml"), tree).unwrap();
        let top = Utf8Path::from_path(folder.path()).unwrap();
        let loaded = load(&Workdir::open(top).unwrap(), None).unwrap();
        let config: TrustConfig =
            serde_yaml::from_str("{api: [\"https://a.example.com\"], files: [/x]}").unwrap();
        let trust = Trust::new(config, &|_| None);
        let lines = trust.lines(&trust.missing(&loaded, top, Reach::Declared));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        api: ["https://a.example.com/","https://api.example.com:8443/"]
        commands: [["vault","a b"]]
        "#);
    }
}
