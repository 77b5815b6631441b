//! Formats counts with their nouns.

/// Formats a number with its noun: `1 account`, `2 accounts`, `3 sets of records`.
///
/// The noun is given in the singular; everything from ` of ` or ` in ` on is kept unchanged.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {}", nouns(number, noun))
}

/// Returns a noun in the form that a number requires, without the number: `account`, `accounts`.
#[must_use]
pub fn nouns(number: usize, noun: &str) -> String {
    if number == 1 {
        return noun.to_owned();
    }
    let behind = [" of ", " in "].iter().filter_map(|word| noun.find(word));
    let (head, rest) = noun.split_at(behind.min().unwrap_or(noun.len()));
    let before_y = head.strip_suffix('y');
    match before_y {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies{rest}"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| head.ends_with(end)) => {
            format!("{head}es{rest}")
        }
        _ => format!("{head}s{rest}"),
    }
}

/// Formats a part of a total: `3 of 16 steps`, `1 of 1 step`. The noun agrees with the total.
#[must_use]
pub fn count_of(some: usize, all: usize, noun: &str) -> String {
    format!("{some} of {}", count(all, noun))
}

/// Formats a number of seconds as people say it, rounded up: `90 seconds`, `5 minutes`, `24 hours`.
#[must_use]
pub fn lasting(seconds: u32) -> String {
    let (number, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds.div_ceil(60), "minute"),
        7200..=172_799 => (seconds.div_ceil(3600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    count(number as usize, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_number() {
        for (noun, two) in [
            ("account", "2 accounts"),
            ("live whitelabel", "2 live whitelabels"),
            ("set of records", "2 sets of records"),
            ("address", "2 addresses"),
            ("query", "2 queries"),
            ("key", "2 keys"),
        ] {
            assert_eq!(count(2, noun), two);
            assert_eq!(count(1, noun), format!("1 {noun}"));
        }
        assert_eq!(count(0, "step"), "0 steps");
        assert_eq!(count_of(0, 1, "step"), "0 of 1 step");
    }

    #[test]
    fn times_are_rounded_up() {
        #[track_caller]
        fn check(seconds: u32, expected: &str) {
            assert_eq!(lasting(seconds), expected);
        }
        check(1, "1 second");
        check(119, "119 seconds");
        check(121, "3 minutes");
        check(7201, "3 hours");
        check(172_801, "3 days");
    }
}
