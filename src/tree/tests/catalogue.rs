//! One tree for each code of EB01, EB02, EB03 and EB08: what is said, where, and how to mend it.

use insta::assert_snapshot;

use crate::tree::testing::{TWO_CLUSTERS, Tree, lines};

const ID: &str = "account: 0123456789abcdef0123456789abcdef\n";

/// Shows the diagnostics of one account with some lines of its own.
fn account(text: &str) -> String {
    tree(&[("accounts/acme/account.yaml", &format!("{ID}{text}"))])
}

/// Shows the diagnostics of a tree.
fn tree(files: &[(&str, &str)]) -> String {
    lines(&Tree::new(files).load(Some("production")))
}

/// Shows the diagnostics of an `emblazon.yaml` with one account beside it.
fn config(text: &str) -> String {
    tree(&[("emblazon.yaml", text), ("accounts/acme/account.yaml", ID)])
}

#[test]
fn eb01_yaml() {
    assert_snapshot!(account("whitelabel: {company_name: \"Acme}"), @""); // EB0101
    assert_snapshot!(account("whitelabel:\n\tdomain: x"), @""); // EB0101
    assert_snapshot!(account("protected: true\nprotected: false"), @""); // EB0102
    assert_snapshot!(account("whitelabel: &a {company_name: Acme}\nassets: *a"), @""); // EB0103
    assert_snapshot!(account("whitelabel: *nobody"), @""); // EB0103
    assert_snapshot!(account("whitelabel:\n  <<: {company_name: Acme}"), @""); // EB0104
    assert_snapshot!(account("protected: !!bool true"), @""); // EB0105
    assert_snapshot!(account("---\nb: c"), @""); // EB0106
    assert_snapshot!(account("whitelabel: {company_name: \"A\u{202e}B\"}"), @""); // EB0107
    assert_snapshot!(account("dns:\u{0}ignore"), @""); // EB0107
    assert_snapshot!(account(&format!("dns: {}1{}", "[".repeat(40), "]".repeat(40))), @""); // EB0110
    assert_snapshot!(account(&format!("dns: {}", "[".repeat(5000))), @""); // EB0110
    assert_snapshot!(account("{{domain}}: 1\n"), @""); // EB0111
}

#[test]
fn eb01_files() {
    let files = Tree::new(&[("accounts/acme/account.yaml", ID)]);
    files.write(
        "accounts/acme/account.yaml",
        b"realm: caf\xe9.example.com\n",
    );
    assert_snapshot!(lines(&files.load(None)), @""); // EB0108
    files.write("accounts/acme/account.yaml", &vec![b'#'; (1 << 20) + 1]);
    assert_snapshot!(lines(&files.load(None)), @""); // EB0109
    assert_snapshot!(account("assets: {logo: ../../../logo.png}"), @""); // EB0113
    assert_snapshot!(account("assets: {logo: /etc/logo.png}"), @""); // EB0113
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let lfs = [
        (
            "accounts/acme/account.yaml",
            &*format!("{ID}assets: {{logo: logo.png}}"),
        ),
        ("accounts/acme/logo.png", pointer),
    ];
    assert_snapshot!(tree(&lfs), @""); // EB0114
    let near = [
        (
            "accounts/acme/account.yaml",
            &*format!("{ID}assets: {{welcome: Welcome.html, icon: ico, logo: .}}"),
        ),
        ("accounts/acme/welcome.html", "<p>Hello</p>"),
    ];
    assert_snapshot!(tree(&near), @""); // EB0115
    let misplaced = [
        ("accounts/acme.yaml", ID),
        ("accounts/beta/account.yml", ID),
        ("accounts/gold/gamma/account.yaml", ID),
        ("brands/gold/base.yaml", ""),
        ("brands/gold.yml", ""),
        ("README.md", ""),
    ];
    assert_snapshot!(tree(&misplaced), @""); // EB0117
}

#[cfg(unix)]
#[test]
fn eb0112_links() {
    use std::os::unix::fs::symlink;
    let files = Tree::new(&[(
        "accounts/acme/account.yaml",
        &format!("{ID}assets: {{logo: a.png, icon: dir/b.png}}"),
    )]);
    symlink("/etc/hostname", files.path().join("accounts/acme/a.png")).expect("a link");
    symlink("/etc", files.path().join("accounts/acme/dir")).expect("a link");
    symlink("/etc/hostname", files.path().join("domains.yaml")).expect("a link");
    assert_snapshot!(lines(&files.load(None)), @"");
}

#[cfg(unix)]
#[test]
fn eb0116_unreadable() {
    let error = crate::tree::ReadError::Failed("Permission denied".to_owned());
    let diagnostic = crate::tree::files::read_error(&error, "accounts/acme/logo.png", None);
    assert_eq!(diagnostic.code, crate::diag::Code::EB0116);
}

