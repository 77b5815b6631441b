//! Parses the text of a mapping into record data.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use super::{RecordData, RecordName, RecordType};

/// What is wrong with the text of a record, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct RecordError {
    /// Byte offset at which the invalid part begins.
    pub offset: usize,
    /// Length of the invalid part in bytes; 0 if something is missing.
    pub length: usize,
    /// What is wrong.
    pub kind: RecordErrorKind,
}

/// What is wrong with the text of a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordErrorKind {
    /// A field is missing at the end.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// There is more text than fields.
    #[error("there is more than one {0} here")]
    TooMuch(RecordType),
    /// A field is not a number, or the number is too large.
    #[error("the {field} {found:?} is not a number from 0 to {most}")]
    Number {
        /// Name of the field.
        field: &'static str,
        /// The text.
        found: String,
        /// Largest allowed number.
        most: u16,
    },
    /// A name is invalid.
    #[error("the {field} {found:?} {problem}")]
    Name {
        /// Name of the field.
        field: &'static str,
        /// The label, or the whole name.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An address is not of the expected family.
    #[error("{found:?} is not an {wanted} address{}", if *.other_kind { " but one of the other kind" } else { "" })]
    Address {
        /// `IPv4` or `IPv6`.
        wanted: &'static str,
        /// The text.
        found: String,
        /// Whether it is an address of the other family.
        other_kind: bool,
    },
    /// A quote is opened but not closed.
    #[error("the quote is not closed")]
    Quote,
    /// One string is longer than DNS allows (RFC 1035, section 3.3).
    #[error("one string has at most 255 octets, this has {0}")]
    TooLong(usize),
    /// A field does not have the form that its RFC requires.
    #[error("{0}")]
    Form(&'static str),
}

impl RecordData {
    /// Parses the text of a mapping as administrators type it: with or without trailing dots, and a TXT with or without
    /// quotes. Names may contain `{{domain}}`.
    ///
    /// # Errors
    /// Returns what is wrong, and at which byte of the text.
    pub fn parse(record_type: RecordType, text: &str) -> Result<Self, RecordError> {
        let mut fields = Fields {
            text,
            position: 0,
            record_type,
        };
        let data = match record_type {
            RecordType::A => Self::A(fields.ipv4()?),
            RecordType::Aaaa => Self::Aaaa(fields.ipv6()?),
            RecordType::Cname => Self::Cname(fields.host("target")?),
            RecordType::Mx => fields.mx()?,
            RecordType::Naptr => fields.naptr()?,
            RecordType::Srv => Self::Srv {
                priority: fields.number("priority", u16::MAX)?,
                weight: fields.number("weight", u16::MAX)?,
                port: fields.number("port", u16::MAX)?,
                target: fields.name("target")?,
            },
            RecordType::Txt => Self::Txt(fields.text()?),
            RecordType::Caa => fields.caa()?,
        };
        fields.end()?;
        Ok(data)
    }
}

struct Fields<'a> {
    text: &'a str,
    position: usize,
    record_type: RecordType,
}

/// One field: its offset and length in the text, and its octets without quotes.
struct Token {
    offset: usize,
    length: usize,
    octets: Vec<u8>,
    quoted: bool,
}

impl Token {
    fn wrong(&self, kind: RecordErrorKind) -> RecordError {
        RecordError {
            offset: self.offset,
            length: self.length,
            kind,
        }
    }

    /// Rejects a token that does not fit into one character string (RFC 1035, section 3.3).
    fn into_one_string(self) -> Result<Self, RecordError> {
        match self.octets.len() {
            ..=255 => Ok(self),
            long => Err(self.wrong(RecordErrorKind::TooLong(long))),
        }
    }

    fn utf8(&self) -> Result<String, RecordError> {
        String::from_utf8(self.octets.clone())
            .map_err(|_| self.wrong(RecordErrorKind::Form("the text is not UTF-8")))
    }
}

