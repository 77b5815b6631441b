//! Signed zones of BIND, Knot and PowerDNS, seen through a BIND that validates: what it refuses is bogus, and why is a
//! finding.

use std::path::Path;
use std::process::Command;

use emblazon::dns::{Checker, Exchange, ExchangeOptions, Observer, Verdict, ZoneOptions};
use emblazon::model::{DomainName, DomainTemplate};
use tempfile::TempDir;

use crate::powerdns::SCHEMA;
use crate::process::{Server, answers_for, free_port, print, start};
use crate::records::ZONE;

/// The zone above.
pub(crate) const ABOVE: &str = "example";

/// Signatures that hold.
pub(crate) const NOW: (&str, &str) = ("now-1h", "now+30d");

/// The name server of both zones.
const SERVER: &str = "@ IN NS ns\nns IN A 127.0.0.1";

/// What the zone above says of the zone's key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vouched {
    Right,
    Wrong,
    Nothing,
}

/// What serves the zones.
#[derive(Clone, Copy, Debug)]
enum Software {
    Bind,
    Knot,
    PowerDns,
}

/// Writes a zone and signs it, and returns its DS record.
pub(crate) fn sign(folder: &Path, zone: &str, records: &str, (start, end): (&str, &str)) -> String {
    let file = folder.join(zone);
    let text = format!(
        "$ORIGIN {zone}.\n$TTL 300\n@ IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n{records}\n"
    );
    std::fs::write(&file, text).unwrap();
    let (folder, file) = (folder.display().to_string(), file.display().to_string());
    let generate = [
        "-q",
        "-K",
        &folder,
        "-a",
        "ECDSAP256SHA256",
        "-f",
        "KSK",
        zone,
    ];
    let key = print("dnssec-keygen", &generate);
    let key = format!("{folder}/{}", key.trim());
    let arguments = [
        "-S", "-z", "-P", "-q", "-K", &folder, "-d", &folder, "-o", zone, "-s", start, "-e", end,
        &file,
    ];
    print("dnssec-signzone", &arguments);
    print("dnssec-dsfromkey", &["-2", &key])
}

/// A DS record whose digest is another one.
pub(crate) fn wrong(ds: &str) -> String {
    let (before, digest) = ds.trim().rsplit_once(' ').unwrap();
    let turned: String = digest.chars().rev().collect();
    format!("{before} {turned}\n")
}

pub(crate) fn named(
    folder: &Path,
    name: &str,
    settings: &str,
    answers: impl FnMut() -> bool,
) -> Server {
    let home = folder.join(name);
    std::fs::create_dir(&home).unwrap();
    let file = home.join("named.conf");
    std::fs::write(
        &file,
        settings.replace("{home}", &home.display().to_string()),
    )
    .unwrap();
    let mut command = Command::new("named");
    command.arg("-g").arg("-c").arg(&file);
    start(command, &home.join("log"), answers)
}

/// Returns the settings of a BIND that trusts the zone above, whose DS record this is.
pub(crate) fn trust(ds: &str) -> String {
    let fields: Vec<&str> = ds.split_whitespace().skip(3).collect();
    let [tag, algorithm, kind, digest] = fields[..] else {
        panic!("{ds}");
    };
    format!("trust-anchors {{ \"{ABOVE}.\" static-ds {tag} {algorithm} {kind} \"{digest}\"; }};\n")
}

/// Returns the options of a BIND at a port.
pub(crate) fn options(port: u16) -> String {
    format!(
        r#"directory "{{home}}"; pid-file "{{home}}/pid"; session-keyfile "{{home}}/session.key";
    managed-keys-directory "{{home}}"; lock-file none; empty-zones-enable no; notify no;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"#
    )
}

/// Serves both zones, as they were signed, with BIND.
fn bind(folder: &Path, port: u16) -> Server {
    let zone = |zone: &str| {
        let file = folder.join(format!("{zone}.signed"));
        format!(
            "zone \"{zone}\" {{ type primary; file \"{}\"; }};\n",
            file.display()
        )
    };
    let settings = format!(
        "options {{ {} recursion no; dnssec-validation no; }};\ncontrols {{ }};\n{}{}",
        options(port),
        zone(ABOVE),
        zone(ZONE)
    );
    named(folder, "authoritative", &settings, || {
        answers_for(port, ABOVE, true)
    })
}

/// Serves both zones, as they were signed, with Knot.
fn knot(folder: &Path, port: u16) -> Server {
    let place = folder.display();
    let zone = |zone: &str| {
        format!(
            "  - domain: {zone}\n    storage: {place}\n    file: {zone}.signed\n    zonefile-sync: -1\n    journal-content: none\n"
        )
    };
    let config = folder.join("knot.conf");
    let settings = format!(
        "server:\n  rundir: {place}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n\
         database:\n  storage: {place}\n  journal-db-max-size: 16M\n  timer-db-max-size: 16M\n  kasp-db-max-size: 16M\n\
         zone:\n{}{}",
        zone(ABOVE),
        zone(ZONE)
    );
    std::fs::write(&config, settings).unwrap();
    let mut command = Command::new("knotd");
    command.arg("-c").arg(&config);
    start(command, &folder.join("log"), || {
        answers_for(port, ABOVE, true)
    })
}

