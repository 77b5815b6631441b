//! HMAC-SHA256, compared in constant time.

use std::fmt::Write as _;

use ring::hmac::{self, HMAC_SHA256, Key};

use crate::model::Secret;

/// Signs a body, in hexadecimal.
pub(crate) fn signed(secret: &Secret, body: &[u8]) -> String {
    let tag = hmac::sign(&key(secret), body);
    tag.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Tells whether a text is the signature of a body.
pub(crate) fn is_signature(secret: &Secret, body: &[u8], text: &str) -> bool {
    decoded(text).is_some_and(|tag| hmac::verify(&key(secret), body, &tag).is_ok())
}

/// Tells whether a text is the secret, in a time that says nothing about either.
pub(crate) fn is_same(secret: &Secret, text: &str) -> bool {
    // What is compared is a digest under a key that the sender does not know.
    let expected = hmac::sign(&key(secret), secret.expose().as_bytes());
    hmac::verify(&key(secret), text.as_bytes(), expected.as_ref()).is_ok()
}

fn key(secret: &Secret) -> Key {
    Key::new(HMAC_SHA256, secret.expose().as_bytes())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_hold() {
        #[track_caller]
        fn check(secret: &str, body: &[u8], expected: &str) {
            let secret = Secret::new(secret);
            assert_eq!(signed(&secret, body), expected);
            assert!(is_signature(&secret, body, expected));
            assert!(is_signature(&secret, body, &expected.to_uppercase()));
            assert!(!is_signature(&secret, body, &expected[2..]));
            assert!(!is_signature(&secret, body, &format!("{expected}00")));
            assert!(!is_signature(&secret, &[body, b"."].concat(), expected));
        }
        // GitHub's documentation, "Validating webhook deliveries".
        check(
            "It's a Secret to Everybody",
            b"Hello, World!",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        );
        // RFC 4231, test cases 1 and 2.
        check(
            &"\u{b}".repeat(20),
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        );
        check(
            "Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
    }

    #[test]
    fn only_the_same_is_the_same() {
        #[track_caller]
        fn check(secret: &str, text: &str, expected: bool) {
            assert_eq!(is_same(&Secret::new(secret), text), expected, "{text:?}");
        }
        check("canary", "canary", true);
        check("canary", "canarY", false);
        check("canary", "canar", false);
        check("canary", "canary ", false);
        check("canary", "", false);
    }

    #[test]
    fn what_is_no_hexadecimal_is_no_signature() {
        let secret = Secret::new("canary");
        for text in ["", "zz", "abc", "é", "sha256=00", "0x00"] {
            assert!(!is_signature(&secret, b"", text), "{text:?}");
        }
    }
}
