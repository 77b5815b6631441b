//! Splits the accounts of a tree among several machines, so that each account belongs to exactly one.
//!
//! Rendezvous hashing: each shard has a weight for each account, and the shard with the highest weight owns it. When a
//! shard is added, an account stays where it is unless the new shard outweighs all others, so about one account in N
//! moves, and only to the new shard. The hash is implemented here because the assignment must be the same on every
//! machine and in every version.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Identity;

/// Maximum number of shards.
const MAX_SHARDS: u32 = 1024;

/// One of the shards that a tree's accounts are split into, written `2/3`; numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: NonZeroU32,
    count: NonZeroU32,
}

impl Shard {
    /// Creates a shard; returns `None` if the index is out of range or there are too many shards.
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Self> {
        if index > count || count > MAX_SHARDS {
            return None;
        }
        Some(Self {
            index: NonZeroU32::new(index)?,
            count: NonZeroU32::new(count)?,
        })
    }

    /// Iterates over all shards of a split into `count`.
    pub fn all(count: u32) -> impl Iterator<Item = Self> {
        (1..=count).filter_map(move |index| Self::new(index, count))
    }

    /// Returns the shard that an account belongs to.
    #[must_use]
    pub fn of(identity: &Identity, count: NonZeroU32) -> Self {
        let key = hash(identity.to_string().to_ascii_lowercase().as_bytes());
        let mut best = (0, NonZeroU32::MIN);
        for index in (1..=count.get()).filter_map(NonZeroU32::new) {
            let weight = mix(key ^ mix(u64::from(index.get())));
            if index == NonZeroU32::MIN || weight > best.0 {
                best = (weight, index);
            }
        }
        Self {
            index: best.1,
            count,
        }
    }

    /// Returns the shard of the same split that an account belongs to.
    #[must_use]
    pub fn home(self, identity: &Identity) -> Self {
        Self::of(identity, self.count)
    }

    /// Returns the number of this shard, from 1.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index.get()
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count.get()
    }

    /// Returns whether this is the first shard, which also owns everything that belongs to no account: the domain
    /// template, and live objects outside the tree.
    #[must_use]
    pub fn is_first(self) -> bool {
        self.index == NonZeroU32::MIN
    }

    /// Returns this shard's part of a limit that applies to all shards together; the parts add up to the limit, and the
    /// remainder goes to the first shards.
    #[must_use]
    pub fn part_of(self, limit: u64) -> u64 {
        let count = u64::from(self.count());
        limit / count + u64::from(u64::from(self.index()) <= limit % count)
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Mixes every input bit into all output bits: the finaliser of the splitmix64 generator.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

/// The reason why a string is not a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShardError {
    /// The string does not have the form `I/N`.
    #[error("write I/N, such as 2/3; K+1/N where K counts from 0")]
    Form,
    /// There is no such shard.
    #[error("of N shards, I is one from 1 to N, and N is at most {MAX_SHARDS}")]
    Range,
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>()
                .ok()
                .filter(|_| is_plain)
                .ok_or(ShardError::Form)
        };
        let (index, count) = text.split_once('/').ok_or(ShardError::Form)?;
        let index = match index.strip_suffix("+1") {
            Some(index) => number(index)?.checked_add(1).ok_or(ShardError::Range)?,
            None => number(index)?,
        };
        Self::new(index, number(count)?).ok_or(ShardError::Range)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{AccountId, Realm};

    fn id(number: u64) -> Identity {
        Identity::Id(AccountId::parse(&format!("{number:032x}")).unwrap())
    }

    fn of(identity: &Identity, count: u32) -> u32 {
        Shard::of(identity, NonZeroU32::new(count).unwrap()).index()
    }

    #[test]
    fn where_an_account_lies_is_fixed() {
        #[track_caller]
        fn check(identity: &Identity, expected: [u32; 5]) {
            assert_eq!(
                [1, 2, 3, 8, 100].map(|count| of(identity, count)),
                expected,
                "{identity}"
            );
        }
        check(
            &Identity::Id(AccountId::parse("59bf4a8641b8a1d827710bfc558510c9").unwrap()),
            [1, 1, 3, 3, 33],
        );
        check(&id(0), [1, 1, 1, 1, 26]);
        check(&id(1), [1, 1, 3, 7, 7]);
        check(
            &Identity::Realm(Realm::new("acme.sip.example.com")),
            [1, 2, 2, 2, 23],
        );
        check(
            &Identity::Realm(Realm::new("ACME.sip.example.com")),
            [1, 2, 2, 2, 23],
        );
    }

    #[test]
    fn what_names_a_shard() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, ShardError>) {
            let found = text.parse::<Shard>().map(|shard| shard.to_string());
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{text}");
        }
        check("1/1", Ok("1/1"));
        check("2/3", Ok("2/3"));
        check("0+1/3", Ok("1/3"));
        check("2+1/3", Ok("3/3"));
        check("0/3", Err(ShardError::Range));
        check("4/3", Err(ShardError::Range));
        check("3+1/3", Err(ShardError::Range));
        check("1/0", Err(ShardError::Range));
        check("1/1025", Err(ShardError::Range));
        for text in [
            "", "1", "1/", "/3", "a/3", "+1/3", "1+2/3", "-1/3", "1/3/4", " 1/3",
        ] {
            check(text, Err(ShardError::Form));
        }
    }

    #[test]
    fn accounts_spread_evenly() {
        for count in [2, 3, 8, 16] {
            let mut sizes = vec![0_u32; count as usize];
            for number in 0..16_000 {
                sizes[of(&id(number), count) as usize - 1] += 1;
            }
            let fair = 16_000 / count;
            let is_fair = |size: &u32| size.abs_diff(fair) * 100 < fair * 12;
            assert!(sizes.iter().all(is_fair), "{count}: {sizes:?}");
        }
    }

    proptest! {
        #[test]
        fn one_shard_more_moves_its_share_and_to_itself_only(seed in any::<u64>(), count in 1_u32..40) {
            let mut moved = 0_u32;
            for number in 0..2000_u64 {
                let account = id(seed.wrapping_add(number));
                let (before, after) = (of(&account, count), of(&account, count + 1));
                prop_assert!((1..=count).contains(&before));
                if before != after {
                    prop_assert_eq!(after, count + 1);
                    moved += 1;
                }
            }
            // Six standard deviations of a binomial distribution: never by chance.
            let (share, all) = (1.0 / f64::from(count + 1), 2000.0);
            let off = (f64::from(moved) - all * share).abs();
            prop_assert!(off <= 6.0 * (all * share * (1.0 - share)).sqrt(), "{moved} of 2000 moved");
        }

        #[test]
        fn the_parts_of_a_limit_add_up_to_it(limit in 0_u64..5000, count in 1_u32..200) {
            let parts: Vec<u64> = Shard::all(count).map(|shard| shard.part_of(limit)).collect();
            prop_assert_eq!(parts.iter().sum::<u64>(), limit);
            prop_assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
            prop_assert!(limit == 0 || parts[0] > 0);
        }
    }
}
