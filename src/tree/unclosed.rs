//! Finds an unclosed quote: the parser reads on to the next quote, and gives up several lines below.

use granit_parser::{Event, Parser};

/// Number of lines that are searched above the place where the parser gave up.
const MOST_LINES: usize = 200;
/// Maximum number of quotes that are tried; each try parses the text once.
const MOST_TRIES: usize = 12;

/// A quote that opens a string and is not closed on its line; closing it makes the file readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// Byte offset of the quote.
    pub(super) start: usize,
    /// Byte offset after the string that it opens.
    pub(super) end: usize,
    /// The quote character.
    pub(super) mark: char,
}

impl Unclosed {
    /// Finds the quote that makes the parser give up at a place: closing it must let the parser get beyond that place.
    pub(super) fn find(text: &str, gave_up_at: usize) -> Option<Self> {
        let at = text.floor_char_boundary(gave_up_at);
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let mut tries = 0;
        let mut end = line_end;
        for _ in 0..MOST_LINES {
            let start = text[..end].rfind('\n').map_or(0, |newline| newline + 1);
            for quote in opened(&text[start..end]) {
                tries += 1;
                if tries > MOST_TRIES {
                    return None;
                }
                let quote = Self {
                    start: start + quote.start,
                    end: start + quote.end,
                    ..quote
                };
                let (before, after) = text.split_at(quote.end);
                let closed = format!("{before}{}{after}", quote.mark);
                match first_error(&closed) {
                    None => return Some(quote),
                    // Another mistake further down is reported next time.
                    Some(next) if next > line_end + 1 => return Some(quote),
                    Some(_) => {}
                }
            }
            end = start.checked_sub(1)?;
        }
        None
    }
}

/// Finds the quote that a line opens and does not close, with the candidates for the end of its string: before the
/// closing brackets of a list or map, at the end of the line, or before a comment.
fn opened(line: &str) -> Vec<Unclosed> {
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match open {
            None if character == '#' && before.is_whitespace() => break,
            None if matches!(character, '"' | '\'')
                && (before.is_whitespace() || "[{,".contains(before)) =>
            {
                open = Some((at, character));
            }
            Some((_, '"')) if character == '\\' => {
                characters.next();
            }
            // A doubled quote is a quote within the string.
            Some((_, '\''))
                if character == '\'' && characters.next_if(|(_, next)| *next == '\'').is_some() => {
            }
            Some((_, mark)) if character == mark => open = None,
            None | Some(_) => {}
        }
        before = character;
    }
    let Some((start, mark)) = open else {
        return Vec::new();
    };
    let whole = line.trim_end();
    let inner = whole
        .trim_end_matches(|last: char| matches!(last, ']' | '}' | ',') || last.is_whitespace());
    let comment = whole[start..]
        .find(" #")
        .map(|at| whole[..start + at].trim_end());
    let mut ends: Vec<usize> = [Some(inner), Some(whole), comment]
        .into_iter()
        .flatten()
        .map(str::len)
        .filter(|end| *end > start)
        .collect();
    ends.dedup();
    (ends.into_iter())
        .map(|end| Unclosed { start, end, mark })
        .collect()
}

/// Returns the byte offset at which the parser gives up; `None` if it does not.
fn first_error(text: &str) -> Option<usize> {
    let mut parser = Parser::new_from_str(text);
    loop {
        match parser.next_event()? {
            Ok((Event::StreamEnd, _)) => return None,
            Ok(_) => {}
            Err(error) => return Some(error.marker().byte_offset().unwrap_or(text.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quote_that_opens_is_found() {
        /// Marks the string that the quote opens with angle brackets.
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let at = first_error(text).expect("a parser gives up");
            let marked = Unclosed::find(text, at).map(|quote| {
                let (start, end) = (quote.start, quote.end);
                format!("{}<{}>{}", &text[..start], &text[start..end], &text[end..])
            });
            assert_eq!(marked.as_deref(), expected, "{text}");
        }
        check("a: \"x\nb: y\n", Some("a: <\"x>\nb: y\n"));
        check(
            "a: \"x\nb: \"y\"\nc: z\n",
            Some("a: <\"x>\nb: \"y\"\nc: z\n"),
        );
        check(
            "a: 'x\nb: 1\nc: 2\nd: 'it''s'\ne: f\n",
            Some("a: <'x>\nb: 1\nc: 2\nd: 'it''s'\ne: f\n"),
        );
        check("m: {a: \"x}\nb: y\n", Some("m: {a: <\"x>}\nb: y\n"));
        check(
            "a: \"x # why\nb: \"y\"\n",
            Some("a: <\"x # why>\nb: \"y\"\n"),
        );
        check("a: \"x\"\n\tb: y\n", None);
        check("a: [x\nb: y\n", None);
    }
}
