//! `lint` in `emblazon.yaml`: what a tree makes of warnings, and why.

use camino::{Utf8Path, Utf8PathBuf};

use super::Loaded;
use crate::diag::{Code, Diagnostic, Diagnostics, Severity, Spanned};
use crate::model::count;

/// What becomes of one kind of warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintRule {
    /// The code of the warnings.
    pub code: Spanned<Code>,
    /// What becomes of them.
    pub level: LintLevel,
    /// Why, for whoever reads a report.
    pub reason: String,
    /// Files and folders of the tree that the rule is for; all when empty.
    pub paths: Vec<Utf8PathBuf>,
}

/// What becomes of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LintLevel {
    /// It is left out.
    Off,
    /// It stays a warning.
    Warning,
    /// It stops `plan` and `apply`.
    Error,
}

impl LintLevel {
    fn told(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warning => "a warning",
            Self::Error => "an error",
        }
    }
}

impl LintRule {
    fn covers(&self, code: Code, file: Option<&Utf8Path>) -> bool {
        let is_in = |file: &Utf8Path| self.paths.iter().any(|path| file.starts_with(path));
        code == self.code.value && (self.paths.is_empty() || file.is_some_and(is_in))
    }

    fn told(&self, found: usize) -> String {
        format!(
            "lint: {} is {} for {}: {}",
            self.code.value,
            self.level.told(),
            count(found, "place"),
            self.reason
        )
    }
}

/// Applies the rules to the diagnostics of a tree. Rules that apply to nothing are reported for a whole tree only.
pub(super) fn apply(loaded: &mut Loaded, rules: &[LintRule]) {
    let mut unused = Diagnostics::new();
    for rule in rules {
        let mut found = 0;
        let mut left = Diagnostics::new();
        for mut diagnostic in std::mem::take(&mut loaded.diagnostics) {
            let place = diagnostic.primary.as_ref().map(|label| label.place);
            let file = place.map(|place| loaded.sources.path(place));
            if !rule.covers(diagnostic.code, file) {
                left.push(diagnostic);
                continue;
            }
            found += 1;
            diagnostic.severity = match rule.level {
                LintLevel::Off | LintLevel::Warning => Severity::Warning,
                LintLevel::Error => Severity::Error,
            };
            if rule.level == LintLevel::Off {
                loaded.silenced.push(diagnostic);
            } else {
                left.push(diagnostic);
            }
        }
        loaded.diagnostics = left;
        if found > 0 {
            loaded.lint_notes.push(rule.told(found));
        } else if loaded.selection.is_none() {
            unused.push(applies_to_nothing(rule));
        }
    }
    loaded.diagnostics.append(&mut unused);
}

fn applies_to_nothing(rule: &LintRule) -> Diagnostic {
    let code = rule.code.value;
    let place = if rule.paths.is_empty() {
        "the tree"
    } else {
        "its paths"
    };
    Diagnostic::new(
        Code::EB0815,
        format!("lint has a rule for {code}, and nothing in {place} is warned about with it"),
        "delete the rule",
    )
    .at(rule.code.place, "applies to nothing")
}
