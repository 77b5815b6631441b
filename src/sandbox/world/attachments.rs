//! The files of a whitelabel document, in the order in which the store keeps them.

use std::sync::Arc;

/// A stored file of a whitelabel document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The stored content type.
    pub content_type: String,
    /// The bytes, exactly as received (S6).
    pub bytes: Arc<[u8]>,
}

/// Files by name, the one that was stored last at the end (kazoo-4.3, "Confirmed as on master").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachments(Vec<(String, Attachment)>);

impl Attachments {
    /// Stores a file at the end; one with the same name goes.
    pub fn insert(&mut self, name: String, attachment: Attachment) {
        self.remove(&name);
        self.0.push((name, attachment));
    }

    /// Removes the file with a name, if there is one.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(there, _)| there != name);
    }

    /// Brings the files into the order of their names.
    pub fn sort_by_name(&mut self) {
        self.0.sort_by(|(left, _), (right, _)| left.cmp(right));
    }

    /// Iterates over the files in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Attachment)> {
        let files = self.0.iter();
        files.map(|(name, attachment)| (name.as_str(), attachment))
    }

    /// Returns how many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Attachment)> for Attachments {
    fn from_iter<I: IntoIterator<Item = (String, Attachment)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}
