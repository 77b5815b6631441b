//! What a tree claims about where credentials come from and go to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf, absolute_utf8};
use url::Url;

use super::entry::{BY_CONTENT, Entry};
use crate::model::{Digest, is_loopback};
use crate::tree::{AuthConfig, Loaded, Origin, PushMethod, SecretSource, read_authorities};

/// Which platform a command is about to reach, and with which credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The platform that the tree names, with the credentials that the tree declares.
    Declared,
    /// A platform that the operator names, with credentials from the environment.
    Elsewhere,
}

/// A statement of a tree that only an operator can allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The entry that would allow it.
    pub entry: Entry,
    /// Where the tree makes the claim, and what it claims.
    said: String,
    /// Whether it leads only to this machine.
    pub(super) is_here: bool,
}

/// Describes the claim. The text may hold any character.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, which is not in trust.{}",
            self.said,
            self.entry.list()
        )
    }
}

/// Lists the claims of a tree in a folder.
pub(super) fn claims(loaded: &Loaded, folder: &Utf8Path, reach: Reach) -> Vec<Claim> {
    let mut claims = Vec::new();
    let cluster = &loaded.desired.cluster;
    let api = cluster.api.as_ref();
    if let (Reach::Declared, Some(api)) = (reach, api) {
        let place = Origin::of(api.place, &loaded.sources);
        claims.push(Claim {
            entry: Entry::Api(bare(&api.value)),
            said: format!("{place}: the platform {}", shown(&api.value)),
            is_here: is_here(&api.value),
        });
    }
    let whose = format!("auth of cluster {}", cluster.name);
    let mut logins = vec![(&cluster.auth, whose.clone())];
    let keys = cluster.keys.iter();
    logins.extend(keys.map(|key| (&key.auth, format!("{whose} below {}", key.below))));
    for (auth, whose) in logins {
        let login = match auth {
            AuthConfig::Environment => None,
            AuthConfig::ApiKey(secret)
            | AuthConfig::Token(secret)
            | AuthConfig::User {
                password: secret, ..
            } => Some(secret),
        };
        if let (Reach::Declared, Some(secret)) = (reach, login) {
            claims.extend(of_secret(secret, folder, &whose));
        }
    }
    let is_remote = reach == Reach::Elsewhere || api.is_some_and(|api| !is_here(&api.value));
    if let Some(file) = cluster.ca_file.as_deref().filter(|_| is_remote) {
        let whose = format!("cluster {}", cluster.name);
        claims.push(of_authorities(file, folder, &whose));
    }
    let Some(push) = &loaded.dns.push else {
        return claims;
    };
    let (primary, secret, ca_file) = match &push.method {
        PushMethod::Rfc2136 { server, secret, .. } => (server, secret, None),
        PushMethod::PowerDns {
            url,
            api_key,
            ca_file,
            ..
        } => (url, api_key, ca_file.as_deref()),
    };
    let place = Origin::of(primary.place, &loaded.sources);
    claims.push(Claim {
        entry: Entry::Dns(primary.value.clone()),
        said: format!("{place}: the primary {}", shown(&primary.value)),
        is_here: is_here(&primary.value),
    });
    if !is_here(&primary.value) {
        claims.extend(ca_file.map(|file| of_authorities(file, folder, "dns.push")));
    }
    claims.extend(of_secret(secret, folder, "dns.push"));
    claims
}

fn of_secret(secret: &SecretSource, folder: &Utf8Path, whose: &str) -> Option<Claim> {
    match secret {
        SecretSource::Environment(_) => None,
        SecretSource::File(path) => {
            let path = real(&folder.join(path));
            Some(Claim {
                said: format!("emblazon.yaml: {whose} names the file {path}"),
                entry: Entry::File(path),
                is_here: false,
            })
        }
        SecretSource::Command(words) => Some(Claim {
            said: format!(
                "emblazon.yaml: {whose} names a command, {}",
                words.first().map_or("", String::as_str)
            ),
            entry: Entry::Command(words.clone()),
            is_here: false,
        }),
    }
}

/// Returns the claim to certificate authorities, which decide who can pose as the platform. A file next to the tree can
/// be written by the tree's author, so it counts by its content.
fn of_authorities(file: &Utf8Path, folder: &Utf8Path, whose: &str) -> Claim {
    let path = real(&folder.join(file));
    let is_beside = path.starts_with(real(folder));
    let content = read_authorities(&path).ok().filter(|_| is_beside);
    let by_content =
        content.map(|content| format!("{BY_CONTENT}{}", Digest::of(&content).as_str()));
    Claim {
        said: format!("emblazon.yaml: {whose} names the certificate authorities in {path}"),
        entry: Entry::CaFile(by_content.unwrap_or_else(|| path.to_string())),
        is_here: false,
    }
}

/// Resolves links and `..` in a path; if nothing exists there, only `..`, textually.
pub(super) fn real(path: &Utf8Path) -> Utf8PathBuf {
    path.canonicalize_utf8().unwrap_or_else(|_| {
        let mut whole = Utf8PathBuf::new();
        for part in absolute_utf8(path)
            .unwrap_or_else(|_| path.to_owned())
            .components()
        {
            match part {
                Utf8Component::ParentDir => {
                    whole.pop();
                }
                Utf8Component::CurDir => {}
                part => whole.push(part),
            }
        }
        whole
    })
}

/// Returns whether a URL, or a host with or without a port, is this machine.
fn is_here(text: &str) -> bool {
    if text.contains("://") {
        return Url::parse(text).is_ok_and(|url| url.host().as_ref().is_some_and(is_loopback));
    }
    // Parsed strictly: a URL parser would accept texts that resolve to another host.
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    let is_host = |text: &str| is_address(text) || text == "localhost";
    let with_port = text
        .parse::<SocketAddr>()
        .is_ok_and(|it| it.ip().is_loopback());
    let before_port = text.rsplit_once(':').is_some_and(|(host, port)| {
        is_host(host) && !host.contains(':') && port.parse::<u16>().is_ok()
    });
    is_host(text) || with_port || before_port
}

/// Normalizes a URL for comparison: as the client reads it, without trailing slashes.
pub(super) fn bare(text: &str) -> String {
    let parsed = Url::parse(text).map_or_else(|_| text.to_owned(), |url| url.to_string());
    parsed.trim_end_matches('/').to_owned()
}

/// Returns a URL without the parts that may hold a secret.
fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        Ok(_) | Err(_) => text.to_owned(),
    }
}
