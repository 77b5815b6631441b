//! The identity of a lease holder.

use std::env;

/// Returns who runs this process, for others to read.
#[must_use]
pub fn holder() -> String {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("USERNAME"));
    let host = variable("HOSTNAME").or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned())
    });
    let user = user.unwrap_or_else(|| "somebody".to_owned());
    let host = host.unwrap_or_else(|| "an unnamed host".to_owned());
    format!("{user}@{host}, process {}", std::process::id())
}
