//! Lines with colours, for texts that are not reports.

use super::page::{Piece, Tone, piece};
use super::{Options, Rendered};

/// Lines that are already laid out, each in one colour or none.
#[derive(Clone, Debug, Default)]
pub struct Painted {
    lines: Vec<Piece>,
}

impl Painted {
    /// Adds lines without colour.
    pub fn plain(&mut self, lines: &str) {
        self.paint(Tone::Plain, lines);
    }

    /// Adds lines in the colour of additions.
    pub fn added(&mut self, lines: &str) {
        self.paint(Tone::Added, lines);
    }

    /// Adds lines in the colour of removals.
    pub fn removed(&mut self, lines: &str) {
        self.paint(Tone::Removed, lines);
    }

    /// Adds an empty line, except at the top.
    pub fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.plain("");
        }
    }

    /// Renders the lines.
    #[must_use]
    pub fn rendered(&self, options: Options) -> Rendered<'_> {
        Rendered::new(options, move |page| {
            let mut lines = self.lines.iter();
            lines.try_for_each(|line| page.line(0, std::slice::from_ref(line)))
        })
    }

    fn paint(&mut self, tone: Tone, lines: &str) {
        self.lines
            .extend(lines.split('\n').map(|line| piece(tone, line)));
    }
}
