//! What an earlier process on this machine held, for its successor.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::LeaseScope;
use crate::apply::state_file::write_whole;

/// Where Linux reports the id of the current boot.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The values of a lease between hosts that were written with one state directory.
///
/// Useful to the holder of the lock of the host: the process that wrote them held it too, so it is dead. The lock is
/// trusted within one boot of one machine only; in a directory that several machines share, locks may mean nothing.
#[derive(Clone, Debug)]
pub(super) struct Predecessor {
    file: Utf8PathBuf,
}

#[derive(Serialize, Deserialize)]
struct HeldBefore {
    boot: String,
    values: Vec<String>,
}

impl Predecessor {
    pub(super) fn new(state: &Utf8Path, scope: &LeaseScope) -> Self {
        Self {
            file: state.join("held").join(format!("{}.json", scope.file())),
        }
    }

    /// Returns whether a value was written by the predecessor.
    pub(super) fn held(&self, value: &str) -> bool {
        let text = std::fs::read(&self.file).unwrap_or_default();
        let held: Option<HeldBefore> = serde_json::from_slice(&text).ok();
        held.is_some_and(|held| {
            boot().is_some_and(|boot| boot == held.boot) && held.values.iter().any(|it| it == value)
        })
    }

    /// Stores the values that the lease may have from now on, before it has them.
    pub(super) fn keep(&self, values: &[String]) {
        let Some(boot) = boot() else {
            return;
        };
        let values = values.to_vec();
        let text = serde_json::to_vec(&HeldBefore { boot, values }).unwrap_or_default();
        if let Err(error) = write_whole(self.file.as_std_path(), &text) {
            tracing::warn!(path = %self.file, %error, "should this process be killed, the next one waits until its lease ends");
        }
    }
}

fn boot() -> Option<String> {
    let text = std::fs::read_to_string(BOOT).ok()?;
    Some(text.trim().to_owned()).filter(|boot| !boot.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClusterName;

    #[test]
    fn only_what_the_same_folder_held_in_the_same_boot_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let scope = LeaseScope::new(&ClusterName::new("production"), None);
        let predecessor = Predecessor::new(state, &scope);
        assert!(!predecessor.held("a"));
        predecessor.keep(&["a".to_owned(), "b".to_owned()]);
        assert!(boot().is_none() || (predecessor.held("a") && predecessor.held("b")));
        assert!(!predecessor.held("c"));
        let text = std::fs::read_to_string(&predecessor.file).unwrap_or_default();
        let other = text.replace(&boot().unwrap_or_default(), "another machine");
        std::fs::create_dir_all(state.join("held")).unwrap();
        std::fs::write(&predecessor.file, other).unwrap();
        assert!(!predecessor.held("a"));
        std::fs::write(&predecessor.file, "{").unwrap();
        assert!(!predecessor.held("a"));
    }
}
