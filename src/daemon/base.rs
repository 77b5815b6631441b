//! The base on disk, object by object: after a restart, the daemon tells a manual edit from a change of the tree even
//! where no Git ref records what was applied.

mod form;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Seek as _, SeekFrom, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::form::{AccountEntry, TemplateEntry};
use super::selection::is_same;
use crate::apply::chain::{line, unchained};
use crate::apply::write_whole;
use crate::diag::Place;
use crate::model::{AccountName, ClusterName, Digest, ObjectName};
use crate::tree::{Desired, SharedAccount, plain_name};

/// The version of the file; a file of another version is not used.
const VERSION: u32 = 2;
/// Length of its first line.
const LENGTH: usize = 21;

/// The file with the base of one cluster; each write appends a line.
///
/// The first line is the length of the file, the second its head, the third the whole base, and each further line an
/// update. Once the updates are as long as the base, the file is rewritten. Each line from the second on starts with
/// the SHA-256 of itself and everything before it. So a corrupted or truncated file is rejected instead of giving a
/// wrong base; only bytes after the recorded length may be torn, because nothing has relied on them yet.
pub struct BaseFile {
    path: Utf8PathBuf,
    /// The base URL of the platform; a base of another platform does not count.
    platform: String,
    /// What this process wrote; absent before the first write and after a failed one.
    written: Option<WrittenBase>,
}

/// The content of the file.
struct WrittenBase {
    base: Desired,
    /// The digest of its last line.
    last: Digest,
    length: u64,
    /// Its length when it was last rewritten as a whole.
    whole: u64,
}

/// What the Git refs named when the base was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefValues<'a> {
    /// The commit of the applied ref.
    pub commit: Option<&'a str>,
    /// The id of the record of writes beside it.
    pub recorded: Option<&'a str>,
}

/// The base as it was read back.
pub struct KeptBase {
    /// The commit that the Git ref named when the base was written.
    pub commit: Option<String>,
    /// What the record of writes beside that ref was then, to tell whether somebody else has written since.
    pub recorded: Option<String>,
    /// The tree that was applied.
    pub desired: Desired,
    /// The objects whose base was already lost then.
    pub without_base: BTreeSet<ObjectName>,
}

/// Why a file cannot be used as the base.
#[derive(Debug, Error)]
pub enum BaseError {
    /// The file system refused to read it.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// A line does not vouch for what stands before it.
    #[error("it is not whole; something else wrote to it")]
    Spoilt,
    /// A line vouches for itself and is no entry.
    #[error("it cannot be understood: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Its format is not the one of this version.
    #[error("another version of emblazon wrote it, in format {0}")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct BaseHead {
    version: u32,
    platform: String,
}

/// An update: its accounts replace all earlier entries for them.
#[derive(Serialize, Deserialize)]
struct BaseEntry {
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<String>,
    accounts: Vec<AccountEntry>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    gone: BTreeSet<AccountName>,
    template: Option<TemplateEntry>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    /// `None` is the domain template.
    without_base: BTreeSet<Option<AccountName>>,
}

