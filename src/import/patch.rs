//! Changes of files as a patch that `git apply` takes.

use std::fmt::Write as _;

use camino::Utf8Path;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use similar::TextDiff;

use super::overlay::FileChange;

/// The digits of Git's base 85.
const DIGITS: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
/// How many bytes a line of base 85 has at most.
const BYTES_A_LINE: usize = 52;
/// How hard the bytes of a picture are compressed; they hardly can be.
const LEVEL: u8 = 6;
/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// Returns a patch with all changes, which `git apply` takes at the top of the repository; `folder` is the tree's folder
/// there. Pictures are in it as binary patches.
#[must_use]
pub fn patch(folder: &Utf8Path, changes: &[FileChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let path = folder.join(&change.path);
        let [old, new] = ["a", "b"].map(|side| named(&format!("{side}/{path}")));
        let _ = writeln!(text, "diff --git {old} {new}");
        if change.before.is_none() {
            text.push_str("new file mode 100644\n");
        }
        let before = change.before.as_deref();
        match (lines(before.unwrap_or_default()), lines(&change.after)) {
            (Some(_), Some("")) | (None, _) | (_, None) => {
                binary(&mut text, before, &change.after);
            }
            (Some(from), Some(to)) => {
                let old = if before.is_some() { &old } else { "/dev/null" };
                // A name that has spaces ends with a tab.
                let end = if path.as_str().contains(' ') {
                    "\t"
                } else {
                    ""
                };
                let _ = writeln!(text, "--- {old}{end}\n+++ {new}{end}");
                let diff = TextDiff::from_lines(from, to);
                for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
                    let _ = write!(text, "{hunk}");
                }
            }
        }
    }
    text
}

/// Returns the text of a file that is compared by lines; a carriage return alone ends a line for some, and not for Git.
fn lines(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut rest = text.as_bytes().windows(2);
    let is_odd = text.contains('\0')
        || text.ends_with('\r')
        || rest.any(|pair| pair[0] == b'\r' && pair[1] != b'\n');
    (!is_odd).then_some(text)
}

/// Quotes a name as Git does where it must be.
fn named(name: &str) -> String {
    let is_plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f);
    if name.bytes().all(is_plain) {
        return name.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in name.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_ascii_control() => {
                let _ = write!(quoted, "\\{:03o}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Writes a file as a whole, and the way back.
fn binary(patch: &mut String, before: Option<&[u8]>, after: &[u8]) {
    let old = before.map_or_else(|| "0".repeat(40), blob);
    let _ = writeln!(patch, "index {old}..{}", blob(after));
    patch.push_str("GIT binary patch\n");
    for bytes in [after, before.unwrap_or_default()] {
        let _ = writeln!(patch, "literal {}", bytes.len());
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(bytes, LEVEL);
        for line in packed.chunks(BYTES_A_LINE) {
            patch.push(length(line.len()));
            for group in line.chunks(4) {
                patch.push_str(&base_85(group));
            }
            patch.push('\n');
        }
        patch.push('\n');
    }
}

/// Returns the id that Git gives a file's content.
fn blob(bytes: &[u8]) -> String {
    let mut whole = format!("blob {}\0", bytes.len()).into_bytes();
    whole.extend_from_slice(bytes);
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &whole);
    let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// Returns the letter for the number of bytes in a line.
fn length(number: usize) -> char {
    let number = u8::try_from(number).unwrap_or(u8::MAX);
    char::from(match number {
        0..=26 => b'A' + number - 1,
        _ => b'a' + number - 27,
    })
}

/// Writes up to four bytes as five digits.
fn base_85(group: &[u8]) -> String {
    let mut bytes = [0; 4];
    bytes[..group.len()].copy_from_slice(group);
    let mut number = u32::from_be_bytes(bytes) as usize;
    let mut digits = [0; 5];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[number % 85];
        number /= 85;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}
