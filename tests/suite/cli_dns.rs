//! `dns check`, and the DNS part of `drift`, as their users start them: against the sandbox's servers on loopback.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use emblazon::sandbox::dns::DnsServer;
use serde_json::{Value, json};

use crate::cli::{check_exit, run, stderr, stdout, write};
use crate::cli_platform::json_report;
use crate::source_text::top;
use crate::stand_in::StandIn;

const QUICKSTART: &str = "examples/quickstart";

fn check(accounts: &[&str], more: &[&str]) -> Output {
    let mut arguments = vec!["dns", "check"];
    arguments.extend(accounts);
    arguments.extend(["--sandbox", "--tree", QUICKSTART]);
    arguments.extend(more);
    run(&top(), &arguments)
}

#[test]
fn exit_codes_of_a_check() {
    check_exit(&check(&[], &[]), 2);
    check_exit(&check(&["northwind"], &[]), 0);
    // Right at its source; a resolver is behind.
    check_exit(&check(&["southgate"], &[]), 0);
    // Invariant 6: what could not be asked is unknown, never a difference.
    check_exit(&check(&["bluebird"], &[]), 6);
    check_exit(&check(&["acme"], &[]), 2);
    let nobody = check(&["nobody"], &[]);
    check_exit(&nobody, 64);
    assert!(stderr(&nobody).contains("no account nobody"));
}

#[test]
fn a_check_says_what_is_wrong() {
    let text = stdout(&check(&["acme"], &[]));
    for part in [
        "phones of voice.acme.example cannot register: SRV points at port 5065, the template says 5060",
        "hint: 203.0.113.5 is still listed",
        "the provider appends",
        "inconsistent",
        "ns2.registrar.example (127.0.0.4): nothing",
        "DNS: 1 failing for phones, 2 different, 1 missing, 1 extra, 1 inconsistent, 3 ok on 1 domain",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}

#[test]
fn a_check_for_machines_fits_its_schema() {
    let output = check(&[], &["--ask-kazoo", "--format", "json"]);
    let report = json_report(&output);
    assert_eq!(report["command"], "dns");
    assert_eq!(report["dns"]["standing"], "differs");
    assert_eq!(
        report["requests"]["writing"], 0,
        "the domain test changes nothing"
    );
    let acme = &report["dns"]["domains"][0];
    let host = |name: &str, record_type: &str| {
        let hosts = acme["hosts"].as_array().unwrap();
        hosts
            .iter()
            .find(|host| host["name"] == name && host["type"] == record_type)
            .cloned()
            .unwrap()
    };
    // What the platform sees is what we see; and where it sees nothing, that is unknown (trap 24).
    let proxy = host("us-east.voice.acme.example", "A");
    assert_eq!(proxy["verdict"], "extra");
    assert_eq!(proxy["platform"]["opinion"], "otherwise");
    let interface = host("voice.acme.example", "A");
    assert_eq!(interface["verdict"], "missing");
    assert_eq!(interface["platform"]["opinion"], "unknown");
}

#[test]
fn drift_includes_dns_unless_told_otherwise() {
    let with = run(&top(), &["drift", "--sandbox", QUICKSTART]);
    check_exit(&with, 2);
    assert!(stdout(&with).contains("\nDNS: "), "{}", stdout(&with));
    let without = run(&top(), &["drift", "--sandbox", QUICKSTART, "--skip-dns"]);
    assert!(!stdout(&without).contains("\nDNS: "));
}

/// A SIP chain that fails is a failure in every format, although each host is as the template says.
#[test]
fn phones_that_cannot_register_are_a_difference_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.10");
    let template = "{SRV: {\"_sip._udp.{{domain}}\": {mapping: [10 10 5060 sip.carrier.example]}}}";
    let zone =
        "dns: {zones: {acme.example: {records: [_sip._udp SRV 10 10 5060 sip.carrier.example]}}}";
    let output = check_in_every_format(folder.path(), template, zone);
    check_exit(&output, 2);
    let text = stdout(&output);
    assert!(
        text.contains("DNS: 1 failing for phones, 1 ok on 1 domain"),
        "{text}"
    );
    let read = |format: &str| fs::read_to_string(folder.path().join(format)).unwrap();
    let report: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(report["dns"]["standing"], "differs");
    assert_eq!(report["dns"]["sip_failing"], 1);
    assert_eq!(report["dns"]["domains"][0]["standing"], "differs");
    assert_eq!(
        read("sarif").matches("\"ruleId\": \"sip-broken\"").count(),
        1
    );
    let junit = read("junit");
    assert!(junit.contains("failures=\"1\" errors=\"0\""), "{junit}");
    assert!(read("markdown").contains("1 failing for phones, 1 ok"));
    let html = read("html");
    assert!(html.contains("phones cannot register"), "{html}");
}

