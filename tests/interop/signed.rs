//! Signed zones of BIND, seen through a BIND that validates: what it refuses is bogus, and why is a finding.

use std::path::Path;
use std::process::Command;

use emblazon::dns::{Checker, Exchange, ExchangeOptions, Observer, Verdict, ZoneOptions};
use emblazon::model::{DomainName, DomainTemplate};
use tempfile::TempDir;

use crate::process::{Server, answers_for, free_port, print, start};
use crate::records::ZONE;

/// The zone above.
const ABOVE: &str = "example";

/// What the zone above says of the zone's key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vouched {
    Right,
    Wrong,
    Nothing,
}

/// Writes a zone and signs it, and returns its DS record.
fn sign(folder: &Path, zone: &str, records: &str, (start, end): (&str, &str)) -> String {
    let file = folder.join(zone);
    let text = format!(
        "$ORIGIN {zone}.\n$TTL 300\n@ IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n@ IN NS ns.{zone}.\nns IN A 127.0.0.1\n{records}\n"
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
fn wrong(ds: &str) -> String {
    let (before, digest) = ds.trim().rsplit_once(' ').unwrap();
    let turned: String = digest.chars().rev().collect();
    format!("{before} {turned}\n")
}

fn named(folder: &Path, name: &str, settings: &str, answers: impl FnMut() -> bool) -> Server {
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

/// An authoritative server and a resolver that validates.
struct Pair {
    authoritative: u16,
    resolver: u16,
    _servers: [Server; 2],
    _folder: TempDir,
}

impl Pair {
    fn start(times: (&str, &str), vouched: Vouched) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let ds = sign(path, ZONE, "us-east IN A 192.0.2.1", times);
        let ds = match vouched {
            Vouched::Right => ds,
            Vouched::Wrong => wrong(&ds),
            Vouched::Nothing => String::new(),
        };
        let delegation = format!("acme IN NS ns.{ZONE}.\nns.acme IN A 127.0.0.1\n{ds}");
        let above = sign(path, ABOVE, &delegation, ("now-1h", "now+30d"));
        let fields: Vec<&str> = above.split_whitespace().skip(3).collect();
        let [tag, algorithm, kind, digest] = fields[..] else {
            panic!("{above}");
        };
        let options = |port: u16| {
            format!(
                r#"directory "{{home}}"; pid-file "{{home}}/pid"; session-keyfile "{{home}}/session.key";
    managed-keys-directory "{{home}}"; lock-file none; empty-zones-enable no; notify no;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"#
            )
        };
        let (authoritative, resolver) = (free_port(), free_port());
        let zone = |zone: &str| {
            let file = path.join(format!("{zone}.signed"));
            format!(
                "zone \"{zone}\" {{ type primary; file \"{}\"; }};\n",
                file.display()
            )
        };
        let settings = format!(
            "options {{ {} recursion no; dnssec-validation no; }};\ncontrols {{ }};\n{}{}",
            options(authoritative),
            zone(ABOVE),
            zone(ZONE)
        );
        let first = named(path, "authoritative", &settings, || {
            answers_for(authoritative, ABOVE, true)
        });
        let settings = format!(
            "options {{ {} recursion yes; dnssec-validation yes; forward only; forwarders {{ 127.0.0.1 port {authoritative}; }}; }};\ncontrols {{ }};\ntrust-anchors {{ \"{ABOVE}.\" static-ds {tag} {algorithm} {kind} \"{digest}\"; }};\n",
            options(resolver)
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
    const NOW: (&str, &str) = ("now-1h", "now+30d");
    let check = async |times, vouched, verdict: Verdict, codes: &[&str]| {
        let found = Pair::start(times, vouched).checked().await;
        assert_eq!(found, (verdict, codes.to_vec()));
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
