//! Which hosts are this machine.

use url::Host;

/// Tells whether a host is this machine, so that what is sent to it in clear text crosses no network.
#[must_use]
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