/// What threatens a domain whose records are right is in each format, and fails nothing.
#[test]
fn findings_and_what_strangers_can_take_over_are_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.10");
    let template = "{CNAME: {\"www.{{domain}}\": {name: Portal, mapping: [ui.gone.example]}}}";
    let zone =
        "dns: {zones: {acme.example: {ns: [ns1.dns.test], records: [www CNAME ui.gone.example]}}}";
    let output = check_in_every_format(folder.path(), template, zone);
    check_exit(&output, 0);
    let said = "acme.example has one name server, ns1.dns.test";
    let text = stdout(&output);
    assert!(text.contains(&format!("warning: {said}")), "{text}");
    let read = |format: &str| fs::read_to_string(folder.path().join(format)).unwrap();
    let report: Value = serde_json::from_str(&read("json")).unwrap();
    let finding = &report["dns"]["domains"][0]["findings"][0];
    assert_eq!(finding["code"], "dns-single-name-server");
    assert_eq!(finding["addressee"], "registrar");
    let sarif = read("sarif");
    for rule in ["dns-single-name-server", "dns-takeover"] {
        let id = format!("\"ruleId\": \"{rule}\"");
        assert_eq!(sarif.matches(&id).count(), 1, "{sarif}");
    }
    let junit = read("junit");
    assert!(junit.contains("failures=\"0\" errors=\"0\""), "{junit}");
    for part in [said, "whoever registers it takes over www.acme.example"] {
        assert!(junit.contains(part), "{junit}");
    }
    for format in ["markdown", "html"] {
        assert!(read(format).contains("has one name server"), "{format}");
    }
    let letter = run(folder.path(), &["dns", "letter", "acme", "--sandbox"]);
    let letter = stdout(&letter);
    assert!(letter.contains("Have this repaired"), "{letter}");
}

/// Checks the DNS of one account on a sandbox with this template and this zone, and writes each format into a file that is
/// called so.
fn check_in_every_format(folder: &Path, template: &str, zone: &str) -> Output {
    write(folder, "domains.yaml", &format!("template: {template}\n"));
    let accounts = "accounts: [{name: Master}, {name: Acme, realm: acme.sip.example.com}]";
    write(folder, "sandbox.yaml", &format!("{accounts}\n{zone}\n"));
    let outputs = ["json", "sarif", "junit", "markdown", "html"]
        .map(|format| format!("--output={format}={}", folder.join(format).display()));
    let mut command = vec!["dns", "check", "--sandbox"];
    command.extend(outputs.iter().map(String::as_str));
    run(folder, &command)
}

/// A tree in sync with its platform, whose DNS alone differs.
fn small_tree(folder: &Path, address: &str) {
    write(
        folder,
        "emblazon.yaml",
        "clusters: {production: {api: \"https://api.example.com\"}}\n",
    );
    write(
        folder,
        "domains.yaml",
        "template:\n  A:\n    \"sip.{{domain}}\": {name: Proxy, mapping: [192.0.2.10]}\n",
    );
    write(
        folder,
        "accounts/acme/account.yaml",
        "realm: acme.sip.example.com\nwhitelabel: {domain: acme.example}\n",
    );
    let sandbox = format!(
        "accounts:\n  - name: Master\n  - name: Acme\n    realm: acme.sip.example.com\n    whitelabel: {{domain: acme.example}}\n\
         template:\n  A:\n    \"sip.{{{{domain}}}}\": {{name: Proxy, mapping: [192.0.2.10]}}\n\
         dns:\n  zones:\n    acme.example: {{records: [sip A {address}]}}\n"
    );
    write(folder, "sandbox.yaml", &sandbox);
}

#[test]
fn dns_alone_is_drift_too() {
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.99");
    check_exit(&run(folder.path(), &["drift", "--sandbox"]), 2);
    check_exit(
        &run(folder.path(), &["drift", "--sandbox", "--skip-dns"]),
        0,
    );
    small_tree(folder.path(), "192.0.2.10");
    let right = run(folder.path(), &["drift", "--sandbox"]);
    check_exit(&right, 0);
    assert!(
        stdout(&right).contains("DNS: 1 ok on 1 domain"),
        "{}",
        stdout(&right)
    );
    // Nothing is waited for when everything is right.
    check_exit(
        &run(
            folder.path(),
            &["dns", "check", "--sandbox", "--wait", "1h"],
        ),
        0,
    );
}

/// What a sandbox without DNS is told to add is enough.
#[test]
fn a_sandbox_without_dns_says_what_to_add() {
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.10");
    let file = folder.path().join("sandbox.yaml");
    let seed = fs::read_to_string(&file).unwrap();
    let (seed, _) = seed.split_once("dns:").unwrap();
    fs::write(&file, seed).unwrap();
    for arguments in [
        &["dns", "check", "--sandbox"][..],
        &["dns", "letter", "acme", "--sandbox"],
    ] {
        let output = run(folder.path(), arguments);
        check_exit(&output, 64);
        let told = stderr(&output);
        assert!(
            told.contains("the sandbox has no DNS; add to ./sandbox.yaml what it answers, such as `dns: {zones: {acme.example: "),
            "{told}"
        );
        let lines = told.split('`').nth(1).unwrap();
        fs::write(&file, format!("{seed}{lines}\n")).unwrap();
        let ended = run(folder.path(), arguments);
        let expected = if arguments.contains(&"check") { 2 } else { 0 };
        check_exit(&ended, expected);
        fs::write(&file, seed).unwrap();
    }
}

