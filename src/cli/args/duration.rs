//! Durations on the command line.

use std::time::Duration;

/// Parses `90`, `90s`, `10m` or `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    digits
        .parse::<u64>()
        .ok()
        .filter(|_| seconds > 0)
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "write seconds, minutes or hours, such as 30s, 10m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        #[track_caller]
        fn check(text: &str, expected: Option<u64>) {
            let found = duration(text).ok().map(|found| found.as_secs());
            assert_eq!(found, expected, "{text}");
        }
        check("90", Some(90));
        check("30s", Some(30));
        check("10m", Some(600));
        check("1h", Some(3600));
        check("", None);
        check("m", None);
        check("1d", None);
        check("-1s", None);
        check("99999999999999999999h", None);
    }
}
