//! What was applied last, object by object, kept beside the history: a daemon that starts again tells a hand edit from
//! a change of the tree also where no Git ref names what was applied.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::agenda::Name;
use crate::apply::write_whole;
use crate::diag::{Place, SourceMap, Span, Spanned};
use crate::model::{
    AccountName, AssetFile, AssetKind, ClusterName, Digest, HostEntry, Identity, KeyPath,
};
use crate::tree::{
    AccountPolicy, Declared, Desired, DesiredAccount, DesiredTemplate, DnsMode, Ownership, Target,
    plain_name,
};

/// The version of the file; another one is no base.
const VERSION: u32 = 1;

/// The file that one cluster's base is kept in.
///
/// Its first line names the SHA-256 of the rest, so that a file that something spoilt is no base, instead of a wrong one.
pub(super) struct BaseFile {
    path: Utf8PathBuf,
    /// The base URL of the platform: what was applied to another one says nothing.
    platform: String,
}

/// What was applied last, as it was kept.
pub(super) struct Kept {
    /// The commit that the Git ref named at the time.
    pub(super) commit: Option<String>,
    pub(super) desired: Desired,
    /// The objects of which it was lost before.
    pub(super) baseless: BTreeSet<Name>,
}

/// Says why a file is no base.
#[derive(Debug, Error)]
pub(super) enum BaseError {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("it is not whole; something else wrote to it")]
    Spoilt,
    #[error("it cannot be understood: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("another version of emblazon wrote it, in format {0}")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct Body {
    platform: String,
    commit: Option<String>,
    accounts: Vec<Account>,
    template: Option<Template>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    baseless: BTreeSet<Name>,
}

#[derive(Serialize, Deserialize)]
struct Account {
    name: AccountName,
    identity: Identity,
    settings: BTreeMap<KeyPath, Option<Value>>,
    assets: BTreeMap<AssetKind, Option<AssetFile>>,
    is_absent: bool,
    dns: DnsMode,
    ownership: Ownership,
    recreate: bool,
    protected: bool,
}

#[derive(Serialize, Deserialize)]
struct Template {
    hosts: Vec<(Target, Option<HostEntry>)>,
    types: BTreeSet<String>,
    ownership: Ownership,
}

impl BaseFile {
    pub(super) fn new(state: &Utf8Path, cluster: &ClusterName, platform: String) -> Self {
        let name = plain_name(cluster);
        Self {
            path: state.join("watch/base").join(format!("{name}.json")),
            platform,
        }
    }

    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Reads what was kept; `None` when nothing was, or when it was applied to another platform. Cluster and policy are
    /// those of `now`.
    pub(super) fn read(&self, now: &Desired) -> Result<Option<Kept>, BaseError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut parts = text.splitn(2, |byte| *byte == b'\n');
        let (head, body) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let head: Head = serde_json::from_slice(head)?;
        if head.version != VERSION {
            return Err(BaseError::Version(head.version));
        }
        if head.digest != Digest::of(body) {
            return Err(BaseError::Spoilt);
        }
        let body: Body = serde_json::from_slice(body)?;
        if body.platform != self.platform {
            return Ok(None);
        }
        let place = nowhere();
        let accounts = body.accounts.into_iter();
        Ok(Some(Kept {
            commit: body.commit,
            baseless: body.baseless,
            desired: Desired {
                cluster: now.cluster.clone(),
                accounts: accounts
                    .map(|account| Arc::new(account.declared(place)))
                    .collect(),
                template: body.template.map(|template| template.declared(place)),
                policy: now.policy.clone(),
            },
        }))
    }

    /// Keeps what was applied: after a crash the file is the old one or the new one.
    pub(super) fn write(
        &self,
        commit: Option<&str>,
        base: &Desired,
        baseless: &BTreeSet<Name>,
    ) -> io::Result<()> {
        let body = serde_json::to_vec(&Body {
            platform: self.platform.clone(),
            commit: commit.map(str::to_owned),
            accounts: base
                .accounts
                .iter()
                .map(|account| Account::of(account))
                .collect(),
            template: base.template.as_ref().map(Template::of),
            baseless: baseless.clone(),
        })?;
        let mut text = serde_json::to_vec(&Head {
            version: VERSION,
            digest: Digest::of(&body),
        })?;
        text.push(b'\n');
        text.extend(body);
        write_whole(self.path.as_std_path(), &text)
    }
}

