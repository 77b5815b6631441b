//! A BIND 9 with one zone and two keys, one of which may update.

use std::fmt::Write as _;
use std::process::Command;

use emblazon::dns::push::{PushConfig, Rfc2136Config, TsigKey};
use emblazon::model::Secret;
use emblazon::tree::KeyAlgorithm;
use tempfile::TempDir;

use crate::process::{Server, answers_for, free_port, print, start};
use crate::records::{ZONE, ZONE_FILE};

/// Base64 of 32 octets, for tests only.
pub(crate) const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Another one.
pub(crate) const OTHER_SECRET: &str = "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=";

pub(crate) struct Bind {
    pub(crate) port: u16,
    _server: Server,
    folder: TempDir,
}

impl Bind {
    pub(crate) fn start() -> Self {
        Self::start_with("", &[])
    }

    /// Starts one that signs the zone.
    pub(crate) fn start_signed() -> Self {
        Self::start_with("dnssec-policy default;", &[])
    }

    /// Starts one that has further zones, each with its file.
    pub(crate) fn start_beside(others: &[(&str, &str)]) -> Self {
        Self::start_with("", others)
    }

    fn start_with(setting: &str, others: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let port = free_port();
        let control = path.display();
        let mut zones = String::new();
        for (zone, records) in [(ZONE, ZONE_FILE)].iter().chain(others) {
            std::fs::write(path.join(zone), records).unwrap();
            let _ = writeln!(
                zones,
                r#"zone "{zone}" {{
    type primary; file "{control}/{zone}"; {setting}
    update-policy {{
        grant emblazon-hmac-sha256 zonesub ANY;
        grant emblazon-hmac-sha512 zonesub ANY;
    }};
}};"#
            );
        }
        let keys = KeyAlgorithm::ALL
            .map(|algorithm| format!("key \"emblazon-{algorithm}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};\n"))
            .concat();
        std::fs::write(
            path.join("named.conf"),
            format!(
                r#"{keys}
key "reader" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
options {{
    directory "{control}"; pid-file "{control}/named.pid"; session-keyfile "{control}/session.key";
    managed-keys-directory "{control}"; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; dnssec-validation no; empty-zones-enable no; notify no;
    allow-transfer {{ key "emblazon-hmac-sha256"; }};
}};
controls {{ }};
{zones}"#
            ),
        )
        .unwrap();
        let mut command = Command::new("named");
        command.arg("-g").arg("-c").arg(path.join("named.conf"));
        let server = start(command, &path.join("log"), || {
            answers_for(port, ZONE, setting.contains("dnssec"))
        });
        Self {
            port,
            _server: server,
            folder,
        }
    }

    /// Changes the zone as somebody else would; gives up the process only when it is done.
    pub(crate) fn update(&self, change: &str) {
        let script = self.folder.path().join("update");
        let port = self.port;
        std::fs::write(
            &script,
            format!("server 127.0.0.1 {port}\nzone {ZONE}\nupdate {change}\nsend\n"),
        )
        .unwrap();
        let key = format!("hmac-sha256:emblazon-hmac-sha256:{SECRET}");
        print("nsupdate", &["-y", &key, &script.display().to_string()]);
    }

    /// Returns how to push with the right key through another port.
    pub(crate) fn right_at(port: u16) -> PushConfig {
        config(
            port,
            "emblazon-hmac-sha256",
            KeyAlgorithm::HmacSha256,
            SECRET,
        )
    }

    /// Returns how to push there with a key.
    pub(crate) fn config(&self, name: &str, algorithm: KeyAlgorithm, secret: &str) -> PushConfig {
        config(self.port, name, algorithm, secret)
    }

    /// Returns how to push there with the key that may.
    pub(crate) fn right(&self) -> PushConfig {
        self.config("emblazon-hmac-sha256", KeyAlgorithm::HmacSha256, SECRET)
    }

    /// Returns the zone as it is now, without its SOA.
    pub(crate) fn transfer(&self) -> Vec<String> {
        self.transfer_of(ZONE)
    }

    /// Returns another zone as it is now.
    pub(crate) fn transfer_of(&self, zone: &str) -> Vec<String> {
        let key = format!("hmac-sha256:emblazon-hmac-sha256:{SECRET}");
        crate::process::transfer(self.port, zone, &key)
    }
}

fn config(port: u16, name: &str, algorithm: KeyAlgorithm, secret: &str) -> PushConfig {
    PushConfig::Rfc2136(Rfc2136Config {
        server: format!("127.0.0.1:{port}"),
        key: TsigKey {
            name: name.to_owned(),
            algorithm,
            secret: Secret::new(secret),
        },
    })
}
