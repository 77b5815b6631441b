//! Mistakes in the tree, with the source line and the marked place.

use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::page::Page;
use super::{Options, visible};
use crate::diag::Severity;
use crate::report::{Label, Problem};

/// How far two marked places of one file may lie apart to be shown in one excerpt.
const NEAR_LINES: u32 = 12;

pub(super) fn write(page: &mut Page<'_>, problems: &[Problem]) -> fmt::Result {
    for problem in problems {
        page.gap()?;
        let text = render_problem(problem, page.options);
        page.verbatim(&text)?;
    }
    Ok(())
}

/// Renders one mistake: code and message, the place with its source line, and the help.
#[must_use]
pub fn render_problem(problem: &Problem, options: Options) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = visible(&problem.message);
    let title = level.primary_title(&*message).id(problem.code.as_str());
    let excerpts = excerpts(problem);
    let help = visible(&problem.help);
    let mut group = Group::with_title(title);
    for excerpt in &excerpts {
        group = group.element(excerpt.snippet());
    }
    if !help.is_empty() {
        group = group.element(Level::HELP.message(&*help));
    }
    let renderer = if options.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer
        .term_width(options.width.max(40))
        .decor_style(DecorStyle::Ascii)
        .render(&[group])
}

/// The lines of one file that hold some marked places.
struct Excerpt<'a> {
    labels: Vec<(AnnotationKind, &'a Label)>,
}

fn excerpts(problem: &Problem) -> Vec<Excerpt<'_>> {
    let mut excerpts: Vec<Excerpt<'_>> = Vec::new();
    let labels = problem
        .primary
        .iter()
        .map(|label| (AnnotationKind::Primary, label))
        .chain(
            problem
                .related
                .iter()
                .map(|label| (AnnotationKind::Context, label)),
        );
    for (kind, label) in labels {
        let near = excerpts.iter_mut().find(|excerpt| {
            excerpt.labels.iter().any(|(_, other)| {
                other.source.path == label.source.path
                    && other.from.line.abs_diff(label.from.line) <= NEAR_LINES
            })
        });
        match near {
            Some(excerpt) => excerpt.labels.push((kind, label)),
            None => excerpts.push(Excerpt {
                labels: vec![(kind, label)],
            }),
        }
    }
    excerpts
}

impl<'a> Excerpt<'a> {
    fn snippet(&self) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let Some((_, first)) = self.labels.iter().min_by_key(|(_, label)| label.start) else {
            return Snippet::source("");
        };
        let text: &'a str = &first.source.text;
        let last = self.labels.iter().map(|(_, label)| label.end).max();
        let start = text[..first.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let last = last.unwrap_or(first.end).max(first.end);
        let end = text[last..]
            .find('\n')
            .map_or(text.len(), |newline| last + newline);
        Snippet::source(&text[start..end])
            .line_start(first.from.line as usize)
            .path(first.source.path.as_str())
            .annotations(self.labels.iter().map(|(kind, label)| {
                kind.span(label.start - start..label.end - start)
                    .label((!label.text.is_empty()).then_some(label.text.as_str()))
            }))
    }
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
            Diagnostic::new(Code::EB0101, "key \"domain\" stands twice", "remove one")
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
                render_problem(problem, options) + "\n"
            })
            .collect()
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
        error[EB0101]: key "domain" stands twice
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
}
