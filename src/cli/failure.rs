//! Why a command ends without a report.

use std::io;

use super::Exit;
use crate::forge::ForgeError;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// Refused by the command line itself, such as after a question was answered with no.
    Refused(String),
    /// Something failed.
    Failed(anyhow::Error),
    /// The reader of the output has closed it.
    BrokenPipe,
}

impl Failure {
    /// Returns how the run ended.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Failed(_) => Exit::Failed,
            Self::BrokenPipe => Exit::Done,
        }
    }

    /// Returns the message with its causes on one line; `None` for a broken pipe.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) | Self::Refused(message) => Some(message.clone()),
            Self::Failed(error) => Some(chain(error)),
            Self::BrokenPipe => None,
        }
    }
}

/// Joins an error with its causes; skips a cause that the text already contains.
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

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        match error {
            ForgeError::NoMark | ForgeError::Missing { .. } | ForgeError::Url { .. } => {
                Self::Usage(error.to_string())
            }
            ForgeError::Client(_)
            | ForgeError::Unreachable(_)
            | ForgeError::Busy { .. }
            | ForgeError::Refused { .. }
            | ForgeError::Answer(_) => Self::Failed(error.into()),
        }
    }
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