impl Account {
    fn of(account: &DesiredAccount) -> Self {
        let AccountPolicy {
            ownership,
            recreate,
            protected,
        } = account.policy;
        let settings = account.settings.iter();
        let assets = account.assets.iter();
        Self {
            name: account.name.clone(),
            identity: account.identity.value.clone(),
            settings: settings
                .map(|(path, declared)| (path.clone(), declared.value.clone()))
                .collect(),
            assets: assets
                .map(|(kind, declared)| (*kind, declared.value.clone()))
                .collect(),
            is_absent: account.absent.is_some(),
            dns: account.dns,
            ownership,
            recreate,
            protected,
        }
    }

    fn declared(self, place: Place) -> DesiredAccount {
        let settings = self.settings.into_iter();
        let assets = self.assets.into_iter();
        DesiredAccount {
            name: self.name,
            identity: Spanned {
                value: self.identity,
                place,
            },
            settings: settings
                .map(|(path, value)| (path, Declared { value, place }))
                .collect(),
            assets: assets
                .map(|(kind, value)| (kind, Declared { value, place }))
                .collect(),
            absent: self.is_absent.then_some(place),
            dns: self.dns,
            policy: AccountPolicy {
                ownership: self.ownership,
                recreate: self.recreate,
                protected: self.protected,
            },
        }
    }
}

impl Template {
    fn of(template: &DesiredTemplate) -> Self {
        let hosts = template.hosts.iter();
        Self {
            hosts: hosts
                .map(|(target, declared)| (target.clone(), declared.value.clone()))
                .collect(),
            types: template.types.clone(),
            ownership: template.ownership,
        }
    }

    fn declared(self, place: Place) -> DesiredTemplate {
        let hosts = self.hosts.into_iter();
        DesiredTemplate {
            hosts: hosts
                .map(|(target, value)| (target, Declared { value, place }))
                .collect(),
            types: self.types,
            ownership: self.ownership,
        }
    }
}

/// A place in a file that is not there any more; nobody is pointed to where a base says something.
fn nowhere() -> Place {
    Place {
        file: SourceMap::default().add("applied".into(), ""),
        span: Span { start: 0, end: 0 },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::diff::compare;
    use crate::live::Live;
    use crate::tree::{Workdir, load};

    fn example() -> crate::tree::Loaded {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart");
        load(&Workdir::open(folder).unwrap(), Some("production")).unwrap()
    }

    fn kept_in(folder: &tempfile::TempDir, platform: &str, cluster: &Desired) -> BaseFile {
        let state = Utf8Path::from_path(folder.path()).unwrap();
        BaseFile::new(state, &cluster.cluster.name, platform.to_owned())
    }

    #[test]
    fn what_is_kept_is_the_same_tree() {
        let loaded = example();
        let desired = &loaded.desired;
        let folder = tempfile::tempdir().unwrap();
        let file = kept_in(&folder, "https://a.example.com", desired);
        assert!(file.read(desired).unwrap().is_none());
        file.write(Some("c0ffee"), desired, &[None].into()).unwrap();
        let kept = file.read(desired).unwrap().unwrap();
        assert_eq!(kept.commit.as_deref(), Some("c0ffee"));
        assert_eq!(kept.baseless, [None].into());
        assert_eq!(kept.desired.digest(), desired.digest());
        assert!(desired.accounts.len() > 2 && desired.template.is_some());
        let live = Live::default();
        assert_eq!(
            compare(desired, Some(&kept.desired), &live, &loaded.sources),
            compare(desired, Some(desired), &live, &loaded.sources)
        );
        let other = kept_in(&folder, "https://b.example.com", desired);
        assert!(other.read(desired).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let desired = example().desired;
        let folder = tempfile::tempdir().unwrap();
        let file = kept_in(&folder, "", &desired);
        file.write(None, &desired, &BTreeSet::new()).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_spoilt_file_is_no_base() {
        #[track_caller]
        fn check(change: impl Fn(&str) -> String, expected: &str) {
            let desired = example().desired;
            let folder = tempfile::tempdir().unwrap();
            let file = kept_in(&folder, "", &desired);
            file.write(None, &desired, &BTreeSet::new()).unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            fs::write(file.path(), change(&text)).unwrap();
            let error = file.read(&desired).err().unwrap().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        check(|text| text[..text.len() - 1].to_owned(), "it is not whole");
        check(|text| text.replace("Acme", "Evil") + " ", "it is not whole");
        check(|_| String::new(), "it cannot be understood");
        check(
            |text| text.replacen("\"version\":1", "\"version\":9", 1),
            "another version of emblazon wrote it, in format 9",
        );
    }
}
