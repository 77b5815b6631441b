//! The daemon's own file: where it runs, not what it may do. What it may do is in the tree, and is reviewed.

use std::net::IpAddr;
use std::num::NonZeroU32;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use super::mistakes::{self, ConfigMistake};
use crate::alert::AlertsConfig;
use crate::daemon::{HookOwner, Place, ProbeSetup, Setup};
use crate::dashboard::HttpConfig;
use crate::forge::ForgeKind;
use crate::live::{SecretConfig, Trust, TrustConfig};
use crate::model::{Shard, Span};
use crate::probe::{Pace, Pin};

/// The daemon's own file, `emblazon watch --config FILE`. Paths are from the file's folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    /// Where the tree comes from.
    pub source: SourceConfig,
    /// The cluster; needed only when the tree has several.
    #[serde(default)]
    pub cluster: Option<String>,
    /// The folder for journal, snapshots, history and the fetched repository.
    #[schemars(with = "String")]
    pub state: Utf8PathBuf,
    /// How often each account is read, such as 10m; the reads are spread over that time.
    #[serde(default)]
    pub interval: Option<Span>,
    /// How often each domain is looked up in DNS, such as 30m; as often as accounts are read when absent.
    #[serde(default)]
    pub dns_interval: Option<Span>,
    /// How often the source is polled without a notification, such as 1m.
    #[serde(default)]
    pub poll: Option<Span>,
    /// How long after drift is first seen it is checked again, such as 10s.
    #[serde(default)]
    pub confirm_after: Option<Span>,
    /// The lease, which ensures that only one process writes.
    #[serde(default)]
    pub lease: LeaseConfig,
    /// The shard of the tree's accounts that the daemon reconciles, such as 2/3, when other daemons have the rest. The
    /// first shard also has the domain template.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub shard: Option<Shard>,
    /// What the tree may refer to, whoever pushed it: where credentials are sent, which commands are run and which
    /// files are read. When absent, what the user that the daemon runs as trusts.
    #[serde(default)]
    pub trust: Option<TrustConfig>,
    /// Where the dashboard and its API listen, and who may use them; nothing listens when absent. Changes need a
    /// restart.
    #[serde(default)]
    pub http: Option<HttpConfig>,
    /// What the platform tells of its changes, so that a change by hand is seen at once; without it, accounts are only
    /// read by the interval. Webhooks need `http` with a public URL. Changes need a restart.
    #[serde(default)]
    pub events: Option<EventsConfig>,
    /// How the brands are looked at as customers do, which `emblazon probe` does once; nobody looks when absent. Changes
    /// need a restart.
    #[serde(default)]
    pub probe: Option<ProbeConfig>,
    /// The forge at which drift is proposed for the tree as pull requests: by the policy `heal: propose`, or when
    /// somebody asks for it on the dashboard. `git` pushes the branches with the credentials of the daemon's user.
    /// Changes need a restart.
    #[serde(default)]
    pub forge: Option<ForgeConfig>,
    /// Who is alerted of what. Changes need a restart.
    #[serde(default)]
    pub alerts: AlertsConfig,
}

/// The forge at which drift is proposed for the tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgeConfig {
    /// The kind of forge.
    pub kind: ForgeKind,
    /// Its API, such as `https://api.github.com` or `https://gitlab.example.com/api/v4`.
    pub api: String,
    /// The repository, such as `owner/name`.
    pub repository: String,
    /// A token that may open and change pull requests.
    pub token: SecretConfig,
}

/// Where the tree comes from: a folder, or a branch of a Git remote.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The remote's URL, as `git` accepts it; without it, `folder` is a folder on this machine.
    #[serde(default)]
    pub git: Option<String>,
    /// The branch; main when absent.
    #[serde(default)]
    pub branch: Option<String>,
    /// The folder that contains emblazon.yaml: on this machine, or in the repository.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub folder: Option<Utf8PathBuf>,
    /// Who may sign commits, as an `allowed_signers` file of `ssh-keygen`; commits signed by others, or not at all, are
    /// not applied.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub signers: Option<Utf8PathBuf>,
}