#[test]
fn a_platform_without_a_template_in_the_tree_gives_its_own() {
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.99");
    fs::remove_file(folder.path().join("domains.yaml")).unwrap();
    let output = run(folder.path(), &["dns", "check", "--sandbox"]);
    check_exit(&output, 2);
    assert!(
        stdout(&output).contains("+ 192.0.2.10"),
        "{}",
        stdout(&output)
    );
}

/// A server that a zone names at an address of this machine is asked only where the tree allows its network; what is told of
/// it says how.
#[test]
fn servers_inside_the_network_are_asked_where_the_tree_says_so() {
    let seed = "zones: {acme.example: {records: [sip A 192.0.2.10]}}";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seed = serde_yaml::from_str(seed).unwrap();
    let server = runtime.block_on(DnsServer::start(&seed, 0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.10");
    let config = format!(
        "clusters: {{production: {{api: \"https://api.example.com\"}}}}\ndns:\n  resolvers: [\"{}\"]\n  port: {}\n",
        server.resolver(),
        server.port()
    );
    write(folder.path(), "emblazon.yaml", &config);
    let output = run(folder.path(), &["dns", "check"]);
    check_exit(&output, 6);
    let text = stdout(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains("is not public, and any zone can name it; if this is intended, add its network to dns.networks in emblazon.yaml"),
        "{text}"
    );
    write(
        folder.path(),
        "emblazon.yaml",
        &format!("{config}  networks: [127.0.0.0/8]\n"),
    );
    check_exit(&run(folder.path(), &["dns", "check"]), 0);
}

/// The processor is written anew each time, and the configuration once: whoever uses it has named a provider in it.
#[test]
fn an_export_for_octodns_has_its_processor_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let export = |more: &[&str]| {
        let format = ["dns", "export", "acme", "--format", "octodns", "--tree"];
        let tree = top().join(QUICKSTART).display().to_string();
        run(
            folder.path(),
            &[&format[..], &[tree.as_str()], more].concat(),
        )
    };
    let alone = export(&[]);
    check_exit(&alone, 0);
    assert!(stderr(&alone).contains("--folder"), "{}", stderr(&alone));
    let into_folder = ["--folder", "zones"];
    check_exit(&export(&into_folder), 0);
    let place = |name: &str| folder.path().join("zones").join(name);
    let read = |name: &str| fs::read_to_string(place(name)).unwrap();
    let (processor, config) = ("emblazon_octodns.py", "emblazon_octodns.yaml");
    let written = read(processor);
    let edited = read(config).replace("name.your.Provider", "octodns_bind.Rfc2136Provider");
    assert_ne!(edited, read(config));
    fs::write(place(config), &edited).unwrap();
    fs::write(place(processor), "").unwrap();
    check_exit(&export(&into_folder), 0);
    assert_eq!(read(config), edited);
    assert_eq!(read(processor), written);
    let mut names: Vec<String> = fs::read_dir(place(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [processor, config, "voice.acme.example.yaml"]);
}

/// A platform that answers about an account only once DNS was asked: the two do not wait for each other.
#[test]
fn dns_is_asked_while_the_platform_is_read() {
    let seed = "zones: {acme.example: {records: [sip A 192.0.2.10]}}";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seed = serde_yaml::from_str(seed).unwrap();
    let dns = Arc::new(runtime.block_on(DnsServer::start(&seed, 0)).unwrap());
    let was_asked = Arc::new(AtomicBool::new(false));
    let platform = {
        let (dns, was_asked) = (Arc::clone(&dns), Arc::clone(&was_asked));
        StandIn::start(move |asked, connection| {
            if asked.path.contains("_auth") {
                let body = json!({"auth_token": "token", "status": "success", "data": {"account_id": "0".repeat(32)}});
                connection.json("201 Created", &body.to_string());
                return;
            }
            let end = Instant::now() + Duration::from_secs(20);
            while dns.asked().is_empty() && Instant::now() < end {
                std::thread::yield_now();
            }
            was_asked.fetch_or(!dns.asked().is_empty(), Ordering::SeqCst);
            connection.json("403 Forbidden", r#"{"status":"error","error":"403"}"#);
        })
    };
    let folder = tempfile::tempdir().unwrap();
    small_tree(folder.path(), "192.0.2.10");
    let config = format!(
        "clusters: {{production: {{api: \"{}\"}}}}\ndns:\n  resolvers: [\"{}\"]\n  port: {}\n  networks: [127.0.0.0/8]\n",
        platform.url(),
        dns.resolver(),
        dns.port()
    );
    write(folder.path(), "emblazon.yaml", &config);
    let output = crate::cli::emblazon(folder.path())
        .arg("drift")
        .env("EMBLAZON_API_KEY", "key")
        .output()
        .unwrap();
    check_exit(&output, 6);
    assert!(stdout(&output).contains("DNS: 1 ok"), "{}", stdout(&output));
    assert!(was_asked.load(Ordering::SeqCst), "DNS waited");
}
