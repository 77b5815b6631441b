//! The subset of XML 1.0 that a report needs.

use std::fmt::{self, Write};

/// Writes XML incrementally.
pub(super) struct Xml<'o> {
    out: &'o mut dyn Write,
    depth: usize,
}

impl<'o> Xml<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Result<Self, fmt::Error> {
        out.write_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        Ok(Self { out, depth: 0 })
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> fmt::Result {
        self.start(name, attributes)?;
        self.depth += 1;
        self.out.write_str(">\n")
    }

    pub(super) fn close(&mut self, name: &str) -> fmt::Result {
        self.depth -= 1;
        self.indent()?;
        writeln!(self.out, "</{name}>")
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> fmt::Result {
        self.start(name, attributes)?;
        self.out.write_str("/>\n")
    }

    /// Writes an element that contains only text.
    pub(super) fn with_text(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        text: &str,
    ) -> fmt::Result {
        self.start(name, attributes)?;
        writeln!(self.out, ">{}</{name}>", escaped(text))
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) -> fmt::Result {
        self.indent()?;
        write!(self.out, "<{name}")?;
        for (name, value) in attributes {
            write!(self.out, " {name}=\"{}\"", escaped(value))?;
        }
        Ok(())
    }

    fn indent(&mut self) -> fmt::Result {
        (0..self.depth).try_for_each(|_| self.out.write_str("  "))
    }
}

/// Escapes markup, and drops characters that XML 1.0 cannot represent.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                escaped.push(character);
            }
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(escaped(text), expected);
        }
        check(
            "a & b <c> \"d\" ]]>",
            "a &amp; b &lt;c&gt; &quot;d&quot; ]]&gt;",
        );
        check("\u{0}\u{1b}[2J\r\u{fffe}\u{ffff}x", "[2Jx");
        check("電話 \u{1f4de}", "電話 \u{1f4de}");
    }
}