#[test]
fn eb02_structure() {
    assert_snapshot!(account("assests: {}\nwhitelable: {}\nfoo: 1"), @""); // EB0201
    assert_snapshot!(account("assets: {logos: a.png}"), @""); // EB0201
    assert_snapshot!(account("extends: gold\nassets: []\nwhitelabel: text"), @""); // EB0202
    assert_snapshot!(account("whitelabel: {nav: text, company_name: {a: b}, additionalCss: x}"), @""); // EB0202
    assert_snapshot!(account("protected: no"), @""); // EB0203
    assert_snapshot!(account("whitelabel: {hide_powered: \"true\", hide_credits: on, hide_registration: maybe}"), @""); // EB0203
    assert_snapshot!(account("dns: watch\nownership: exclusiv\nrecreate: true"), @""); // EB0204
    assert_snapshot!(tree(&[("accounts/acme/account.yaml", "dns: ignore\n")]), @""); // EB0205
    assert_snapshot!(account("realm: acme.example.com"), @""); // EB0206
    assert_snapshot!(account("dns:\nwhitelabel:\n  company_name:\n  nav: {help: }\n"), @""); // EB0207
    assert_snapshot!(account("whitelabel: {logoutTimer: 15 min}"), @""); // EB0208
    assert_snapshot!(account("whitelabel: {logoutTimer: 010}"), @""); // EB0208
    assert_snapshot!(account("whitelabel: {social: {phone: +15551234567, on: yes, pin: 0123, price: 1.10}}"), @""); // EB0209
    assert_snapshot!(account("dns: null\nassets: ~\nextends: [null]"), @""); // EB0210
    assert_snapshot!(account("whitelabel: {social: [null]}"), @""); // EB0511
    assert_snapshot!(tree(&[("accounts/Acme Voice/account.yaml", ID)]), @""); // EB0212
    assert_snapshot!(tree(&[]), @""); // EB0213
}

#[test]
fn identities() {
    let identity = |text: &str| tree(&[("accounts/acme/account.yaml", text)]);
    assert_snapshot!(identity("account: 01234567-89AB-cdef-0123-456789abcdef"), @"");
    assert_snapshot!(identity("account: acme.example.com"), @"");
    assert_snapshot!(identity("realm: 0123456789abcdef0123456789abcdef"), @"");
    assert_snapshot!(identity("account:\n"), @"");
    assert_snapshot!(identity("account: {prod: 0123456789abcdef0123456789abcdef}"), @"");
}

#[test]
fn eb03_layers() {
    let gold = (
        "brands/gold.yaml",
        "whitelabel: {hide_powered: true}\nlock: [whitelabel.hide_powered]\n",
    );
    let with = |text: &str| tree(&[gold, ("accounts/acme/account.yaml", &format!("{ID}{text}"))]);
    assert_snapshot!(with("extends: [golden]"), @""); // EB0301, EB0305
    assert_snapshot!(with("extends: [gold, gold]"), @""); // EB0302
    assert_snapshot!(with("extends: [gold]\nwhitelabel: {hide_powered: false}"), @""); // EB0303
    assert_snapshot!(with("extends: [gold]\nwhitelabel: {hide_powered: true}"), @"");
    assert_snapshot!(with("extends: [gold]\nwhitelabel: null"), @""); // EB0303
    assert_snapshot!(with("extends: [gold]\nlock: [hide_powered, whitelabel.hide_powerd, nothing]"), @""); // EB0304
    assert_snapshot!(with(""), @""); // EB0305
    let absent = [
        (
            "accounts/acme/account.yaml",
            &*format!("{ID}whitelabel: null\nassets: {{welcome: w.html}}"),
        ),
        ("accounts/acme/w.html", "<p>Hello</p>"),
    ];
    assert_snapshot!(tree(&absent), @""); // EB0306
}

#[test]
fn eb08_clusters_and_policy() {
    let over = format!("{ID}overrides: {{stagin: {{}}}}");
    let files = [
        ("emblazon.yaml", TWO_CLUSTERS),
        ("accounts/acme/account.yaml", &over),
    ];
    assert_snapshot!(tree(&files), @""); // EB0801
    let api = |url: &str| config(&format!("clusters: {{production: {{api: {url}}}}}"));
    assert_snapshot!(api("api.example.com:8000"), @""); // EB0802
    assert_snapshot!(api("https://api.example.com/v2/"), @""); // EB0802
    assert_snapshot!(api("https://u:p@api.example.com"), @""); // EB0802
    assert_snapshot!(api("http://api.example.com:8000"), @""); // EB0803
    assert_snapshot!(api("http://127.0.0.1:8000/"), @"");
    assert_snapshot!(config("clusters: {production: {api: http://a.example, allow_plain_http: true}}"), @"");
    assert_snapshot!(config("clusters: {production: {auth: {api_key: hunter2}}}"), @""); // EB0804
    assert_snapshot!(config("clusters: {production: {}}\ndns: {resolvers: [192.0.2.1, '[2001:db8::1]:53', dns.example]}"), @""); // EB0805
    assert_snapshot!(config("clusters: {production: {auth: {token: {env: A, file: b}, api_key: {}}}}"), @""); // EB0206
    assert_snapshot!(config("clusters: {production: {auth: {user: {name: admin}}}}"), @"");
    assert_snapshot!(config("clusters: {production: {auth: {user: {name: a, password: {env: P}, account_realm: a.b, phone_number: +15551234567}}}}"), @"");
    assert_snapshot!(config("clusters: {production: {}}\npolicy: {billing: maybe}"), @""); // EB0204
}

/// What would leak stands in the diagnostics' text no more.
#[test]
fn secrets_are_blotted_out() {
    let files = [
        (
            "emblazon.yaml",
            "clusters: {production: {auth: {api_key: hunter2}}}\n",
        ),
        ("accounts/acme/account.yaml", ID),
    ];
    let loaded = Tree::new(&files).load(None);
    assert!(!lines(&loaded).contains("hunter2"));
    let texts: Vec<&str> = loaded.sources.iter().map(|(_, file)| &*file.text).collect();
    assert_eq!(
        texts,
        [ID, "clusters: {production: {auth: {api_key: *******}}}\n"]
    );
}
