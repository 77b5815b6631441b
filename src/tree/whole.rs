//! Checks that need the whole tree: constraints between accounts, and references to missing accounts.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::Loaded;
use super::check::{self, Guesses};
use super::edit;
use super::files::start_of;
use super::layout::ACCOUNTS;
use super::lint::{self, LintRule};
use super::selection::Selection;
use super::shorten::shorten;
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Spanned};
use crate::model::AccountName;

/// A tree, or a part of one, whose files were each checked on their own.
pub(super) struct Read {
    /// Content of the files, and the mistakes in each of them.
    pub(super) loaded: Loaded,
    /// File id of `emblazon.yaml`.
    pub(super) config_file: FileId,
    /// Brands of the tree, with their files.
    pub(super) brands: Vec<(String, FileId)>,
    /// The files that were read.
    pub(super) files: BTreeSet<FileId>,
    /// Accounts that the policy protects.
    pub(super) protected: Vec<Spanned<AccountName>>,
    /// Canary accounts.
    pub(super) canary: Vec<Spanned<AccountName>>,
    /// What the tree makes of warnings.
    pub(super) lint: Vec<LintRule>,
}

impl Read {
    /// Runs the checks across files. References to missing accounts and unused brands can be found only in a whole
    /// tree.
    pub(super) fn finished(self) -> Loaded {
        let mut found = Diagnostics::new();
        if self.loaded.selection.is_none() {
            self.report_unused(&mut found);
            self.report_unknown(&self.protected, (Code::EB0807, "to protect"), &mut found);
            self.report_unknown(&self.canary, (Code::EB0810, "to begin with"), &mut found);
        }
        let Self {
            mut loaded, lint, ..
        } = self;
        found.extend(check::desired(&loaded.desired));
        if loaded.dns.push.is_none() {
            found.extend(check::unwritten(&loaded.desired.accounts));
        }
        loaded.diagnostics.append(&mut found);
        lint::apply(&mut loaded, &lint);
        sort(&mut loaded.diagnostics);
        shorten(&mut loaded.diagnostics);
        loaded
    }

    /// Copies from a known tree all accounts except those that were read again, and the mistakes in files that were
    /// not.
    pub(super) fn take_over(&mut self, known: &Loaded, anew: &Selection) {
        let is_kept = |name: &AccountName| !anew.contains(name);
        let is_brand = |id: FileId| self.brands.iter().any(|(_, file)| *file == id);
        let stands = |diagnostic: &&Diagnostic| {
            let place = diagnostic.primary.as_ref().map(|label| label.place);
            !is_of_the_whole(diagnostic.code)
                && place.is_some_and(|place| match owner(known.sources.path(place)) {
                    Some(name) => is_kept(&name),
                    None => is_brand(place.file) && !self.files.contains(&place.file),
                })
        };
        let standing: Vec<_> = (known.diagnostics.iter().chain(&known.silenced))
            .filter(stands)
            .cloned()
            .collect();
        let loaded = &mut self.loaded;
        loaded.diagnostics.extend(standing);
        let accounts = known.desired.accounts.iter();
        let accounts = accounts.filter(|account| is_kept(&account.name));
        loaded.desired.accounts.extend(accounts.cloned());
        (loaded.desired.accounts).sort_by(|left, right| left.name.cmp(&right.name));
        let layers = known.layers.iter().filter(|(name, _)| is_kept(name));
        (loaded.layers).extend(layers.map(|(name, layers)| (name.clone(), layers.clone())));
        let watch = (known.watch.accounts.iter()).filter(|(name, _)| is_kept(name));
        (loaded.watch.accounts).extend(watch.map(|(name, policy)| (name.clone(), *policy)));
        (loaded.brand_assets).extend(known.brand_assets.iter().cloned());
        loaded.selection = None;
    }

    /// Returns whether the file of a brand was read.
    pub(super) fn has_read(&self, brand: &str) -> bool {
        let mut brands = self.brands.iter();
        brands.any(|(name, file)| name == brand && self.files.contains(file))
    }