/// Serves both zones, as they were signed, with PowerDNS.
fn powerdns(folder: &Path, port: u16) -> Server {
    let place = folder.display().to_string();
    let database = format!("{place}/pdns.sqlite3");
    print("sqlite3", &[&database, &format!(".read {SCHEMA}")]);
    let settings = format!(
        "launch=gsqlite3\ngsqlite3-database={database}\ngsqlite3-dnssec=yes\nlocal-address=127.0.0.1\nlocal-port={port}\n\
         socket-dir={place}\nsetuid=\nsetgid=\nsecurity-poll-suffix=\n"
    );
    std::fs::write(folder.join("pdns.conf"), settings).unwrap();
    let config = format!("--config-dir={place}");
    let utility = |words: &[&str]| print("pdnsutil", &[&[config.as_str()], words].concat());
    for zone in [ABOVE, ZONE] {
        utility(&["load-zone", zone, &format!("{place}/{zone}.signed")]);
        // Only a zone with keys of its own gets the order of its names, without which no NSEC is the one that was signed.
        utility(&["secure-zone", zone]);
        utility(&["rectify-zone", zone]);
        print("sqlite3", &[&database, "DELETE FROM cryptokeys"]);
        utility(&["set-presigned", zone]);
    }
    let mut command = Command::new("pdns_server");
    command.arg(&config).arg("--daemon=no").arg("--guardian=no");
    start(command, &folder.join("log"), || {
        answers_for(port, ABOVE, true)
    })
}

/// An authoritative server and a resolver that validates.
struct Pair {
    authoritative: u16,
    resolver: u16,
    _servers: [Server; 2],
    _folder: TempDir,
}

impl Pair {
    fn start(software: Software, times: (&str, &str), vouched: Vouched) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let ds = sign(
            path,
            ZONE,
            &format!("{SERVER}\nus-east IN A 192.0.2.1"),
            times,
        );
        let ds = match vouched {
            Vouched::Right => ds,
            Vouched::Wrong => wrong(&ds),
            Vouched::Nothing => String::new(),
        };
        let delegation = format!("{SERVER}\nacme IN NS ns.{ZONE}.\nns.acme IN A 127.0.0.1\n{ds}");
        let above = sign(path, ABOVE, &delegation, NOW);
        let (authoritative, resolver) = (free_port(), free_port());
        let first = match software {
            Software::Bind => bind(path, authoritative),
            Software::Knot => knot(path, authoritative),
            Software::PowerDns => powerdns(path, authoritative),
        };
        let settings = format!(
            "options {{ {} recursion yes; dnssec-validation yes; forward only; forwarders {{ 127.0.0.1 port {authoritative}; }}; }};\ncontrols {{ }};\n{}",
            options(resolver),
            trust(&above)
        );
        let second = named(path, "resolver", &settings, || {
            answers_for(resolver, ABOVE, true)
        });
        Self {
            authoritative,
            resolver,
            _servers: [first, second],
            _folder: folder,
        }
    }

    async fn checked(&self) -> (Verdict, Vec<&'static str>) {
        let options = ZoneOptions {
            authoritative_port: self.authoritative,
            ..ZoneOptions::at(([127, 0, 0, 1], self.resolver).into())
        };
        let template: DomainTemplate = serde_json::from_value(serde_json::json!({
            "A": {"us-east.{{domain}}": {"mapping": ["192.0.2.1"]}},
        }))
        .unwrap();
        let exchange = Exchange::new(ExchangeOptions::default());
        let checker = Checker::new(Observer::new(exchange, options));
        let domain = DomainName::parse(ZONE).unwrap();
        let check = checker.check(&template, &domain).await;
        let codes = check.findings.iter().map(|finding| finding.kind.code());
        // It has one, here.
        let codes = codes.filter(|code| *code != "dns-single-name-server");
        (check.hosts[0].judgement.verdict.clone(), codes.collect())
    }
}

#[tokio::test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn a_signed_zone_is_judged_as_validating_resolvers_do() {
    for software in [Software::Bind, Software::Knot, Software::PowerDns] {
        let check = async |times, vouched, verdict: Verdict, codes: &[&str]| {
            let found = Pair::start(software, times, vouched).checked().await;
            assert_eq!(found, (verdict, codes.to_vec()), "{software:?} {times:?}");
        };
        check(NOW, Vouched::Right, Verdict::Ok, &[]).await;
        check(NOW, Vouched::Nothing, Verdict::Ok, &[]).await;
        check(
            NOW,
            Vouched::Wrong,
            Verdict::Bogus,
            &["dns-no-matching-key"],
        )
        .await;
        let ended = ("now-30d", "now-1d");
        check(
            ended,
            Vouched::Right,
            Verdict::Bogus,
            &["dns-signatures-end"],
        )
        .await;
        check(ended, Vouched::Nothing, Verdict::Ok, &[]).await;
        let soon = ("now-1h", "now+2d");
        check(soon, Vouched::Right, Verdict::Ok, &["dns-signatures-end"]).await;
    }
}
