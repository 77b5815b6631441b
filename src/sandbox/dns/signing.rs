//! Makes a zone look signed: a key, what the parent says of it, and signatures that nobody verifies.

use hickory_proto::ProtoError;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, RRSIG, SigInput};
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKeyBuf};
use hickory_proto::rr::{Name, RData, Record, RecordType as WireType, SerialNumber};

use super::DnssecSeed;
use crate::sandbox::clock::Clock;

/// The length of an Ed25519 key (RFC 8080).
const KEY_LENGTH: usize = 32;

/// The signing of a zone.
#[derive(Clone, Debug)]
pub(super) struct Signing {
    apex: Name,
    key: DNSKEY,
    vouched: DS,
    seed: DnssecSeed,
}

impl Signing {
    pub(super) fn new(apex: &Name, seed: DnssecSeed) -> Result<Self, ProtoError> {
        let of = |octet| {
            let key = PublicKeyBuf::new(vec![octet; KEY_LENGTH], Algorithm::ED25519);
            DNSKEY::new(true, true, false, key)
        };
        let key = of(1);
        let known = if seed.is_other_key { of(2) } else { of(1) };
        let digest = known.to_digest(apex, DigestType::SHA256)?;
        let vouched = DS::new(
            known.calculate_key_tag()?,
            Algorithm::ED25519,
            DigestType::SHA256,
            digest.as_ref().to_vec(),
        );
        Ok(Self {
            apex: apex.clone(),
            key,
            vouched,
            seed,
        })
    }

    /// Returns the zone's key.
    pub(super) fn key(&self) -> RData {
        RData::DNSSEC(DNSSECRData::DNSKEY(self.key.clone()))
    }

    /// Returns what the parent zone says of the key.
    pub(super) fn vouched(&self) -> Record {
        let data = RData::DNSSEC(DNSSECRData::DS(self.vouched.clone()));
        Record::from_rdata(self.apex.clone(), 3600, data)
    }

    /// Returns a signature of the records of a name and type.
    pub(super) fn signature(&self, name: &Name, wire_type: WireType) -> Option<Record> {
        let now = i64::try_from(Clock::default().unix_millis() / 1000).ok()?;
        let end = now + 3600 * i64::from(self.seed.ends_in_hours);
        let input = SigInput {
            type_covered: wire_type,
            algorithm: Algorithm::ED25519,
            num_labels: name.num_labels(),
            original_ttl: 3600,
            sig_expiration: SerialNumber::new(u32::try_from(end).ok()?),
            sig_inception: SerialNumber::new(u32::try_from(end - 14 * 86_400).ok()?),
            key_tag: self.key.calculate_key_tag().ok()?,
            signer_name: self.apex.clone(),
        };
        let data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, vec![0; 64])));
        Some(Record::from_rdata(name.clone(), 3600, data))
    }
}
