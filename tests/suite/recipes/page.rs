//! A page of Markdown as commands and what they are said to print.

/// One command of a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Where it stands, from 1.
    pub(crate) line: usize,
    pub(crate) command: String,
    /// The exit code that the page names.
    pub(crate) ends_with: i32,
    /// Whether it goes on until it is interrupted.
    pub(crate) goes_on: bool,
    /// What it is said to print.
    pub(crate) shown: Option<String>,
}

/// Finds the commands of a page, in order.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().enumerate();
    let mut before = "";
    while let Some((at, line)) = lines.next() {
        let Some(kind) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let block: Vec<(usize, &str)> = lines
            .by_ref()
            .take_while(|(_, line)| line.trim_start() != "```")
            .collect();
        let text = |block: &[(usize, &str)]| {
            let lines = block.iter().map(|(_, line)| *line);
            Some(lines.collect::<Vec<_>>().join("\n"))
        };
        match (kind, block.first()) {
            ("sh", _) => steps.extend(commands(&block)),
            ("text", Some((at, first))) if first.starts_with("$ ") => {
                let mut step = command(*at, &first[2..]);
                step.shown = text(&block[1..]);
                steps.push(step);
            }
            ("text", _) => {
                assert_eq!(before, "sh", "line {}: nothing prints this", at + 1);
                steps.last_mut().unwrap().shown = text(&block);
            }
            _ => {}
        }
        before = kind;
    }
    steps
}

fn commands(block: &[(usize, &str)]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut begun: Option<(usize, String)> = None;
    for (at, line) in block {
        let (first, mut text) = begun.take().unwrap_or((*at, String::new()));
        if let Some(more) = line.strip_suffix('\\') {
            text.push_str(more);
            begun = Some((first, text));
            continue;
        }
        text.push_str(line);
        if !text.trim().is_empty() {
            steps.push(command(first, &text));
        }
    }
    assert_eq!(begun, None, "a command that does not end");
    steps
}

fn command(at: usize, text: &str) -> Step {
    let (command, remark) = text.split_once(" #").unwrap_or((text, ""));
    let remark = remark.trim();
    let code = remark.strip_prefix("ends with ").map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    });
    Step {
        line: at + 1,
        command: command.trim().to_owned(),
        ends_with: code.unwrap_or(0),
        goes_on: remark.starts_with("until Ctrl-C"),
        shown: None,
    }
}

/// Compares what a page shows with what was printed.
///
/// # Errors
/// The first line of the page that fits nowhere.
pub(crate) fn fits(shown: &str, printed: &str) -> Result<(), String> {
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let printed: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
    // Which lines of what was printed may come next.
    let mut next = vec![0];
    for line in &shown {
        let after: Vec<usize> = if line.trim() == "…" {
            let first = next.first().copied().unwrap_or(0);
            (first..=printed.len()).collect()
        } else {
            next.iter()
                .filter(|at| printed.get(**at).is_some_and(|it| line_fits(line, it)))
                .map(|at| at + 1)
                .collect()
        };
        if after.is_empty() {
            return Err(format!("{line:?} is not printed there"));
        }
        next = after;
    }
    if next.contains(&printed.len()) {
        Ok(())
    } else {
        Err("more is printed behind it".to_owned())
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn a_page_as_steps() {
    let page = "# Page\n\n```sh\na b  # ends with 2: so\nc \\\n  d\n```\n\n```text\none\n…\n```\n\n```text\n$ e f\nout\n```\n```yaml\nx: 1\n```\n```sh\ng # until Ctrl-C\n```\n";
    let step = |line: usize, command: &str| Step {
        line,
        command: command.to_owned(),
        ends_with: 0,
        goes_on: false,
        shown: None,
    };
    let expected = [
        Step {
            ends_with: 2,
            ..step(4, "a b")
        },
        Step {
            shown: Some("one\n…".to_owned()),
            ..step(5, "c   d")
        },
        Step {
            shown: Some("out".to_owned()),
            ..step(15, "e f")
        },
        Step {
            goes_on: true,
            ..step(22, "g")
        },
    ];
    assert_eq!(steps(page), expected);
}

/// A stale page fails.
#[test]
fn what_is_shown_is_what_is_printed() {
    #[track_caller]
    fn check(shown: &str, printed: &str, expected: bool) {
        assert_eq!(fits(shown, printed).is_ok(), expected, "{shown:?}");
    }
    let printed = "plan\n  a\n  b\n\ndigest 3d08c864ccd9\n";
    check("plan\n  a\n  b\n\ndigest 3d08c864ccd9", printed, true);
    check("plan\n  a\n  b\n\ndigest 000000000000", printed, false);
    check("plan\n…\ndigest …", printed, true);
    check("plan\n  …\n  b\n…", printed, true);
    check("plan\n  b\n…", printed, false);
    check("…\n  b", printed, false);
    check("plan\n  a\n  b", printed, false);
    check("…\n", printed, true);
    check("p…n\n…\nd…8…9", printed, true);
    check("p…m\n…", printed, false);
}
