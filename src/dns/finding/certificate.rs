//! Who may issue certificates for a brand's hosts (RFC 8659).

use std::collections::{BTreeMap, BTreeSet};

use super::{DomainFinding, FindingKind};
use crate::dns::Expected;
use crate::model::count_of;
use crate::model::record::{RecordData, RecordName, RecordType};

/// The bit of a property that an issuer must understand (RFC 8659, section 4.1).
const CRITICAL: u8 = 0x80;
/// The properties that issuers know.
const KNOWN: [&str; 6] = [
    "issue",
    "issuewild",
    "iodef",
    "contactemail",
    "contactphone",
    "issuemail",
];

/// The CAA records that count for a host, and the name that has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dns) struct Permission {
    pub(in crate::dns) host: RecordName,
    pub(in crate::dns) owner: RecordName,
    pub(in crate::dns) records: BTreeSet<RecordData>,
    /// How many servers of how many have them, where not all do.
    pub(in crate::dns) share: Option<(usize, usize)>,
}

/// Returns whether a host of the template needs a certificate: it has addresses or is an alias, and it is not there for SIP
/// or mail alone.
pub(in crate::dns) fn is_for_browsers(host: &Expected, expected: &[Expected]) -> bool {
    let name = &host.question.name;
    let leads_somewhere = matches!(
        host.question.record_type,
        RecordType::A | RecordType::Aaaa | RecordType::Cname
    );
    let mut others = expected
        .iter()
        .filter(|other| matches!(other.question.record_type, RecordType::Srv | RecordType::Mx))
        .flat_map(|other| &other.records);
    leads_somewhere && !others.any(|record| record.target() == Some(name))
}

/// Returns who is kept from issuing certificates: everybody, or those that serve the platform.
pub(in crate::dns) fn certificates(
    permissions: &[Permission],
    authorities: &[String],
) -> Vec<DomainFinding> {
    let mut kept: BTreeMap<&RecordName, Vec<&Permission>> = BTreeMap::new();
    for permission in permissions {
        let issuers = issuers(&permission.records);
        let is_ours = |issuer: &String| authorities.iter().any(|ours| ours == issuer);
        let forbids = issuers.as_ref().is_some_and(|issuers| {
            issuers.is_empty() || !authorities.is_empty() && !issuers.iter().any(is_ours)
        });
        if forbids {
            kept.entry(&permission.owner).or_default().push(permission);
        }
    }
    let kept = kept.into_iter();
    kept.map(|(owner, permissions)| of_owner(owner, &permissions, authorities))
        .collect()
}

fn of_owner(
    owner: &RecordName,
    permissions: &[&Permission],
    authorities: &[String],
) -> DomainFinding {
    let hosts: BTreeSet<&str> = permissions.iter().map(|it| it.host.as_str()).collect();
    let hosts = hosts.into_iter().collect::<Vec<_>>().join(", ");
    let issuers: BTreeSet<String> = permissions
        .iter()
        .filter_map(|it| issuers(&it.records))
        .flatten()
        .collect();
    if issuers.is_empty() {
        let mut shares = permissions.iter().filter_map(|it| it.share);
        let by = shares.next().map_or_else(String::new, |(some, all)| {
            format!(
                ", according to {}, so that it depends on chance",
                count_of(some, all, "server")
            )
        });
        let sentence = format!("CAA at {owner} forbids every certificate for {hosts}{by}");
        return DomainFinding::new(FindingKind::NoCertificates, owner, sentence);
    }
    let issuers = issuers.into_iter().collect::<Vec<_>>().join(", ");
    let sentence = format!(
        "CAA at {owner} lets only {issuers} issue certificates, so that {} cannot for {hosts}",
        authorities.join(" or ")
    );
    DomainFinding::new(FindingKind::OtherAuthority, owner, sentence)
}

/// Returns the issuers that CAA records name; `None` where everybody may issue, and none where nobody may.
fn issuers(records: &BTreeSet<RecordData>) -> Option<BTreeSet<String>> {
    let mut issuers: Option<BTreeSet<String>> = None;
    for record in records {
        let RecordData::Caa { flags, tag, value } = record else {
            continue;
        };
        if flags & CRITICAL != 0 && !KNOWN.contains(&tag.as_str()) {
            return Some(BTreeSet::new());
        }
        if tag == "issue" {
            let issuer = value.split(';').next().unwrap_or_default().trim();
            let issuers = issuers.get_or_insert_default();
            issuers.extend((!issuer.is_empty()).then(|| issuer.to_ascii_lowercase()));
        }
    }
    issuers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_issue() {
        #[track_caller]
        fn check(records: &[&str], authorities: &[&str], expected: Option<FindingKind>) {
            let parse = |text: &&str| RecordData::parse(RecordType::Caa, text).unwrap();
            let name = RecordName::observed("acme.example");
            let permission = Permission {
                host: name.clone(),
                owner: name,
                records: records.iter().map(parse).collect(),
                share: None,
            };
            let authorities: Vec<String> = authorities.iter().map(ToString::to_string).collect();
            let found = certificates(&[permission], &authorities);
            assert_eq!(found.first().map(|it| it.kind), expected, "{records:?}");
        }
        const OURS: &[&str] = &["letsencrypt.org"];
        check(&[], OURS, None);
        check(&["0 issue \"letsencrypt.org\""], OURS, None);
        check(
            &["0 issue \"LetsEncrypt.org; validationmethods=dns-01\""],
            OURS,
            None,
        );
        check(
            &["0 issue \"digicert.com\"", "0 issue \"letsencrypt.org\""],
            OURS,
            None,
        );
        check(
            &["0 issue \"digicert.com\""],
            OURS,
            Some(FindingKind::OtherAuthority),
        );
        check(&["0 issue \"digicert.com\""], &[], None);
        check(&["0 issue \";\""], &[], Some(FindingKind::NoCertificates));
        check(
            &["0 issue \";\"", "0 issue \"letsencrypt.org\""],
            OURS,
            None,
        );
        // Wildcards are none of ours, and reports forbid nothing.
        check(&["0 issuewild \";\""], OURS, None);
        check(&["0 iodef \"mailto:a@acme.example\""], OURS, None);
        check(
            &["128 tbs \"x\"", "0 issue \"letsencrypt.org\""],
            OURS,
            Some(FindingKind::NoCertificates),
        );
    }
}
