//! Judges how far a probe came towards a host: names, port, certificate.

use jiff::Timestamp;

use super::check::{CheckKind, ProbeCheck, Visibility};
use super::{Arrival, Certificate, Link, Names};
use crate::model::count;
use crate::transport::TlsProblem;

/// From how many days before its end a certificate is mentioned. Authorities that renew by themselves do so a month
/// before.
const SOON_DAYS: i64 = 14;

/// The checks of one host: the page's, or the API's.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostKinds {
    pub(super) names: CheckKind,
    pub(super) port: CheckKind,
    pub(super) certificate: CheckKind,
    /// What the host is, as the subject of a sentence.
    pub(super) role: &'static str,
}

/// The page's host.
pub(super) const UI: HostKinds = HostKinds {
    names: CheckKind::Names,
    port: CheckKind::Port,
    certificate: CheckKind::Certificate,
    role: "the user interface",
};

/// The API's host.
pub(super) const API: HostKinds = HostKinds {
    names: CheckKind::ApiNames,
    port: CheckKind::ApiPort,
    certificate: CheckKind::ApiCertificate,
    role: "the API",
};

/// Judges an arrival; the last check says how far it came.
pub(super) fn checks(arrival: &Arrival, kinds: HostKinds, now: Timestamp) -> Vec<ProbeCheck> {
    let mut checks = vec![names(arrival, kinds)];
    if let Some(link) = &arrival.link {
        checks.push(port(arrival, link, kinds));
        checks.extend(certificate(arrival, link, kinds, now));
    }
    checks
}

fn verdict(
    kind: CheckKind,
    verdict: Visibility,
    sentence: String,
    remedy: Option<String>,
) -> ProbeCheck {
    ProbeCheck {
        kind,
        verdict,
        sentence,
        remedy,
        origin: None,
        took: None,
        ends: None,
    }
}

fn names(arrival: &Arrival, kinds: HostKinds) -> ProbeCheck {
    let host = &arrival.host;
    match &arrival.names {
        Names::Found(addresses) => {
            let listed: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
            let sentence = format!("{host} has the address {}", listed.join(", "));
            verdict(kinds.names, Visibility::Visible, sentence, None)
        }
        Names::Pinned(address) => {
            let sentence = format!("{host} was looked for at {address}, as you asked");
            verdict(kinds.names, Visibility::Visible, sentence, None)
        }
        Names::Absent => verdict(
            kinds.names,
            Visibility::Broken,
            format!(
                "the name {host} has no address in DNS, so no browser finds {}",
                kinds.role
            ),
            Some(match kinds.names {
                CheckKind::Names => format!(
                    "enter an A, AAAA or CNAME record for {host} that leads to the user interface: `emblazon dns letter` and the account's name writes down what to enter, and `emblazon apply` enters it where the tree says `dns: manage`"
                ),
                _ => format!("enter a record for {host}, or correct `api.default` in js/config.js"),
            }),
        ),
        Names::Unknown(reason) => verdict(
            kinds.names,
            Visibility::Unknown,
            format!("the address of {host} could not be asked for: {reason}"),
            Some(
                "check the resolvers (dns.resolvers in emblazon.yaml), and probe again".to_owned(),
            ),
        ),
    }
}

fn port(arrival: &Arrival, link: &Link, kinds: HostKinds) -> ProbeCheck {
    let Arrival { host, port, .. } = arrival;
    let mut check = match link {
        Link::Secure(_) | Link::Plain | Link::Untrusted { .. } => verdict(
            kinds.port,
            Visibility::Visible,
            format!("{} listens at {host}:{port}", kinds.role),
            None,
        ),
        Link::Refused(address) => verdict(
            kinds.port,
            Visibility::Broken,
            format!("nothing listens at {host}:{port} ({address})"),
            Some(format!(
                "start {} at this address, open the port, or correct the address in DNS",
                kinds.role
            )),
        ),
        Link::Unknown(reason) => verdict(
            kinds.port,
            Visibility::Unknown,
            format!("{host}:{port} could not be reached: {reason}"),
            Some(format!(
                "probe from where customers are; for a host inside a network, name its address: --resolve {host}:{port}:ADDRESS"
            )),
        ),
    };
    check.took = Some(arrival.took);
    check
}

fn certificate(
    arrival: &Arrival,
    link: &Link,
    kinds: HostKinds,
    now: Timestamp,
) -> Option<ProbeCheck> {
    let host = &arrival.host;
    Some(match link {
        Link::Secure(certificate) => valid(host, certificate, kinds, now),
        Link::Untrusted { problem, sent } => ProbeCheck {
            ends: match problem {
                TlsProblem::Expired(_) => sent.first().map(|it| it.not_after),
                _ => None,
            },
            ..verdict(
                kinds.certificate,
                Visibility::Broken,
                format!("browsers refuse {host}: {}", seen(problem, sent)),
                Some(remedy(host, problem, sent)),
            )
        },
        Link::Plain | Link::Refused(_) | Link::Unknown(_) => return None,
    })
}

fn valid(host: &str, certificate: &Certificate, kinds: HostKinds, now: Timestamp) -> ProbeCheck {
    let days = certificate.days_left(now);
    let left = count(usize::try_from(days).unwrap_or(0), "day");
    let sentence = format!(
        "the certificate of {host} is valid until {}, {left} from now",
        certificate.not_after
    );
    let remedy = (days < SOON_DAYS).then(|| {
        format!(
            "have the certificate of {host} renewed before {}",
            certificate.not_after
        )
    });
    ProbeCheck {
        ends: Some(certificate.not_after),
        ..verdict(kinds.certificate, Visibility::Visible, sentence, remedy)
    }
}

/// Returns whether a server probably left out the certificates between its own and the authority's.
fn is_incomplete(problem: &TlsProblem, sent: &[Certificate]) -> bool {
    *problem == TlsProblem::UnknownAuthority && sent.len() == 1 && !sent[0].is_self_issued
}

pub(super) fn seen(problem: &TlsProblem, sent: &[Certificate]) -> String {
    match problem {
        problem if is_incomplete(problem, sent) => format!(
            "the server sends only its own certificate, issued by \"{}\", and no authority that this machine knows has that name",
            sent[0].issuer
        ),
        problem => problem.to_string(),
    }
}

pub(super) fn remedy(host: &str, problem: &TlsProblem, sent: &[Certificate]) -> String {
    match problem {
        problem if is_incomplete(problem, sent) => format!(
            "have the server send the whole chain (such as fullchain.pem); if \"{}\" is an authority of your own that customers trust, name its certificate as `ca_file` of the cluster",
            sent[0].issuer
        ),
        TlsProblem::NotTls => format!("have the port speak TLS, with a certificate for {host}"),
        TlsProblem::Closed | TlsProblem::Refused(_) | TlsProblem::Other(_) => {
            format!("check that the server has a certificate for {host}, and speaks TLS 1.2 or 1.3")
        }
        TlsProblem::WrongName(_) => format!("have a certificate issued for {host}"),
        TlsProblem::UnknownAuthority => "use a certificate of a public authority; if this one is your own and customers trust it, name its certificate as `ca_file` of the cluster".to_owned(),
        TlsProblem::Expired(_)
        | TlsProblem::NotValidYet(_)
        | TlsProblem::CaUsedAsServer
        | TlsProblem::Revoked
        | TlsProblem::Certificate(_) => format!("have a new certificate issued for {host}"),
    }
}