/// The lease, which ensures that only one process writes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseConfig {
    /// How long the lease lasts unless it is renewed, such as 2m; a standby takes over that long after the last
    /// renewal, plus the skew.
    #[serde(default)]
    pub term: Option<Span>,
    /// How far the clocks of two hosts may differ, such as 10s; 1m when absent.
    #[serde(default)]
    pub skew: Option<Span>,
    /// Whether the lease between hosts and the ref of the applied commit are pushed to the Git remote; true when
    /// absent.
    #[serde(default)]
    pub push: Option<bool>,
    /// Whether a Lease object in the Kubernetes cluster that the daemon runs in arbitrates instead of the Git remote;
    /// false when absent. Only in builds with the feature `kubernetes`.
    #[serde(default)]
    pub kubernetes: bool,
}

/// What the platform tells of its changes: by webhooks to `/kazoo/webhook` below the public URL, or over a connection
/// that the daemon makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsConfig {
    /// Who makes the webhooks on the platform: the daemon, which also renews and removes them, as when absent; or an
    /// operator, as `emblazon events hook` says.
    #[serde(default)]
    pub hooks: Option<HookOwner>,
    /// The secret of an operator's hooks.
    #[serde(default)]
    pub secret: Option<SecretConfig>,
    /// The websocket of the platform's Blackhole, such as `wss://kazoo.example.com:7777`, instead of webhooks: for a
    /// platform that cannot reach the daemon. The daemon sends its token there.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub blackhole: Option<Url>,
}

/// How the brands are looked at as customers do. `{}` is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeConfig {
    /// How often each brand is looked at, such as 10m, as when absent.
    pub interval: Option<Span>,
    /// After how many probes in a row it counts that customers do not see a brand; 2 when absent.
    pub confirmations: Option<NonZeroU32>,
    /// How long after one of them the next comes, such as 30s, as when absent.
    pub confirm_after: Option<Span>,
    /// How long before its end a certificate is alerted of, such as 14d, as when absent.
    pub certificates: Option<Span>,
    /// Addresses to connect to instead of those in DNS, as `HOST:PORT:ADDR`: for a user interface inside a network.
    #[schemars(with = "Vec<String>")]
    pub resolve: Vec<Pin>,
    /// The address of this machine to connect from.
    #[schemars(with = "Option<String>")]
    pub from: Option<IpAddr>,
    /// Certificate authorities to trust, in PEM, beside those of this machine and the tree's `ca_file`.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Utf8PathBuf>,
    /// How many requests a second the API gets at most; as the platform's limit for anonymous callers allows when
    /// absent.
    pub rate: Option<NonZeroU32>,
}

impl ProbeConfig {
    /// Resolves paths and defaults.
    fn setup(&self, top: &Utf8Path) -> ProbeSetup {
        let usual = ProbeSetup::default();
        let pace = self.rate.map(|rate| Pace::new(rate.get(), rate.get()));
        ProbeSetup {
            interval: or(self.interval, usual.interval),
            confirmations: self
                .confirmations
                .map_or(usual.confirmations, NonZeroU32::get),
            confirm_after: or(self.confirm_after, usual.confirm_after),
            certificates: or(self.certificates, usual.certificates),
            resolve: self.resolve.clone(),
            from: self.from,
            ca_file: self.ca_file.as_ref().map(|file| top.join(file)),
            pace: pace.unwrap_or(usual.pace),
        }
    }
}

fn or(given: Option<Span>, usual: SignedDuration) -> SignedDuration {
    given
        .and_then(|span| SignedDuration::try_from(span.0).ok())
        .unwrap_or(usual)
}

impl EventsConfig {
    /// Returns what contradicts itself, if anything does.
    fn contradiction(&self, has_http: bool) -> Option<&'static str> {
        match (
            &self.blackhole,
            self.hooks.unwrap_or_default(),
            &self.secret,
        ) {
            (Some(_), _, _) if self.hooks.is_some() || self.secret.is_some() => Some(
                "events.blackhole is instead of webhooks; leave out events.hooks and events.secret, or events.blackhole",
            ),
            (Some(url), _, _) if !is_websocket(url) => Some(
                "events.blackhole is no URL of a websocket; write wss:// or ws:// and a host, without a query or a password",
            ),
            (None, HookOwner::Operator, None) => Some(
                "events.hooks: operator needs events.secret, which the hooks hold as emblazon_secret; `emblazon events hook` prints them",
            ),
            (None, HookOwner::Daemon, Some(_)) => Some(
                "events.secret is for hooks of an operator; leave it out, or say hooks: operator",
            ),
            (None, _, _) if !has_http => Some(
                "events need http, where the platform tells of them; declare http.listen and http.public_url, or events.blackhole",
            ),
            (Some(_) | None, _, _) => None,
        }
    }
}

