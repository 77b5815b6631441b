//! Mistakes in the tree as text, with the source line and the marked place.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Options, visible};
use crate::diag::Severity;
use crate::model::{Visible, is_hidden};
use crate::report::{Label, Problem};

/// The maximum size of an excerpt, in bytes; longer lines are not shown.
const LONGEST_LINES: usize = 8 << 10;
/// The maximum number of bytes shown after a mark; no screen is wider.
const LONGEST_AFTER: usize = 512;
/// The maximum length of a mark, in bytes.
const LONGEST_MARK: usize = 2 << 10;
/// The maximum distance between two marked places that share an excerpt.
const NEAR_LINES: u32 = 12;

/// A rendered mistake with lines of its file: in visible characters, with colours if requested.
#[derive(Clone, Debug)]
pub struct Excerpt(String);

impl Excerpt {
    /// Returns the lines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Renders one mistake: code and message, the place with its source line, and the help.
#[must_use]
pub fn render_problem(problem: &Problem, options: Options) -> Excerpt {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = visible(&problem.message);
    let title = level.primary_title(&*message).id(problem.code.as_str());
    let pieces: Vec<Shown<'_>> = near_each_other(problem).iter().map(Shown::of).collect();
    let help = visible(&problem.help);
    let mut group = Group::with_title(title);
    for piece in &pieces {
        group = match piece {
            Shown::Lines(lines) => group.element(lines.snippet()),
            Shown::Place(place) => group.element(place.clone()),
        };
    }
    if !help.is_empty() {
        group = group.element(Level::HELP.message(&*help));
    }
    let renderer = if options.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .term_width(options.width.max(40))
        .decor_style(DecorStyle::Ascii);
    Excerpt(renderer.render(&[group]))
}

/// Places in one file that are shown together.
type Labels<'a> = Vec<(AnnotationKind, &'a Label)>;

fn near_each_other(problem: &Problem) -> Vec<Labels<'_>> {
    let mut found: Vec<Labels<'_>> = Vec::new();
    let primary = problem.primary.iter();
    let primary = primary.map(|label| (AnnotationKind::Primary, label));
    let related = problem.related.iter();
    let related = related.map(|label| (AnnotationKind::Context, label));
    for (kind, label) in primary.chain(related) {
        let near = found.iter_mut().find(|labels| {
            labels.iter().any(|(_, other)| {
                other.source.path == label.source.path
                    && other.from.line.abs_diff(label.from.line) <= NEAR_LINES
            })
        });
        match near {
            Some(labels) => labels.push((kind, label)),
            None => found.push(vec![(kind, label)]),
        }
    }
    found
}

