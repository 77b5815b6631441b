//! A BIND 9 that has a copy of the zone.

use std::process::Command;

use tempfile::TempDir;

use crate::bind::SECRET;
use crate::process::{Server, answers_for, start, try_transfer};
use crate::records::ZONE;

pub(crate) struct Secondary {
    port: u16,
    _server: Server,
    _folder: TempDir,
}

impl Secondary {
    /// Starts one at a port and waits until it has transferred the zone from its primary at another port.
    pub(crate) fn start(port: u16, primary: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let place = path.display();
        std::fs::write(
            path.join("named.conf"),
            format!(
                r#"key "emblazon" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
options {{
    directory "{place}"; pid-file "{place}/named.pid"; session-keyfile "{place}/session.key";
    managed-keys-directory "{place}"; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; dnssec-validation no; empty-zones-enable no; notify no;
    allow-transfer {{ key "emblazon"; }};
}};
controls {{ }};
zone "{ZONE}" {{ type secondary; file "{place}/zone"; primaries {{ 127.0.0.1 port {primary} key "emblazon"; }}; }};
"#
            ),
        )
        .unwrap();
        let mut command = Command::new("named");
        command.arg("-g").arg("-c").arg(path.join("named.conf"));
        let server = start(command, &path.join("log"), || {
            answers_for(port, ZONE, false)
        });
        Self {
            port,
            _server: server,
            _folder: folder,
        }
    }

    /// Returns its copy of the zone, without the SOA; fails while it takes in another one.
    pub(crate) fn transfer(&self) -> Result<Vec<String>, String> {
        try_transfer(self.port, ZONE, &format!("hmac-sha256:emblazon:{SECRET}"))
    }
}
