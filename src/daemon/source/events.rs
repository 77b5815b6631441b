//! File events. An event is only a hint; the whole tree is read.

use std::time::Duration;

use camino::Utf8Path;
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use crate::daemon::{WorkItem, WorkQueue};

/// Polling interval where the system reports no file events.
const POLL: Duration = Duration::from_secs(5);

/// Adds a [`WorkItem::Changed`] to the queue whenever something in a folder changes, until dropped.
pub(in crate::daemon) struct FolderWatcher {
    _watcher: Box<dyn Watcher + Send>,
}

impl FolderWatcher {
    /// Starts watching; by polling where events do not work, such as on some network file systems.
    pub(in crate::daemon) fn new(
        folder: &Utf8Path,
        queue: &WorkQueue,
    ) -> Result<Self, notify::Error> {
        // Events carry absolute paths, however the folder was given.
        let top = folder
            .canonicalize_utf8()
            .unwrap_or_else(|_| folder.to_owned());
        let folder = &top.clone();
        let queue = queue.clone();
        let told = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| matters(&event, &top)) {
                queue.give(WorkItem::Changed);
            }
        };
        let events = RecommendedWatcher::new(told.clone(), Config::default());
        let watcher = events.and_then(|watcher| start(watcher, folder));
        let watcher = watcher.or_else(|error| {
            tracing::warn!(%error, "the system does not tell of changed files; they are polled");
            let config = Config::default().with_poll_interval(POLL);
            start(PollWatcher::new(told, config)?, folder)
        })?;
        Ok(Self { _watcher: watcher })
    }
}

fn start(
    mut watcher: impl Watcher + Send + 'static,
    folder: &Utf8Path,
) -> notify::Result<Box<dyn Watcher + Send>> {
    watcher.watch(folder.as_std_path(), RecursiveMode::Recursive)?;
    Ok(Box::new(watcher))
}

/// Returns whether an event may concern the tree. Reads do not, nor do changes in hidden folders, such as the daemon's
/// own state. A commit changes no file of the tree, but moves `HEAD`.
fn matters(event: &Event, top: &Utf8Path) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.need_rescan()
        || event.paths.iter().any(|path| {
            let below = path.strip_prefix(top).unwrap_or(path);
            let is_hidden = below.components().any(|part| {
                let name = part.as_os_str().as_encoded_bytes();
                name.starts_with(b".") && name != b"." && name != b".."
            });
            !is_hidden || below.ends_with(".git/logs/HEAD")
        })
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind};

    use super::*;

    #[test]
    fn what_matters() {
        #[track_caller]
        fn check(kind: EventKind, path: &str, expected: bool) {
            let event = Event::new(kind).add_path(path.into());
            assert_eq!(matters(&event, Utf8Path::new("/t/.x")), expected, "{path}");
        }
        let made = EventKind::Create(CreateKind::File);
        check(made, "/t/.x/accounts/a/account.yaml", true);
        check(made, "/t/.x/accounts/.a.swp", false);
        check(made, "/t/.x/.emblazon/lease", false);
        check(made, "/t/.x/.git/index", false);
        check(made, "/t/.x/.git/logs/HEAD", true);
        check(
            EventKind::Access(AccessKind::Read),
            "/t/.x/emblazon.yaml",
            false,
        );
    }
}
