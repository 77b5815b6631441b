//! Live whitelabels outside the tree.

use std::fmt;

use super::page::{Page, Tone, piece};
use super::visible;
use crate::live::Reading;
use crate::model::count;
use crate::report::Report;

/// The maximum number of accounts that are listed.
const SHOWN_ACCOUNTS: usize = 10;

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let Some(coverage) = &report.coverage else {
        return Ok(());
    };
    match &coverage.unmanaged {
        Reading::Unknown(reason) => {
            page.gap()?;
            let text = format!(
                "accounts outside the tree could not be listed: {}",
                visible(reason)
            );
            page.wrapped(0, 2, &[piece(Tone::Warning, text)])?;
        }
        Reading::Known(accounts) if accounts.is_empty() => {}
        Reading::Known(accounts) => {
            page.gap()?;
            let total = coverage.managed + accounts.len();
            let percent = coverage.percent().unwrap_or(0);
            let at_least = coverage.at_least();
            let text = format!(
                "not in the tree: {} of {at_least}{} (the tree covers {at_least}{percent}%)",
                accounts.len(),
                count(total, "live whitelabel")
            );
            page.wrapped(0, 2, &[piece(Tone::Heading, text)])?;
            let shown = if page.options.verbose || accounts.len() <= SHOWN_ACCOUNTS + 1 {
                accounts.len()
            } else {
                SHOWN_ACCOUNTS
            };
            for account in &accounts[..shown] {
                let line = [
                    piece(Tone::Plain, visible(&account.name)),
                    piece(Tone::Plain, "  "),
                    piece(Tone::Faint, account.id.as_str()),
                    piece(Tone::Plain, "  "),
                    piece(Tone::Faint, visible(&account.realm)),
                ];
                page.wrapped(2, 4, &line)?;
            }
            if shown < accounts.len() {
                let text = format!(
                    "… and {} more (--verbose lists all)",
                    accounts.len() - shown
                );
                page.line(2, &[piece(Tone::Faint, text)])?;
            }
        }
    }
    Ok(())
}
