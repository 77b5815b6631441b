//! The head of an audit log: its last line, by number and digest.

use std::fmt::Write as _;

use crate::model::Digest;

/// The last line of a log after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The log, by the digest of its first line.
    pub log: Digest,
    /// The number of the line.
    pub line: u64,
    /// The digest of the line.
    pub digest: Digest,
}

/// A head that Git keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHead {
    /// The head.
    pub head: AuditHead,
    /// The commit whose message names it.
    pub commit: String,
    /// The ref that leads to that commit.
    pub reference: String,
}

impl AuditHead {
    /// Returns what the first line names as the digest of the line before it.
    pub(super) fn nothing() -> Digest {
        Digest::zeros()
    }

    /// Returns the message of the commit that keeps the head.
    pub(super) fn message(&self, title: &str) -> String {
        let mut text = format!("{title}\n\n");
        let _ = writeln!(text, "Audit-Log: {}", self.log);
        let _ = writeln!(text, "Audit-Line: {}", self.line);
        let _ = writeln!(text, "Audit-Digest: {}", self.digest);
        text
    }

    /// Reads the head from the message of a commit; nothing if it names none.
    pub(super) fn parse(message: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut values = message.lines().filter_map(|line| line.strip_prefix(name));
            values.next_back().map(str::trim)
        };
        Some(Self {
            log: Digest::parse(value("Audit-Log:")?)?,
            line: value("Audit-Line:")?.parse().ok()?,
            digest: Digest::parse(value("Audit-Digest:")?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_head() {
        let head = AuditHead {
            log: Digest::of(b"first"),
            line: 12,
            digest: Digest::of(b"last"),
        };
        let message = head.message("14 lines by ada@host");
        assert_eq!(AuditHead::parse(&message), Some(head));
        insta::assert_snapshot!(message, @r"
        14 lines by ada@host

        Audit-Log: a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e
        Audit-Line: 12
        Audit-Digest: 3547cb112ac4489af2310c0626cdba6f3097a2ad5a3b42ddd3b59c76c7a079a3
        ");
        for other in ["", "Audit-Log: x", "Audit-Line: 1\nAudit-Digest: 2\n"] {
            assert_eq!(AuditHead::parse(other), None, "{other}");
        }
    }
}
