//! Account lists: order, pages and filters (L1–L4).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Account, World};

/// A string that sorts after all names: the start key of a descending list.
const LAST: &str = "\u{fff0}";

/// The filter for the accounts that hold a domain (L3).
const DOMAIN_FILTER: &str = "filter_pvt_whitelabel_domain";

/// The accounts to list, relative to another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// All accounts below.
    Descendants,
    /// The accounts one level below.
    Children,
}

/// A request for a page of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageRequest {
    /// The maximum number of items; unlimited if absent.
    pub(crate) size: Option<usize>,
    /// Whether names ascend; keys then hold the name only.
    pub(crate) ascending: bool,
    /// Where to start: an opaque key from the previous page.
    pub(crate) start_key: Option<String>,
    /// Filters by name and value, as in the query.
    pub(crate) filters: Vec<(String, String)>,
}

/// One page of a list.
pub(crate) struct Page<'a> {
    /// The accounts.
    pub(crate) accounts: Vec<&'a Account>,
    /// The key that this page started at.
    pub(crate) start_key: String,
    /// The key of the next page; absent on the last one (observed 10).
    pub(crate) next_start_key: Option<String>,
}

impl World {
    /// Lists the accounts below another one by name, as the recordings show.
    ///
    /// A page starts at a name, not at an account: if all accounts of a page have the same name, the key does not
    /// advance (L2, trap 39).
    pub(crate) fn list(&self, root: &str, relation: Relation, request: &PageRequest) -> Page<'_> {
        let start = request.start_key.as_deref();
        let start = start.and_then(|key| decode_key(key, request.ascending));
        // The first page includes every name, whatever its letters.
        let order = if request.ascending {
            Ordering::reverse
        } else {
            std::convert::identity
        };
        let begun = |account: &&Account| {
            start
                .as_ref()
                .is_none_or(|start| order(account.name.as_str().cmp(start)).is_le())
        };
        let related = self.candidates(&request.filters);
        let related = related.filter(|account| match relation {
            Relation::Descendants => account.tree.iter().any(|ancestor| ancestor == root),
            Relation::Children => account.tree.last().is_some_and(|parent| parent == root),
        });
        // A heap, because accounts after the page need neither be sorted nor examined.
        let mut behind: BinaryHeap<_> = related
            .filter(begun)
            .map(|account| Listed { account, order })
            .collect();
        let mut passing = std::iter::from_fn(|| behind.pop())
            .map(|listed| listed.account)
            .filter(|account| passes(account, &request.filters));
        let size = request.size.unwrap_or(usize::MAX);
        let accounts = passing.by_ref().take(size).collect();
        let key = |name: &str| {
            if request.ascending {
                encode_name(name)
            } else {
                encode_key(root, name)
            }
        };
        let first = if request.ascending { "" } else { LAST };
        let next = passing.next().map(|next| key(&next.name));
        Page {
            accounts,
            start_key: key(start.as_deref().unwrap_or(first)),
            next_start_key: next,
        }
    }

    /// Returns the accounts that filters may let pass: those that hold a domain without a look at all others.
    fn candidates(&self, filters: &[(String, String)]) -> Box<dyn Iterator<Item = &Account> + '_> {
        let mut domains = filters.iter().filter(|(name, _)| name == DOMAIN_FILTER);
        match domains.next() {
            Some((_, domain)) => {
                let holders: Vec<&str> = self.holders(domain).collect();
                Box::new(holders.into_iter().filter_map(|id| self.account(id)))
            }
            None => Box::new(self.accounts()),
        }
    }
}

/// An account in the heap: the greatest comes first.
struct Listed<'a> {
    account: &'a Account,
    order: fn(Ordering) -> Ordering,
}

impl Ord for Listed<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.order)(self.account.name.cmp(&other.account.name))
            .then_with(|| other.account.id.cmp(&self.account.id))
    }
}

impl PartialOrd for Listed<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Listed<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Listed<'_> {}

/// Applies the filters of a query to an account's full document (L3, L4).
fn passes(account: &Account, filters: &[(String, String)]) -> bool {
    if filters.is_empty() {
        return true;
    }
    let document = Value::Object(account.document_for_filters());
    filters.iter().all(|(name, wanted)| {
        if let Some(key) = name.strip_prefix("filter_not_") {
            text_at(&document, key).as_deref() != Some(wanted)
        } else if let Some(key) = name.strip_prefix("filter_") {
            text_at(&document, key).as_deref() == Some(wanted)
        } else {
            match name.as_str() {
                "has_key" => value_at(&document, wanted).is_some(),
                "key_missing" => value_at(&document, wanted).is_none(),
                "has_value" => text_at(&document, wanted).is_some_and(|text| !text.is_empty()),
                "value_missing" => text_at(&document, wanted).is_none_or(|text| text.is_empty()),
                "created_from" | "modified_from" => {
                    wanted.parse().is_ok_and(|from| account.created >= from)
                }
                "created_to" | "modified_to" => {
                    wanted.parse().is_ok_and(|to| account.created <= to)
                }
                _ => true,
            }
        }
    })
}

fn value_at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(document, |value, key| value.get(key))
}

fn text_at(document: &Value, path: &str) -> Option<String> {
    value_at(document, path).map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Encodes `[root, name]` in Erlang's external term format, as base64url without padding, as seen in the recordings.
fn encode_key(root: &str, name: &str) -> String {
    let mut term = vec![131, b'l', 0, 0, 0, 2];
    for text in [root, name] {
        push_binary(&mut term, text);
    }
    term.push(b'j');
    URL_SAFE_NO_PAD.encode(term)
}

/// Encodes a name in Erlang's external term format, as base64url without padding.
fn encode_name(name: &str) -> String {
    let mut term = vec![131];
    push_binary(&mut term, name);
    URL_SAFE_NO_PAD.encode(term)
}

fn push_binary(term: &mut Vec<u8>, text: &str) {
    term.push(b'm');
    term.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    term.extend_from_slice(text.as_bytes());
}

/// Extracts the name from a key that [`encode_key`] or [`encode_name`] wrote; the other's says nothing.
fn decode_key(key: &str, ascending: bool) -> Option<String> {
    let term = URL_SAFE_NO_PAD.decode(key).ok()?;
    let name = if ascending {
        binary(term.get(1..)?)?.0
    } else {
        let (_, rest) = binary(term.get(6..)?)?;
        binary(rest)?.0
    };
    String::from_utf8(name.to_vec()).ok()
}

fn binary(term: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = term.split_at_checked(5)?;
    let [b'm', length @ ..] = head else {
        return None;
    };
    let length = u32::from_be_bytes(length.try_into().ok()?);
    rest.split_at_checked(usize::try_from(length).ok()?)
}
