//! The first line of a report in Markdown, which nobody sees: what it is about and how it stands.

use super::ForgeError;

/// How what is reported on stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is nothing to do.
    Clean,
    /// There is.
    Differs,
    /// Nothing was found to do, and not everything could be checked.
    Unknown,
}

/// What a text is about: its beginning is the same in every run, so that the next run finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The beginning of the first line, up to the state.
    pub subject: String,
    /// The command, such as `plan`.
    pub command: String,
    /// The cluster, as the mark spells it.
    pub cluster: String,
    /// How it stands.
    pub state: State,
}

impl Mark {
    /// Reads the first line of a report in Markdown.
    pub fn of(text: &str) -> Result<Self, ForgeError> {
        let line = text.lines().next().unwrap_or_default();
        let words = line
            .strip_prefix("<!-- ")
            .and_then(|line| line.strip_suffix(" -->"));
        let words: Vec<&str> = words.unwrap_or_default().split(' ').collect();
        let ["emblazon", command, cluster, state] = words.as_slice() else {
            return Err(ForgeError::NoMark);
        };
        Ok(Self {
            subject: format!("<!-- emblazon {command} {cluster} "),
            command: (*command).to_owned(),
            cluster: (*cluster).to_owned(),
            state: match *state {
                "clean" => State::Clean,
                "differs" => State::Differs,
                "unknown" => State::Unknown,
                _ => return Err(ForgeError::NoMark),
            },
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
        check("<!-- emblazon plan production -->", None);
        check("<!-- emblazon plan production maybe -->", None);
        check("# emblazon plan", None);
        check("", None);
    }
}