impl Fields<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    fn end(&mut self) -> Result<(), RecordError> {
        self.skip_space();
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(RecordError {
            offset: self.position,
            length: self.rest().trim_end().len(),
            kind: RecordErrorKind::TooMuch(self.record_type),
        })
    }

    fn token(&mut self, field: &'static str) -> Result<Token, RecordError> {
        self.skip_space();
        let offset = self.position;
        let rest = self.rest();
        if rest.is_empty() {
            return Err(RecordError {
                offset: self.text.trim_end().len(),
                length: 0,
                kind: RecordErrorKind::Missing(field),
            });
        }
        if rest.starts_with('"') {
            return self.quoted();
        }
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let octets = rest.as_bytes()[..length].to_vec();
        self.position += length;
        Ok(Token {
            offset,
            length,
            octets,
            quoted: false,
        })
    }

    /// Reads a field that is one DNS character string; quotes do not change which content is allowed.
    fn string(&mut self, field: &'static str) -> Result<Token, RecordError> {
        self.token(field)?.into_one_string()
    }

    /// Reads a quoted string. A backslash escapes itself, a quote, or an octet given by three digits; before any other
    /// character it is literal, as in the `\1` that people type into NAPTR expressions.
    fn quoted(&mut self) -> Result<Token, RecordError> {
        let offset = self.position;
        let bytes = self.text.as_bytes();
        let mut octets = Vec::new();
        let mut at = offset + 1;
        loop {
            match bytes.get(at..).unwrap_or_default() {
                [] => {
                    return Err(RecordError {
                        offset,
                        length: bytes.len() - offset,
                        kind: RecordErrorKind::Quote,
                    });
                }
                [b'"', ..] => break,
                [b'\\', escaped @ (b'"' | b'\\'), ..] => {
                    octets.push(*escaped);
                    at += 2;
                }
                [b'\\', digits @ ..] if octet(digits).is_some() => {
                    octets.extend(octet(digits));
                    at += 4;
                }
                [other, ..] => {
                    octets.push(*other);
                    at += 1;
                }
            }
        }
        self.position = at + 1;
        let token = Token {
            offset,
            length: self.position - offset,
            octets,
            quoted: true,
        };
        if let Some(next) = self.rest().chars().next()
            && !next.is_whitespace()
            && next != '"'
        {
            return Err(RecordError {
                offset: self.position,
                length: next.len_utf8(),
                kind: RecordErrorKind::Form("after a closing quote there must be a space"),
            });
        }
        token.into_one_string()
    }

    fn number(&mut self, field: &'static str, most: u16) -> Result<u16, RecordError> {
        let token = self.token(field)?;
        let text = token.utf8()?;
        // Parsing as `u16` would also accept a leading plus.
        let number = text
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<u16>().ok())
            .flatten();
        match number {
            Some(number) if number <= most && !token.quoted => Ok(number),
            _ => Err(token.wrong(RecordErrorKind::Number {
                field,
                found: text,
                most,
            })),
        }
    }

    fn name(&mut self, field: &'static str) -> Result<RecordName, RecordError> {
        let token = self.token(field)?;
        if token.quoted {
            return Err(token.wrong(RecordErrorKind::Form("names stand without quotes")));
        }
        let text = token.utf8()?;
        RecordName::parse(&text).map_err(|(offset, length, problem)| RecordError {
            offset: token.offset + offset,
            length,
            kind: RecordErrorKind::Name {
                field,
                found: text
                    .get(offset..offset + length)
                    .filter(|part| !part.is_empty())
                    .unwrap_or(&text)
                    .to_owned(),
                problem,
            },
        })
    }

    fn host(&mut self, field: &'static str) -> Result<RecordName, RecordError> {
        let name = self.name(field)?;
        if name.is_root() {
            return Err(RecordError {
                offset: self.position - 1,
                length: 1,
                kind: RecordErrorKind::Form("the root is no host"),
            });
        }
        Ok(name)
    }

    fn ipv4(&mut self) -> Result<Ipv4Addr, RecordError> {
        let token = self.token("address")?;
        let text = token.utf8()?;
        text.parse().map_err(|_| {
            token.wrong(RecordErrorKind::Address {
                wanted: "IPv4",
                other_kind: text.parse::<IpAddr>().is_ok(),
                found: text,
            })
        })
    }

    fn ipv6(&mut self) -> Result<Ipv6Addr, RecordError> {
        let token = self.token("address")?;
        let text = token.utf8()?;
        text.parse().map_err(|_| {
            token.wrong(RecordErrorKind::Address {
                wanted: "IPv6",
                other_kind: text.parse::<IpAddr>().is_ok(),
                found: text,
            })
        })
    }

    fn mx(&mut self) -> Result<RecordData, RecordError> {
        let preference = if self.text.split_whitespace().nth(1).is_some() {
            Some(self.number("preference", u16::MAX)?)
        } else {
            None
        };
        Ok(RecordData::Mx {
            preference,
            exchange: self.name("mail server")?,
        })
    }

    fn naptr(&mut self) -> Result<RecordData, RecordError> {
        let order = self.number("order", u16::MAX)?;
        let preference = self.number("preference", u16::MAX)?;
        let flags = self.string("flags")?;
        if !flags.octets.iter().all(u8::is_ascii_alphanumeric) {
            return Err(flags.wrong(RecordErrorKind::Form(
                "flags are letters and digits, such as \"S\"",
            )));
        }
        let services = self.string("services")?;
        if !services
            .octets
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b':' | b'-' | b'.' | b'_'))
        {
            return Err(services.wrong(RecordErrorKind::Form("services look like \"SIP+D2U\"")));
        }
        let expression = self.string("regular expression")?;
        let regexp = expression.utf8()?;
        if !regexp.is_empty() && !is_substitution(&regexp) {
            return Err(expression.wrong(RecordErrorKind::Form(
                "the expression must look like \"!pattern!replacement!\"",
            )));
        }
        let replacement = self.name("replacement")?;
        if regexp.is_empty() == replacement.is_root() {
            return Err(expression.wrong(RecordErrorKind::Form(
                "a rule has either an expression or a replacement other than a single dot",
            )));
        }
        Ok(RecordData::Naptr {
            order,
            preference,
            flags: flags.utf8()?.to_ascii_uppercase(),
            services: services.utf8()?.to_ascii_uppercase(),
            regexp,
            replacement,
        })
    }

    /// Reads a TXT: one or more quoted strings, or else the whole text verbatim.
    fn text(&mut self) -> Result<Vec<u8>, RecordError> {
        self.skip_space();
        if !self.rest().starts_with('"') {
            let octets = self.rest().trim_end().as_bytes().to_vec();
            self.position = self.text.len();
            return if octets.is_empty() {
                Err(RecordError {
                    offset: 0,
                    length: 0,
                    kind: RecordErrorKind::Missing("text"),
                })
            } else {
                Ok(octets)
            };
        }
        let mut octets = Vec::new();
        while self.rest().starts_with('"') {
            octets.extend(self.quoted()?.octets);
            self.skip_space();
        }
        Ok(octets)
    }

    fn caa(&mut self) -> Result<RecordData, RecordError> {
        let flags = self.number("flags", u16::from(u8::MAX))?;
        let tag = self.string("property")?;
        let name = tag.utf8()?.to_ascii_lowercase();
        if tag.quoted || name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(tag.wrong(RecordErrorKind::Form(
                "the property is a word such as issue, issuewild or iodef",
            )));
        }
        Ok(RecordData::Caa {
            flags: u8::try_from(flags).unwrap_or(u8::MAX),
            tag: name,
            value: self.string("value")?.utf8()?,
        })
    }
}

fn octet(digits: &[u8]) -> Option<u8> {
    let three = digits.get(..3)?;
    let text = std::str::from_utf8(three).ok()?;
    three
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| text.parse().ok())
        .flatten()
}

/// Returns whether a string has the form delimiter, pattern, delimiter, replacement, delimiter, flags (RFC 3402,
/// section 3.2).
fn is_substitution(text: &str) -> bool {
    let Some(delimiter) = text.chars().next() else {
        return false;
    };
    if delimiter.is_ascii_digit() || delimiter == '\\' || delimiter == 'i' {
        return false;
    }
    let mut escaped = false;
    let mut parts = 0;
    let mut tail = "";
    for (offset, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == delimiter {
            parts += 1;
            tail = &text[offset + delimiter.len_utf8()..];
        }
    }
    parts == 3 && matches!(tail, "" | "i")
}
