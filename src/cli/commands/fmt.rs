//! `fmt [TREE]`

use crate::cli::args::FmtArgs;
use crate::cli::failure::Failure;
use crate::cli::import::write;
use crate::cli::tree::unloadable;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, difference};
use crate::import::FileChange;
use crate::model::count_of;
use crate::report::text::{Painted, visible};
use crate::tree::{self, Workdir};

/// Formats a tree; a file with mistakes does not hold back the others.
pub(crate) fn fmt(ui: Ui, args: &FmtArgs) -> Result<Exit, Failure> {
    let source = Workdir::open(&args.tree).map_err(|error| unloadable(error.into()))?;
    let files = tree::format(&source).map_err(unloadable)?;
    let total = files.len();
    let mut changes = Vec::new();
    let mut mistakes = 0;
    for file in files {
        match file.after {
            Err(diagnostics) => {
                mistakes += 1;
                let first = diagnostics.first();
                let first = first.map_or("it cannot be read", |it| it.message.as_str());
                ui.error(&format!(
                    "{} is left as it is: {first}; `emblazon validate` shows the place",
                    file.path
                ));
            }
            Ok(after) if after != file.before => changes.push(FileChange {
                path: file.path,
                before: Some(file.before.into_bytes()),
                after: after.into_bytes(),
            }),
            Ok(_) => {}
        }
    }
    if !args.check {
        write(&args.tree, &changes)?;
    }
    let mut page = Painted::default();
    for change in &changes {
        if args.diff {
            difference::tell(&mut page, change);
        } else {
            page.plain(&visible(change.path.as_str()));
        }
    }
    ui::page(&page.rendered(ui.stdout_options()))?;
    let not = if args.check { "not " } else { "" };
    ui.message(&format!(
        "{} {not}formatted",
        count_of(changes.len(), total, "file")
    ));
    Ok(if mistakes > 0 {
        Exit::TreeErrors
    } else if args.check && !changes.is_empty() {
        Exit::Differences
    } else {
        Exit::Done
    })
}