impl BaseFile {
    /// Returns the file of a cluster in a state folder; `platform` is the base URL of its API.
    #[must_use]
    pub fn new(state: &Utf8Path, cluster: &ClusterName, platform: String) -> Self {
        let name = plain_name(cluster);
        Self {
            path: state.join("watch/base").join(format!("{name}.jsonl")),
            platform,
            written: None,
        }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Reads the base; `None` when there is none, or when it is of another platform. Cluster and policy are taken from
    /// `now`.
    pub fn read(&self, now: &Desired) -> Result<Option<KeptBase>, BaseError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut lines = lines(&text)?;
        let head: BaseHead = serde_json::from_slice(lines.next().ok_or(BaseError::Spoilt)??)?;
        if head.version != VERSION {
            return Err(BaseError::Version(head.version));
        }
        let mut accounts = BTreeMap::new();
        let mut last = None;
        for line in lines {
            let mut entry: BaseEntry = serde_json::from_slice(line?)?;
            accounts.retain(|name, _| !entry.gone.contains(name));
            let new = std::mem::take(&mut entry.accounts).into_iter();
            accounts.extend(new.map(|account| (account.name.clone(), account)));
            last = Some(entry);
        }
        let last = last.ok_or(BaseError::Spoilt)?;
        if head.platform != self.platform {
            return Ok(None);
        }
        let place = Place::nowhere();
        let accounts = accounts.into_values();
        Ok(Some(KeptBase {
            commit: last.commit,
            recorded: last.recorded,
            without_base: (last.without_base.into_iter())
                .map(|name| name.map_or(ObjectName::Template, ObjectName::from))
                .collect(),
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

    /// Writes the base; a crash leaves either the previous base or this one.
    pub fn write(
        &mut self,
        refs: RefValues<'_>,
        base: &Desired,
        without_base: &BTreeSet<ObjectName>,
    ) -> io::Result<()> {
        let entry = |accounts: &[&SharedAccount], gone| BaseEntry {
            commit: refs.commit.map(str::to_owned),
            recorded: refs.recorded.map(str::to_owned),
            accounts: accounts
                .iter()
                .map(|account| AccountEntry::of(account))
                .collect(),
            gone,
            template: base.template.as_ref().map(TemplateEntry::of),
            without_base: (without_base.iter())
                .map(|name| name.account().cloned())
                .collect(),
        };
        if let Some(mut written) = self.written.take() {
            let (new, gone) = written.differing(base);
            let (line, last) = line(Some(&written.last), &entry(&new, gone))?;
            if self.append(&written, &line)? {
                written.base.clone_from(base);
                written.last = last;
                written.length += line.len() as u64;
                self.written = Some(written);
                return Ok(());
            }
        }
        let head = BaseHead {
            version: VERSION,
            platform: self.platform.clone(),
        };
        let all: Vec<_> = base.accounts.iter().collect();
        let (head, before) = line(None, &head)?;
        let (whole, last) = line(Some(&before), &entry(&all, BTreeSet::new()))?;
        let length = (LENGTH + head.len() + whole.len()) as u64;
        let text = [length_line(length).as_bytes(), &head, &whole].concat();
        write_whole(self.path.as_std_path(), &text)?;
        self.written = Some(WrittenBase {
            base: base.clone(),
            last,
            length,
            whole: length,
        });
        Ok(())
    }

    /// Appends a line. Returns `false` when the file must be rewritten: the updates are too long, or the file is not
    /// what this process wrote.
    fn append(&self, written: &WrittenBase, line: &[u8]) -> io::Result<bool> {
        let length = written.length + line.len() as u64;
        if length > 2 * written.whole {
            return Ok(false);
        }
        let mut file = match OpenOptions::new().write(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if file.seek(SeekFrom::End(0))? != written.length {
            return Ok(false);
        }
        file.write_all(line)?;
        file.sync_all()?;
        file.rewind()?;
        file.write_all(length_line(length).as_bytes())?;
        file.sync_all()?;
        Ok(true)
    }
}

impl WrittenBase {
    /// Returns the accounts of `base` that differ from what was written, and the names of those that it no longer has.
    fn differing<'b>(&self, base: &'b Desired) -> (Vec<&'b SharedAccount>, BTreeSet<AccountName>) {
        let accounts = base.accounts.iter();
        let is_new = |account: &&SharedAccount| {
            let known = self.base.account(&account.name);
            known.is_none_or(|known| !is_same(known, account))
        };
        let gone = self.base.accounts.iter().map(|account| &account.name);
        let gone = gone.filter(|name| base.account(name).is_none());
        (accounts.filter(is_new).collect(), gone.cloned().collect())
    }
}

/// Returns the first line, the length of the file; always [`LENGTH`] bytes.
fn length_line(length: u64) -> String {
    format!("{length:020}\n")
}

/// Splits the lines after the first, which is the length of the file. Lines after that length count as long as they are
/// whole: a process killed while writing them had not relied on them.
fn lines(text: &[u8]) -> Result<impl Iterator<Item = Result<&[u8], BaseError>>, BaseError> {
    let (first, rest) = text.split_at_checked(LENGTH).ok_or(BaseError::Spoilt)?;
    let length = std::str::from_utf8(first).ok().and_then(|first| {
        let length = first.strip_suffix('\n')?.parse::<usize>().ok()?;
        (length <= text.len()).then_some(length)
    });
    let relied = length.ok_or(BaseError::Spoilt)?.saturating_sub(LENGTH);
    let mut before = None;
    let mut at = 0;
    let lines = rest.split_inclusive(|byte| *byte == b'\n');
    Ok(lines.map_while(move |line| {
        let begin = at;
        at += line.len();
        match unchained(before.as_ref(), line) {
            Some((digest, json)) => {
                before = Some(digest);
                Some(Ok(json))
            }
            None if begin < relied => Some(Err(BaseError::Spoilt)),
            None => None,
        }
    }))
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
        file.write(
            RefValues {
                commit: Some("c0ffee"),
                recorded: Some("b0b"),
            },
            desired,
            &[ObjectName::Template].into(),
        )
        .unwrap();
        let kept = file.read(desired).unwrap().unwrap();
        assert_eq!(kept.commit.as_deref(), Some("c0ffee"));
        assert_eq!(kept.recorded.as_deref(), Some("b0b"));
        assert_eq!(kept.without_base, [ObjectName::Template].into());
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
        // One change must be cheap among many accounts.
        for copy in 0..200 {
            let mut account = tree.accounts[0].clone();
            account.make_mut().name = AccountName::new(format!("copy-{copy:03}"));
            tree.accounts.push(account);
        }
        tree.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        let folder = tempfile::tempdir().unwrap();
        let mut file = kept_in(&folder, "", &tree);
        file.write(RefValues::default(), &tree, &BTreeSet::new())
            .unwrap();
        let whole = length(&file);
        for number in 0..150 {
            let index = number % tree.accounts.len();
            rename(&mut tree, index, &format!("company {number}"));
            if number % 50 == 49 {
                tree.accounts.remove(index);
            }
            let before = length(&file);
            let commit = number.to_string();
            file.write(
                RefValues {
                    commit: Some(&commit),
                    recorded: None,
                },
                &tree,
                &BTreeSet::new(),
            )
            .unwrap();
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
        file.write(RefValues::default(), &tree, &BTreeSet::new())
            .unwrap();
        let whole = fs::read(file.path()).unwrap();
        rename(&mut tree, 0, "another");
        file.write(RefValues::default(), &tree, &BTreeSet::new())
            .unwrap();
        let text = fs::read(file.path()).unwrap();
        assert_eq!(text[LENGTH..whole.len()], whole[LENGTH..]);
        let after = tree.digest();
        for end in whole.len()..=text.len() {
            let reader = kept_in(&folder, "", &tree);
            let left = [&whole[..LENGTH], &text[LENGTH..end]].concat();
            fs::write(file.path(), left).unwrap();
            let kept = reader.read(&tree).unwrap().unwrap();
            let expected = if end == text.len() { &after } else { &before };
            assert_eq!(kept.desired.digest(), *expected, "{end} bytes");
            // Missing bytes within the recorded length are corruption.
            fs::write(file.path(), &text[..end]).unwrap();
            assert_eq!(reader.read(&tree).is_ok(), end == text.len());
        }
        fs::write(file.path(), &text[..text.len() - 1]).unwrap();
        // The next write must not continue after half a line, or after what somebody else wrote.
        rename(&mut tree, 0, "a third");
        file.write(RefValues::default(), &tree, &BTreeSet::new())
            .unwrap();
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
        file.write(RefValues::default(), &desired, &BTreeSet::new())
            .unwrap();
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
            file.write(RefValues::default(), &desired, &BTreeSet::new())
                .unwrap();
            for company in ["one", "two"] {
                rename(&mut desired, 1, company);
                file.write(RefValues::default(), &desired, &BTreeSet::new())
                    .unwrap();
            }
            let text = fs::read_to_string(file.path()).unwrap();
            assert_eq!(text.lines().count(), 5);
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
        for line in 0..5 {
            check(|text| without(text, line), "it is not whole");
        }
        check(|text| text[..text.len() - 10].to_owned(), "it is not whole");
        check(|_| String::new(), "it is not whole");
        let other = |text: &str| {
            let json = text.lines().nth(1).unwrap().split_once(' ').unwrap().1;
            let mut head: serde_json::Value = serde_json::from_str(json).unwrap();
            head["version"] = 9.into();
            let (head, _) = line(None, &head).unwrap();
            format!("{:020}\n{}", 0, String::from_utf8(head).unwrap())
        };
        check(other, "another version of emblazon wrote it, in format 9");
    }
}
