//! The contents of one cache file.

use std::collections::BTreeMap;

use super::entry::Entry;
use crate::model::{AccountId, Digest};

/// The largest file, in bytes; the least recently used line is evicted first.
const MOST_BYTES: usize = 1 << 20;

/// The lines of one file, by account; parsed on demand.
#[derive(Debug, Default)]
pub(super) struct CacheFile {
    lines: BTreeMap<AccountId, Line>,
    /// The order of the most recently used line.
    last: usize,
    /// Whether there are entries that the file lacks.
    pub(super) is_dirty: bool,
}

#[derive(Clone, Debug)]
struct Line {
    text: String,
    /// Lines that were written or read later have a higher order.
    order: usize,
}

impl CacheFile {
    /// Parses the text of a file; damaged lines are left out.
    pub(super) fn parse(text: &str, cluster: &Digest) -> Self {
        let mut cache_file = Self::default();
        for line in text.lines() {
            if let Some(account) = Entry::owner(line, cluster) {
                cache_file.put_line(account, line.to_owned());
            }
        }
        cache_file
    }

    /// Returns the entry of an account, and marks it as recently used.
    pub(super) fn get(&mut self, account: &AccountId) -> Option<Entry> {
        let order = self.next();
        let line = self.lines.get_mut(account)?;
        line.order = order;
        Entry::from_line(&line.text)
    }

    /// Adds or replaces an entry; one that is too long for a line is removed instead.
    pub(super) fn put(&mut self, entry: &Entry, cluster: &Digest) {
        match entry.to_line(cluster) {
            Some(line) => self.put_line(entry.account.clone(), line),
            None => {
                self.lines.remove(&entry.account);
            }
        }
        self.is_dirty = true;
    }

    /// Merges the entries that another process has written to the file meanwhile; entries here win.
    pub(super) fn take_over(&mut self, other: Self) {
        for (account, line) in other.lines {
            self.lines
                .entry(account)
                .or_insert(Line { order: 0, ..line });
        }
    }

    /// Returns the file's text within its limit, and drops the entries that do not fit.
    pub(super) fn write(&mut self) -> String {
        let mut lines: Vec<(&AccountId, &Line)> = self.lines.iter().collect();
        lines.sort_by_key(|(_, line)| line.order);
        let mut total: usize = lines.iter().map(|(_, line)| line.text.len() + 1).sum();
        let mut dropped = Vec::new();
        let mut text = String::with_capacity(total.min(MOST_BYTES));
        for (account, line) in lines {
            if total > MOST_BYTES {
                total -= line.text.len() + 1;
                dropped.push(account.clone());
            } else {
                text.push_str(&line.text);
                text.push('\n');
            }
        }
        for account in dropped {
            self.lines.remove(&account);
        }
        text
    }

    /// Returns the size limit of a file, in bytes.
    pub(super) fn most_bytes() -> usize {
        MOST_BYTES
    }

    fn put_line(&mut self, account: AccountId, text: String) {
        let order = self.next();
        self.lines.insert(account, Line { text, order });
    }

    fn next(&mut self) -> usize {
        self.last += 1;
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    fn cluster() -> Digest {
        Digest::of(b"cluster")
    }

    #[test]
    fn damaged_lines_are_left_out() {
        let mut cache_file = CacheFile::default();
        for digit in ['a', 'b', 'c'] {
            cache_file.put(&entry(digit, "Acme"), &cluster());
        }
        let text = cache_file.write().replacen("Acme", "Evil", 1) + "rubbish\n\n";
        let mut found = CacheFile::parse(&text, &cluster());
        assert!(!found.is_dirty);
        let known = ['a', 'b', 'c'].map(|digit| {
            let account = entry(digit, "").account;
            found.get(&account).is_some()
        });
        assert_eq!(known, [false, true, true]);
    }

    /// The file stays within its limit, and keeps the most recently used entries.
    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let mut cache_file = CacheFile::default();
        let name = "x".repeat(200 << 10);
        for digit in ['a', 'b', 'c', 'd'] {
            cache_file.put(&entry(digit, &name), &cluster());
        }
        assert!(cache_file.get(&entry('a', "").account).is_some());
        for digit in ['e', 'f'] {
            cache_file.put(&entry(digit, &name), &cluster());
        }
        let text = cache_file.write();
        assert!(text.len() <= MOST_BYTES);
        let mut kept = CacheFile::parse(&text, &cluster());
        let kept: String = "abcdef"
            .chars()
            .filter(|digit| kept.get(&entry(*digit, "").account).is_some())
            .collect();
        assert_eq!(kept, "acdef");
    }

    #[test]
    fn what_another_process_wrote_is_kept() {
        let mut cache_file = CacheFile::default();
        cache_file.put(&entry('a', "ours"), &cluster());
        let mut other = CacheFile::default();
        other.put(&entry('a', "theirs"), &cluster());
        other.put(&entry('b', "theirs"), &cluster());
        cache_file.take_over(other);
        let mut company = |digit| {
            let account = entry(digit, "").account;
            let found = cache_file.get(&account).unwrap();
            found.settings.get(&"company_name".into()).cloned()
        };
        assert_eq!(company('a'), Some("ours".into()));
        assert_eq!(company('b'), Some("theirs".into()));
    }
}
