//! Places inside a scalar.

use crate::diag::{Place, Span};

/// Narrows the place of a scalar to a part of its text.
///
/// This is possible if the source contains the text verbatim, plain or in quotes without escapes; otherwise the whole
/// scalar is returned.
pub(super) fn part(place: Place, text: &str, offset: usize, length: usize) -> Place {
    let span = place.span;
    let shown = (span.end.saturating_sub(span.start)) as usize;
    let quote = match shown.checked_sub(text.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return place,
    };
    if length == 0 || offset + length > text.len() {
        return place;
    }
    let (Ok(before), Ok(length)) = (u32::try_from(offset + quote), u32::try_from(length)) else {
        return place;
    };
    Place {
        file: place.file,
        span: Span {
            start: span.start + before,
            end: span.start + before + length,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;

    #[test]
    fn parts_of_scalars() {
        #[track_caller]
        fn check(span: (u32, u32), text: &str, offset: usize, length: usize, expected: (u32, u32)) {
            let place = Place {
                file: FileId(0),
                span: Span {
                    start: span.0,
                    end: span.1,
                },
            };
            let got = part(place, text, offset, length).span;
            assert_eq!((got.start, got.end), expected);
        }
        check((10, 17), "abc def", 4, 3, (14, 17));
        check((10, 19), "abc def", 4, 3, (15, 18));
        check((10, 20), "abc def", 4, 3, (10, 20));
        check((10, 17), "abc def", 7, 0, (10, 17));
        check((10, 17), "abc def", 7, 3, (10, 17));
    }
}
