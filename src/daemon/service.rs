//! Notifications to the service manager that started the daemon: systemd's notification protocol.

use std::time::Duration;

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// The daemon serves.
    Ready,
    /// The daemon is alive.
    Alive,
    /// The daemon is ending.
    Stopping,
    /// A line for `systemctl status`.
    Status(String),
}

/// The service manager, when there is one.
#[derive(Debug, Default)]
pub struct ServiceManager {
    #[cfg(unix)]
    socket: Option<(
        std::os::unix::net::UnixDatagram,
        std::os::unix::net::SocketAddr,
    )>,
    patience: Option<Duration>,
}

impl ServiceManager {
    /// Finds the service manager by `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; `environment` looks up a
    /// variable. A socket that cannot be used is logged and treated as none.
    #[must_use]
    pub fn find(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let number = |name: &str| environment(name)?.parse::<u64>().ok();
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let patience = number("WATCHDOG_USEC").filter(|_| for_us);
        Self {
            #[cfg(unix)]
            socket: environment("NOTIFY_SOCKET").and_then(|name| connected(&name)),
            patience: patience.map(Duration::from_micros),
        }
    }

    /// Returns the interval between signs of life: half of the watchdog's time-out.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.patience.map(|patience| patience / 2)
    }

    /// Sends a notification. Best effort: failures are logged, because they are no reason to stop.
    pub fn tell(&self, notification: &Notification) {
        let text = match notification {
            Notification::Ready => "READY=1".to_owned(),
            Notification::Alive => "WATCHDOG=1".to_owned(),
            Notification::Stopping => "STOPPING=1".to_owned(),
            // A second line would be another message.
            Notification::Status(line) => format!("STATUS={}", line.replace(char::is_control, " ")),
        };
        self.send(text.as_bytes());
    }

    #[cfg(unix)]
    fn send(&self, message: &[u8]) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(message, address)
        {
            tracing::warn!(%error, "the service manager does not listen");
        }
    }

    #[cfg(not(unix))]
    fn send(&self, _message: &[u8]) {}
}

#[cfg(unix)]
fn connected(
    name: &str,
) -> Option<(
    std::os::unix::net::UnixDatagram,
    std::os::unix::net::SocketAddr,
)> {
    let open = || {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        // A full queue must not hold up the loop.
        socket.set_nonblocking(true)?;
        Ok::<_, std::io::Error>((socket, address(name)?))
    };
    open()
        .inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be used"))
        .ok()
}

/// Parses the address of a socket: a path, or after `@` a name in Linux's abstract namespace.
#[cfg(unix)]
fn address(name: &str) -> std::io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt as _;
        return std::os::unix::net::SocketAddr::from_abstract_name(name);
    }
    std::os::unix::net::SocketAddr::from_pathname(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn found(variables: &[(&str, &str)]) -> ServiceManager {
        ServiceManager::find(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[track_caller]
    fn heard(listener: &UnixDatagram, manager: &ServiceManager, told: &Notification) -> String {
        manager.tell(told);
        let mut buffer = [0; 256];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_speaks_the_protocol() {
        #[track_caller]
        fn check(at: (&UnixDatagram, &ServiceManager), told: &Notification, expected: &str) {
            assert_eq!(heard(at.0, at.1, told), expected);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let manager = found(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
        let at = (&listener, &manager);
        check(at, &Notification::Ready, "READY=1");
        check(at, &Notification::Alive, "WATCHDOG=1");
        check(at, &Notification::Stopping, "STOPPING=1");
        let status = Notification::Status("acme drifted\nREADY=1".to_owned());
        check(at, &status, "STATUS=acme drifted READY=1");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_finds_names_in_the_kernels_space() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("emblazon-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixDatagram::bind_addr(&address).unwrap();
        let manager = found(&[("NOTIFY_SOCKET", &format!("@{name}"))]);
        assert_eq!(heard(&listener, &manager, &Notification::Ready), "READY=1");
    }

    #[test]
    fn without_a_service_manager_nothing_is_told() {
        found(&[]).tell(&Notification::Ready);
        found(&[("NOTIFY_SOCKET", "/nowhere/at/all")]).tell(&Notification::Ready);
        found(&[("NOTIFY_SOCKET", "@\0")]).tell(&Notification::Ready);
    }

    #[test]
    fn the_watchdog_is_fed_twice_as_often_as_it_asks() {
        #[track_caller]
        fn check(variables: &[(&str, &str)], expected: Option<u64>) {
            let interval = found(variables).interval();
            assert_eq!(
                interval,
                expected.map(Duration::from_millis),
                "{variables:?}"
            );
        }
        let own = std::process::id().to_string();
        check(&[], None);
        check(&[("WATCHDOG_USEC", "60000000")], Some(30_000));
        check(
            &[("WATCHDOG_USEC", "60000000"), ("WATCHDOG_PID", &own)],
            Some(30_000),
        );
        check(
            &[("WATCHDOG_USEC", "60000000"), ("WATCHDOG_PID", "1")],
            None,
        );
        check(&[("WATCHDOG_USEC", "often")], None);
    }
}
