//! Redacts secrets in the texts of files.

use crate::diag::Place;

/// Redacts the rest of each line after a key that may hold a secret, for a file whose nodes are not reliable.
pub(super) fn blot_out_lines(text: &str) -> String {
    let secret = |line: &str| {
        let keys = ["api_key", "token", "password"].iter();
        let value = keys
            .filter_map(|key| Some(line.find(key)? + key.len()))
            .filter(|end| {
                !line[*end..]
                    .trim_start_matches([':', ' ', '"'])
                    .starts_with('{')
            })
            .min();
        value.map(|start| (start, line.len()))
    };
    let mut hidden = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match secret(line.trim_end()) {
            Some((start, end)) => {
                hidden.push_str(&line[..start]);
                hidden.push_str(&"*".repeat(end - start));
                hidden.push_str(&line[end..]);
            }
            None => hidden.push_str(line),
        }
    }
    hidden
}

/// Replaces secrets with asterisks, byte for byte, so that all places stay valid.
pub(super) fn blot_out(text: String, secrets: &[Place]) -> String {
    if secrets.is_empty() {
        return text;
    }
    let mut bytes = text.into_bytes();
    for secret in secrets {
        let range = secret.span.start as usize..secret.span.end as usize;
        if let Some(bytes) = bytes.get_mut(range) {
            bytes
                .iter_mut()
                .filter(|byte| **byte != b'\n')
                .for_each(|byte| *byte = b'*');
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}
