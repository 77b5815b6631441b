//! The first line, which nobody sees: what the report is about and how it stands, for whoever publishes it.

use std::fmt::Write as _;

use crate::model::ClusterName;
use crate::report::Report;

/// Writes `<!-- emblazon COMMAND CLUSTER STATE -->`.
pub(super) fn line(report: &Report) -> String {
    let cluster = report.cluster.as_ref().map_or("-", ClusterName::as_str);
    let command = report.command.as_str();
    format!(
        "<!-- emblazon {command} {} {} -->\n",
        encoded(cluster),
        state(report)
    )
}

/// Says whether there is something to do, in one word.
fn state(report: &Report) -> &'static str {
    let summary = report.summary();
    let open = summary.errors
        + summary.refused
        + summary.dns_differing
        + summary.failed
        + summary.moved
        + summary.skipped;
    let differs = summary.differing > 0 && summary.done < summary.steps.max(1);
    if open > 0 || differs {
        "differs"
    } else if summary.unknown + summary.uncertain + summary.dns_unknown > 0 {
        "unknown"
    } else {
        "clean"
    }
}

/// Keeps a name from ending the comment or the word.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
