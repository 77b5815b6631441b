//! A proposal: what changes in the tree, as a commit and in words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use camino::Utf8Path;

use crate::apply::remote::ProposedFile;
use crate::import::{Imported, patch};
use crate::model::{AccountName, Digest, count, in_a_shell};
use crate::report::Looks;
use crate::report::card::{Card, Subject, Tense};
use crate::report::markdown::{KeptBrand, kept};
use crate::tree::{Loaded, kept_branch};

/// How many keys a commit's message lists.
const MOST_KEYS: usize = 40;

/// Live values of some accounts as a change of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The files that change, from the top of the repository.
    pub files: Vec<ProposedFile>,
    /// The commit's message.
    pub message: String,
    /// The pull request's title, which is the commit's subject.
    pub title: String,
    /// The pull request's description.
    pub text: String,
    /// The change for `git apply`.
    pub patch: String,
}

impl Proposal {
    /// Creates the proposal for what an import accepted of some accounts; absent when it changes nothing. `folder` is the
    /// tree's folder in the repository, and `limit` the longest description that the forge takes.
    #[must_use]
    pub fn new(
        loaded: &Loaded,
        folder: &Utf8Path,
        accounts: &BTreeSet<AccountName>,
        imported: &Imported,
        limit: usize,
    ) -> Option<Self> {
        if imported.changes.is_empty() {
            return None;
        }
        let cluster = &loaded.desired.cluster.name;
        let patch = patch(folder, &imported.changes);
        let digest = Digest::of(patch.as_bytes());
        let brands: Vec<KeptBrand<'_>> = (imported.accepted.iter())
            .map(|(name, changes)| {
                let desired = loaded.desired.account(name);
                let looks = desired.map(|desired| Looks::of(desired, None));
                let subject = Subject {
                    title: name.as_str(),
                    id: None,
                    looks: looks.as_ref(),
                };
                KeptBrand {
                    name: name.as_str(),
                    card: Card::new(subject, changes, None, Tense::Drift),
                    changes,
                    instead: format!(
                        "emblazon apply --account {} --cluster {cluster}",
                        in_a_shell(name.as_str())
                    ),
                }
            })
            .collect();
        let title = match brands.as_slice() {
            [only] => format!(
                "Keep what is live for {}: {}",
                only.name,
                only.card.summary()
            ),
            several => format!("Keep what is live for {}", count(several.len(), "account")),
        };
        let notes = imported.notes.iter().map(|note| {
            let account = note.account.as_ref().map(AccountName::as_str);
            let about = [account, note.about.as_deref()];
            let about: Vec<&str> = about.into_iter().flatten().collect();
            let reason = &note.reason;
            format!("{}: {}; {}", about.join(" "), reason.message, reason.help)
        });
        let notes: Vec<String> = notes.collect();
        let files = imported.changes.iter().map(|change| ProposedFile {
            path: folder.join(&change.path),
            before: change.before.clone(),
            after: change.after.clone(),
        });
        Some(Self {
            branch: kept_branch(cluster, accounts),
            files: files.collect(),
            message: message(&title, &brands),
            text: kept(cluster, &digest, &brands, &notes, limit),
            title,
            patch,
        })
    }

    /// Returns the digest of the change.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.patch.as_bytes())
    }
}

fn message(title: &str, brands: &[KeptBrand<'_>]) -> String {
    let mut message = format!(
        "{title}\n\nThe live values were made by hand. Whoever merges this keeps them: the tree then\ndeclares what is live.\n\n"
    );
    let keys = brands.iter().flat_map(|brand| {
        let lines = crate::report::lines(brand.changes);
        lines
            .into_iter()
            .map(|line| format!("- {}: {}", brand.name, line.key))
    });
    let keys: Vec<String> = keys.collect();
    for key in keys.iter().take(MOST_KEYS) {
        let _ = writeln!(message, "{key}");
    }
    if keys.len() > MOST_KEYS {
        let _ = writeln!(message, "- {} more", keys.len() - MOST_KEYS);
    }
    message
}
