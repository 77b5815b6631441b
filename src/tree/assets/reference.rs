//! Character references in attribute values, such as `&#x73;`.

/// Named references that can obfuscate an address, and the common ones.
const NAMED: &[(&str, char)] = &[
    ("Tab;", '\t'),
    ("NewLine;", '\n'),
    ("colon;", ':'),
    ("sol;", '/'),
    ("bsol;", '\\'),
    ("lpar;", '('),
    ("rpar;", ')'),
    ("period;", '.'),
    ("comma;", ','),
    ("semi;", ';'),
    ("equals;", '='),
    ("apos;", '\''),
    ("num;", '#'),
    ("percnt;", '%'),
    ("quest;", '?'),
    ("excl;", '!'),
    ("lowbar;", '_'),
    ("lt;", '<'),
    ("lt", '<'),
    ("LT;", '<'),
    ("LT", '<'),
    ("gt;", '>'),
    ("gt", '>'),
    ("GT;", '>'),
    ("GT", '>'),
    ("amp;", '&'),
    ("amp", '&'),
    ("AMP;", '&'),
    ("AMP", '&'),
    ("quot;", '"'),
    ("quot", '"'),
    ("nbsp;", '\u{a0}'),
    ("nbsp", '\u{a0}'),
    ("shy;", '\u{ad}'),
];

/// Decodes the character references of a text and keeps everything else.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some((character, length)) = numeric(after).or_else(|| named(after)) {
            decoded.push(character);
            rest = &after[length..];
        } else {
            decoded.push('&');
            rest = after;
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Parses `#115;` or `#x73;`, with or without the semicolon.
fn numeric(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('#')?;
    let (digits, radix, before) = match rest.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 2),
        None => (rest, 10, 1),
    };
    let count = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    if count == 0 {
        return None;
    }
    let character = u32::from_str_radix(&digits[..count], radix)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER);
    let semicolon = usize::from(digits[count..].starts_with(';'));
    Some((character, before + count + semicolon))
}

fn named(text: &str) -> Option<(char, usize)> {
    NAMED
        .iter()
        .find(|(name, _)| text.starts_with(name))
        .map(|(name, character)| (*character, name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(decode(text), expected);
        }
        check("java&#x73;cript&colon;a", "javascript:a");
        check("&#106avascript", "javascript");
        check("&#0000106;avascript", "javascript");
        check("java&Tab;script", "java\tscript");
        check("a&amp;b&lt&unknown;&#;&", "a&b<&unknown;&#;&");
        check("&#x110000;", "\u{fffd}");
        check("&amp;#x73;", "&#x73;");
    }
}
