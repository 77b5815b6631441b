//! Whether mail to and from the support address arrives.

use super::{DomainFinding, FindingKind};
use crate::dns::Answer;
use crate::model::record::{RecordData, RecordName};

/// What DNS says about the domain of a mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dns) struct Mail {
    pub(in crate::dns) domain: RecordName,
    pub(in crate::dns) servers: Answer,
    /// Its addresses, which take its mail where it has no MX; asked for only then.
    pub(in crate::dns) address: Option<Answer>,
    pub(in crate::dns) texts: Answer,
    /// The texts at `_dmarc` of the domain and, while there is no policy, of those above.
    pub(in crate::dns) dmarc: Vec<Answer>,
}

/// Returns what keeps mail to or from a support address from arriving. What could not be asked is nothing to tell.
pub(in crate::dns) fn of_mail(mail: &Mail) -> Vec<DomainFinding> {
    let domain = &mail.domain;
    let mut found = Vec::new();
    let mut tell = |kind, sentence| found.push(DomainFinding::new(kind, domain, sentence));
    if let Some(why) = without_server(mail) {
        let sentence =
            format!("mail to the support address at {domain} cannot be delivered: {why}");
        tell(FindingKind::NoMailServer, sentence);
    }
    if let Some(texts) = mail.texts.records() {
        let policies: Vec<String> = policies(texts.iter(), "v=spf1");
        match policies.as_slice() {
            [] => tell(
                FindingKind::NoSenderPolicy,
                format!("{domain}, the domain of the support address, has no SPF record"),
            ),
            [only] if passes_all(only) => tell(
                FindingKind::NoSenderPolicy,
                format!("the SPF record of {domain} lets everybody send mail in its name"),
            ),
            [_] => {}
            several => tell(
                FindingKind::SeveralSenderPolicies,
                format!(
                    "{domain}, the domain of the support address, has {} SPF records",
                    several.len()
                ),
            ),
        }
    }
    let answered: Option<Vec<_>> = mail.dmarc.iter().map(Answer::records).collect();
    if let Some(answered) = answered {
        let has_policy = |texts: &std::collections::BTreeSet<RecordData>| {
            policies(texts.iter(), "v=dmarc1").len() == 1
        };
        if !answered.iter().any(has_policy) {
            let sentence =
                format!("{domain}, the domain of the support address, has no DMARC record");
            tell(FindingKind::NoDmarc, sentence);
        }
    }
    found
}

/// Returns why nobody takes a domain's mail, if so.
fn without_server(mail: &Mail) -> Option<&'static str> {
    let servers = mail.servers.records()?;
    let refuses = |record: &RecordData| matches!(record, RecordData::Mx { exchange, .. } if exchange.is_root());
    if !servers.is_empty() {
        // RFC 7505.
        return servers
            .iter()
            .all(refuses)
            .then_some("it takes no mail, by a null MX");
    }
    if matches!(mail.servers, Answer::NxDomain { .. }) {
        return Some("the domain does not exist");
    }
    // Without MX, the address itself counts (RFC 5321, section 5.1).
    let address = mail.address.as_ref()?.records()?;
    address
        .is_empty()
        .then_some("it has neither MX nor address")
}

/// Returns the policies of a kind among some texts, in lower case.
fn policies<'a>(records: impl Iterator<Item = &'a RecordData>, version: &str) -> Vec<String> {
    let texts = records.filter_map(|record| match record {
        RecordData::Txt(octets) => Some(String::from_utf8_lossy(octets).to_ascii_lowercase()),
        _ => None,
    });
    let is_policy = |text: &String| {
        let rest = text.strip_prefix(version);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
    };
    texts.filter(is_policy).collect()
}

fn passes_all(policy: &str) -> bool {
    let mut words = policy.split_ascii_whitespace();
    words.any(|word| matches!(word, "all" | "+all"))
}
