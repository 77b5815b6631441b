//! Words in a command that is shown to be copied.

/// Quotes a word for a shell, if it must be.
#[must_use]
pub fn in_a_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        #[track_caller]
        fn check(word: &str, expected: &str) {
            assert_eq!(in_a_shell(word), expected);
        }
        check(
            "examples/quickstart/sandbox.yaml",
            "examples/quickstart/sandbox.yaml",
        );
        check("my brands", "'my brands'");
        check("it's", r"'it'\''s'");
        check("$HOME", "'$HOME'");
        check("", "''");
    }
}
