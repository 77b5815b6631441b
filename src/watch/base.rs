//! What was applied last, object by object, kept beside the history: a daemon that starts again tells a hand edit from
//! a change of the tree also where no Git ref names what was applied.

mod form;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::form::{Account, Template, nowhere};
use super::agenda::Name;
use super::selection::is_same;
use crate::apply::write_whole;
use crate::model::{AccountName, ClusterName, Digest, DigestWriter};
use crate::tree::{Desired, DesiredAccount, SharedAccount, plain_name};

/// The version of the file; another one is no base.
const VERSION: u32 = 2;

/// The file that one cluster's base is kept in, a line for each time that something was applied.
///
/// The first line says what the file is, the second holds everything, and each further one what came about since; when these
/// are as long as the whole, it is written anew. Each line begins with the SHA-256 of itself and of all before it, so
/// that a file that something spoilt is no base, instead of a wrong one.
pub(super) struct BaseFile {
    path: Utf8PathBuf,
    /// The base URL of the platform: what was applied to another one says nothing.
    platform: String,
    /// What this process wrote; absent before it did, and when a write failed.
    written: Option<Written>,
}

/// What a file holds.
struct Written {
    accounts: Vec<SharedAccount>,
    /// The digest of its last line.
    last: Digest,
    length: u64,
    /// How long it was when everything was written.
    whole: u64,
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
    platform: String,
}

/// What came about: all that is said of an account before counts no more.
#[derive(Serialize, Deserialize)]
struct Entry {
    commit: Option<String>,
    accounts: Vec<Account>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    gone: BTreeSet<AccountName>,
    template: Option<Template>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    baseless: BTreeSet<Name>,
}

