//! The kinds of hints.

use serde::{Deserialize, Serialize};

/// A probable mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintKind {
    /// The zone's name was appended to an already complete name.
    DoubledDomain,
    /// A CNAME is wanted at a zone apex (RFC 1034, section 3.6.2).
    AliasAtApex,
    /// A name has a CNAME where other data should be, or the other way round (RFC 1034, section 3.6.2).
    AliasBesideData,
    /// A name that SRV or MX records name is an alias (RFC 2782; RFC 2181, section 10.3).
    AliasAsTarget,
    /// Quotes were typed into the text.
    QuotesInText,
    /// The strings of one TXT record were entered as several records.
    SplitText,
    /// An outdated address is still there.
    OldAddress,
    /// The target of a record has no address.
    DanglingTarget,
    /// The target of a record lies in a domain that anybody can register.
    Takeover,
    /// IPv6 clients find nothing.
    MissingIpv6,
    /// IPv6 clients go elsewhere.
    UnwantedIpv6,
    /// The DNSSEC signatures are wrong, so validating resolvers answer SERVFAIL.
    Bogus,
    /// CAA records forbid a certificate.
    Forbidden,
    /// Only the port differs.
    WrongPort,
    /// The answer comes from a wildcard.
    Wildcard,
}

impl HintKind {
    /// Returns the machine-readable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DoubledDomain => "doubled_domain",
            Self::AliasAtApex => "alias_at_apex",
            Self::AliasBesideData => "alias_beside_data",
            Self::AliasAsTarget => "alias_as_target",
            Self::QuotesInText => "quotes_in_text",
            Self::SplitText => "split_text",
            Self::OldAddress => "old_address",
            Self::DanglingTarget => "dangling_target",
            Self::Takeover => "takeover",
            Self::MissingIpv6 => "missing_ipv6",
            Self::UnwantedIpv6 => "unwanted_ipv6",
            Self::Bogus => "bogus",
            Self::Forbidden => "forbidden",
            Self::WrongPort => "wrong_port",
            Self::Wildcard => "wildcard",
        }
    }
}

/// A probable cause, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Kind of mistake.
    pub kind: HintKind,
    /// A sentence that ends with what to do.
    pub text: String,
}
