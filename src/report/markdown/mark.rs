//! The first line, an invisible comment that tells publishing tools what the report is about and its state.

use std::fmt::Write as _;

use crate::model::{ClusterName, Digest};
use crate::report::{Command, Report};

/// Renders `<!-- emblazon COMMAND CLUSTER STATE -->`, with the plan's digest after the state if the plan can be
/// approved.
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

/// Renders the same for live values that are proposed for the tree; without a digest, for ones of which nothing is left.
pub(super) fn of_kept(cluster: &ClusterName, digest: Option<&Digest>) -> String {
    let cluster = encoded(cluster.as_str());
    match digest {
        Some(digest) => format!("<!-- emblazon keep {cluster} differs {digest} -->\n"),
        None => format!("<!-- emblazon keep {cluster} clean -->\n"),
    }
}

/// Returns the state in one word: whether there is something to do.
fn state(report: &Report) -> &'static str {
    let summary = report.summary();
    let count = summary.count;
    let failed = summary.errors + summary.refused + (count.total() - count.done);
    let differs = summary.differing > 0 && count.done < summary.steps.max(1);
    if failed > 0 {
        "failed"
    } else if differs || summary.dns_differing + summary.sip_failing > 0 {
        "differs"
    } else if summary.unknown + summary.dns_unknown > 0 {
        "unknown"
    } else {
        "clean"
    }
}

/// Encodes a name so that it can end neither the comment nor the word.
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