    /// Returns whether a mistake hides which brands an account extends: its file cannot be read, or the name is
    /// misspelt.
    fn hides_a_use(&self, diagnostic: &Diagnostic) -> bool {
        let file = diagnostic.primary.as_ref().map(|label| label.place.file);
        let is_brand = || self.brands.iter().any(|(_, brand)| Some(*brand) == file);
        match diagnostic.code {
            Code::EB0301 => true,
            Code::EB0101
            | Code::EB0107
            | Code::EB0108
            | Code::EB0109
            | Code::EB0110
            | Code::EB0116 => !is_brand(),
            _ => false,
        }
    }

    fn report_unused(&self, found: &mut Diagnostics) {
        let layers = (self.loaded.layers.values()).flat_map(|layers| layers.iter());
        let used: BTreeSet<&str> = layers.filter_map(|layer| layer.name.brand()).collect();
        let is_known = !self
            .loaded
            .diagnostics
            .iter()
            .any(|it| self.hides_a_use(it));
        for (name, file) in &self.brands {
            if is_known && !used.contains(name.as_str()) {
                let message = format!("no account extends brand {name}");
                let help = "name it in an account's extends, or delete the file";
                found.push(Diagnostic::new(Code::EB0305, message, help).at(start_of(*file), ""));
            }
        }
        if self.loaded.layers.is_empty() {
            let help = "add accounts/NAME/account.yaml; an empty tree plans nothing";
            let diagnostic = Diagnostic::new(Code::EB0213, "the tree has no accounts", help);
            found.push(diagnostic.at(start_of(self.config_file), ""));
        }
    }

    /// Reports named accounts that the tree does not have on any cluster.
    fn report_unknown(
        &self,
        wanted: &[Spanned<AccountName>],
        (code, purpose): (Code, &str),
        found: &mut Diagnostics,
    ) {
        let accounts = &self.loaded.layers;
        let mut guesses = Guesses::default();
        for wanted in wanted.iter().filter(|it| !accounts.contains_key(&it.value)) {
            let names = || accounts.keys().map(AccountName::as_str);
            let meant = guesses.nearest(wanted.value.as_str(), names);
            let help = meant.map_or_else(
                || "write the name of a folder below accounts/, or take it out".to_owned(),
                |name| format!("did you mean {name}?"),
            );
            let message = format!("there is no account {} {purpose}", wanted.value);
            let diagnostic = Diagnostic::new(code, message, help);
            let diagnostic = diagnostic.at(wanted.place, "no such account");
            found.push(match meant {
                Some(name) => diagnostic.mended_by(wanted.place, edit::key(name)),
                None => diagnostic,
            });
        }
    }
}

/// Returns the account whose folder contains a file.
fn owner(path: &Utf8Path) -> Option<AccountName> {
    let mut parts = path.components().map(|part| part.as_str());
    (parts.next() == Some(ACCOUNTS)).then(|| parts.next().map(AccountName::new))?
}

/// Returns whether a mistake can be found only in the whole tree.
fn is_of_the_whole(code: Code) -> bool {
    matches!(
        code,
        Code::EB0213
            | Code::EB0305
            | Code::EB0402
            | Code::EB0403
            | Code::EB0528
            | Code::EB0529
            | Code::EB0624
            | Code::EB0716
            | Code::EB0807
            | Code::EB0810
            | Code::EB0811
            | Code::EB0815
    )
}

/// Sorts by file and place, and drops duplicates: several accounts may show the same mistake in a brand.
fn sort(diagnostics: &mut Diagnostics) {
    diagnostics.sort_by(|left, right| {
        let key = |diagnostic: &Diagnostic| {
            let place = diagnostic.primary.as_ref().map(|label| label.place);
            (place.map(|place| (place.file, place.span)), diagnostic.code)
        };
        key(left)
            .cmp(&key(right))
            .then_with(|| left.message.cmp(&right.message))
    });
    diagnostics.dedup();
}
