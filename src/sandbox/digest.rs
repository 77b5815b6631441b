//! The SHA-1 digest (FIPS 180-4), which `user_auth` accepts in addition to MD5 (A3).

use std::fmt::Write as _;

/// Computes the SHA-1 digest of some bytes as 40 lower-case hexadecimal digits.
///
/// It has no security purpose: the sandbox only compares it with what a caller sends.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&((bytes.len() as u64).wrapping_mul(8)).to_be_bytes());
    let mut state: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    for block in message.chunks_exact(64) {
        let added = rounds(state, &schedule(block));
        for (sum, value) in state.iter_mut().zip(added) {
            *sum = sum.wrapping_add(value);
        }
    }
    state
        .iter()
        .fold(String::with_capacity(40), |mut text, word| {
            let _ = write!(text, "{word:08x}");
            text
        })
}

/// Prepares the message schedule of one block (FIPS 180-4, 6.1.2, step 1).
fn schedule(block: &[u8]) -> [u32; 80] {
    let mut words = [0_u32; 80];
    for (word, text) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = text.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    }
    for step in 16..80 {
        words[step] = (words[step - 3] ^ words[step - 8] ^ words[step - 14] ^ words[step - 16])
            .rotate_left(1);
    }
    words
}

/// Runs the 80 rounds of one block (FIPS 180-4, 6.1.2, step 3).
fn rounds(mut state: [u32; 5], words: &[u32; 80]) -> [u32; 5] {
    for (step, word) in words.iter().enumerate() {
        let [first, x, y, z, last] = state;
        let (mix, constant) = match step / 20 {
            0 => ((x & y) | (!x & z), 0x5a82_7999),
            1 => (x ^ y ^ z, 0x6ed9_eba1),
            2 => ((x & y) | (x & z) | (y & z), 0x8f1b_bcdc),
            _ => (x ^ y ^ z, 0xca62_c1d6_u32),
        };
        let next = first
            .rotate_left(5)
            .wrapping_add(mix)
            .wrapping_add(last)
            .wrapping_add(constant)
            .wrapping_add(*word);
        state = [next, first, x.rotate_left(30), y, z];
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples from the companion document of FIPS 180-4, and the empty message.
    #[test]
    fn known_digests() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(sha1_hex(text.as_bytes()), expected, "{text}");
        }
        check("", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        check("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
        check(
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        );
    }
}
