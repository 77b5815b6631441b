//! "Did you mean" suggestions: the known name closest to a mistyped one.

use strsim::osa_distance;

/// Maximum number of words in one file that are compared with the known ones: more than the mistakes that are shown of
/// a file. Comparing is slow, and a file of a megabyte has room for 100,000 unknown words.
const MOST_GUESSES: usize = 256;

/// Guesses what mistyped words meant, a limited number of times.
#[derive(Clone, Copy, Debug)]
pub struct Guesses {
    left: usize,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { left: MOST_GUESSES }
    }
}

impl Guesses {
    /// Creates a budget of no guesses.
    pub(super) fn none() -> Self {
        Self { left: 0 }
    }

    /// Does the same as [`nearest`], but returns `None` once the budget is used up; the candidates are not even listed
    /// then.
    pub fn nearest<'a, I>(&mut self, word: &str, candidates: impl FnOnce() -> I) -> Option<&'a str>
    where
        I: IntoIterator<Item = &'a str>,
    {
        self.left = self.left.checked_sub(1)?;
        nearest(word, candidates())
    }
}

/// Finds the candidate that a mistyped word most probably meant.
///
/// Ignores case, hyphens and underscores. Returns `None` if even the best candidate differs in more than a third of its
/// letters; of several equally close ones the first wins.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let mut best = None;
    for candidate in candidates {
        let other = folded(candidate);
        let (length, other_length) = (word.chars().count(), other.chars().count());
        let allowed = length.max(other_length) / 3;
        // The difference in length is a lower bound of the distance.
        if length.abs_diff(other_length) > allowed {
            continue;
        }
        let distance = osa_distance(&word, &other);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ten-thousandth mistake of a file is no longer compared with anything.
    #[test]
    fn guesses_end() {
        let mut guesses = Guesses::default();
        let mut asked = 0;
        for _ in 0..10_000 {
            guesses.nearest("domian", || {
                asked += 1;
                ["domain"]
            });
        }
        assert_eq!(asked, MOST_GUESSES);
        assert_eq!(
            Guesses::default().nearest("domian", || ["domain"]),
            Some("domain")
        );
    }

    #[test]
    fn neighbours() {
        #[track_caller]
        fn check(word: &str, expected: Option<&str>) {
            let known = ["company_name", "domain", "hide_powered", "nav", "port"];
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        check("domian", Some("domain"));
        check("companyName", Some("company_name"));
        check("hide-powerd", Some("hide_powered"));
        check("prot", Some("port"));
        check("colour", None);
        check("", None);
    }
}
