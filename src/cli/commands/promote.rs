//! `promote FROM TO [ACCOUNT…]`

use crate::cli::args::{PromoteArgs, Several, TreeChoice};
use crate::cli::failure::Failure;
use crate::cli::import::write;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, difference, survey};
use crate::import::{self, Promotion};
use crate::model::count;
use crate::report::text::{Painted, visible};
use crate::report::{self, Command, text};

/// Brings what one cluster declares to another one: shows the edit, and writes it if that was asked for.
pub(crate) fn promote(ui: Ui, args: &PromoteArgs) -> Result<Exit, Failure> {
    let open = |cluster: &String| {
        let choice = TreeChoice {
            cluster: Some(cluster.clone()),
            rev: None,
        };
        tree::open(ui, &args.tree, &choice, Several::Refuse)
    };
    let (from, to): (OpenTree, OpenTree) = (open(&args.from)?, open(&args.to)?);
    if let Some(wrong) = [&from, &to].into_iter().find(|it| it.loaded.has_errors()) {
        let report = report::report(&survey::tree_facts(Command::Validate, wrong));
        ui::page(&text::render(&report, ui.stdout_options()))?;
        return Ok(Exit::of(&report));
    }
    let only = tree::chosen(&from.loaded.desired, &args.names)?;
    let only = (!args.names.is_empty()).then_some(&only);
    let sides = (&from.loaded, &to.loaded);
    let promotion = import::promote(&*from.source, sides, only)
        .map_err(|error| Failure::Failed(error.into()))?;
    if args.yes {
        write(&args.tree, &promotion.changes)?;
    }
    ui::page(&told(&promotion, &args.to).rendered(ui.stdout_options()))?;
    let files = count(promotion.changes.len(), "file");
    let is_written = args.yes || promotion.changes.is_empty();
    ui.message(&match (promotion.changes.is_empty(), args.yes) {
        (true, _) => format!("{} declares it already: nothing to write", args.to),
        (false, true) => format!("{files} written"),
        (false, false) => format!("{files} would be written; pass --yes to write"),
    });
    Ok(if !promotion.refused.is_empty() {
        Exit::Refused
    } else if is_written {
        Exit::Done
    } else {
        Exit::Differences
    })
}

fn told(promotion: &Promotion, to: &str) -> Painted {
    let mut page = Painted::default();
    for change in &promotion.changes {
        difference::tell(&mut page, change);
    }
    for held in &promotion.refused {
        let address = (held.address.as_ref()).map_or_else(String::new, |it| format!(" {it}"));
        let (account, origin, reason) = (&held.account, &held.origin, &held.reason);
        let line = format!("refused: {account}{address} ({origin}): {reason}");
        page.plain(&visible(&line));
    }
    if !promotion.domains.is_empty() {
        let number = promotion.domains.len();
        let domains = count(number, "domain");
        let stay = if number == 1 {
            "stays as it is"
        } else {
            "stay as they are"
        };
        page.plain(&visible(&format!("{domains} of {to} {stay}")));
    }
    page
}
