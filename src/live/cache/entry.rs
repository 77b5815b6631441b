//! A cached account, and its line in a file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::live::state::LiveAsset;
use crate::model::{AccountId, AssetKind, Digest, DigestWriter, Revision, Settings};

/// Prefix of the text that a checksum covers; a new format needs a new prefix.
const FORMAT: &str = "emblazon cache 1";

/// The longest line that is kept, in bytes: a longer one would crowd out the others.
const LONGEST: usize = 256 << 10;

/// The cached parts of an account's whitelabel at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::live) struct Entry {
    pub(in crate::live) account: AccountId,
    pub(in crate::live) revision: Revision,
    /// When its document was read, in seconds since 1970.
    pub(in crate::live) read: i64,
    pub(in crate::live) settings: Settings,
    /// Assets that were requested; `None` when the server said that there is none.
    pub(in crate::live) assets: BTreeMap<AssetKind, Option<LiveAsset>>,
}

impl Entry {
    /// Returns the line, without its line end; `None` if it would be too long.
    pub(super) fn to_line(&self, cluster: &Digest) -> Option<String> {
        let json = serde_json::to_string(self).ok()?;
        let line = format!("{} {json}", checksum(cluster, &json));
        (line.len() <= LONGEST).then_some(line)
    }

    /// Returns the account of a line; `None` if the line is damaged, or belongs to another cluster.
    pub(super) fn owner(line: &str, cluster: &Digest) -> Option<AccountId> {
        let (sum, json) = line.split_once(' ')?;
        if checksum(cluster, json).as_str() != sum {
            return None;
        }
        // The account is written first, and an id needs no escapes.
        let rest = json.strip_prefix(r#"{"account":""#)?;
        AccountId::parse(rest.split_once('"')?.0).ok()
    }

    /// Parses a line that has an [`Self::owner`].
    pub(super) fn from_line(line: &str) -> Option<Self> {
        serde_json::from_str(line.split_once(' ')?.1).ok()
    }
}

fn checksum(cluster: &Digest, json: &str) -> Digest {
    let mut text = DigestWriter::default();
    let _ = write!(text, "{FORMAT}\n{cluster}\n{json}");
    text.digest()
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::AssetFacts;

    pub(in crate::live::cache) fn entry(digit: char, company: &str) -> Entry {
        let serde_json::Value::Object(settings) = json!({ "company_name": company }) else {
            unreachable!()
        };
        let logo = LiveAsset {
            facts: AssetFacts {
                digest: Digest::of(b"logo"),
                size: 4,
                asset_type: None,
                dimensions: None,
            },
            attachment: Some("logo-\u{202e}x.png".to_owned()),
        };
        Entry {
            account: AccountId::parse(&digit.to_string().repeat(32)).unwrap(),
            revision: Revision::new("3-abc"),
            read: 1_764_000_000,
            settings: Settings::from(settings),
            assets: BTreeMap::from([(AssetKind::Logo, Some(logo)), (AssetKind::Icon, None)]),
        }
    }

    #[test]
    fn a_line_is_read_back() {
        let cluster = Digest::of(b"cluster");
        let entry = entry('a', "Acme\nVoice");
        let line = entry.to_line(&cluster).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(Entry::owner(&line, &cluster), Some(entry.account.clone()));
        assert_eq!(Entry::from_line(&line), Some(entry));
        assert_eq!(Entry::owner(&line, &Digest::of(b"other")), None);
    }

    /// Nothing is read from a line that is changed in any byte, or cut anywhere.
    #[test]
    fn no_damage_is_believed() {
        let cluster = Digest::of(b"cluster");
        let line = entry('a', "Acme").to_line(&cluster).unwrap();
        for at in 0..line.len() {
            if !line.is_char_boundary(at) {
                continue;
            }
            assert_eq!(Entry::owner(&line[..at], &cluster), None, "cut at {at}");
            let mut damaged = line.clone().into_bytes();
            damaged[at] ^= 1;
            if let Ok(damaged) = String::from_utf8(damaged) {
                assert_eq!(Entry::owner(&damaged, &cluster), None, "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let huge = entry('a', &"x".repeat(LONGEST));
        assert_eq!(huge.to_line(&Digest::of(b"cluster")), None);
    }
}
