//! The first line, which nobody sees: what the report is about and how it stands, for whoever publishes it.

use std::fmt::Write as _;

use crate::model::ClusterName;
use crate::report::{Command, Report};

/// Writes `<!-- emblazon COMMAND CLUSTER STATE -->`, and behind the state the digest of a plan that can be approved.
pub(super) fn line(report: &Report) -> String {
    let cluster = report.cluster.as_ref().map_or("-", ClusterName::as_str);
    let command = report.command.as_str();
    let digest = match &report.plan {
        Some(digest) if report.command == Command::Plan => format!(" {digest}"),
        _ => String::new(),
    };
    format!(
        "<!-- emblazon {command} {} {}{digest} -->\n",
        encoded(cluster),
        state(report)
    )
}

/// Says whether there is something to do, in one word.
fn state(report: &Report) -> &'static str {
    let summary = report.summary();
    let count = summary.count;
    let failed = summary.errors + summary.refused + (count.total() - count.done);
    let differs = summary.differing > 0 && count.done < summary.steps.max(1);
    if failed > 0 {
        "failed"
    } else if differs || summary.dns_differing > 0 {
        "differs"
    } else if summary.unknown + summary.dns_unknown > 0 {
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
