//! The first line of a Markdown report, an invisible comment: the report's subject and state.

use super::ForgeError;
use crate::model::Digest;

/// The state that a report describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is nothing to do.
    Clean,
    /// There is something to do.
    Differs,
    /// There is something to do, and it needs a person: the tree has errors, a guard refuses, or steps failed.
    Failed,
    /// Nothing was found to do, but not everything could be checked.
    Unknown,
}

/// The subject and state of a report. The subject is the same in every run, so that the next run finds the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The beginning of the first line, up to the state.
    pub subject: String,
    /// The command, such as `plan`.
    pub command: String,
    /// The cluster, as the mark spells it.
    pub cluster: String,
    /// The state that the report describes.
    pub state: State,
    /// The digest of the plan, if the report shows one that can be approved.
    pub digest: Option<Digest>,
}

impl Mark {
    /// Reads the first line of a report in Markdown.
    pub fn of(text: &str) -> Result<Self, ForgeError> {
        let line = text.lines().next().unwrap_or_default();
        let words = line
            .strip_prefix("<!-- ")
            .and_then(|line| line.strip_suffix(" -->"));
        let words: Vec<&str> = words.unwrap_or_default().split(' ').collect();
        let ["emblazon", command, cluster, state, rest @ ..] = words.as_slice() else {
            return Err(ForgeError::NoMark);
        };
        let digest = match rest {
            [] => None,
            [digest] => Some(Digest::parse(digest).ok_or(ForgeError::NoMark)?),
            _ => return Err(ForgeError::NoMark),
        };
        Ok(Self {
            subject: format!("<!-- emblazon {command} {cluster} "),
            command: (*command).to_owned(),
            cluster: (*cluster).to_owned(),
            state: match *state {
                "clean" => State::Clean,
                "differs" => State::Differs,
                "failed" => State::Failed,
                "unknown" => State::Unknown,
                _ => return Err(ForgeError::NoMark),
            },
            digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, State)>) {
            let found = Mark::of(text).ok();
            let found = found
                .as_ref()
                .map(|mark| (mark.subject.as_str(), mark.state));
            assert_eq!(found, expected, "{text}");
        }
        let subject = "<!-- emblazon plan production ";
        check(
            "<!-- emblazon plan production clean -->\n# x",
            Some((subject, State::Clean)),
        );
        check(
            "<!-- emblazon plan production differs -->",
            Some((subject, State::Differs)),
        );
        let digest = "64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525";
        check(
            &format!("<!-- emblazon plan production failed {digest} -->"),
            Some((subject, State::Failed)),
        );
        check("<!-- emblazon plan production differs 64879f -->", None);
        check(
            &format!("<!-- emblazon plan production differs {digest} {digest} -->"),
            None,
        );
        check("<!-- emblazon plan production -->", None);
        check("<!-- emblazon plan production maybe -->", None);
        check("# emblazon plan", None);
        check("", None);
    }
}
