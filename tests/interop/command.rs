//! The command line against a real server.

use std::path::Path;
use std::process::{Command, Output};

use emblazon::sandbox::{Options, Sandbox, Seed};

use crate::bind::{Bind, SECRET};
use crate::records::difference;

fn tree(folder: &Path, port: u16) {
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write(
        "emblazon.yaml",
        &format!(
            "clusters: {{production: {{api: 'https://api.example.com:8443'}}}}\n\
             dns:\n  push:\n    method: rfc2136\n    server: 127.0.0.1:{port}\n    ttl: 600\n    \
             key: {{name: emblazon-hmac-sha256, secret: {{env: INTEROP_TSIG}}}}\n"
        ),
    );
    write(
        "domains.yaml",
        "template:\n  CNAME:\n    portal.{{domain}}: {name: Web portal, mapping: [ui.example.net]}\n  \
         SRV:\n    _sip._udp.{{domain}}: {mapping: ['10 10 7000 us-east.{{domain}}']}\n",
    );
    let account = |id: char, dns: &str, domain: &str| {
        let id = id.to_string().repeat(32);
        format!(
            "account: {id}\nwhitelabel: {{company_name: Acme Voice, domain: {domain}}}\ndns: {dns}\n"
        )
    };
    write(
        "accounts/acme/account.yaml",
        &account('a', "manage", "acme.example"),
    );
    write(
        "accounts/other/account.yaml",
        &account('b', "observe", "www.acme.example"),
    );
}

fn emblazon(folder: &Path, api: &Sandbox, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_emblazon"))
        .arg(arguments[0])
        .args(["--api", &api.url()])
        .args(&arguments[1..])
        .arg(folder)
        .env("INTEROP_TSIG", SECRET)
        .env("EMBLAZON_API_KEY", api.api_key())
        .output()
        .unwrap()
}

#[track_caller]
fn ends(output: &Output, code: i32) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stdout}{stderr}");
    assert!(
        !stdout.contains(SECRET) && !stderr.contains(SECRET),
        "{stdout}{stderr}"
    );
    stdout
}

/// Returns what is said of the zone.
fn zone(report: &str) -> &str {
    let rest = &report[report.find("zone acme.example").unwrap()..];
    rest.split("\n\n").next().unwrap()
}

/// A manage account on a faked platform and a real name server: both are brought to what the tree says, and then
/// nothing is left to do.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn apply_writes_what_is_managed_and_then_the_plan_is_empty() {
    let bind = Bind::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tree(folder, bind.port);
    let seed = Seed::parse(SEED, folder).unwrap();
    let api = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let before = bind.transfer();
    let shown = ends(&emblazon(folder, &api, &["plan"]), 2);
    insta::assert_snapshot!(zone(&shown), @r"
    zone acme.example
      2 DNS record sets
      set records, customer-visible
        + _sip._udp.acme.example SRV  10 10 7000 us-east.acme.example  (domains.yaml:5:5)
        ~ portal.acme.example CNAME   old.example.net -> ui.example.net  (domains.yaml:3:5)
          after acme
          note: resolvers may give the old records of portal.acme.example CNAME for up to 5 minutes
            after the step
    ");
    assert_eq!(bind.transfer(), before, "a plan writes nothing");
    ends(&emblazon(folder, &api, &["apply", "--yes"]), 0);
    insta::assert_snapshot!(difference(&before, &bind.transfer()), @r"
    - portal.acme.example. 300 IN CNAME OLD.example.net.
    + _sip._udp.acme.example. 600 IN SRV 10 10 7000 us-east.acme.example.
    + portal.acme.example. 300 IN CNAME ui.example.net.
    ");
    let after = bind.transfer();
    ends(&emblazon(folder, &api, &["plan"]), 0);
    assert_eq!(bind.transfer(), after);

    bind.update("delete portal.acme.example. CNAME");
    ends(&emblazon(folder, &api, &["plan", "--skip-dns"]), 0);
    ends(&emblazon(folder, &api, &["plan"]), 2);
    ends(&emblazon(folder, &api, &["apply", "--yes"]), 0);
    ends(&emblazon(folder, &api, &["plan"]), 0);

    let runs = folder.join(".emblazon/journal");
    let mut runs: Vec<String> = std::fs::read_dir(runs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    runs.sort();
    let run = runs[0].strip_suffix(".jsonl").unwrap();
    bind.update("add _sip._udp.acme.example. 600 SRV 10 20 7000 us-west.acme.example.");
    let restore = ["restore", run, "acme", "--yes", "--tree"];
    ends(&emblazon(folder, &api, &restore), 4);
    let stays = bind.transfer();
    let stays = stays.iter().filter(|line| line.contains(" SRV "));
    assert_eq!(
        stays.count(),
        2,
        "what somebody else changed stays as it is"
    );
    let restore = ["restore", run, "acme", "--yes", "--moved", "--tree"];
    ends(&emblazon(folder, &api, &restore), 0);
    assert_eq!(
        bind.transfer()
            .iter()
            .map(|line| without_ttl(line))
            .collect::<Vec<_>>(),
        before
            .iter()
            .map(|line| without_ttl(line))
            .collect::<Vec<_>>(),
        "the zone is as it was before the first run"
    );
}

/// The daemon brings the zone to the same by itself, and puts right what somebody took away.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
async fn the_daemon_pushes_and_heals() {
    let bind = Bind::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tree(folder, bind.port);
    let config = folder.join("emblazon.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let asked = format!(
        "dns:\n  resolvers: ['127.0.0.1:{0}']\n  port: {0}\n  networks: [127.0.0.0/8]\n",
        bind.port
    );
    let policy = "watch: {dns: push, heal: auto}\n";
    std::fs::write(&config, text.replace("dns:\n", &asked) + policy).unwrap();
    let seed = Seed::parse(SEED, folder).unwrap();
    let api = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let once = || {
        let output = emblazon(folder, &api, &["watch", "--once", "--confirm-after", "1s"]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        // What it asks of the other account's DNS is wrong there, and no concern of this test.
        assert_ne!(output.status.code(), Some(1), "{told}");
        assert!(!told.contains(SECRET), "{told}");
    };
    let before = bind.transfer();
    once();
    let after = bind.transfer();
    insta::assert_snapshot!(difference(&before, &after), @r"
    - portal.acme.example. 300 IN CNAME OLD.example.net.
    + _sip._udp.acme.example. 600 IN SRV 10 10 7000 us-east.acme.example.
    + portal.acme.example. 300 IN CNAME ui.example.net.
    ");
    bind.update("delete _sip._udp.acme.example. SRV");
    once();
    assert_eq!(bind.transfer(), after);
}

fn without_ttl(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    words.remove(1);
    words.join(" ").to_lowercase()
}

const SEED: &str = "accounts:
  - {name: Master, realm: master.sip.example.com}
  - {name: Acme, id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, realm: acme.sip.example.com}
  - {name: Other, id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, realm: other.sip.example.com}
";
