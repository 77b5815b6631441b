//! The daemon's own file: where it runs, not what it may do. What it may do stands in the tree, and is reviewed.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

use super::alert::AlertsConfig;
use super::http::HttpConfig;
use super::setup::{Place, Setup};
use super::trust::{Trust, TrustConfig};
use crate::model::Shard;

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
    /// How often each account is read, such as 10m; the reads are spread over it.
    #[serde(default)]
    pub interval: Option<Span>,
    /// How often DNS is asked for each domain, such as 30m; as often as accounts are read when absent.
    #[serde(default)]
    pub dns_interval: Option<Span>,
    /// How often the source is looked at without being told, such as 1m.
    #[serde(default)]
    pub poll: Option<Span>,
    /// How long after it was first seen drift is looked at again, such as 10s.
    #[serde(default)]
    pub confirm_after: Option<Span>,
    /// How to be the only one who writes.
    #[serde(default)]
    pub lease: LeaseConfig,
    /// The part of the tree's accounts that the daemon is for, such as 2/3, when others are for the rest. The first one
    /// watches the domain template and the DNS of its accounts; for the DNS of the others, run `drift`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub shard: Option<Shard>,
    /// What a commit cannot do, whoever pushed it: lead the credentials elsewhere, or name a command to run.
    #[serde(default)]
    pub trust: TrustConfig,
    /// Where it listens, and who may ask it; it does not listen when absent. Changes take a restart.
    #[serde(default)]
    pub http: Option<HttpConfig>,
    /// Who is told of what. Changes take a restart.
    #[serde(default)]
    pub alerts: AlertsConfig,
}

/// Where the tree comes from: a folder, or a branch of a Git remote.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The remote's URL, as `git` takes it; without it, `folder` is a folder of this machine.
    #[serde(default)]
    pub git: Option<String>,
    /// The branch; main when absent.
    #[serde(default)]
    pub branch: Option<String>,
    /// The folder that holds emblazon.yaml: on this machine, or in the repository.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub folder: Option<Utf8PathBuf>,
    /// Who may sign commits, as a file for `ssh-keygen` (`allowed_signers`); what others signed, or nobody, is not applied.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub signers: Option<Utf8PathBuf>,
}

/// How to be the only one who writes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseConfig {
    /// How long it holds unless it is renewed, such as 2m; a standby takes over that long after it was renewed last, and the skew.
    #[serde(default)]
    pub term: Option<Span>,
    /// By how much the clocks of two hosts may differ, such as 10s; 1m when absent.
    #[serde(default)]
    pub skew: Option<Span>,
    /// Whether the Git remote arbitrates between hosts, and learns what was applied; true when absent.
    #[serde(default)]
    pub push: Option<bool>,
    /// Whether a Lease of the Kubernetes cluster that the daemon runs in arbitrates instead; false when absent. Only in
    /// builds with the feature `kubernetes`.
    #[serde(default)]
    pub kubernetes: bool,
}

/// A span of time, written 30s, 10m or 1h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Span(pub Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let seconds = match text.get(digits.len()..) {
            Some("s") => 1,
            Some("m") => 60,
            Some("h") => 3600,
            _ => 0,
        };
        let number = digits.parse::<u64>().ok();
        number
            .filter(|number| *number > 0 && seconds > 0)
            .and_then(|number| number.checked_mul(seconds))
            // Longer than a month is a mistake, and would overflow a clock some day.
            .filter(|seconds| *seconds <= 31 * 86_400)
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or_else(|| format!("{text:?} is no span of time; write 30s, 10m or 1h"))
    }
}

/// Says what is wrong in the daemon's file.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: Utf8PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It cannot be understood.
    #[error("{path}{}: {message}", place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}")))]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// Line and column, from 1.
        place: Option<(usize, usize)>,
        /// What is wrong.
        message: String,
    },
    /// Two things in it do not go together.
    #[error("{path}: {message}")]
    Contradiction {
        /// The file.
        path: Utf8PathBuf,
        /// Which, and what to do.
        message: String,
    },
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

    /// Understands the text of the daemon's file; `path` is for messages.
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, ConfigError> {
        let config: Self = serde_yaml::from_str(text).map_err(|error| ConfigError::Malformed {
            path: path.to_owned(),
            place: error.location().map(|place| (place.line(), place.column())),
            message: error.to_string(),
        })?;
        let wrong = |message: &str| {
            Err(ConfigError::Contradiction {
                path: path.to_owned(),
                message: message.to_owned(),
            })
        };
        if let Some(Err(error)) = config.http.as_ref().map(HttpConfig::check) {
            return wrong(&error.to_string());
        }
        let source = &config.source;
        match (&source.git, &source.folder) {
            (None, None) => wrong("source names neither git nor folder; name one"),
            (None, Some(_)) if source.branch.is_some() || source.signers.is_some() => wrong(
                "source.branch and source.signers are for a Git remote; add source.git, or leave them out",
            ),
            (Some(_), Some(folder)) if !is_inside(folder) => {
                wrong("source.folder leads out of the repository; write a path from its top")
            }
            _ => Ok(config),
        }
    }

    /// Resolves everything; `top` is the folder that the file lies in.
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
        let or = |given: Option<Span>, usual: SignedDuration| {
            given
                .and_then(|span| SignedDuration::try_from(span.0).ok())
                .unwrap_or(usual)
        };
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
            trust: Trust::new(&self.trust, self.source.git.is_some()),
            ..usual
        }
    }
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
    fn mistakes_have_places() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = WatchConfig::parse(text, Utf8Path::new("watch.yaml")).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        check("source: {folder: .}\nstaet: x\n", "watch.yaml:2:1: ");
        check(
            "source: {folder: .}\nstate: x\ninterval: 10\n",
            "watch.yaml",
        );
        check("state: x\nsource: {}\n", "watch.yaml: source names neither");
        check(
            "state: x\nsource: {folder: ., signers: f}\n",
            "watch.yaml: source.branch and",
        );
        check(
            "state: x\nsource: {git: u, folder: ../x}\n",
            "watch.yaml: source.folder leads out",
        );
        check(
            "state: x\nsource: {folder: .}\nhttp: {listen: 0.0.0.0:80}\n",
            "watch.yaml: http.listen is 0.0.0.0:80, which others can reach",
        );
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
        check("1d", None);
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
