//! The kinds of findings: one table of code, urgency, addressee, title and remedy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::record::RecordName;

/// How urgent a finding is. Neither changes a domain's standing: its records are judged one by one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Some customers feel it, or will.
    Warning,
    /// Worth knowing.
    Note,
}

/// Who can follow a remedy.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Addressee {
    /// Whoever runs the domain's name servers, usually the company where it is registered.
    Registrar,
    /// Whoever enters the domain's records.
    Owner,
    /// Whoever writes the template; a letter to the owner does not mention it.
    Platform,
}

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The zone above and the zone name other servers.
    NameServersDiffer,
    /// A zone has one server.
    SingleNameServer,
    /// A name server's name is an alias.
    NameServerIsAlias,
    /// A server that only the zone above names does not answer for the zone.
    LameDelegation,
    /// The zone above gives a server another address than it has.
    GlueDiffers,
    /// A server does not know EDNS.
    NoEdns,
    /// A server does not answer over TCP.
    NoTcp,
    /// The serial numbers of servers that disagree.
    Serials,
    /// No key of the zone matches a DS record.
    NoMatchingKey,
    /// Signatures end soon, or have ended.
    SignaturesEnd,
    /// CAA records forbid every certificate.
    NoCertificates,
    /// CAA records do not let our certificate authority issue.
    OtherAuthority,
    /// SRV records at a name that no standard knows.
    UnknownService,
    /// A proxy lacks a family of addresses that its siblings have.
    OneFamily,
    /// Nobody takes mail for the support address.
    NoMailServer,
    /// Anybody may send mail in the name of the support address.
    NoSenderPolicy,
    /// Several SPF policies, of which none counts.
    SeveralSenderPolicies,
    /// No DMARC policy.
    NoDmarc,
    /// Several DMARC policies, of which none counts.
    SeveralDmarc,
    /// Resolvers will remember what is to be replaced for long.
    LongMemory,
    /// A wildcard answers for every name.
    Wildcard,
}

