//! The terminal: data goes to standard output, messages go to standard error.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::args::{ColourChoice, Common};
use super::failure::Failure;
use super::limit::Limit;
use super::screen::{self, Shown};
use crate::report::text::{self, Rendered};

/// Width where there is no terminal, such as in a pipe or a file.
const DEFAULT_WIDTH: usize = 100;

/// How to print for the user of the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    stdout: Stream,
    stderr: Stream,
    /// Whether a question can be answered.
    interactive: bool,
    width: usize,
    /// The width of standard error.
    talk_width: usize,
    volume: Volume,
    limit: Limit,
}

/// The properties of an output stream.
#[derive(Clone, Copy, Debug)]
struct Stream {
    terminal: bool,
    colour: bool,
}

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Not at all.
    Nothing,
    /// With a progress bar.
    Bars,
    /// With occasional lines.
    Lines,
}

/// How much to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Volume {
    Quiet,
    Normal,
    Verbose,
}

impl Ui {
    /// Inspects the terminal, the environment and the options.
    pub(crate) fn new(common: &Common) -> Self {
        let stream = |terminal| Stream {
            terminal,
            colour: colour(common.color, terminal),
        };
        let stdout = stream(io::stdout().is_terminal());
        let stderr = stream(io::stderr().is_terminal());
        Self {
            stdout,
            stderr,
            interactive: io::stdin().is_terminal() && stderr.terminal,
            width: width(terminal_width(&io::stdout())),
            talk_width: width(terminal_width(&io::stderr())),
            limit: Limit::new(common.deadline, Instant::now()),
            volume: match (common.quiet, common.verbose) {
                (true, _) => Volume::Quiet,
                (false, 0) => Volume::Normal,
                (false, _) => Volume::Verbose,
            },
        }
    }

    /// Prints nothing, for tests.
    #[cfg(test)]
    pub(crate) fn quiet(limit: Limit) -> Self {
        let nowhere = Stream {
            terminal: false,
            colour: false,
        };
        Self {
            stdout: nowhere,
            stderr: nowhere,
            interactive: false,
            width: DEFAULT_WIDTH,
            talk_width: DEFAULT_WIDTH,
            volume: Volume::Quiet,
            limit,
        }
    }

    /// Returns the command's deadline.
    pub(crate) fn limit(self) -> Limit {
        self.limit
    }

    /// Extends the deadline by a wait that was requested.
    pub(crate) fn waiting(self, wait: Option<Duration>) -> Self {
        Self {
            limit: self.limit.beside(wait),
            ..self
        }
    }

    /// Returns the rendering options for standard output.
    pub(crate) fn stdout_options(self) -> text::Options {
        text::Options {
            width: self.width,
            colour: self.stdout.colour,
            verbose: self.volume == Volume::Verbose,
            plan_seen: false,
        }
    }

    /// Returns the rendering options for standard error.
    pub(crate) fn stderr_options(self) -> text::Options {
        text::Options {
            colour: self.stderr.colour,
            ..self.stdout_options()
        }
    }

    /// Returns whether standard error may use colours.
    pub(crate) fn stderr_colour(self) -> bool {
        self.stderr.colour
    }

    /// Returns whether a question can be answered.
    pub(crate) fn is_interactive(self) -> bool {
        self.interactive
    }

    /// Returns how to show progress. A bar among log lines would be unreadable.
    pub(crate) fn telling(self) -> Telling {
        match self.volume {
            Volume::Quiet => Telling::Nothing,
            Volume::Normal if self.stderr.terminal => Telling::Bars,
            Volume::Normal | Volume::Verbose => Telling::Lines,
        }
    }

    /// Returns the width of standard output in columns.
    pub(crate) fn width(self) -> usize {
        self.width
    }

    /// Returns the width of standard error, which may be another terminal or none.
    pub(crate) fn talk_width(self) -> usize {
        self.talk_width
    }

    /// Prints a message, unless quiet. A message that cannot be written is no error.
    pub(crate) fn message(self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.say(&Shown::text(&format_args!("{text}{end}")));
    }

    /// Prints a text laid out for standard error, unless quiet.
    pub(crate) fn message_page(self, page: &Rendered<'_>) {
        self.say(&Shown::page(page));
    }

    fn say(self, text: &Shown<'_>) {
        if self.volume != Volume::Quiet {
            let _ = screen::message(text);
        }
    }

    /// Prints an error, even when quiet.
    pub(crate) fn error(self, message: &str) {
        let page = text::error(message, self.stderr_options());
        let _ = screen::message(&Shown::page(&page));
    }

    /// Prints a warning, even when quiet.
    pub(crate) fn warning(self, message: &str) {
        let page = text::warning(message, self.stderr_options());
        let _ = screen::message(&Shown::page(&page));
    }
}

/// Prints a line that the user needs to continue, even when quiet.
pub(crate) fn line(line: &str) {
    let _ = screen::message(&Shown::text(&format_args!("{}\n", text::visible(line))));
}

/// Returns the rendering options for a file.
pub(crate) fn file_options() -> text::Options {
    text::Options {
        width: DEFAULT_WIDTH,
        verbose: true,
        ..text::Options::default()
    }
}

/// Writes a text to standard output while it is rendered.
pub(crate) fn data(data: &impl fmt::Display) -> Result<(), Failure> {
    output(&Shown::text(data))
}

/// Writes a text laid out for standard output.
pub(crate) fn page(page: &Rendered<'_>) -> Result<(), Failure> {
    output(&Shown::page(page))
}

/// Writes output for programs to standard output.
pub(crate) fn machine(data: &impl fmt::Display) -> Result<(), Failure> {
    output(&Shown::machine(data))
}

/// Writes to standard output.
pub(crate) fn output(text: &Shown<'_>) -> Result<(), Failure> {
    screen::output(text).context("standard output")?;
    Ok(())
}

/// Asks a question; only `y` or `yes` counts as yes.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    // If the question cannot be shown, nobody answers yes.
    let _ = screen::message(&Shown::text(&format_args!("{question} [y/N] ")));
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("standard input")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks like [`confirm`], without blocking other tasks: the lease must be renewed while the user thinks.
pub(crate) async fn ask(question: &'static str) -> Result<bool, Failure> {
    tokio::task::spawn_blocking(move || confirm(question))
        .await
        .context("the question")?
}

/// `--color` wins; else `NO_COLOR`, `CLICOLOR_FORCE` and a dumb or missing terminal decide.
fn colour(choice: ColourChoice, terminal: bool) -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto if set("NO_COLOR") => false,
        ColourChoice::Auto
            if env::var_os("CLICOLOR_FORCE")
                .is_some_and(|force| !force.is_empty() && force != "0") =>
        {
            true
        }
        ColourChoice::Auto => terminal && env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// `COLUMNS` wins, then the terminal.
fn width(terminal: Option<usize>) -> usize {
    let columns = env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.trim().parse().ok());
    columns
        .filter(|columns| *columns > 0)
        .or(terminal)
        .unwrap_or(DEFAULT_WIDTH)
}

/// Measures the terminal that a stream leads to, as far as a page can use it.
#[cfg(unix)]
fn terminal_width(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    let columns = usize::from(size.ws_col);
    (columns > 0).then(|| columns.clamp(40, 500))
}

/// Returns nothing where terminals are not measured.
#[cfg(not(unix))]
fn terminal_width<T>(_stream: &T) -> Option<usize> {
    None
}
