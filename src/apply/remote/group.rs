//! The process group of one command.

use tokio::process::Child;

/// The processes of one command; when it is abandoned, all of them are killed, including those that `git` started.
pub(super) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    pub(super) fn of(child: &Child, has_own: bool) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let leader = id.and_then(rustix::process::Pid::from_raw);
        Self {
            leader: leader.filter(|_| has_own),
        }
    }

    /// Notes that the command ended by itself; what it left running, such as a credential helper, is kept.
    pub(super) fn ended(&mut self) {
        self.leader = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // A group that ended in the meantime cannot be killed.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    pub(super) fn of(_child: &Child, _has_own: bool) -> Self {
        Self {}
    }

    pub(super) fn ended(&mut self) {}
}