impl BaseFile {
    pub(super) fn new(state: &Utf8Path, cluster: &ClusterName, platform: String) -> Self {
        let name = plain_name(cluster);
        Self {
            path: state.join("watch/base").join(format!("{name}.jsonl")),
            platform,
            written: None,
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
        let mut lines = lines(&text);
        let head: Head = serde_json::from_slice(lines.next().ok_or(BaseError::Spoilt)??)?;
        if head.version != VERSION {
            return Err(BaseError::Version(head.version));
        }
        let mut accounts = BTreeMap::new();
        let mut last = None;
        for line in lines {
            let mut entry: Entry = serde_json::from_slice(line?)?;
            accounts.retain(|name, _| !entry.gone.contains(name));
            let new = std::mem::take(&mut entry.accounts).into_iter();
            accounts.extend(new.map(|account| (account.name.clone(), account)));
            last = Some(entry);
        }
        let last = last.ok_or(BaseError::Spoilt)?;
        if head.platform != self.platform {
            return Ok(None);
        }
        let place = nowhere();
        let accounts = accounts.into_values();
        Ok(Some(Kept {
            commit: last.commit,
            baseless: last.baseless,
            desired: Desired {
                cluster: now.cluster.clone(),
                accounts: accounts
                    .map(|account| account.declared(place).into())
                    .collect(),
                template: last.template.map(|template| template.declared(place)),
                policy: now.policy.clone(),
            },
        }))
    }

    /// Keeps what was applied: after a crash the file says what it said, or this.
    pub(super) fn write(
        &mut self,
        commit: Option<&str>,
        base: &Desired,
        baseless: &BTreeSet<Name>,
    ) -> io::Result<()> {
        let entry = |accounts: &[&SharedAccount], gone| Entry {
            commit: commit.map(str::to_owned),
            accounts: accounts
                .iter()
                .map(|account| Account::of(account))
                .collect(),
            gone,
            template: base.template.as_ref().map(Template::of),
            baseless: baseless.clone(),
        };
        if let Some(mut written) = self.written.take() {
            let (new, gone) = written.differing(base);
            let (line, last) = line(Some(&written.last), &entry(&new, gone))?;
            if self.append(&written, &line)? {
                written.accounts.clone_from(&base.accounts);
                written.last = last;
                written.length += line.len() as u64;
                self.written = Some(written);
                return Ok(());
            }
        }
        let head = Head {
            version: VERSION,
            platform: self.platform.clone(),
        };
        let all: Vec<_> = base.accounts.iter().collect();
        let (mut text, head) = line(None, &head)?;
        let (whole, last) = line(Some(&head), &entry(&all, BTreeSet::new()))?;
        text.extend(whole);
        write_whole(self.path.as_std_path(), &text)?;
        self.written = Some(Written {
            accounts: base.accounts.clone(),
            last,
            length: text.len() as u64,
            whole: text.len() as u64,
        });
        Ok(())
    }

    /// Adds a line, unless the whole had better be written: the lines grew too long, or the file is not what was written.
    fn append(&self, written: &Written, line: &[u8]) -> io::Result<bool> {
        if written.length + line.len() as u64 > 2 * written.whole {
            return Ok(false);
        }
        let mut file = match OpenOptions::new().append(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() != written.length {
            return Ok(false);
        }
        file.write_all(line)?;
        file.sync_all()?;
        Ok(true)
    }
}

impl Written {
    /// Returns the accounts of a base that are not what was written, and names those that it does not have any more.
    fn differing<'b>(&self, base: &'b Desired) -> (Vec<&'b SharedAccount>, BTreeSet<AccountName>) {
        let known = |account: &DesiredAccount| {
            let known = (self.accounts).binary_search_by(|known| known.name.cmp(&account.name));
            known.ok().and_then(|index| self.accounts.get(index))
        };
        let accounts = base.accounts.iter();
        let is_new =
            |account: &&SharedAccount| known(account).is_none_or(|known| !is_same(known, account));
        let gone = self.accounts.iter().map(|account| &account.name);
        let gone = gone.filter(|name| base.account(name).is_none());
        (accounts.filter(is_new).collect(), gone.cloned().collect())
    }
}

/// Writes a value as a line that goes on from another.
fn line(before: Option<&Digest>, value: &impl Serialize) -> io::Result<(Vec<u8>, Digest)> {
    let json = serde_json::to_vec(value)?;
    let digest = chained(before, &json);
    let mut line = digest.as_str().as_bytes().to_vec();
    line.push(b' ');
    line.extend(json);
    line.push(b'\n');
    Ok((line, digest))
}

/// Takes lines apart. A last one that never came to its end was never relied upon.
fn lines(text: &[u8]) -> impl Iterator<Item = Result<&[u8], BaseError>> {
    let mut before = None;
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
    whole.map(move |line| {
        let mut parts = line.splitn(2, |byte| *byte == b' ');
        let (digest, json) = (parts.next(), parts.next().ok_or(BaseError::Spoilt)?);
        let expected = chained(before.as_ref(), json);
        if digest != Some(expected.as_str().as_bytes()) {
            return Err(BaseError::Spoilt);
        }
        before = Some(expected);
        Ok(json)
    })
}

/// Computes the digest of a line and of all before it.
fn chained(before: Option<&Digest>, json: &[u8]) -> Digest {
    let mut digest = DigestWriter::default();
    digest.bytes(before.map_or("", Digest::as_str).as_bytes());
    digest.bytes(json);
    digest.digest()
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
        let mut file = kept_in(&folder, "https://a.example.com", desired);
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

    fn length(file: &BaseFile) -> u64 {
        fs::metadata(file.path()).unwrap().len()
    }

    fn rename(tree: &mut Desired, index: usize, company: &str) {
        let account = tree.accounts[index].make_mut();
        let declared = (account.settings.values_mut()).find(|it| it.value.is_some());
        declared.unwrap().value = Some(company.into());
    }

    #[test]
    fn each_time_costs_what_came_about() {
        let mut tree = example().desired;
        // The others are to be many.
        for copy in 0..200 {
            let mut account = tree.accounts[0].clone();
            account.make_mut().name = AccountName::new(format!("copy-{copy:03}"));
            tree.accounts.push(account);
        }
        tree.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        let folder = tempfile::tempdir().unwrap();
        let mut file = kept_in(&folder, "", &tree);
        file.write(None, &tree, &BTreeSet::new()).unwrap();
        let whole = length(&file);
        for number in 0..500 {
            let index = number % tree.accounts.len();
            rename(&mut tree, index, &format!("company {number}"));
            if number % 100 == 99 {
                tree.accounts.remove(index);
            }
            let before = length(&file);
            let commit = number.to_string();
            file.write(Some(&commit), &tree, &BTreeSet::new()).unwrap();
            let after = length(&file);
            assert!(
                after < before || after - before < whole / 20,
                "{before} bytes became {after} for one account of {}",
                tree.accounts.len()
            );
            assert!(after <= 2 * whole + whole / 10, "{after} of {whole}");
            let kept = file.read(&tree).unwrap().unwrap();
            assert_eq!(kept.commit, Some(commit));
            assert_eq!(kept.desired.digest(), tree.digest(), "after {number}");
        }
    }

    #[test]
    fn who_was_killed_in_the_middle_of_a_line_kept_what_was_before_it() {
        let mut tree = example().desired;
        let before = tree.digest();
        let folder = tempfile::tempdir().unwrap();
        let mut file = kept_in(&folder, "", &tree);
        file.write(None, &tree, &BTreeSet::new()).unwrap();
        let whole = fs::read(file.path()).unwrap();
        rename(&mut tree, 0, "another");
        file.write(None, &tree, &BTreeSet::new()).unwrap();
        let text = fs::read(file.path()).unwrap();
        assert!(text.starts_with(&whole));
        for end in whole.len()..text.len() {
            fs::write(file.path(), &text[..end]).unwrap();
            let kept = kept_in(&folder, "", &tree).read(&tree).unwrap().unwrap();
            assert_eq!(kept.desired.digest(), before, "{end} bytes");
        }
        // What goes on from there does not go on from half a line, nor from what somebody else wrote.
        rename(&mut tree, 0, "a third");
        file.write(None, &tree, &BTreeSet::new()).unwrap();
        let kept = file.read(&tree).unwrap().unwrap();
        assert_eq!(kept.desired.digest(), tree.digest());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let desired = example().desired;
        let folder = tempfile::tempdir().unwrap();
        let mut file = kept_in(&folder, "", &desired);
        file.write(None, &desired, &BTreeSet::new()).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_spoilt_file_is_no_base() {
        #[track_caller]
        fn check(change: impl Fn(&str) -> String, expected: &str) {
            let mut desired = example().desired;
            let folder = tempfile::tempdir().unwrap();
            let mut file = kept_in(&folder, "", &desired);
            file.write(None, &desired, &BTreeSet::new()).unwrap();
            for company in ["one", "two"] {
                rename(&mut desired, 1, company);
                file.write(None, &desired, &BTreeSet::new()).unwrap();
            }
            let text = fs::read_to_string(file.path()).unwrap();
            assert_eq!(text.lines().count(), 4);
            fs::write(file.path(), change(&text)).unwrap();
            let error = file.read(&desired).err().unwrap().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let without = |text: &str, line: usize| -> String {
            let lines = text.split_inclusive('\n').enumerate();
            lines
                .filter(|(number, _)| *number != line)
                .map(|(_, line)| line)
                .collect()
        };
        check(|text| text.replace("Acme", "Evil"), "it is not whole");
        check(|text| text.replace("\"one\"", "\"ono\""), "it is not whole");
        check(|text| without(text, 0), "it is not whole");
        check(|text| without(text, 1), "it is not whole");
        check(|text| without(text, 2), "it is not whole");
        check(|text| text.to_owned() + "\n", "it is not whole");
        check(
            |text| text.lines().next().unwrap().to_owned() + "\n",
            "it is not whole",
        );
        check(|_| String::new(), "it is not whole");
        let other = |text: &str| {
            let json = text.lines().next().unwrap().split_once(' ').unwrap().1;
            let json = json.replacen("\"version\":2", "\"version\":9", 1);
            let digest = chained(None, json.as_bytes());
            format!("{digest} {json}\n")
        };
        check(other, "another version of emblazon wrote it, in format 9");
    }
}
