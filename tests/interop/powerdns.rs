//! A PowerDNS with a file for a database, its API on loopback, and dynamic updates.

use std::process::Command;

use emblazon::dns::push::{PowerDnsConfig, PushConfig, Rfc2136Config, TsigKey};
use emblazon::model::Secret;
use emblazon::tree::KeyAlgorithm;
use tempfile::TempDir;

use crate::bind::SECRET;
use crate::process::{Server, free_port, print, run, start};
use crate::records::{ZONE, ZONE_FILE};

const API_KEY: &str = "interop-api-key";
/// The tables of its database.
pub(crate) const SCHEMA: &str = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";

pub(crate) struct PowerDns {
    pub(crate) port: u16,
    pub(crate) api: u16,
    _server: Server,
    folder: TempDir,
}

impl PowerDns {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one that is the primary of a secondary at a port, and looks every second for what it must hear.
    pub(crate) fn start_notifying(port: u16) -> Self {
        let server = Self::start_with(&format!(
            "primary=yes\nalso-notify=127.0.0.1:{port}\nxfr-cycle-interval=1\n"
        ));
        server.by_hand(&["set-kind", ZONE, "master"]);
        server
    }

    fn start_with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let (port, api) = (free_port(), free_port());
        let place = path.display().to_string();
        let database = format!("{place}/pdns.sqlite3");
        print("sqlite3", &[&database, &format!(".read {SCHEMA}")]);
        std::fs::write(
            path.join("pdns.conf"),
            format!(
                "launch=gsqlite3\ngsqlite3-database={database}\ngsqlite3-dnssec=yes\nlocal-address=127.0.0.1\nlocal-port={port}\n\
                 socket-dir={place}\napi=yes\napi-key={API_KEY}\nwebserver=yes\nwebserver-address=127.0.0.1\n\
                 webserver-port={api}\ndnsupdate=yes\nallow-dnsupdate-from=127.0.0.1\nallow-axfr-ips=\n\
                 zone-cache-refresh-interval=0\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n\
                 setuid=\nsetgid=\nsecurity-poll-suffix=\n{settings}"
            ),
        )
        .unwrap();
        std::fs::write(path.join("zone"), ZONE_FILE).unwrap();
        let config = format!("--config-dir={place}");
        print(
            "pdnsutil",
            &[&config, "load-zone", ZONE, &format!("{place}/zone")],
        );
        print(
            "pdnsutil",
            &[
                &config,
                "import-tsig-key",
                "emblazon",
                "hmac-sha256",
                SECRET,
            ],
        );
        print(
            "pdnsutil",
            &[
                &config,
                "set-meta",
                ZONE,
                "TSIG-ALLOW-DNSUPDATE",
                "emblazon",
            ],
        );
        print(
            "pdnsutil",
            &[&config, "set-meta", ZONE, "TSIG-ALLOW-AXFR", "emblazon"],
        );
        let mut command = Command::new("pdns_server");
        command.arg(&config).arg("--daemon=no").arg("--guardian=no");
        let text = port.to_string();
        let server = start(command, &path.join("log"), || {
            let ask = [
                "@127.0.0.1",
                "-p",
                &text,
                ZONE,
                "SOA",
                "+short",
                "+tries=1",
                "+timeout=1",
            ];
            std::net::TcpStream::connect(("127.0.0.1", api)).is_ok()
                && String::from_utf8_lossy(&run("dig", &ask).stdout).contains("hostmaster")
        });
        Self {
            port,
            api,
            _server: server,
            folder,
        }
    }

    /// Signs the zone.
    pub(crate) fn sign(&self) {
        self.by_hand(&["secure-zone", ZONE]);
        self.by_hand(&["rectify-zone", ZONE]);
    }

    /// Changes the zone by hand, past emblazon.
    pub(crate) fn by_hand(&self, arguments: &[&str]) {
        let config = format!("--config-dir={}", self.folder.path().display());
        print("pdnsutil", &[&[config.as_str()], arguments].concat());
    }

    /// Changes the database by hand.
    pub(crate) fn sql(&self, statement: &str) {
        let database = format!("{}/pdns.sqlite3", self.folder.path().display());
        print("sqlite3", &[&database, statement]);
    }

    /// Asks the database.
    pub(crate) fn ask_sql(&self, statement: &str) -> String {
        let database = format!("{}/pdns.sqlite3", self.folder.path().display());
        print("sqlite3", &[&database, statement])
    }

    pub(crate) fn api(&self, api_key: &str) -> PushConfig {
        Self::api_at(self.api, api_key)
    }

    /// Returns how to push with the right key through another port.
    pub(crate) fn right_api_at(port: u16) -> PushConfig {
        Self::api_at(port, API_KEY)
    }

    fn api_at(port: u16, api_key: &str) -> PushConfig {
        PushConfig::PowerDns(PowerDnsConfig {
            url: format!("http://127.0.0.1:{port}"),
            api_key: Secret::new(api_key),
            ca_pem: None,
            server_id: "localhost".to_owned(),
        })
    }

    pub(crate) fn right_api(&self) -> PushConfig {
        self.api(API_KEY)
    }

    pub(crate) fn updates(&self, secret: &str) -> PushConfig {
        PushConfig::Rfc2136(Rfc2136Config {
            server: format!("127.0.0.1:{}", self.port),
            key: TsigKey {
                name: "emblazon".to_owned(),
                algorithm: KeyAlgorithm::HmacSha256,
                secret: Secret::new(secret),
            },
        })
    }

    /// Returns the zone as it is now, without its SOA.
    pub(crate) fn transfer(&self) -> Vec<String> {
        crate::process::transfer(self.port, ZONE, &format!("hmac-sha256:emblazon:{SECRET}"))
    }
}
