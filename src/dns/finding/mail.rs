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
        let policies: Vec<String> = texts.iter().filter_map(sender_policy).collect();
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
    let counts: Option<Vec<usize>> = mail.dmarc.iter().map(dmarc_records).collect();
    // Whoever asks stops at the first name that has some.
    let count = counts.map(|counts| counts.into_iter().find(|count| *count > 0));
    match count {
        None | Some(Some(1)) => {}
        Some(None | Some(0)) => tell(
            FindingKind::NoDmarc,
            format!("{domain}, the domain of the support address, has no DMARC record"),
        ),
        Some(Some(several)) => tell(
            FindingKind::SeveralDmarc,
            format!(
                "{domain}, the domain of the support address, has {several} DMARC records, which count as none"
            ),
        ),
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

/// Returns whether nobody looks for a DMARC policy above a name with this answer: there is one, or several, or it is not
/// known whether there is (RFC 7489, section 6.6.3).
pub(in crate::dns) fn ends_search(answer: &Answer) -> bool {
    dmarc_records(answer).is_none_or(|count| count > 0)
}

/// Counts the DMARC records among the texts of an answer; `None` where there was no answer.
fn dmarc_records(answer: &Answer) -> Option<usize> {
    let records = answer.records()?;
    Some(records.iter().filter(|record| is_dmarc(record)).count())
}

/// Returns whether a text is a DMARC record: its version comes first, and precisely so (RFC 7489, section 6.3).
fn is_dmarc(record: &RecordData) -> bool {
    let RecordData::Txt(octets) = record else {
        return false;
    };
    let text = String::from_utf8_lossy(octets);
    let version = text.split(';').next().unwrap_or_default();
    let version = version.split_once('=');
    version.is_some_and(|(tag, value)| {
        tag.trim_end().eq_ignore_ascii_case("v") && value.trim() == "DMARC1"
    })
}

/// Returns an SPF record in lower case, if a text is one (RFC 7208, section 4.5).
fn sender_policy(record: &RecordData) -> Option<String> {
    let RecordData::Txt(octets) = record else {
        return None;
    };
    let text = String::from_utf8_lossy(octets).to_ascii_lowercase();
    let rest = text.strip_prefix("v=spf1")?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(text)
}

fn passes_all(policy: &str) -> bool {
    let mut words = policy.split_ascii_whitespace();
    words.any(|word| matches!(word, "all" | "+all"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Found;

    fn answer(texts: &[&str]) -> Answer {
        if texts.is_empty() {
            return Answer::NoData { negative_ttl: None };
        }
        Answer::Found(Found {
            aliases: Vec::new(),
            records: texts
                .iter()
                .map(|text| RecordData::Txt(text.as_bytes().to_vec()))
                .collect(),
            ttl: 300,
        })
    }

    #[track_caller]
    fn check(texts: &[&str], dmarc: &[&[&str]], expected: &[FindingKind]) {
        let domain = RecordName::observed("mail.acme.example");
        let server = RecordData::Mx {
            preference: Some(10),
            exchange: domain.clone(),
        };
        let mail = Mail {
            servers: Answer::Found(Found {
                aliases: Vec::new(),
                records: [server].into(),
                ttl: 300,
            }),
            domain,
            address: None,
            texts: answer(texts),
            dmarc: dmarc.iter().map(|texts| answer(texts)).collect(),
        };
        let kinds: Vec<FindingKind> = of_mail(&mail).iter().map(|it| it.kind).collect();
        assert_eq!(kinds, expected, "{texts:?} {dmarc:?}");
    }

    #[test]
    fn policies_are_found_among_other_texts() {
        use FindingKind::{NoDmarc, NoSenderPolicy, SeveralDmarc, SeveralSenderPolicies};
        const SPF: &str = "v=spf1 mx -all";
        const DMARC: &str = "v=DMARC1; p=none";
        check(&[SPF], &[&[DMARC]], &[]);
        check(&["site-check=1", SPF, "x"], &[&["y", DMARC, "z"]], &[]);
        check(&["V=SPF1 -ALL"], &[&["v = DMARC1;p=reject"]], &[]);
        check(&["v=spf1"], &[&["v=DMARC1"]], &[]);
        check(&[], &[&[DMARC]], &[NoSenderPolicy]);
        check(&["v=spf10 -all", "v=spf1;"], &[&[DMARC]], &[NoSenderPolicy]);
        check(&["v=spf1 a +all"], &[&[DMARC]], &[NoSenderPolicy]);
        check(&[SPF, "v=spf1 -all"], &[&[DMARC]], &[SeveralSenderPolicies]);
        check(&[SPF], &[&[]], &[NoDmarc]);
        check(&[SPF], &[&["x"], &["y"]], &[NoDmarc]);
        check(&[SPF], &[&["v=dmarc1; p=none"]], &[NoDmarc]);
        check(&[SPF], &[&["v=DMARC12"]], &[NoDmarc]);
        check(&[SPF], &[&["p=none; v=DMARC1"]], &[NoDmarc]);
        // The one above counts only where there is none.
        check(&[SPF], &[&["x"], &[DMARC]], &[]);
        check(&[SPF], &[&[DMARC, "v=DMARC1; p=reject"]], &[SeveralDmarc]);
        check(&[SPF], &[&[], &[DMARC, "v=DMARC1"]], &[SeveralDmarc]);
    }

    #[test]
    fn the_search_ends_where_something_is_said() {
        use crate::dns::Failure;
        assert!(!ends_search(&answer(&[])));
        assert!(!ends_search(&answer(&["x", "y"])));
        assert!(ends_search(&answer(&["x", "v=DMARC1; p=none"])));
        assert!(ends_search(&answer(&["v=DMARC1", "v=DMARC1; p=none"])));
        assert!(ends_search(&Answer::Failed(Failure::TimedOut)));
    }
}