fn is_websocket(url: &Url) -> bool {
    matches!(url.scheme(), "wss" | "ws")
        && url.host().is_some()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// What is wrong with the daemon's file.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error(
        "{path}: {source}; name the daemon's file with --config, and let the daemon's user read it"
    )]
    Unreadable {
        /// The file.
        path: Utf8PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error("{}", told(path, mistakes))]
    Mistaken {
        /// The file.
        path: Utf8PathBuf,
        /// All mistakes found.
        mistakes: Vec<ConfigMistake>,
    },
}

fn told(path: &Utf8Path, mistakes: &[ConfigMistake]) -> String {
    let told: Vec<String> = (mistakes.iter())
        .map(|mistake| format!("{path}{mistake}"))
        .collect();
    told.join("\n")
}

impl ConfigError {
    /// Returns one line for logs and alerts: the first mistake, and how many more there are.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        match self {
            Self::Unreadable { .. } => self.to_string(),
            Self::Mistaken { path, mistakes } => {
                let first = mistakes.first().map(ConfigMistake::in_one_line);
                let more = match mistakes.len() {
                    0 | 1 => String::new(),
                    several => format!("; {} more", several - 1),
                };
                format!("{path}{}{more}", first.unwrap_or_default())
            }
        }
    }
}

/// Parses an operator's trust settings from a file of their own; `path` is for messages.
pub fn read_trust(text: &str, path: &Utf8Path) -> Result<TrustConfig, ConfigError> {
    if text.trim().is_empty() {
        return Ok(TrustConfig::default());
    }
    mistakes::read(text).map_err(|mistakes| ConfigError::Mistaken {
        path: path.to_owned(),
        mistakes,
    })
}

impl WatchConfig {
    /// Reads the daemon's file.
    pub fn read(path: &Utf8Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    /// Parses the text of the daemon's file; `path` is for messages.
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, ConfigError> {
        let mistaken = |mistakes| ConfigError::Mistaken {
            path: path.to_owned(),
            mistakes,
        };
        let config: Self = mistakes::read(text).map_err(mistaken)?;
        let contradictions = config.contradictions();
        if contradictions.is_empty() {
            return Ok(config);
        }
        let found = contradictions.iter();
        Err(mistaken(
            found.map(|words| ConfigMistake::of_whole(words)).collect(),
        ))
    }

    /// Lists settings that contradict each other.
    fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let source = &self.source;
        match (&source.git, &source.folder) {
            (None, None) => found.push("source names neither git nor folder; name one"),
            (None, Some(_)) if source.branch.is_some() || source.signers.is_some() => found.push(
                "source.branch and source.signers are for a Git remote; add source.git, or leave them out",
            ),
            (Some(url), _) if holds_password(url) => found.push(
                "source.git holds a password, which others would read in .git/config and in the list of processes; take it out of the URL, and let a credential helper of git give it (`git config --global credential.helper …`), or use ssh",
            ),
            (Some(_), Some(folder)) if !is_inside(folder) => {
                found.push("source.folder leads out of the repository; write a path from its top");
            }
            _ => {}
        }
        let events = self.events.as_ref();
        found.extend(events.and_then(|events| events.contradiction(self.http.is_some())));
        let mut found: Vec<String> = found.into_iter().map(str::to_owned).collect();
        if let Some(Err(error)) = self.http.as_ref().map(HttpConfig::check) {
            found.push(error.to_string());
        }
        found
    }

