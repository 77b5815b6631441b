//! What a tree means: values, layers, clusters.

use std::fmt::Write as _;
use std::net::SocketAddr;

use insta::assert_snapshot;

use crate::diag::Spanned;
use crate::model::{AccountName, AssetKind, KeyPath};
use crate::tree::testing::{TWO_CLUSTERS, Tree, lines};
use crate::tree::{LoadError, Loaded, Ownership, clusters, explain, load};

const ID: &str = "account: 0123456789abcdef0123456789abcdef\n";

/// Shows what one account wants, a key a line.
fn wanted(loaded: &Loaded) -> String {
    let mut text = lines(loaded);
    for account in &loaded.desired.accounts {
        let policy = account.policy;
        let _ = writeln!(
            text,
            "{} {} dns={} {} recreate={} protected={} absent={}",
            account.name,
            account.identity.value,
            account.dns.as_str(),
            policy.ownership.as_str(),
            policy.recreate,
            policy.protected,
            account.absent.is_some(),
        );
        for (key, declared) in &account.settings {
            let value = declared
                .value
                .as_ref()
                .map_or("must not be there".to_owned(), ToString::to_string);
            let _ = writeln!(text, "{key} = {value}");
        }
        for (kind, declared) in &account.assets {
            let path = declared
                .value
                .as_ref()
                .map_or("must not be there", |file| file.path.as_str());
            let _ = writeln!(text, "{kind} = {path}");
        }
    }
    text
}

fn account(text: &str) -> String {
    let tree = Tree::new(&[("accounts/acme/account.yaml", &format!("{ID}{text}"))]);
    wanted(&tree.load(None))
}

