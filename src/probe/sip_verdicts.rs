//! Judges the servers that phones find for SIP over TLS. Browsers do not meet them, so they do not decide what customers
//! see.

use super::arrival;
use super::check::CheckKind;
use super::judge::Route;
use super::{Arrival, Certificate, Link, Names, SipSighting};
use crate::transport::TlsProblem;

const KIND: CheckKind = CheckKind::SipCertificate;

impl Route<'_> {
    pub(super) fn phones(&mut self) {
        let sighting = self.sighting;
        for phone in &sighting.phones {
            self.phone(phone);
        }
    }

    fn phone(&mut self, phone: &SipSighting) {
        let domain = self.target.host.value.as_str();
        let Arrival {
            host, port, link, ..
        } = &phone.by_domain;
        let server = format!("{host}:{port}");
        let own = phone
            .by_server
            .as_ref()
            .and_then(|arrival| arrival.link.as_ref());
        match (link, own) {
            (Some(Link::Secure(certificate)), _) => {
                let sentence = format!(
                    "the certificate of {server} is for {domain}, and valid until {}",
                    certificate.not_after
                );
                self.lasting(certificate, sentence);
            }
            // Phones that only compare the name of the server take it.
            (_, Some(Link::Secure(certificate))) => {
                let sentence = format!(
                    "the certificate of {server} is for {host} and not for {domain}, so phones that check the domain (RFC 5922) refuse it"
                );
                let remedy = format!(
                    "have {domain} added to the names of that certificate, or let phones use {host} as their server"
                );
                *self.lasting(certificate, sentence) = Some(remedy);
            }
            (Some(Link::Untrusted { problem, sent }), _) => {
                let ends = match problem {
                    TlsProblem::Expired(_) => sent.first().map(|it| it.not_after),
                    _ => None,
                };
                let sentence = format!("phones refuse {server}: {}", arrival::seen(problem, sent));
                let remedy = arrival::remedy(domain, problem, sent);
                self.broken(KIND, sentence, remedy).ends = ends;
            }
            (Some(Link::Refused(address)), _) => {
                self.broken(
                    KIND,
                    format!("nothing listens at {server} ({address}), where _sips._tcp.{domain} leads phones"),
                    "start SIP over TLS there, open the port, or take the record out of domains.yaml",
                );
            }
            (Some(Link::Unknown(reason)), _) => {
                self.unknown(
                    KIND,
                    format!("{server} could not be reached: {reason}"),
                    format!("probe from where phones are; for a host inside a network, name its address: --resolve {server}:ADDRESS"),
                );
            }
            (Some(Link::Plain) | None, _) => self.nameless(&phone.by_domain),
        }
    }

    /// Judges a server that has no address.
    fn nameless(&mut self, arrival: &Arrival) {
        let host = &arrival.host;
        match &arrival.names {
            Names::Unknown(reason) => {
                self.unknown(
                    KIND,
                    format!("the address of {host} could not be asked for: {reason}"),
                    "check the resolvers (dns.resolvers in emblazon.yaml), and probe again",
                );
            }
            Names::Absent | Names::Found(_) | Names::Pinned(_) => {
                self.broken(
                    KIND,
                    format!(
                        "the name {host}, where _sips._tcp leads phones, has no address in DNS"
                    ),
                    format!("enter a record for {host}, or correct its name in domains.yaml"),
                );
            }
        }
    }

    /// Adds a certificate that is valid; returns where its remedy goes.
    fn lasting(&mut self, certificate: &Certificate, sentence: String) -> &mut Option<String> {
        let check = self.visible(KIND, sentence);
        check.ends = Some(certificate.not_after);
        &mut check.remedy
    }
}
