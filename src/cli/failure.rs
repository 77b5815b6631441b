//! What stops a command before it has a report.

use std::io;

use super::Exit;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for something that cannot be.
    Usage(String),
    /// A guard of the command line itself stood in the way, such as a question that was answered with no.
    Refused(String),
    /// Something failed.
    Failed(anyhow::Error),
    /// Whoever read the output has read enough.
    BrokenPipe,
}

impl Failure {
    /// Returns how the run ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Failed(_) => Exit::Failed,
            Self::BrokenPipe => Exit::Done,
        }
    }

    /// Returns what to tell, with the causes in one line; nothing for a broken pipe.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) | Self::Refused(message) => Some(message.clone()),
            Self::Failed(error) => Some(chain(error)),
            Self::BrokenPipe => None,
        }
    }
}

/// Joins an error with its causes; a cause that the text before it says already is left out.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let broken = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
        if broken {
            Self::BrokenPipe
        } else {
            Self::Failed(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn failures_become_exits() {
        #[track_caller]
        fn check(failure: &Failure, exit: Exit, message: Option<&str>) {
            assert_eq!(failure.exit(), exit);
            assert_eq!(failure.message().as_deref(), message);
        }
        check(&Failure::Usage("no".to_owned()), Exit::Usage, Some("no"));
        check(
            &Failure::Refused("no".to_owned()),
            Exit::Refused,
            Some("no"),
        );
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        let error = anyhow::Error::from(pipe).context("standard output");
        check(&error.into(), Exit::Done, None);
        let nested: Result<(), _> = Err(anyhow::anyhow!("cause")).context("reading a");
        let error = nested.expect_err("an error");
        check(&error.into(), Exit::Failed, Some("reading a: cause"));
    }
}