    /// Resolves paths and defaults; `top` is the folder that contains the file.
    #[must_use]
    pub fn setup(&self, top: &Utf8Path) -> Setup {
        let SourceConfig {
            git,
            branch,
            folder,
            signers,
        } = self.source.clone();
        let folder = folder.unwrap_or_default();
        let source = match git {
            None => Place::Folder(top.join(folder)),
            Some(url) => Place::Remote {
                url,
                branch: branch.unwrap_or_else(|| "main".to_owned()),
                folder,
                signers: signers.map(|signers| top.join(signers)),
            },
        };
        let usual = Setup::new(source, top.join(&self.state));
        let environment = |name: &str| std::env::var(name).ok();
        Setup {
            cluster: self.cluster.clone(),
            interval: or(self.interval, usual.interval),
            dns_interval: or(self.dns_interval, or(self.interval, usual.dns_interval)),
            poll: or(self.poll, usual.poll),
            confirm_after: or(self.confirm_after, usual.confirm_after),
            term: self.lease.term.map_or(usual.term, |term| term.0),
            skew: or(self.lease.skew, usual.skew),
            push: self.lease.push.unwrap_or(usual.push),
            kubernetes: self.lease.kubernetes,
            shard: self.shard,
            probe: self.probe.as_ref().map(|probe| probe.setup(top)),
            trust: match &self.trust {
                Some(trust) => Trust::new(trust.clone().beside(top), &environment),
                None => usual.trust,
            },
            ..usual
        }
    }
}

/// Returns whether a URL contains a password. Forges also accept a token as the user.
fn holds_password(url: &str) -> bool {
    /// No user name of a forge is longer; no token is shorter.
    const LONGEST_USER: usize = 19;
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return false;
    };
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    user.contains(':') || (is_web && user.len() > LONGEST_USER)
}

