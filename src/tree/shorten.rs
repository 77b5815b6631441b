//! Limits the number of mistakes that are shown per file.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Place, Severity};

/// Maximum number of mistakes that are shown per file.
const MAX_SHOWN: usize = 200;

/// Keeps the first mistakes of each file, errors before warnings, and reports how many more there are.
///
/// A file of a megabyte has room for hundreds of thousands of mistakes, each shown with its line.
pub(super) fn shorten(diagnostics: &mut Diagnostics) {
    let mut counts: BTreeMap<FileId, (usize, usize)> = BTreeMap::new();
    for diagnostic in diagnostics.iter() {
        if let Some(place) = place(diagnostic) {
            let (errors, warnings) = counts.entry(place.file).or_default();
            *if is_error(diagnostic) {
                errors
            } else {
                warnings
            } += 1;
        }
    }
    counts.retain(|_, (errors, warnings)| *errors + *warnings > MAX_SHOWN);
    if counts.is_empty() {
        return;
    }
    let mut room: BTreeMap<FileId, (usize, usize)> = (counts.iter())
        .map(|(file, (errors, _))| (*file, (MAX_SHOWN, MAX_SHOWN.saturating_sub(*errors))))
        .collect();
    let mut last = BTreeMap::new();
    diagnostics.retain(|diagnostic| {
        let Some(place) = place(diagnostic) else {
            return true;
        };
        let Some((errors, warnings)) = room.get_mut(&place.file) else {
            return true;
        };
        let room = if is_error(diagnostic) {
            errors
        } else {
            warnings
        };
        let stays = *room > 0;
        *room = room.saturating_sub(1);
        if stays {
            last.insert(place.file, place);
        }
        stays
    });
    for (file, (errors, warnings)) in counts {
        let Some(place) = last.get(&file) else {
            continue;
        };
        let more = errors + warnings - MAX_SHOWN;
        let message = match more {
            1 => "1 more mistake in this file is not shown".to_owned(),
            more => format!("{more} more mistakes in this file are not shown"),
        };
        let note = Diagnostic::new(Code::EB0119, message, "fix the ones above, and run again")
            .at(*place, "the last one that is shown");
        let after = (diagnostics.iter())
            .rposition(|diagnostic| self::place(diagnostic) == Some(*place))
            .map_or(diagnostics.len(), |index| index + 1);
        diagnostics.insert(after, note);
    }
}

fn place(diagnostic: &Diagnostic) -> Option<Place> {
    diagnostic.primary.as_ref().map(|label| label.place)
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}
