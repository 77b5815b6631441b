//! A hash chain of JSON lines: each begins with the SHA-256 of itself and of the line before.
//!
//! A truncated file has fewer lines, but the ones left are valid; a damaged line is detected.

use std::io;

use serde::Serialize;

use crate::model::{Digest, DigestWriter};

/// Encodes a value as the line after another one, and returns it with the digest that the next line continues from.
pub(crate) fn line(
    before: Option<&Digest>,
    value: &impl Serialize,
) -> io::Result<(Vec<u8>, Digest)> {
    let json = serde_json::to_vec(value)?;
    let digest = chained(before, &json);
    let mut line = digest.as_str().as_bytes().to_vec();
    line.push(b' ');
    line.extend(json);
    line.push(b'\n');
    Ok((line, digest))
}

/// Returns the digest and the content of a line, if it is complete and follows the line before.
pub(crate) fn unchained<'t>(before: Option<&Digest>, line: &'t [u8]) -> Option<(Digest, &'t [u8])> {
    let mut parts = line.strip_suffix(b"\n")?.splitn(2, |byte| *byte == b' ');
    let (digest, json) = (parts.next()?, parts.next()?);
    let expected = chained(before, json);
    (digest == expected.as_str().as_bytes()).then_some((expected, json))
}

/// Computes the digest of a line and of all before it.
fn chained(before: Option<&Digest>, json: &[u8]) -> Digest {
    let mut digest = DigestWriter::default();
    digest.bytes(before.map_or("", Digest::as_str).as_bytes());
    digest.bytes(json);
    digest.digest()
}
