//! A Knot DNS with one zone and one key, which may update and transfer it.

use std::process::Command;

use emblazon::dns::push::{PushConfig, Rfc2136Config, TsigKey};
use emblazon::model::Secret;
use emblazon::tree::KeyAlgorithm;
use tempfile::TempDir;

use crate::bind::SECRET;
use crate::process::{Server, answers_for, free_port, print, start, transfer};
use crate::records::{ZONE, ZONE_FILE};

pub(crate) struct Knot {
    pub(crate) port: u16,
    _server: Server,
    folder: TempDir,
}

impl Knot {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one that signs the zone.
    pub(crate) fn start_signed() -> Self {
        Self::start_with("    dnssec-signing: on\n")
    }

    fn start_with(setting: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let port = free_port();
        let place = path.display();
        std::fs::write(path.join("zone"), ZONE_FILE).unwrap();
        let config = path.join("knot.conf");
        std::fs::write(
            &config,
            format!(
                "server:\n  rundir: {place}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n\
                 database:\n  storage: {place}\n  journal-db-max-size: 16M\n  timer-db-max-size: 16M\n  kasp-db-max-size: 16M\n\
                 key:\n  - id: emblazon\n    algorithm: hmac-sha512\n    secret: {SECRET}\n\
                 acl:\n  - id: ours\n    key: emblazon\n    action: [update, transfer, query]\n\
                 zone:\n  - domain: {ZONE}\n    storage: {place}\n    file: zone\n    acl: ours\n    zonefile-sync: -1\n    journal-content: all\n{setting}"
            ),
        )
        .unwrap();
        let mut command = Command::new("knotd");
        command.arg("-c").arg(&config);
        let server = start(command, &path.join("log"), || {
            answers_for(port, ZONE, !setting.is_empty())
        });
        Self {
            port,
            _server: server,
            folder,
        }
    }

    /// Changes the zone as somebody else would.
    pub(crate) fn update(&self, change: &str) {
        let script = self.folder.path().join("update");
        let port = self.port;
        let text = format!("server 127.0.0.1 {port}\nzone {ZONE}\nupdate {change}\nsend\n");
        std::fs::write(&script, text).unwrap();
        print("nsupdate", &["-y", &key(), &script.display().to_string()]);
    }

    /// Returns how to push there.
    pub(crate) fn right(&self) -> PushConfig {
        PushConfig::Rfc2136(Rfc2136Config {
            server: format!("127.0.0.1:{}", self.port),
            key: TsigKey {
                name: "emblazon".to_owned(),
                algorithm: KeyAlgorithm::HmacSha512,
                secret: Secret::new(SECRET),
            },
        })
    }

    /// Returns the zone as it is now, without its SOA.
    pub(crate) fn transfer(&self) -> Vec<String> {
        transfer(self.port, ZONE, &key())
    }
}

fn key() -> String {
    format!("hmac-sha512:emblazon:{SECRET}")
}
