//! The keys that updates may be signed with, and signatures by them (RFC 8945).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError};
use hickory_proto::rr::{Name, TSigResponseContext, TSigner};

use super::{DnsError, KeySeed, wire};
use crate::sandbox::clock::Clock;

/// The permitted clock skew between both ends, in seconds (RFC 8945, section 10).
const FUDGE: u16 = 300;

/// The keys that updates may be signed with.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<Name, TSigner>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Keys {
    pub(super) fn new(seeds: &BTreeMap<String, KeySeed>) -> Result<Self, DnsError> {
        let mut keys = BTreeMap::new();
        for (name, seed) in seeds {
            let wrong = |reason: String| DnsError::Key {
                name: name.clone(),
                reason,
            };
            let algorithm = match seed.algorithm.as_str() {
                "hmac-sha256" => TsigAlgorithm::HmacSha256,
                "hmac-sha384" => TsigAlgorithm::HmacSha384,
                "hmac-sha512" => TsigAlgorithm::HmacSha512,
                other => return Err(wrong(format!("the algorithm {other:?} is not supported"))),
            };
            let secret = STANDARD
                .decode(&seed.secret)
                .map_err(|_| wrong("the secret is not in base 64".to_owned()))?;
            let wire_name = wire::name(name).map_err(|error| wrong(error.to_string()))?;
            let signer = TSigner::new(secret, algorithm, wire_name.clone(), FUDGE)
                .map_err(|error| wrong(error.to_string()))?;
            keys.insert(wire_name, signer);
        }
        Ok(Self(keys))
    }
}

/// Signs the response to a signed query, or rejects the query; `None` when the response cannot be encoded.
pub(super) fn sign(
    keys: &Keys,
    packet: &[u8],
    request: &Message,
    mut response: Message,
) -> Option<Message> {
    if request.signature().is_none() {
        return Some(response);
    }
    let now = Clock::default().unix_millis() / 1000;
    let context = match authenticate(keys, packet, request, now) {
        Ok(context) => Some(context),
        Err((code, context)) => {
            response.answers.clear();
            response.authorities.clear();
            response.metadata.response_code = code;
            context
        }
    };
    if let Some(context) = context {
        let encoded = response.to_vec().ok()?;
        response.set_signature(context.sign(&encoded).ok()?);
    }
    Some(response)
}

/// Verifies the TSIG signature, in the order of RFC 8945, section 5.2: key, signature, time.
pub(super) fn authenticate(
    keys: &Keys,
    packet: &[u8],
    request: &Message,
    now: u64,
) -> Result<TSigResponseContext, (ResponseCode, Option<TSigResponseContext>)> {
    let Some(signature) = request.signature() else {
        return Err((ResponseCode::Refused, None));
    };
    let id = request.id;
    let Some(signer) = keys.0.get(&signature.name.to_lowercase()) else {
        let context = TSigResponseContext::unknown_key(id, now, signature.name.clone());
        return Err((ResponseCode::NotAuth, Some(context)));
    };
    let Ok((mac, _, valid)) = signer.verify_message_byte(packet, None, true) else {
        let context = TSigResponseContext::bad_signature(id, now, signer.clone());
        return Err((ResponseCode::NotAuth, Some(context)));
    };
    let context = |error| TSigResponseContext::new(id, now, signer.clone(), mac, error);
    if valid.contains(&now) {
        Ok(context(None))
    } else {
        let context = context(Some(TsigError::BadTime));
        Err((ResponseCode::NotAuth, Some(context)))
    }
}
