//! The gzip format (RFC 1952) with stored blocks, which are not compressed.
//!
//! A real server compresses if the client accepts it (E18), so clients must be able to decode gzip; on loopback, actual
//! compression would save nothing.

/// The CRC-32 lookup table (RFC 1952, section 8).
const REMAINDERS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut remainder = byte;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 {
                0xedb8_8320 ^ (remainder >> 1)
            } else {
                remainder >> 1
            };
            bit += 1;
        }
        table[byte as usize] = remainder;
        byte += 1;
    }
    table
};

/// Wraps bytes in the gzip format.
pub(crate) fn wrap(bytes: &[u8]) -> Vec<u8> {
    let mut wrapped = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        // RFC 1951, section 3.2.4: the last-block bit, then length and its complement.
        wrapped.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        wrapped.extend_from_slice(&length.to_le_bytes());
        wrapped.extend_from_slice(&(!length).to_le_bytes());
        wrapped.extend_from_slice(block);
    }
    wrapped.extend_from_slice(&checksum(bytes).to_le_bytes());
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    wrapped.extend_from_slice(&length.to_le_bytes());
    wrapped
}

fn checksum(bytes: &[u8]) -> u32 {
    let remainder = bytes.iter().fold(u32::MAX, |remainder, byte| {
        let index = (remainder ^ u32::from(*byte)) & 0xff;
        REMAINDERS[index as usize] ^ (remainder >> 8)
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard check value of CRC-32.
    #[test]
    fn check_value() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }
}
