//! The parts of a certificate that a verdict needs (RFC 5280, section 4.1).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A certificate's validity, and who issued it to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// The issuer's common name, or its organisation.
    pub issuer: String,
    /// Whether it was issued by its own subject.
    pub is_self_issued: bool,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] EXPLICIT Version`.
const VERSION: u8 = 0xa0;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

impl Certificate {
    /// Parses a certificate in DER; `None` if it is not one.
    #[must_use]
    pub fn parse(der: &[u8]) -> Option<Self> {
        let (certificate, _) = element(der, SEQUENCE)?;
        let (mut rest, _) = element(certificate, SEQUENCE)?;
        if rest.first() == Some(&VERSION) {
            rest = element(rest, VERSION)?.1;
        }
        // The serial number and the signature's algorithm.
        let (_, _, rest) = next(rest)?;
        let (_, _, rest) = next(rest)?;
        let (issuer, rest) = element(rest, SEQUENCE)?;
        let (validity, rest) = element(rest, SEQUENCE)?;
        let (subject, _) = element(rest, SEQUENCE)?;
        let (not_before, validity) = time(validity)?;
        let (not_after, _) = time(validity)?;
        Some(Self {
            not_before,
            not_after,
            issuer: name(issuer),
            is_self_issued: issuer == subject,
        })
    }

    /// Returns the full days that it is still valid.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> i64 {
        self.not_after.duration_since(now).as_hours() / 24
    }
}

/// Splits off one element: its tag, its content, and what follows.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        let length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Splits off one element with this tag.
fn element(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = next(bytes)?;
    (tag == wanted).then_some((content, rest))
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = next(bytes)?;
    let digits = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    // Two digits are a year from 1950 to 2049 (RFC 5280, section 4.1.2.5.1).
    let digits = match tag {
        GENERALIZED_TIME => digits.to_owned(),
        UTC_TIME if digits.get(..2)? < "50" => format!("20{digits}"),
        UTC_TIME => format!("19{digits}"),
        _ => return None,
    };
    let date = DateTime::strptime("%Y%m%d%H%M%S", &digits).ok()?;
    Some((TimeZone::UTC.to_timestamp(date).ok()?, rest))
}

/// Returns the most telling part of a name.
fn name(mut bytes: &[u8]) -> String {
    let mut organisation = None;
    while let Some((set, rest)) = element(bytes, SET) {
        bytes = rest;
        let Some((attribute, _)) = element(set, SEQUENCE) else {
            continue;
        };
        let Some((_, kind, value)) = next(attribute) else {
            continue;
        };
        let text = next(value).map(|(_, text, _)| String::from_utf8_lossy(text).into_owned());
        match kind {
            COMMON_NAME => return text.unwrap_or_default(),
            ORGANISATION => organisation = text,
            _ => {}
        }
    }
    organisation.unwrap_or_else(|| "an authority without a name".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn certificates_of_a_real_authority_are_read() {
        #[track_caller]
        fn check(pem: &[u8], expected: (&str, &str, bool)) {
            let der = CertificateDer::from_pem_slice(pem).unwrap();
            let found = Certificate::parse(&der).unwrap();
            let found = (
                found.not_before.to_string(),
                found.not_after.to_string(),
                found.is_self_issued,
            );
            let (not_before, not_after, is_self_issued) = expected;
            assert_eq!(
                found,
                (not_before.to_owned(), not_after.to_owned(), is_self_issued)
            );
        }
        check(
            include_bytes!("../../tests/suite/tls/expired.pem"),
            ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", false),
        );
        let self_signed = include_bytes!("../../tests/suite/tls/self-signed.pem");
        let der = CertificateDer::from_pem_slice(self_signed).unwrap();
        assert!(Certificate::parse(&der).unwrap().is_self_issued);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// A server may send anything as its certificate.
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Certificate::parse(&bytes);
        }
    }
}
