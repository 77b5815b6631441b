//! Request counts by method and class.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::api::class_of;

/// Counts of requests; `GET /sandbox/counts` returns them as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All requests below `/v…`.
    pub total: u64,
    /// The PUT, POST, PATCH and DELETE among them, except logins and the account-scoped domain
    /// test, which change nothing.
    pub mutating: u64,
    /// The number of reads answered with 304, because the caller's copy was current.
    #[serde(default)]
    pub not_modified: u64,
    /// The total size of all response bodies as sent, in bytes.
    #[serde(default)]
    pub body_bytes: u64,
    /// The total time of all requests on a server with limited capacity, in microseconds.
    #[serde(default)]
    pub busy_micros: u64,
    /// The number of accepted connections.
    pub connections: u64,
    /// The requests by method and class, such as `GET whitelabel`.
    pub by_class: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts one request.
    pub(crate) fn add(&mut self, method: &str, path: &str) {
        let (class, changes) = class_of(path);
        self.total += 1;
        if changes && matches!(method, "PUT" | "POST" | "PATCH" | "DELETE") {
            self.mutating += 1;
        }
        *self
            .by_class
            .entry(format!("{method} {class}"))
            .or_default() += 1;
    }

    /// Counts a response.
    pub(crate) fn answered(&mut self, status: u16, body: usize) {
        self.not_modified += u64::from(status == 304);
        self.body_bytes += body as u64;
    }

    /// Returns the number of requests of one method and class.
    #[must_use]
    pub fn of(&self, method: &str, class: &str) -> u64 {
        self.by_class
            .get(&format!("{method} {class}"))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_mutating() {
        #[track_caller]
        fn check(method: &str, path: &str, mutating: u64) {
            let mut counts = Counts::default();
            counts.add(method, path);
            assert_eq!(
                (counts.total, counts.mutating),
                (1, mutating),
                "{method} {path}"
            );
        }
        check("GET", "/v2/accounts/a/whitelabel", 0);
        check("POST", "/v2/accounts/a/whitelabel", 1);
        check("POST", "/v2/accounts/a/whitelabel/logo", 1);
        check("POST", "/v2/accounts/a/whitelabel/domains", 0);
        check("POST", "/v2/whitelabel/domains", 1);
        check("PUT", "/v2/api_auth", 0);
        check("PUT", "/v2/user_auth", 0);
        check("PUT", "/v2/accounts/a", 1);
        check("DELETE", "/v2/accounts/a/whitelabel", 1);
    }
}