/// A row of the table of findings.
type FindingRow = (&'static str, Urgency, Addressee, &'static str, &'static str);

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 21] = [
        Self::NameServersDiffer,
        Self::SingleNameServer,
        Self::NameServerIsAlias,
        Self::LameDelegation,
        Self::GlueDiffers,
        Self::NoEdns,
        Self::NoTcp,
        Self::Serials,
        Self::NoMatchingKey,
        Self::SignaturesEnd,
        Self::NoCertificates,
        Self::OtherAuthority,
        Self::UnknownService,
        Self::OneFamily,
        Self::NoMailServer,
        Self::NoSenderPolicy,
        Self::SeveralSenderPolicies,
        Self::NoDmarc,
        Self::SeveralDmarc,
        Self::LongMemory,
        Self::Wildcard,
    ];

    /// Returns the stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// Returns the urgency.
    #[must_use]
    pub fn urgency(self) -> Urgency {
        self.row().1
    }

    /// Returns who can follow the remedy.
    #[must_use]
    pub fn addressee(self) -> Addressee {
        self.row().2
    }

    /// Returns a short title.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().3
    }

    /// Returns what to do.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.row().4
    }

    /// The table of kinds: code, urgency, addressee, title, remedy.
    #[expect(clippy::too_many_lines, reason = "a table, one row a kind")]
    fn row(self) -> FindingRow {
        use Addressee::{Owner, Platform, Registrar};
        use Urgency::{Note, Warning};
        match self {
            Self::NameServersDiffer => (
                "dns-name-servers-differ",
                Warning,
                Registrar,
                "the name servers are not the same above the zone and in it",
                "enter the same ones where the domain is registered and in the zone",
            ),
            Self::SingleNameServer => (
                "dns-single-name-server",
                Warning,
                Registrar,
                "the zone has one name server",
                "add a second one in another network (RFC 2182, section 5)",
            ),
            Self::NameServerIsAlias => (
                "dns-name-server-is-alias",
                Warning,
                Registrar,
                "a name server is an alias",
                "name a server that has addresses itself: NS may not name an alias (RFC 2181, section 10.3)",
            ),
            Self::LameDelegation => (
                "dns-lame-delegation",
                Warning,
                Registrar,
                "the zone is delegated to a server that does not have it",
                "remove the server where the domain is registered, or have it serve the zone",
            ),
            Self::GlueDiffers => (
                "dns-glue-differs",
                Warning,
                Registrar,
                "the zone above has an old address of a name server",
                "correct the addresses of the name server where the domain is registered",
            ),
            Self::NoEdns => (
                "dns-no-edns",
                Note,
                Registrar,
                "a name server does not know EDNS",
                "have its software updated: without EDNS (RFC 6891) larger answers take a second question over TCP",
            ),
            Self::NoTcp => (
                "dns-no-tcp",
                Warning,
                Registrar,
                "a name server does not answer over TCP",
                "open port 53 for TCP too (RFC 7766): answers that do not fit one packet, such as those with NAPTR, do not arrive otherwise",
            ),
            Self::Serials => (
                "dns-serials",
                Note,
                Registrar,
                "serial numbers of servers that disagree",
                "look at the transfers from the primary to the server that is behind",
            ),
            Self::NoMatchingKey => (
                "dns-no-matching-key",
                Warning,
                Registrar,
                "no key of the zone matches its DS record",
                "have the DS record replaced by that of the zone's present key where the domain is registered, or removed",
            ),
            Self::SignaturesEnd => (
                "dns-signatures-end",
                Warning,
                Registrar,
                "DNSSEC signatures end",
                "have the zone signed again before, or its DS record removed: afterwards nobody behind a validating resolver reaches it",
            ),
            Self::NoCertificates => (
                "dns-no-certificates",
                Warning,
                Owner,
                "CAA forbids every certificate",
                "name the issuer that serves the brand's pages, or delete the record",
            ),
            Self::OtherAuthority => (
                "dns-other-authority",
                Warning,
                Owner,
                "CAA does not let our certificate authority issue",
                "add a CAA record for our certificate authority beside those that are there",
            ),
            Self::UnknownService => (
                "dns-unknown-service",
                Note,
                Platform,
                "SRV records at a name that no standard knows",
                "have the same records at _sips._tcp in the template, which is where phones look for TLS (RFC 3263, section 4.1)",
            ),
            Self::OneFamily => (
                "dns-one-family",
                Note,
                Platform,
                "a proxy lacks a family of addresses that others have",
                "give it addresses of both families in the template, or none of its siblings (RFC 7984)",
            ),
            Self::NoMailServer => (
                "dns-no-mail-server",
                Warning,
                Owner,
                "nobody takes mail for the support address",
                "add the MX record of whoever takes the domain's mail, or declare another port.support_email",
            ),
            Self::NoSenderPolicy => (
                "dns-no-sender-policy",
                Note,
                Owner,
                "anybody may send mail as the support address",
                "add an SPF record that lists who sends mail for the domain and ends in -all or ~all (RFC 7208)",
            ),
            Self::SeveralSenderPolicies => (
                "dns-several-sender-policies",
                Warning,
                Owner,
                "several SPF policies cancel each other",
                "make one TXT record of them: with several, none counts (RFC 7208, section 4.5)",
            ),
            Self::NoDmarc => (
                "dns-no-dmarc",
                Note,
                Owner,
                "no DMARC policy for the support address",
                "add a TXT record at _dmarc such as \"v=DMARC1; p=none\" (RFC 7489), without which large providers refuse some of its mail",
            ),
            Self::SeveralDmarc => (
                "dns-several-dmarc",
                Note,
                Owner,
                "several DMARC policies cancel each other",
                "leave one TXT record of them at _dmarc: with several, none counts (RFC 7489, section 6.6.3)",
            ),
            Self::LongMemory => (
                "dns-long-memory",
                Note,
                Owner,
                "resolvers remember for long what is to be replaced",
                "lower the TTL of the old record to 300 seconds now, wait that long, and only then replace it",
            ),
            Self::Wildcard => (
                "dns-wildcard",
                Note,
                Owner,
                "a wildcard answers for every name",
                "delete it, unless it is wanted",
            ),
        }
    }
}

/// Something that stands behind a domain or threatens it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DomainFinding {
    /// Its kind, which has the remedy.
    pub kind: FindingKind,
    /// The name that it is about.
    pub about: RecordName,
    /// A sentence for a support desk.
    pub sentence: String,
}

impl DomainFinding {
    pub(super) fn new(kind: FindingKind, about: &RecordName, sentence: String) -> Self {
        Self {
            kind,
            about: about.clone(),
            sentence,
        }
    }

    /// Returns the sentence, and what to do.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}; {}", self.sentence, self.kind.remedy())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_another_one_and_each_row_is_written_like_the_others() {
        let codes: BTreeSet<&str> = FindingKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), FindingKind::ALL.len());
        for kind in FindingKind::ALL {
            assert!(kind.code().starts_with("dns-"), "{}", kind.code());
            for text in [kind.title(), kind.remedy()] {
                assert!(!text.ends_with('.'), "{text}");
            }
        }
    }
}