fn is_inside(path: &Utf8Path) -> bool {
    path.components().all(|part| {
        matches!(
            part,
            camino::Utf8Component::Normal(_) | camino::Utf8Component::CurDir
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_at_once_with_its_place_and_a_remedy() {
        let text = "source:
  folder: .
  brnch: main
staet: x
interval: 10
http:
  listen: nowhere
  token: canary
alerts:
  channels:
    - kind: slak
      url: {env: URL}
    - kind: email
      server: mail.example.com
  after: 5m
trust:
  apis: []
";
        let error = WatchConfig::parse(text, Utf8Path::new("watch.yaml")).unwrap_err();
        insta::assert_snapshot!(error, @r#"
        watch.yaml:3:3: source: unknown key brnch
        3 |   brnch: main
          |   ^
          help: did you mean branch?
        watch.yaml:4:1: unknown key staet
        4 | staet: x
          | ^
          help: did you mean state?
        watch.yaml:5:11: interval: "10" is no span of time
        5 | interval: 10
          |           ^
          help: write 30s, 10m or 1h
        watch.yaml:7:11: http.listen: invalid socket address syntax
        7 |   listen: nowhere
          |           ^
          help: see examples/watch/watch.yaml for every key
        watch.yaml:8:10: http.token: invalid type: a text
          help: write one of {env: NAME}, {file: PATH} and {command: [PROGRAM]}
        watch.yaml:11:13: alerts.channels[0].kind: unknown variant slak
        11 |     - kind: slak
           |             ^
          help: did you mean slack?
        watch.yaml:13:5: alerts.channels: missing field from
        13 |     - kind: email
           |     ^
          help: add from
        watch.yaml:17:3: trust: unknown key apis
        17 |   apis: []
           |   ^
          help: did you mean api?
        "#);
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = WatchConfig::parse(text, Utf8Path::new("watch.yaml")).unwrap_err();
            let error = error.to_string();
            assert!(
                error.starts_with(expected) && error.contains("\n  help: "),
                "{error}"
            );
            assert!(!error.contains("canary"), "{error}");
        }
        check("source: {folder: .}\n", "watch.yaml: missing field state");
        check("state: x\nsource: {}\n", "watch.yaml: source names neither");
        check(
            "state: x\nsource: {folder: ., signers: f}\n",
            "watch.yaml: source.branch and",
        );
        for url in [
            "https://me:canary@git.example.com/x.git",
            "https://github_pat_canary0123456789@git.example.com/x.git",
            "ssh://me:canary@git.example.com/x.git",
            "HTTPS://:canary@git.example.com/x.git",
        ] {
            check(
                &format!("state: x\nsource: {{git: \"{url}\"}}\n"),
                "watch.yaml: source.git holds a password",
            );
        }
        for url in [
            "ssh://git@git.example.com:2222/x.git",
            "git@git.example.com:x.git",
            "https://me@git.example.com/a:b@c",
            "/srv/git/a:b@c.git",
        ] {
            let text = format!("state: x\nsource: {{git: \"{url}\"}}\n");
            assert!(WatchConfig::parse(&text, Utf8Path::new("watch.yaml")).is_ok());
        }
        check(
            "state: x\nsource: {git: u, folder: ../x}\n",
            "watch.yaml: source.folder leads out",
        );
        check(
            "state: x\nsource: {folder: .}\nhttp: {listen: 0.0.0.0:80}\n",
            "watch.yaml: http.listen is 0.0.0.0:80, which others can reach",
        );
        check(
            "state: x\nsource: {folder: .}\nhttp:\n  token: canary\n",
            "watch.yaml:4:",
        );
        check(
            "state: x\nsource: {folder: .}\nhttp: {}\nevents: {hooks: operator}\n",
            "watch.yaml: events.hooks: operator needs",
        );
        check(
            "state: x\nsource: {folder: .}\nhttp: {}\nevents: {secret: {env: X}}\n",
            "watch.yaml: events.secret is for hooks",
        );
        check(
            "state: x\nsource: {folder: .}\nevents: {}\n",
            "watch.yaml: events need http",
        );
        check(
            "state: x\nsource: {folder: .}\nevents: {hooks: daemon, blackhole: 'wss://kazoo.example.com:7777'}\n",
            "watch.yaml: events.blackhole is instead of webhooks",
        );
        check(
            "state: x\nsource: {folder: .}\nevents: {blackhole: 'https://kazoo.example.com'}\n",
            "watch.yaml: events.blackhole is no URL of a websocket",
        );
        check(
            "state: x\nsource: {folder: .}\nevents: {blackhole: 'wss://me:canary@kazoo.example.com'}\n",
            "watch.yaml: events.blackhole is no URL of a websocket",
        );
        check("state: [\n", "watch.yaml:");
    }

    #[test]
    fn a_file_that_cannot_be_read_says_what_to_do() {
        let error = WatchConfig::read(Utf8Path::new("/nowhere/watch.yaml")).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("/nowhere/watch.yaml: "), "{error}");
        assert!(error.ends_with("let the daemon's user read it"), "{error}");
    }

    #[test]
    fn spans() {
        #[track_caller]
        fn check(text: &str, expected: Option<u64>) {
            let found = Span::try_from(text.to_owned())
                .ok()
                .map(|span| span.0.as_secs());
            assert_eq!(found, expected, "{text}");
        }
        check("30s", Some(30));
        check("10m", Some(600));
        check("1h", Some(3600));
        check("10", None);
        check("0s", None);
        check("-1s", None);
        check("14d", Some(1_209_600));
        check("1w", None);
        check("745h", None);
        check("99999999999999999999h", None);
    }

    #[test]
    fn what_is_said_is_taken_and_the_rest_is_as_usual() {
        let text = "source: {git: \"ssh://git@example.com/brands.git\", folder: brands, signers: signers}\nstate: /var/lib/emblazon\ninterval: 1h\nlease: {push: false}\n";
        let config = WatchConfig::parse(text, Utf8Path::new("watch.yaml")).unwrap();
        let setup = config.setup(Utf8Path::new("/etc/emblazon"));
        assert_eq!(
            setup.source,
            Place::Remote {
                url: "ssh://git@example.com/brands.git".to_owned(),
                branch: "main".to_owned(),
                folder: "brands".into(),
                signers: Some("/etc/emblazon/signers".into()),
            }
        );
        assert_eq!(setup.state, "/var/lib/emblazon");
        assert_eq!(setup.interval, SignedDuration::from_hours(1));
        assert_eq!(setup.poll, SignedDuration::from_mins(1));
        assert!(!setup.push);
    }
}
