//! Lines with a checksum, so that a corrupted file of the daemon is detected. Pure.

use crate::model::Digest;

/// Prefixes a text with its digest.
pub(crate) fn with_checksum(text: &str) -> String {
    format!("{} {text}", Digest::of(text.as_bytes()))
}

/// Returns the text after its digest; `None` when either is corrupted. Lines of earlier versions have no digest and
/// start with a brace, as no digest does.
pub(crate) fn verified(line: &str) -> Option<&str> {
    if line.starts_with('{') {
        return Some(line);
    }
    let (digest, text) = line.split_once(' ')?;
    (Digest::of(text.as_bytes()).as_str() == digest).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flipped_bit_is_believed() {
        let line = with_checksum(r#"{"reason":"migration","until":null}"#);
        assert_eq!(
            verified(&line),
            Some(r#"{"reason":"migration","until":null}"#)
        );
        for at in 0..line.len() {
            assert_eq!(verified(&line[..at]), None, "cut at {at}");
            for bit in 0..8 {
                let mut bytes = line.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let spoilt = String::from_utf8_lossy(&bytes);
                assert_eq!(verified(&spoilt), None, "bit {bit} of byte {at}");
            }
        }
    }
}
