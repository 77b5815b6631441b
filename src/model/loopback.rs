//! Detection of loopback hosts.

use url::Host;

/// Returns whether a host is this machine, so that clear text sent to it crosses no network.
#[must_use]
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
