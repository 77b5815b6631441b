//! Runs a command line and returns its exit code.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use clap::FromArgMatches as _;
use clap::error::ErrorKind;

use super::args::{Cli, Command, DnsCommand, EventsCommand, PolicyCommand, ReportCommand};
use super::failure::Failure;
use super::screen::{self, Shown};
use super::ui::Ui;
use super::{Exit, commands, deadline, log};

/// Runs the command that the arguments name, and returns the exit code.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parsed(arguments.into_iter().collect()) {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    let ui = Ui::new(&cli.common);
    log::start(cli.common.verbose, ui.stderr_colour());
    let ended = bounded(ui, cli.command);
    let exit = ended.unwrap_or_else(|failure| {
        if let Some(message) = failure.message() {
            ui.error(&message);
        }
        failure.exit()
    });
    exit.into()
}

/// Parses the arguments. With a sandbox, the platform named by the environment is ignored.
fn parsed(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let asks_for_sandbox = |word: &OsString| {
        let word = word.to_string_lossy();
        word == "--sandbox" || word.starts_with("--sandbox=")
    };
    if !arguments.iter().any(asks_for_sandbox) {
        return Cli::from_arg_matches(&Cli::grouped().try_get_matches_from(arguments)?);
    }
    let command = without_the_environments_platform(Cli::grouped());
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn without_the_environments_platform(command: clap::Command) -> clap::Command {
    command
        .mut_args(|it| {
            if it.get_id() == "api" {
                it.env(None::<&'static str>)
            } else {
                it
            }
        })
        .mut_subcommands(without_the_environments_platform)
}

/// Stack size of a command, as for the main thread of most systems.
const STACK: usize = 8 << 20;
/// Grace after the deadline before a command counts as hung: it is then blocked where it cannot observe the deadline,
/// such as in a file that never ends.
const HANGING: Duration = Duration::from_secs(2);

/// Runs a command, at most until its deadline.
fn bounded(ui: Ui, command: Command) -> Result<Exit, Failure> {
    let ui = ui.waiting(wait(&command));
    let more = match &command {
        Command::Watch(_) | Command::Sandbox(_) => return dispatch(ui, &command),
        Command::Apply(_) | Command::Restore(_) => deadline::GRACE,
        _ => Duration::ZERO,
    };
    let (sender, ended) = channel();
    let worker = thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            // The receiver is gone after the deadline.
            let _ = sender.send(dispatch(ui, &command));
        })
        .context("no thread for the command")?;
    let most = ui.limit().left(Instant::now()) + more + HANGING;
    match ended.recv_timeout(most) {
        Ok(ended) => ended,
        Err(RecvTimeoutError::Timeout) => Err(Failure::Failed(anyhow!(
            "{}; give it more time with `--deadline`",
            ui.limit().over()
        ))),
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => Err(Failure::Failed(anyhow!("the command ended without a word"))),
        },
    }
}

/// Returns the wait that a command was asked for.
fn wait(command: &Command) -> Option<Duration> {
    match command {
        Command::Dns(DnsCommand::Check(args)) => args.wait,
        Command::Probe(args) => args.wait,
        Command::Apply(args) => args.lease.wait_for_lease,
        Command::Restore(args) => args.lease.wait_for_lease,
        _ => None,
    }
}

/// Prints clap's help, version or error; an error is wrong usage.
fn misread(error: &clap::Error) -> ExitCode {
    let text = error.render();
    let exit = match error.kind() {
        // A reader may close the pipe before the end of the help.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            Exit::Done
        }
        // Arguments may contain untrusted text, such as the name of a branch.
        _ => {
            let _ = screen::message(&Shown::text(&text));
            Exit::Usage
        }
    };
    exit.into()
}

fn dispatch(ui: Ui, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Validate(args) => commands::validate(ui, args),
        Command::Fmt(args) => commands::fmt(ui, args),
        Command::Diff(args) => commands::diff(ui, args),
        Command::Promote(args) => commands::promote(ui, args),
        Command::Plan(args) => commands::plan(ui, args),
        Command::Apply(args) => commands::apply(ui, args),
        Command::Drift(args) => commands::drift(ui, args),
        Command::Probe(args) => commands::probe(ui, args),
        Command::Show(args) => commands::show(ui, args),
        Command::Report(ReportCommand::Merge(args)) => commands::report_merge(ui, args),
        Command::Comment(args) => commands::comment(ui, args),
        Command::History(args) => commands::history(ui, args),
        Command::Policy(PolicyCommand::Test(args)) => commands::policy_test(ui, args),
        Command::Audit(args) => commands::audit(ui, args),
        Command::Status(args) => commands::status(ui, args),
        Command::Restore(args) => commands::restore(ui, args),
        Command::Events(EventsCommand::Hook(args)) => commands::events_hook(ui, args),
        Command::Dns(DnsCommand::Export(args)) => commands::dns_export(ui, args),
        Command::Dns(DnsCommand::Letter(args)) => commands::dns_letter(ui, args),
        Command::Dns(DnsCommand::Check(args)) => commands::dns_check(ui, args),
        Command::Watch(args) => commands::watch(ui, args),
        Command::Explain(args) => commands::explain(ui, args),
        Command::Init(args) => commands::init(ui, args),
        Command::Import(args) => commands::import(ui, args),
        Command::Sandbox(args) => commands::sandbox(ui, args),
        Command::Schema(args) => commands::schema(ui, args),
        Command::Completions(args) => commands::completions(args),
        Command::Man(args) => commands::man(ui, args),
    }
}
