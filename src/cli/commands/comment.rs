//! `comment FILE`

use std::env;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::Exit;
use crate::cli::args::CommentArgs;
use crate::cli::failure::Failure;
use crate::cli::survey;
use crate::cli::ui::Ui;
use crate::forge::{ForgeError, Mark, Outcome, Publisher, Target};

/// How long to wait before the second try.
const PAUSE: Duration = Duration::from_secs(2);

pub(crate) fn comment(ui: Ui, args: &CommentArgs) -> Result<Exit, Failure> {
    let text = fs::read_to_string(&args.file).with_context(|| args.file.to_string())?;
    let mark = Mark::of(&text).map_err(failure)?;
    let target = Target::find(
        args.forge.map(Into::into),
        args.url.as_deref(),
        args.repository.as_deref(),
        args.number,
        &|name| env::var(name).ok(),
    );
    let publisher = Publisher::new(target.map_err(failure)?, PAUSE).map_err(failure)?;
    let title = args.title.clone().unwrap_or_else(|| {
        let cluster = &mark.cluster;
        format!("emblazon: {cluster} is not as the tree says")
    });
    let work = async {
        if args.issue {
            publisher.issue(&title, &text).await
        } else {
            publisher.comment(&text).await
        }
    };
    let outcome = survey::runtime()?.block_on(work).map_err(failure)?;
    let what = if args.issue { "issue" } else { "comment" };
    ui.talk(&match outcome {
        Outcome::Created => format!("{what} written"),
        Outcome::Updated => format!("{what} brought up to date"),
        Outcome::Unchanged => format!("{what} left alone: it says the same"),
        Outcome::Closed => format!("{what} closed: nothing differs any more"),
        Outcome::Nothing => format!("no {what}: there is nothing to say"),
    });
    Ok(Exit::Done)
}

fn failure(error: ForgeError) -> Failure {
    match error {
        ForgeError::NoMark | ForgeError::Missing { .. } | ForgeError::Url { .. } => {
            Failure::Usage(error.to_string())
        }
        ForgeError::Client(_)
        | ForgeError::Unreachable(_)
        | ForgeError::Busy { .. }
        | ForgeError::Refused { .. }
        | ForgeError::Answer(_) => Failure::Failed(error.into()),
    }
}
