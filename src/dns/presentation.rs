//! Records as in a zone file: names absolute, with the trailing dot (RFC 1035, section 5.1).

use crate::model::record::{RecordData, RecordName};

/// The preference of an MX when the template names none; it leaves room for lower ones.
pub(super) const MX_PREFERENCE: u16 = 10;

/// Writes a name with its trailing dot.
pub(super) fn absolute(name: &RecordName) -> String {
    if name.is_root() {
        name.to_string()
    } else {
        format!("{name}.")
    }
}

/// Writes the data of a record so that it means the same below any `$ORIGIN`.
pub(super) fn content(data: &RecordData) -> String {
    match data {
        RecordData::Cname(name) => absolute(name),
        RecordData::Mx {
            preference,
            exchange,
        } => format!(
            "{} {}",
            preference.unwrap_or(MX_PREFERENCE),
            absolute(exchange)
        ),
        RecordData::Srv {
            priority,
            weight,
            port,
            target,
        } => format!("{priority} {weight} {port} {}", absolute(target)),
        RecordData::Naptr { replacement, .. } if !replacement.is_root() => format!("{data}."),
        RecordData::A(_)
        | RecordData::Aaaa(_)
        | RecordData::Naptr { .. }
        | RecordData::Txt(_)
        | RecordData::Caa { .. } => data.to_string(),
    }
}

/// Returns the part of a name before an origin; empty at the origin itself, `None` outside it.
pub(super) fn relative<'a>(name: &'a RecordName, origin: &RecordName) -> Option<&'a str> {
    if origin.is_root() {
        return Some(name.as_str());
    }
    match name.as_str().strip_suffix(origin.as_str())? {
        "" => Some(""),
        before => before.strip_suffix('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::RecordType;

    #[test]
    fn names_in_data_are_absolute() {
        #[track_caller]
        fn check(record_type: RecordType, text: &str, expected: &str) {
            let data = RecordData::parse(record_type, text).unwrap();
            assert_eq!(content(&data), expected);
            let again = RecordData::parse(record_type, &content(&data)).unwrap();
            assert!(data.means(&again), "{again:?}");
        }
        check(RecordType::A, "192.0.2.1", "192.0.2.1");
        check(RecordType::Aaaa, "2001:DB8::1", "2001:db8::1");
        check(RecordType::Cname, "UI.example.net", "ui.example.net.");
        check(RecordType::Mx, "5 mx.example.net.", "5 mx.example.net.");
        check(RecordType::Mx, "mx.example.net", "10 mx.example.net.");
        check(RecordType::Mx, "0 .", "0 .");
        check(
            RecordType::Srv,
            "10 10 7000 a.example.net",
            "10 10 7000 a.example.net.",
        );
        check(
            RecordType::Naptr,
            "10 100 S SIP+D2U \"\" _sip._udp.example.net",
            "10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.net.",
        );
        check(
            RecordType::Naptr,
            "10 100 \"U\" \"E2U+sip\" \"!^.*$!sip:a@example.net!\" .",
            "10 100 \"U\" \"E2U+SIP\" \"!^.*$!sip:a@example.net!\" .",
        );
        check(RecordType::Txt, "v=spf1 -all", "\"v=spf1 -all\"");
        check(
            RecordType::Caa,
            "0 issue letsencrypt.org",
            "0 issue \"letsencrypt.org\"",
        );
    }

    #[test]
    fn names_below_an_origin() {
        #[track_caller]
        fn check(name: &str, origin: &str, expected: Option<&str>) {
            let (name, origin) = (RecordName::observed(name), RecordName::observed(origin));
            assert_eq!(relative(&name, &origin), expected, "{name} below {origin}");
        }
        check("a.example", "example", Some("a"));
        check("example", "example", Some(""));
        check("notexample", "example", None);
        check("a.b.example", "example", Some("a.b"));
        check("a.other", "example", None);
        check("a.example", ".", Some("a.example"));
    }
}