/// The field decides what a scalar is: nothing becomes a number, a boolean or null by its looks.
#[test]
fn scalars_by_the_type_of_their_field() {
    assert_snapshot!(account("
whitelabel:
  company_name: +15551234567
  inbound_trunks_price: 1.10
  outbound_trunks_price: \"012.50\"
  language: no
  countryCode: \"null\"
  applicationTitle: 1e3
  hide_powered: False
  logoutTimer: 15
  additionalCss: [a.css, 2.50]
  port: {authority: 0123456789abcdef0123456789abcdef}
  social: {a: text, b: 7, c: true, d: 1.5, e: \"yes\", f: [1, x], g: {h: -3}, i: 2026-01-01, j: {}}
"), @r#"
        acme 0123456789abcdef0123456789abcdef dns=observe shared recreate=false protected=false absent=false
        additionalCss = ["a.css","2.50"]
        applicationTitle = "1e3"
        company_name = "+15551234567"
        countryCode = "null"
        hide_powered = false
        inbound_trunks_price = "1.10"
        language = "no"
        logoutTimer = 15
        outbound_trunks_price = "012.50"
        port.authority = "0123456789abcdef0123456789abcdef"
        social.a = "text"
        social.b = 7
        social.c = true
        social.d = 1.5
        social.e = "yes"
        social.f = [1,"x"]
        social.g.h = -3
        social.i = "2026-01-01"
        social.j = {}
        "#);
}

/// EB0524 only warns: what is declared is sent all the same, and not taken for undeclared.
#[test]
fn a_warning_drops_nothing() {
    let shown = account("whitelabel: {companyName: Acme}");
    assert!(shown.contains("EB0524"), "{shown}");
    assert!(shown.contains("companyName = \"Acme\""), "{shown}");
}

/// Trap 31: null is never sent, it says that something must not be there.
#[test]
fn trap_31_null_means_absence() {
    assert_snapshot!(account("whitelabel: {company_name: null, nav: ~, social: {x: null}}\nassets: {logo: null}"), @r"
        acme 0123456789abcdef0123456789abcdef dns=observe shared recreate=false protected=false absent=false
        company_name = must not be there
        nav = must not be there
        social.x = must not be there
        logo = must not be there
        ");
    assert_snapshot!(account("whitelabel: null"), @"acme 0123456789abcdef0123456789abcdef dns=observe shared recreate=false protected=false absent=true");
}

const LAYERED: &[(&str, &str)] = &[
    ("emblazon.yaml", "clusters: {production: {probe: {ui: own}}, staging: {probe: {ui: own}}}\ndefaults:\n  dns: ignore\n  whitelabel: {hide_powered: true, nav: {help: https://a.example/0}}\n"),
    ("brands/base.yaml", "ownership: exclusive\nwhitelabel: {company_name: Base, nav: {help: https://a.example/1, learn_more: https://a.example/l}}\n"),
    ("brands/gold.yaml", "recreate: allowed\nwhitelabel: {company_name: Gold, nav: null, additionalCss: [a.css, b.css]}\nassets: {welcome: gold/w.html}\n"),
    ("brands/gold/w.html", "<p>Gold</p>"),
    ("accounts/acme/account.yaml", "account: {production: 0123456789abcdef0123456789abcdef, staging: 11111111111111111111111111111111}
extends: [base, gold]
protected: true
whitelabel:
  domain: acme.example.com
  nav: {help: https://a.example/2}
  additionalCss: [c.css]
overrides:
  staging:
    dns: observe
    whitelabel: {domain: acme.staging.example.com, company_name: null}
    assets: {welcome: ../../brands/gold/w.html}
"),
    ("accounts/beta/account.yaml", "realm: {production: beta.example.com}\nextends: [gold]\n"),
];

/// What a cluster does not say of DNS is as the tree has it.
#[test]
fn dns_per_cluster() {
    #[track_caller]
    fn check(cluster: &str, expected: [&str; 3]) {
        let tree = Tree::new(&[(
            "emblazon.yaml",
            "
clusters:
  production: {}
  staging: {dns: {servers: [192.0.2.2], zones: {corp.example: ['192.0.2.3:5353']}}}
dns: {resolvers: [192.0.2.53], servers: [192.0.2.1], port: 5300}
",
        )]);
        let dns = tree.load(Some(cluster)).dns;
        let written = |addresses: &[Spanned<SocketAddr>]| -> Vec<String> {
            addresses
                .iter()
                .map(|address| address.value.to_string())
                .collect()
        };
        let zones = dns.zones.iter();
        let zones: Vec<String> = zones
            .map(|(apex, servers)| format!("{apex}: {}", written(servers).join(" ")))
            .collect();
        let told =
            [&written(&dns.resolvers), &written(&dns.servers), &zones].map(|them| them.join(", "));
        assert_eq!(told, expected, "{cluster}");
        assert_eq!(dns.port, Some(5300));
    }
    check("production", ["192.0.2.53:53", "192.0.2.1:53", ""]);
    check(
        "staging",
        [
            "192.0.2.53:53",
            "192.0.2.2:53",
            "corp.example: 192.0.2.3:5353",
        ],
    );
}

#[test]
fn layers_merge_per_cluster() {
    let tree = Tree::new(LAYERED);
    assert_snapshot!(wanted(&tree.load(Some("production"))), @r#"
        acme 0123456789abcdef0123456789abcdef dns=ignore exclusive recreate=true protected=true absent=false
        additionalCss = ["c.css"]
        company_name = "Gold"
        domain = "acme.example.com"
        hide_powered = true
        nav.help = "https://a.example/2"
        welcome = brands/gold/w.html
        beta beta.example.com dns=ignore shared recreate=true protected=false absent=false
        additionalCss = ["a.css","b.css"]
        company_name = "Gold"
        hide_powered = true
        nav = must not be there
        welcome = brands/gold/w.html
        "#);
    assert_snapshot!(wanted(&tree.load(Some("staging"))), @r#"
        acme 11111111111111111111111111111111 dns=observe exclusive recreate=true protected=true absent=false
        additionalCss = ["c.css"]
        company_name = must not be there
        domain = "acme.staging.example.com"
        hide_powered = true
        nav.help = "https://a.example/2"
        welcome = brands/gold/w.html
        "#);
}

#[test]
fn explain_shows_every_layer() {
    let loaded = Tree::new(LAYERED).load(Some("staging"));
    let show = |account: &str, key: Option<&str>| {
        let key = key.map(KeyPath::parse);
        let found = explain(&loaded, &AccountName::new(account), key.as_ref());
        let mut text = String::new();
        for entry in found.expect("an account of the tree") {
            let position = loaded.sources.position(entry.place);
            let _ = writeln!(
                text,
                "{} {}: {} {}:{}:{}{}",
                entry.address,
                entry.layer,
                entry
                    .value
                    .map_or("null".to_owned(), |value| value.to_string()),
                loaded.sources.path(entry.place),
                position.line,
                position.column,
                if entry.won { " <-" } else { "" },
            );
        }
        text
    };
    assert_snapshot!(show("acme", Some("whitelabel.nav.help")), @r#"
        whitelabel.nav brand gold: null brands/gold.yaml:2:39
        whitelabel.nav.help defaults: "https://a.example/0" emblazon.yaml:4:48
        whitelabel.nav.help brand base: "https://a.example/1" brands/base.yaml:2:46
        whitelabel.nav.help account: "https://a.example/2" accounts/acme/account.yaml:6:15 <-
        "#);
    assert_snapshot!(show("acme", Some("assets")), @r"
        assets.welcome brand gold: brands/gold/w.html brands/gold.yaml:3:19
        assets.welcome overrides.staging: brands/gold/w.html accounts/acme/account.yaml:12:23 <-
        ");
    assert_snapshot!(show("beta", None), @r#"
        assets.welcome brand gold: brands/gold/w.html brands/gold.yaml:3:19 <-
        dns defaults: ignore emblazon.yaml:3:8 <-
        recreate brand gold: allowed brands/gold.yaml:1:11 <-
        whitelabel.additionalCss brand gold: ["a.css","b.css"] brands/gold.yaml:2:60 <-
        whitelabel.company_name brand gold: "Gold" brands/gold.yaml:2:28 <-
        whitelabel.hide_powered defaults: true emblazon.yaml:4:30 <-
        whitelabel.nav brand gold: null brands/gold.yaml:2:39 <-
        whitelabel.nav.help defaults: "https://a.example/0" emblazon.yaml:4:48
        "#);
    assert_eq!(explain(&loaded, &AccountName::new("none"), None), None);
    let files = loaded.files_of(&AccountName::new("beta"));
    let files: Vec<&str> = files.iter().map(|path| path.as_str()).collect();
    assert_snapshot!(files.join(" "), @"accounts/beta/account.yaml brands/gold/w.html brands/gold.yaml emblazon.yaml");
}

#[test]
fn whitelabel_null_drops_what_lower_layers_declare() {
    let tree = Tree::new(&[
        (
            "brands/gold.yaml",
            "whitelabel: {company_name: Gold}\nassets: {welcome: w.html}\n",
        ),
        ("brands/w.html", "<p>Gold</p>"),
        (
            "accounts/acme/account.yaml",
            &format!("{ID}extends: [gold]\nwhitelabel: null\n"),
        ),
    ]);
    assert_snapshot!(wanted(&tree.load(None)), @"acme 0123456789abcdef0123456789abcdef dns=observe shared recreate=false protected=false absent=true");
}

#[test]
fn the_template() {
    let tree = Tree::new(&[
        ("accounts/acme/account.yaml", ID),
        (
            "domains.yaml",
            "ownership: exclusive
template:
  A:
    us-east.{{domain}}: {name: East, mapping: 192.0.2.10, zone: us}
    old.{{domain}}: null
  MX: {}
",
        ),
    ]);
    let loaded = tree.load(None);
    assert_eq!(lines(&loaded), "");
    let template = loaded.desired.template.expect("a template");
    assert_eq!(template.ownership, Ownership::Exclusive);
    assert_eq!(template.types.into_iter().collect::<Vec<_>>(), ["A", "MX"]);
    let hosts: Vec<String> = template
        .hosts
        .iter()
        .map(|(target, declared)| {
            format!(
                "{} {:?}",
                target.host,
                declared.value.as_ref().map(|entry| &entry.mapping)
            )
        })
        .collect();
    assert_snapshot!(hosts.join("\n"), @r#"
        old.{{domain}} None
        us-east.{{domain}} Some(["192.0.2.10"])
        "#);
}

/// Trap 21 and trap 30 reach the user with their places.
#[test]
fn checks_have_places() {
    let tree = Tree::new(&[
        (
            "accounts/acme/account.yaml",
            &format!("{ID}whitelabel:\n  verb: DELETE\n  domain: https://Acme.example.com/\n"),
        ),
        (
            "domains.yaml",
            "template:\n  CNAM: {\"portal.{{domain}}\": {name: P, mapping: [a.example.net]}}\n  A: {\"x.{{domain}}\": [192.0.2.1]}\n  SRV: null\n",
        ),
    ]);
    assert_snapshot!(lines(&tree.load(None)), @r#"
        accounts/acme/account.yaml:3:3 EB0521 the server would take verb as an instruction to itself; remove the key; it cannot be part of a whitelabel
        accounts/acme/account.yaml:4:11 EB0401 domain "https://Acme.example.com/" is not a bare host name: a scheme does not belong in a domain; write acme.example.com
        domains.yaml:2:3 EB0702 CNAM is no record type; its domain test fails for every account; write CNAME
        domains.yaml:3:23 EB0710 host x.{{domain}} must be a map; the server would store this and fail from then on; write a map
        domains.yaml:4:8 EB0710 type SRV must be a map; the server would store this and fail from then on; write a map
        "#);
}

#[test]
fn twenty_mistakes_in_one_run() {
    let tree = Tree::new(&[
        (
            "emblazon.yaml",
            "clusters:\n  production: {api: ftp://x, auth: {token: {}}}\npolicy: {biling: accept}\n",
        ),
        (
            "brands/gold.yaml",
            "lock: [whitelabel.hide_powred]\nwhitelabel: {hide_powered: yes, hide_powered: no}\n",
        ),
        ("brands/broken.yaml", "a: [\n"),
        (
            "accounts/a/account.yaml",
            "account: 123\nextends: [glod]\nwhitelabel:\n  domain: A.example.com\n  nav: {hlep: x}\n  pvt_x: 1\n",
        ),
        (
            "accounts/b/account.yaml",
            "extends: [gold, gold]\ndns: none\nprotected: 1\nassets: {logo: none.png, logox: x}\n",
        ),
        (
            "accounts/c/account.yaml",
            "account: {x: 0123456789abcdef0123456789abcdef}\nwhitelabel: *a\noverrides: {y: {whitelabel: {company_name: }}}\n",
        ),
    ]);
    assert_snapshot!(lines(&tree.load(None)), @r#"
        accounts/a/account.yaml:1:10 EB0404 "123" is no account id: an account id has 32 characters, this has 3; take the id from the account's page or from GET /v2/accounts/{id}
        accounts/a/account.yaml:2:11 EB0301 there is no brand glod; did you mean gold?
        accounts/a/account.yaml:4:11 EB0401 domain "A.example.com" is not a bare host name: a domain is written in lower case; write a.example.com
        accounts/a/account.yaml:5:9 EB0520 unknown key nav.hlep; did you mean nav.help?
        accounts/a/account.yaml:6:3 EB0522 pvt_x is the server's own key, it ignores what is sent; remove the key
        accounts/b/account.yaml:1:1 EB0205 the account's identity is missing; add account: with the 32 digits of its id, or realm: with its SIP realm
        accounts/b/account.yaml:1:17 EB0302 brand gold twice in extends; keep the one whose position you mean: later layers win [accounts/b/account.yaml:1:11]
        accounts/b/account.yaml:2:6 EB0204 dns cannot be "none"; write one of observe, manage, ignore
        accounts/b/account.yaml:3:12 EB0203 protected is "1", which is not a boolean; write true
        accounts/b/account.yaml:4:16 EB0115 there is no file accounts/b/none.png; add the file, or correct the path: it starts at the folder of the file that names it
        accounts/b/account.yaml:4:26 EB0201 assets has no key logox; did you mean logo?
        accounts/c/account.yaml:1:11 EB0801 account names the cluster x, which is not declared; declared in emblazon.yaml: production
        accounts/c/account.yaml:2:13 EB0103 alias *a; write the value out, or move what is shared into a layer in brands/
        accounts/c/account.yaml:3:13 EB0801 overrides names the cluster y, which is not declared; declared in emblazon.yaml: production
        accounts/c/account.yaml:3:30 EB0207 company_name has no value; write the value; null for "must not be there", "" for an empty text, {} for an empty map; or delete the key
        brands/broken.yaml:1:4 EB0101 not valid YAML: unclosed bracket '['; look here and on the line above for a missing quote, colon or space
        brands/gold.yaml:1:8 EB0304 lock names whitelabel.hide_powred, which is no key of a layer; did you mean whitelabel.hide_powered?
        brands/gold.yaml:2:28 EB0203 hide_powered is "yes", which is not a boolean; write true
        brands/gold.yaml:2:33 EB0102 key hide_powered twice in one map; keep one of the two [brands/gold.yaml:2:14]
        emblazon.yaml:2:21 EB0802 api is neither http:// nor https://; write scheme, host and port only, such as https://api.example.com:8443
        emblazon.yaml:2:44 EB0206 token has none of env, file, command; write exactly one of env, file, command
        emblazon.yaml:3:10 EB0201 policy has no key biling; did you mean billing?
        "#);
}

#[test]
fn clusters_are_chosen() {
    #[track_caller]
    fn check(config: &str, cluster: Option<&str>, expected: &str) {
        let tree = Tree::new(&[("emblazon.yaml", config)]);
        let got = match load(&tree.source(), cluster) {
            Ok(loaded) => loaded.desired.cluster.name.to_string(),
            Err(error) => {
                assert!(error.is_usage());
                error.to_string()
            }
        };
        assert_eq!(got, expected);
    }
    check("clusters: {a: {}}", None, "a");
    check(TWO_CLUSTERS, Some("staging"), "staging");
    check(
        TWO_CLUSTERS,
        None,
        "the tree has several clusters; choose one with --cluster: production, staging",
    );
    check(
        TWO_CLUSTERS,
        Some("stagin"),
        "there is no cluster stagin; declared in emblazon.yaml: production, staging; did you mean staging?",
    );
    check("", None, "default");
    // A file that cannot be read is shown with its mistakes, whatever was asked for.
    check("a: [", Some("staging"), "staging");
    let none = load(&Tree::new(&[("README.md", "")]).source(), None);
    assert!(none.is_ok());
}

#[test]
fn a_folder_without_emblazon_yaml_is_no_tree() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
    let source = crate::tree::Workdir::open(path).expect("a folder");
    assert!(matches!(load(&source, None), Err(LoadError::NotATree)));
    assert!(matches!(clusters(&source), Err(LoadError::NotATree)));
    // Neither is one in which it is something else, and that is told.
    std::fs::create_dir(folder.path().join("emblazon.yaml")).expect("a folder");
    assert!(matches!(load(&source, None), Err(LoadError::NotAFile)));
    assert!(matches!(clusters(&source), Err(LoadError::NotAFile)));
}

#[test]
fn assets_have_facts() {
    let tree = Tree::new(&[
        (
            "accounts/acme/account.yaml",
            &format!("{ID}assets: {{welcome: w.html}}"),
        ),
        ("accounts/acme/w.html", "<p>Hello</p>"),
    ]);
    let loaded = tree.load(None);
    let asset = loaded.desired.accounts[0].assets[&AssetKind::Welcome]
        .value
        .as_ref();
    assert_eq!(asset.map(|file| file.facts.size), Some(12));
}

/// What a mistake offers in its place must make it go away, and bring no other.
#[test]
fn mended_places_hold_no_mistake() {
    #[track_caller]
    fn check(wrong: &str, mended: &str) {
        let text = |lines: &str| format!("{ID}whitelabel: {{domain: acme.example.com}}\n{lines}\n");
        let tree = |lines: &str| Tree::new(&[("accounts/acme/account.yaml", &text(lines))]);
        let before = tree(wrong).load(None);
        let fixes: Vec<_> = before
            .diagnostics
            .iter()
            .flat_map(|found| &found.fix)
            .collect();
        let [fix] = fixes.as_slice() else {
            panic!("{} fixes: {}", fixes.len(), lines(&before));
        };
        let (start, end) = (fix.place.span.start as usize, fix.place.span.end as usize);
        let mut changed = text(wrong);
        changed.replace_range(start..end, &fix.text);
        assert_eq!(changed, text(mended));
        assert_eq!(lines(&tree(mended).load(None)), "");
    }
    check("dns: observ", "dns: observe");
    check("dns: Observe # so far", "dns: observe # so far");
    check("dnss: ignore", "dns: ignore");
    check("protected: \"true\"", "protected: true");
    check("protected: no", "protected: false");
}
