//! The data of one record.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::{RecordName, RecordType};

/// The data of one record in canonical form, so that equal records compare equal.
///
/// Names are lower-case without a trailing dot, the chunks of a TXT are joined, and flags and services of a NAPTR are
/// upper-case (trap 22). [`fmt::Display`] writes the canonical text in zone file format (RFC 1035, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The canonical name of the host.
    Cname(RecordName),
    /// A mail server.
    Mx {
        /// Lower values are tried first; absent if the text does not contain it (the server omits it, D14).
        preference: Option<u16>,
        /// The mail server; the root means that no mail is accepted (RFC 7505).
        exchange: RecordName,
    },
    /// A rewriting rule.
    Naptr {
        /// Rules are processed in this order.
        order: u16,
        /// The preference among rules of the same order.
        preference: u16,
        /// Flags that define the kind of result, such as `S`; upper case.
        flags: String,
        /// Services that the rule applies to, such as `SIP+D2U`; upper case.
        services: String,
        /// The substitution expression; empty when there is a replacement.
        regexp: String,
        /// The next name; the root when there is an expression.
        replacement: RecordName,
    },
    /// A server of a service.
    Srv {
        /// Lower values are tried first.
        priority: u16,
        /// Relative weight among servers of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The server; the root means that the service is not offered.
        target: RecordName,
    },
    /// Text: the octets of all character strings, joined.
    Txt(Vec<u8>),
    /// A rule for certificate authorities.
    Caa {
        /// Bit 7 is "critical".
        flags: u8,
        /// The property, such as `issue`; lower case.
        tag: String,
        /// Value of the property.
        value: String,
    },
}

impl RecordData {
    /// Returns the record type.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Cname(_) => RecordType::Cname,
            Self::Mx { .. } => RecordType::Mx,
            Self::Naptr { .. } => RecordType::Naptr,
            Self::Srv { .. } => RecordType::Srv,
            Self::Txt(_) => RecordType::Txt,
            Self::Caa { .. } => RecordType::Caa,
        }
    }

    /// Returns the name that the record points at, if any.
    #[must_use]
    pub fn target(&self) -> Option<&RecordName> {
        let name = match self {
            Self::Cname(name)
            | Self::Mx { exchange: name, .. }
            | Self::Naptr {
                replacement: name, ..
            }
            | Self::Srv { target: name, .. } => name,
            Self::A(_) | Self::Aaaa(_) | Self::Txt(_) | Self::Caa { .. } => return None,
        };
        (!name.is_root()).then_some(name)
    }

    /// Returns whether both records are equivalent; if an MX lacks its preference, only the mail servers are compared
    /// (D15).
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Mx {
                    preference: left,
                    exchange,
                },
                Self::Mx {
                    preference: right,
                    exchange: other,
                },
            ) => exchange == other && (left == right || left.is_none() || right.is_none()),
            _ => self == other,
        }
    }
}

impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Cname(name) => name.fmt(f),
            Self::Mx {
                preference: Some(preference),
                exchange,
            } => write!(f, "{preference} {exchange}"),
            Self::Mx { exchange, .. } => exchange.fmt(f),
            Self::Naptr {
                order,
                preference,
                flags,
                services,
                regexp,
                replacement,
            } => {
                write!(f, "{order} {preference} ")?;
                for text in [flags, services, regexp] {
                    write_quoted(f, text.as_bytes())?;
                    f.write_str(" ")?;
                }
                replacement.fmt(f)
            }
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Txt(octets) if octets.is_empty() => f.write_str("\"\""),
            Self::Txt(octets) => {
                for (index, chunk) in octets.chunks(255).enumerate() {
                    if index > 0 {
                        f.write_str(" ")?;
                    }
                    write_quoted(f, chunk)?;
                }
                Ok(())
            }
            Self::Caa { flags, tag, value } => {
                write!(f, "{flags} {tag} ")?;
                write_quoted(f, value.as_bytes())
            }
        }
    }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    f.write_str("\"")?;
    for octet in octets {
        match octet {
            b'"' | b'\\' => write!(f, "\\{}", char::from(*octet))?,
            b' '..=b'~' => write!(f, "{}", char::from(*octet))?,
            _ => write!(f, "\\{octet:03}")?,
        }
    }
    f.write_str("\"")
}
