//! Parses how long an answer asks to wait.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest wait returned: nobody waits longer anyway, and the bound keeps arithmetic with it safe.
const LONGEST: Duration = Duration::from_hours(24);

/// The forms of a date, the usual one first (RFC 9110, section 5.6.7).
const FORMS: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// Parses `Retry-After`: seconds, or a date.
///
/// A date is relative to the sender's clock, given by the answer's own `Date`, else to `now`; a past date means no
/// wait. A wait of more than a day counts as a day, and any other form as absent.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that overflows means more than a day, too.
        let seconds = asked.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let now = text(DATE).and_then(date).unwrap_or(now);
    let wait: SignedDuration = date(asked)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default().min(LONGEST))
}

fn date(text: &str) -> Option<Timestamp> {
    let read = |form: &&str| DateTime::strptime(form, text).ok();
    let date = FORMS.iter().find_map(read)?;
    // The end of the year 9999 is beyond the range of `Timestamp`.
    let end = if date.year() > 0 {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    };
    Some(TimeZone::UTC.to_timestamp(date).unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn seconds_and_dates_are_waited_for_within_bounds() {
        #[track_caller]
        fn check(asked: &str, date: Option<&'static str>, expected: Option<u64>) {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(asked).unwrap());
            headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
            let now = "2026-10-21T07:28:00Z".parse().unwrap();
            let wait = retry_after(&headers, now);
            assert_eq!(wait, expected.map(Duration::from_secs), "{asked}");
        }
        const DAY: u64 = 24 * 60 * 60;
        check("7", None, Some(7));
        check(" 7 ", None, Some(7));
        check("Wed, 21 Oct 2026 07:28:30 GMT", None, Some(30));
        check("Wednesday, 21-Oct-26 07:28:30 GMT", None, Some(30));
        check("Wed Oct 21 07:28:30 2026", None, Some(30));
        check("Sun Nov  1 07:28:30 2026", None, Some(DAY));
        // The server's clock is an hour behind ours.
        check(
            "Wed, 21 Oct 2026 06:28:45 GMT",
            Some("Wed, 21 Oct 2026 06:28:00 GMT"),
            Some(45),
        );
        check("Wed, 21 Oct 2026 07:28:45 GMT", Some("yesterday"), Some(45));
        check("Wed, 21 Oct 2026 07:00:00 GMT", None, Some(0));
        check("Fri, 31 Dec 9999 23:59:59 GMT", None, Some(DAY));
        check("18446744073709551615", None, Some(DAY));
        check("999999999999999999999999999999", None, Some(DAY));
        for nothing in ["", "-1", "1.5", "soon", "Wed, 32 Oct 2026 07:28:00 GMT"] {
            check(nothing, None, None);
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }
}
