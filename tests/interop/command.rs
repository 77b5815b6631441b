//! The command line against a real server.

use std::path::Path;
use std::process::{Command, Output};

use crate::bind::{Bind, SECRET};
use crate::records::difference;
use crate::wanted;

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

fn emblazon(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_emblazon"))
        .args(["dns"])
        .args(arguments)
        .args(["--tree", &folder.display().to_string()])
        .env("INTEROP_TSIG", SECRET)
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

#[test]
fn dns_push_writes_what_is_managed() {
    if !wanted("dns_push_writes_what_is_managed") {
        return;
    }
    let bind = Bind::start();
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path(), bind.port);
    let before = bind.transfer();
    let shown = ends(&emblazon(folder.path(), &["push", "--dry-run"]), 2);
    insta::assert_snapshot!(shown, @r##"
    zone acme.example
      + _sip._udp.acme.example SRV 10 10 7000 us-east.acme.example
      - portal.acme.example CNAME old.example.net
      + portal.acme.example CNAME ui.example.net
    "##);
    assert_eq!(bind.transfer(), before, "a dry run writes nothing");
    ends(&emblazon(folder.path(), &["push"]), 64);
    ends(&emblazon(folder.path(), &["push", "--yes", "other"]), 64);
    ends(&emblazon(folder.path(), &["push", "--yes"]), 0);
    insta::assert_snapshot!(difference(&before, &bind.transfer()), @r##"
    - portal.acme.example. 300 IN CNAME OLD.example.net.
    + _sip._udp.acme.example. 600 IN SRV 10 10 7000 us-east.acme.example.
    + portal.acme.example. 300 IN CNAME ui.example.net.
    "##);
    assert_eq!(
        ends(&emblazon(folder.path(), &["push", "--dry-run"]), 0),
        ""
    );
    let kept: Vec<_> = std::fs::read_dir(folder.path().join(".emblazon/dns"))
        .unwrap()
        .collect();
    assert_eq!(kept.len(), 1, "what stood there before is kept");
}