/// How places in one file are shown.
enum Shown<'a> {
    Lines(Lines<'a>),
    /// Only the place, because its line is too long to be readable: 200 excerpts of a 1 MB line take a minute.
    Place(Origin<'a>),
}

impl<'a> Shown<'a> {
    fn of(labels: &Labels<'a>) -> Self {
        let lines = Lines::of(labels);
        match labels.first() {
            Some((_, label)) if lines.text.len() > LONGEST_LINES => {
                let (line, column) = (label.from.line as usize, label.from.column as usize);
                let path = lines.path.into_owned();
                Self::Place(Origin::path(path).line(line).char_column(column))
            }
            _ => Self::Lines(lines),
        }
    }
}

/// The lines of one file that contain the marked places, in visible characters.
struct Lines<'a> {
    path: Visible<'a>,
    first: usize,
    text: String,
    marks: Vec<(AnnotationKind, Range<usize>, Visible<'a>)>,
}

impl<'a> Lines<'a> {
    fn of(labels: &Labels<'a>) -> Self {
        let Some((_, first)) = labels.iter().min_by_key(|(_, label)| label.start) else {
            return Self {
                path: visible(""),
                first: 1,
                text: String::new(),
                marks: Vec::new(),
            };
        };
        let text: &'a str = &first.source.text;
        let ends = labels.iter().map(|(_, label)| end_of(label));
        let last = ends.max().unwrap_or(first.start);
        let start = text[..first.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let end = text[last..]
            .find('\n')
            .map_or(text.len(), |newline| last + newline);
        let raw = &text[start..end.min(text.ceil_char_boundary(last + LONGEST_AFTER))];
        // An excerpt that is too long is not shown, so the rest need not be escaped.
        let raw = &raw[..raw.ceil_char_boundary(LONGEST_LINES + 1)];
        // Escapes before a place shift it.
        let moved = |at: usize| shown(&raw[..(at - start).min(raw.len())]).len();
        let marks = labels.iter();
        let marks = marks.map(|(kind, label)| {
            let range = moved(label.start)..moved(end_of(label));
            (*kind, range, visible(&label.text))
        });
        Self {
            path: visible(first.source.path.as_str()),
            first: first.from.line as usize,
            marks: marks.collect(),
            text: shown(raw).into_owned(),
        }
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let marks = self.marks.iter().map(|(kind, range, label)| {
            let label = (!label.is_empty()).then_some(&**label);
            kind.span(range.clone()).label(label)
        });
        Snippet::source(&self.text)
            .line_start(self.first)
            .path(&*self.path)
            .annotations(marks)
    }
}

/// Returns where the mark of a place ends; a long mark is cut off.
fn end_of(label: &Label) -> usize {
    let longest = label
        .source
        .text
        .ceil_char_boundary(label.start + LONGEST_MARK);
    label.end.min(longest)
}

/// Escapes invisible characters in lines of a file, except tabs, which the renderer expands.
fn shown(lines: &str) -> Cow<'_, str> {
    let stays = |character: char| matches!(character, '\n' | '\t');
    if !lines.contains(|it| is_hidden(it) && !stays(it)) {
        return Cow::Borrowed(lines);
    }
    let mut text = String::with_capacity(lines.len() + 16);
    for part in lines.split_inclusive(stays) {
        let (part, end) = match part.chars().next_back().filter(|last| stays(*last)) {
            Some(last) => part.split_at(part.len() - last.len_utf8()),
            None => (part, ""),
        };
        text.push_str(&visible(part));
        text.push_str(end);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Diagnostic, Place, SourceMap, Span};
    use crate::report::problems;

    const TEXT: &str = "account: 5b1c\nwhitelabel:\n  domain: HTTPS://Acme.example.com/\n  domain: acme.example.com\n";

    fn place(text: &str, marked: &str, sources: &SourceMap) -> Place {
        let (file, _) = sources.iter().next().expect("one file");
        let start = u32::try_from(text.find(marked).expect("marked")).expect("short");
        let end = start + u32::try_from(marked.len()).expect("short");
        Place {
            file,
            span: Span { start, end },
        }
    }

    fn rendered(width: usize) -> String {
        let mut sources = SourceMap::default();
        sources.add("accounts/acme/account.yaml".into(), TEXT);
        let at = |marked| place(TEXT, marked, &sources);
        let list = [
            Diagnostic::new(
                Code::EB0101,
                "a scheme does not belong in a domain",
                "write `acme.example.com`",
            )
            .at(at("HTTPS://Acme.example.com/"), "not a bare host name"),
            Diagnostic::new(Code::EB0101, "key \"domain\" is repeated", "remove one")
                .at(at("domain: acme"), "the second")
                .see(at("domain: HTTPS"), "the first"),
            Diagnostic::new(Code::EB0101, "no emblazon.yaml", "run `emblazon init`"),
        ];
        problems(&list, &sources)
            .iter()
            .map(|problem| {
                let options = Options {
                    width,
                    ..Options::default()
                };
                format!("{}\n", render_problem(problem, options).as_str())
            })
            .collect::<Vec<_>>()
            .concat()
    }

    #[test]
    fn mistakes_with_their_places() {
        insta::assert_snapshot!(rendered(80), @r#"
        error[EB0101]: no emblazon.yaml
         |
         = help: run `emblazon init`
        error[EB0101]: a scheme does not belong in a domain
         --> accounts/acme/account.yaml:3:11
          |
        3 |   domain: HTTPS://Acme.example.com/
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^ not a bare host name
          |
          = help: write `acme.example.com`
        error[EB0101]: key "domain" is repeated
         --> accounts/acme/account.yaml:4:3
          |
        3 |   domain: HTTPS://Acme.example.com/
          |   ------------- the first
        4 |   domain: acme.example.com
          |   ^^^^^^^^^^^^ the second
          |
          = help: remove one
        "#);
    }

    /// C1 controls are terminal escapes of a single character: neither a line of the file nor its name may contain one,
    /// and the mark must still be below the right text.
    #[test]
    fn excerpts_show_what_is_hidden() {
        let text = "a:\t\u{9b}31m\u{202e}x: \u{9d}0;y\r\n";
        let mut sources = SourceMap::default();
        sources.add(
            "accounts/\u{1b}[2J\n::error::a\u{9b}m/account.yaml".into(),
            text,
        );
        let at = place(text, "x:", &sources);
        let problem = Diagnostic::new(Code::EB0101, "a\u{9b}b", "c\u{9d}d")
            .at(at, "\u{9b}here")
            .see(at, "\u{202e}and here");
        let shown = render_problem(&problems(&[problem], &sources)[0], Options::default());
        insta::assert_snapshot!(shown.as_str(), @r"
        error[EB0101]: a\u{9b}b
         --> accounts/\u{1b}[2J\n::error::a\u{9b}m/account.yaml:1:21
          |
        1 | a:    \u{9b}31m\u{202e}x: \u{9d}0;y\r
          |                        ^^
          |                        |
          |                        \u{9b}here
          |                        \u{202e}and here
          |
          = help: c\u{9d}d
        ");
    }

    /// A 1 MB line is not shown for each of its mistakes: only the place is reported, and the rest of a line is cut
    /// off.
    #[test]
    fn lines_that_nobody_reads_are_not_drawn() {
        let text = format!(
            "a: [{}here, {}]\n",
            "x, ".repeat(100_000),
            "y, ".repeat(100_000)
        );
        let mut sources = SourceMap::default();
        sources.add("a.yaml".into(), text.as_str());
        let show = |marked: &str| {
            let found =
                Diagnostic::new(Code::EB0101, "a", "b").at(place(&text, marked, &sources), "c");
            render_problem(&problems(&[found], &sources)[0], Options::default())
        };
        insta::assert_snapshot!(show("here").as_str(), @r"
        error[EB0101]: a
        --> a.yaml:1:300005
         = help: b
        ");
        let near = show("[x");
        assert!(near.as_str().contains("^^ c"), "{}", near.as_str());
        assert!(near.as_str().len() < 2 * LONGEST_AFTER, "{}", near.as_str());
        // A mark that covers the whole line is limited to its beginning.
        let whole = show(text.trim_end());
        assert!(
            whole.as_str().len() < 4 * LONGEST_MARK,
            "{}",
            whole.as_str().len()
        );
    }
}
