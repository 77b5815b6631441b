//! The MD5 message digest (RFC 1321).

use std::fmt::Write as _;

/// Rotations of the four rounds (RFC 1321, section 3.4).
const ROTATIONS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// Computes the MD5 digest of some bytes as 32 lower-case hexadecimal digits.
///
/// Kazoo's `user_auth` expects credentials as `md5(user:password)` (A3). MD5 protects nothing, and nothing else uses
/// it.
#[must_use]
pub fn md5_hex(bytes: &[u8]) -> String {
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let sines = sines();
    for block in padded(bytes).chunks_exact(64) {
        let mut words = [0_u32; 16];
        for (word, text) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = text
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        }
        let added = rounds(state, &words, &sines);
        for (sum, value) in state.iter_mut().zip(added) {
            *sum = sum.wrapping_add(value);
        }
    }
    state.iter().flat_map(|word| word.to_le_bytes()).fold(
        String::with_capacity(32),
        |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

/// Appends the padding and the length in bits (RFC 1321, sections 3.1 and 3.2).
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    let bits = (bytes.len() as u64).wrapping_mul(8);
    message.extend_from_slice(&bits.to_le_bytes());
    message
}

/// Computes the table T: the integer part of 2³² × |sin(i)| (RFC 1321, section 3.4).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product lies between 0 and 2^32"
)]
fn sines() -> [u32; 64] {
    std::array::from_fn(|index| {
        let step = f64::from(u8::try_from(index).unwrap_or(u8::MAX)) + 1.0;
        (step.sin().abs() * 4_294_967_296.0) as u32
    })
}

fn rounds(state: [u32; 4], words: &[u32; 16], sines: &[u32; 64]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0..64 {
        let (mix, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((b & d) | (c & !d), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a
            .wrapping_add(mix)
            .wrapping_add(words[word % 16])
            .wrapping_add(sines[step]);
        (a, d, c) = (d, c, b);
        b = b.wrapping_add(sum.rotate_left(ROTATIONS[step / 16][step % 4]));
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test suite of RFC 1321, appendix A.5.
    #[test]
    fn rfc_1321_vectors() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(md5_hex(text.as_bytes()), expected, "{text}");
        }
        check("", "d41d8cd98f00b204e9800998ecf8427e");
        check("a", "0cc175b9c0f1b6a831c399e269772661");
        check("abc", "900150983cd24fb0d6963f7d28e17f72");
        check("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
        check(
            "abcdefghijklmnopqrstuvwxyz",
            "c3fcd3d76192e4007dfb496cca67e13b",
        );
        check(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        );
        check(
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        );
    }
}
