//! Liveness and readiness of the daemon.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;

use super::state::Shared;
use crate::daemon::{Mode, Role, Status};

/// `/healthz`: whether the loop completed a cycle recently. If not, a supervisor should restart the daemon.
pub(super) async fn alive(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    let status = shared.published.status();
    if status.is_alive(Timestamp::now(), shared.patience) {
        (StatusCode::OK, "alive\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the loop is stuck\n")
    }
}

/// `/readyz`: whether a tree is loaded and the platform responds, or another daemon leads.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    match obstacle(&shared.published.status()) {
        None => (StatusCode::OK, "ready\n"),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// `/leaderz`: whether this daemon leads. For a balancer before several daemons with one public URL: only the leader can
/// use what the platform tells.
pub(super) async fn leads(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    match shared.published.status().cluster.role {
        Role::Leader { .. } => (StatusCode::OK, "leading\n"),
        Role::Starting | Role::Leaseless { .. } | Role::Standby { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "not leading\n")
        }
    }
}

fn obstacle(status: &Status) -> Option<&'static str> {
    let cluster = &status.cluster;
    if cluster.mode == Mode::Stopping {
        return Some("stopping\n");
    }
    match cluster.role {
        Role::Starting => Some("starting\n"),
        Role::Leader { .. } if cluster.source.tree.is_none() => Some("no tree is in force\n"),
        Role::Leader { .. } if cluster.down_since.is_some() => {
            Some("the platform cannot be read\n")
        }
        Role::Leaseless { .. } => Some("the lease cannot be taken\n"),
        Role::Standby { .. } | Role::Leader { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_is_ready_when_it_can_work() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut Status), expected: Option<&str>) {
            let mut status = Status::new(at(100));
            status.cluster.role = Role::Leader { since: at(100) };
            status.cluster.source.tree = Some(Digest::of(b"tree"));
            change(&mut status);
            assert_eq!(obstacle(&status), expected);
        }
        check(|_| {}, None);
        check(
            |status| status.cluster.role = Role::Starting,
            Some("starting\n"),
        );
        check(
            |status| status.cluster.source.tree = None,
            Some("no tree is in force\n"),
        );
        check(
            |status| status.cluster.down_since = Some(at(99)),
            Some("the platform cannot be read\n"),
        );
        check(
            |status| status.cluster.mode = Mode::Stopping,
            Some("stopping\n"),
        );
        check(
            |status| {
                status.cluster.source.tree = None;
                status.cluster.role = Role::Standby {
                    holder: "other".to_owned(),
                    since: at(1),
                };
            },
            None,
        );
    }
}
