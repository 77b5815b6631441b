//! A certificate authority, for servers on loopback (RFC 5280).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::sandbox::SandboxError;

/// `ecdsa-with-SHA256` (RFC 5758, section 3.2), as an algorithm without parameters.
const ECDSA_SHA256: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];
/// `id-ecPublicKey` with the curve P-256 (RFC 5480, section 2.1.1).
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const GENERALIZED_TIME: u8 = 0x18;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const DNS_NAME: u8 = 0x82;

/// The validity of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// A certificate authority; it lives as long as the process.
pub struct Authority {
    name: String,
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    /// The certificates between this authority and the one that is trusted, in the order of a chain.
    chain: Vec<Vec<u8>>,
    random: SystemRandom,
}

/// A server's certificate, its chain and its key.
pub struct Issued {
    /// The certificate, and those between it and the authority that is trusted.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose<'a> {
    Authority,
    Server(&'a [&'a str]),
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({:?})", self.name)
    }
}

impl Authority {
    /// Creates an authority that signs itself.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(name: &str, term: Term) -> Result<Self, SandboxError> {
        let random = SystemRandom::new();
        let (key, _) = key_pair(&random)?;
        let public = key.public_key().as_ref();
        let signed = signed(
            &key,
            &random,
            (name, name),
            term,
            (public, Purpose::Authority),
        )?;
        Ok(Self {
            name: name.to_owned(),
            key,
            certificate: signed,
            chain: Vec::new(),
            random,
        })
    }

    /// Creates an authority below this one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn intermediate(&self, name: &str, term: Term) -> Result<Self, SandboxError> {
        let random = SystemRandom::new();
        let (key, _) = key_pair(&random)?;
        let subject = (key.public_key().as_ref(), Purpose::Authority);
        let certificate = signed(&self.key, &random, (&self.name, name), term, subject)?;
        let mut chain = vec![certificate.clone()];
        chain.extend(self.chain.iter().cloned());
        Ok(Self {
            name: name.to_owned(),
            key,
            certificate,
            chain,
            random,
        })
    }

    /// Issues a certificate for a server with these names.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn issue(&self, names: &[&str], term: Term) -> Result<Issued, SandboxError> {
        let (key, document) = key_pair(&self.random)?;
        let subject = names.first().copied().unwrap_or("localhost");
        let purpose = (key.public_key().as_ref(), Purpose::Server(names));
        let own = signed(
            &self.key,
            &self.random,
            (&self.name, subject),
            term,
            purpose,
        )?;
        let chain = std::iter::once(own).chain(self.chain.iter().cloned());
        Ok(Issued {
            chain: chain.map(CertificateDer::from).collect(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(document)),
        })
    }

    /// Returns the authority's own certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }
}

fn key_pair(random: &SystemRandom) -> Result<(EcdsaKeyPair, Vec<u8>), SandboxError> {
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let document =
        EcdsaKeyPair::generate_pkcs8(algorithm, random).map_err(|_| SandboxError::Key)?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), random);
    let pair = pair.map_err(|_| SandboxError::Key)?;
    Ok((pair, document.as_ref().to_vec()))
}

/// Builds a certificate from issuer and subject, and signs it.
fn signed(
    signer: &EcdsaKeyPair,
    random: &SystemRandom,
    (issuer, subject): (&str, &str),
    term: Term,
    (public, purpose): (&[u8], Purpose<'_>),
) -> Result<Vec<u8>, SandboxError> {
    let mut serial = [0; 8];
    ring::rand::SecureRandom::fill(random, &mut serial).map_err(|_| SandboxError::Key)?;
    // A positive number without leading zeros.
    serial[0] = serial[0] & 0x3f | 0x40;
    let body = element(
        SEQUENCE,
        &[
            // Version 3.
            element(0xa0, &[element(INTEGER, &[vec![2]])]),
            element(INTEGER, &[serial.to_vec()]),
            ECDSA_SHA256.to_vec(),
            name(issuer),
            element(SEQUENCE, &[time(term.from), time(term.until)]),
            name(subject),
            element(
                SEQUENCE,
                &[
                    P256.to_vec(),
                    element(BIT_STRING, &[vec![0], public.to_vec()]),
                ],
            ),
            element(0xa3, &[element(SEQUENCE, &extensions(purpose))]),
        ],
    );
    let signature = signer.sign(random, &body).map_err(|_| SandboxError::Key)?;
    let signature = element(BIT_STRING, &[vec![0], signature.as_ref().to_vec()]);
    Ok(element(SEQUENCE, &[body, ECDSA_SHA256.to_vec(), signature]))
}

fn extensions(purpose: Purpose<'_>) -> Vec<Vec<u8>> {
    match purpose {
        Purpose::Authority => vec![
            extension(
                BASIC_CONSTRAINTS,
                true,
                &element(SEQUENCE, &[element(BOOLEAN, &[vec![0xff]])]),
            ),
            // keyCertSign and cRLSign, with one unused bit.
            extension(KEY_USAGE, true, &element(BIT_STRING, &[vec![1, 0x06]])),
        ],
        Purpose::Server(names) => {
            let names: Vec<Vec<u8>> = names
                .iter()
                .map(|name| element(DNS_NAME, &[name.as_bytes().to_vec()]))
                .collect();
            let usage = element(OBJECT_ID, &[SERVER_AUTH.to_vec()]);
            vec![
                extension(SUBJECT_ALT_NAME, false, &element(SEQUENCE, &names)),
                extension(EXTENDED_KEY_USAGE, false, &element(SEQUENCE, &[usage])),
            ]
        }
    }
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![element(OBJECT_ID, &[id.to_vec()])];
    if critical {
        parts.push(element(BOOLEAN, &[vec![0xff]]));
    }
    parts.push(element(OCTET_STRING, &[value.to_vec()]));
    element(SEQUENCE, &parts)
}

fn name(text: &str) -> Vec<u8> {
    let kind = element(OBJECT_ID, &[COMMON_NAME.to_vec()]);
    let value = element(UTF8_STRING, &[text.as_bytes().to_vec()]);
    element(
        SEQUENCE,
        &[element(SET, &[element(SEQUENCE, &[kind, value])])],
    )
}

/// Writes a time; from 2050 on, with four digits of the year (RFC 5280, section 4.1.2.5).
fn time(time: Timestamp) -> Vec<u8> {
    let date = TimeZone::UTC.to_datetime(time);
    let (tag, form) = if (1950..2050).contains(&date.year()) {
        (UTC_TIME, "%y%m%d%H%M%SZ")
    } else {
        (GENERALIZED_TIME, "%Y%m%d%H%M%SZ")
    };
    element(tag, &[date.strftime(form).to_string().into_bytes()])
}

/// Writes an element with its length (X.690, section 8.1).
fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    let digits = content.len().to_be_bytes();
    let significant = digits.iter().position(|digit| *digit != 0);
    let digits = &digits[significant.unwrap_or(digits.len() - 1)..];
    match digits {
        [short] if *short < 0x80 => bytes.push(*short),
        long => {
            // A length has at most eight digits.
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
            bytes.extend_from_slice(long);
        }
    }
    bytes.extend(content);
    bytes
}
