//! `comment FILE`

use std::env;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use camino::Utf8Path;

use crate::cli::Exit;
use crate::cli::args::{CommentArgs, StatusName};
use crate::cli::deadline;
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::forge::{
    CommentPicture, CommitStatus, ForgeError, Mark, Outcome, Publisher, Shown, State,
    picture_links, without_pictures,
};
use crate::tree::{read_plain, short_commit};

/// Pause before the second attempt.
const PAUSE: Duration = Duration::from_secs(2);
/// The largest picture that is uploaded, in bytes.
const MAX_PICTURE: u64 = 4 << 20;

pub(crate) fn comment(ui: Ui, args: &CommentArgs) -> Result<Exit, Failure> {
    let text = fs::read_to_string(&args.file).with_context(|| args.file.to_string())?;
    let mark = Mark::of(&text).map_err(Failure::from)?;
    let place = (args.number, args.commit.as_deref());
    let target = args.forge.target(place, &|name| env::var(name).ok());
    let publisher = Publisher::new(target.map_err(Failure::from)?, PAUSE).map_err(Failure::from)?;
    if let Some(name) = args.status {
        return status(ui, &publisher, &mark, name);
    }
    if args.approved {
        return approved(ui, &publisher, &mark, &args.file);
    }
    let title = args.title.clone().unwrap_or_else(|| {
        let cluster = &mark.cluster;
        format!("emblazon: {cluster} does not match the tree")
    });
    let work = async {
        if args.issue {
            publisher.issue(&title, &without_pictures(&text)).await
        } else {
            let text = illustrated(ui, &publisher, &args.file, &text).await;
            publisher.comment(&text).await
        }
    };
    let outcome = deadline::run(ui, async { work.await.map_err(Failure::from) })?;
    let what = if args.issue { "issue" } else { "comment" };
    ui.message(&match outcome {
        Outcome::Created => format!("{what} written"),
        Outcome::Updated => format!("{what} brought up to date"),
        Outcome::Unchanged => format!("{what} left alone: it says the same"),
        Outcome::Closed => format!("{what} closed: nothing differs any more"),
        Outcome::Nothing => format!("no {what}: there is nothing to say"),
    });
    Ok(Exit::Done)
}

/// Returns the text with the addresses of the pictures that it links to, or without them where the forge does not take
/// them: the words are what must arrive.
async fn illustrated(ui: Ui, publisher: &Publisher, file: &Utf8Path, text: &str) -> String {
    let folder = file.parent().unwrap_or(Utf8Path::new(""));
    let read = |link: &str| {
        let bytes = read_plain(folder.join(link), MAX_PICTURE);
        let picture = bytes
            .ok()
            .and_then(|bytes| CommentPicture::new(link, bytes));
        picture.ok_or_else(|| link.to_owned())
    };
    let found: Result<Vec<CommentPicture>, String> = picture_links(text).map(read).collect();
    let why = match found {
        Ok(pictures) if pictures.is_empty() => return text.to_owned(),
        Ok(pictures) => match publisher.illustrate(text, &pictures).await {
            Ok(text) => return text,
            Err(
                error @ ForgeError::Refused {
                    status: 403 | 404, ..
                },
            ) => format!("{error}; on GitHub the job needs `contents: write` for them"),
            Err(error) => error.to_string(),
        },
        Err(link) => format!(
            "{} is not the picture that `plan --pictures` drew; plan again with it",
            folder.join(link)
        ),
    };
    ui.warning(&format!("the comment has no pictures: {why}"));
    without_pictures(text)
}

fn status(ui: Ui, publisher: &Publisher, mark: &Mark, name: StatusName) -> Result<Exit, Failure> {
    let status = match name {
        StatusName::Auto => CommitStatus::of(mark),
        StatusName::Pending => CommitStatus::pending(mark),
    };
    let work = publisher.status(&status);
    deadline::run(ui, async { work.await.map_err(Failure::from) })?;
    ui.message(&format!("status set: {}", status.description));
    Ok(Exit::Done)
}

/// Checks that the pull request showed exactly this plan. A plan without changes needs no approval.
fn approved(ui: Ui, publisher: &Publisher, mark: &Mark, file: &Utf8Path) -> Result<Exit, Failure> {
    let Some(digest) = &mark.digest else {
        let message = "this report has no digest: it is no plan, or the tree has errors";
        return Err(Failure::Refused(message.to_owned()));
    };
    if mark.state != State::Clean {
        let shown = async { publisher.shown(mark).await.map_err(Failure::from) };
        let shown = deadline::run(ui, shown)?;
        let by_hand = format!(
            "look at it, and apply it with `apply --expect {}`",
            digest.short()
        );
        let refused = match shown {
            Shown::Plan(shown) if shown == *digest => None,
            Shown::Unwitnessed {
                digest: shown,
                head,
            } if shown == *digest => Some(format!(
                "our comment on the pull request shows this plan, and no status of ours beside its last commit {} does, so nothing vouches for the comment; set it where the comment is written, with `emblazon comment --status --commit {head} {file}`, or {by_hand}",
                short_commit(&head)
            )),
            Shown::Plan(shown) | Shown::Unwitnessed { digest: shown, .. } => Some(format!(
                "the pull request showed the plan {}, and this is {}: the tree, the platform or the options of `plan` differ; {by_hand}",
                shown.short(),
                digest.short()
            )),
            Shown::Nothing => Some(format!(
                "no comment of ours on the commit's pull request shows a plan, and this one would change something; {by_hand}"
            )),
        };
        if let Some(message) = refused {
            return Err(Failure::Refused(message));
        }
    }
    ui::data(&format!("{digest}\n"))?;
    Ok(Exit::Done)
}
