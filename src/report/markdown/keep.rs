//! Live values that are proposed for the tree, for the description of a pull request.

use std::fmt::Write as _;

use super::change::{sentences, table, title};
use super::entry::{Entry, folded};
use super::escape::{code, prose};
use super::fit::{Section, fitted};
use super::mark;
use crate::diff::Change;
use crate::model::{ClusterName, Digest};
use crate::report::Command;
use crate::report::card::{Alarm, Card};

/// One brand whose live values are proposed.
#[derive(Clone, Debug)]
pub struct KeptBrand<'a> {
    /// The account's name in the tree.
    pub name: &'a str,
    /// Its card.
    pub card: Card,
    /// The live side, and what the tree declares.
    pub changes: &'a [Change],
    /// The command that puts the declared values back instead.
    pub instead: String,
}

/// Renders the description in at most `limit` bytes, at least 2,000. `digest` is that of the change of the tree.
#[must_use]
pub fn kept(
    cluster: &ClusterName,
    digest: &Digest,
    brands: &[KeptBrand<'_>],
    notes: &[String],
    limit: usize,
) -> String {
    let mut head = mark::of_kept(cluster, Some(digest));
    let _ = write!(
        head,
        "### Keep what is live on {}\n\n**Somebody changed this on the platform. Merging keeps it: the tree then declares what is live.**\n\n",
        code(cluster.as_str())
    );
    let mut foot = String::new();
    for note in notes.iter().take(MOST_NOTES) {
        let _ = writeln!(foot, "- {}", prose(note));
    }
    if let [only] = brands {
        let _ = write!(
            foot,
            "\nTo put the declared values back instead: {}\n",
            code(&only.instead)
        );
    }
    foot.push_str("\n<sub>emblazon keeps this up to date while it differs, and closes it when nothing of it is left. Once somebody else commits to the branch, it stays as it is.</sub>\n");
    let section = Section {
        title: "What is live",
        entries: brands.iter().map(entry).collect(),
    };
    let room = limit.max(2000).saturating_sub(head.len() + foot.len());
    let mut text = head + &fitted(&[section], room) + &foot;
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

/// How many notes are shown.
const MOST_NOTES: usize = 10;

/// Renders the last description, of a pull request that is closed because nothing of it is left.
#[must_use]
pub fn no_longer_kept(cluster: &ClusterName) -> String {
    let mark = mark::of_kept(cluster, None);
    format!(
        "{mark}### Nothing is left to keep on {}\n\nThe platform and the tree agree, or what was proposed is not live any more. emblazon closed this.\n",
        code(cluster.as_str())
    )
}

fn entry(brand: &KeptBrand<'_>) -> Entry {
    let heading = title(&brand.card, &[brand.name], code);
    let details = table(brand.changes, Command::Drift);
    let details = folded("Technical details", &details, false);
    let outcomes = brand.card.outcomes.iter();
    let is_alarming = outcomes
        .clone()
        .any(|outcome| outcome.alarm == Alarm::Raised);
    let mark = if is_alarming { "⚠ " } else { "" };
    Entry {
        full: format!("{mark}{heading}\n\n{}{details}", sentences(&brand.card)),
        short: format!("- {mark}{heading}: {}\n", prose(&brand.card.summary())),
    }
}
