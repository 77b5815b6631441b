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

/// Returns whether a last line that does not follow may be what an interrupted write left: it has no end, and is not a whole
/// line whose end was damaged.
pub(crate) fn is_torn(before: &Digest, line: &[u8]) -> bool {
    let Some((_, rest)) = line.split_last() else {
        return true;
    };
    let mended = [rest, b"\n"].concat();
    !line.ends_with(b"\n") && unchained(Some(before), &mended).is_none()
}

/// Computes the digest of a line and of all before it.
fn chained(before: Option<&Digest>, json: &[u8]) -> Digest {
    let mut digest = DigestWriter::default();
    digest.bytes(before.map_or("", Digest::as_str).as_bytes());
    digest.bytes(json);
    digest.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_whose_end_was_damaged_is_not_one_that_was_never_finished() {
        let (first, before) = line(None, &"first").unwrap();
        let (second, _) = line(Some(&before), &"second").unwrap();
        assert!(unchained(None, &first).is_some());
        for cut in 0..second.len() - 1 {
            assert!(is_torn(&before, &second[..cut]), "cut at {cut}");
        }
        for bit in 0..8 {
            let mut damaged = second.clone();
            *damaged.last_mut().unwrap() ^= 1 << bit;
            assert!(!is_torn(&before, &damaged), "bit {bit} of its end");
        }
        assert!(!is_torn(&before, &second));
    }
}
