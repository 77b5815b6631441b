//! Whole platforms.

use std::path::Path;

use camino::Utf8PathBuf;
use emblazon::sandbox::{Fault, FaultKind, Seed};
use emblazon::tree::{self, Workdir};

use super::platform::{Platform, generated};
use crate::cli::{check_exit, run, stderr, stdout};
use crate::source_text::top;

/// Invariant 5: what is imported plans empty, whatever the platform holds; a second import has nothing to write;
/// and no request of either could change anything.
#[test]
fn import_then_plan_is_empty() {
    let platform = Platform::new(generated(300));
    let output = platform.run_to(0, &["import", "--tree", "plain"]);
    let with = platform
        .sandbox
        .world()
        .accounts()
        .filter(|account| account.whitelabel.is_some())
        .count();
    assert!(
        stderr(&output).contains(&format!("{with} new in the tree")),
        "{}",
        stderr(&output)
    );
    let counts = platform.counts();
    assert_eq!(counts.mutating, 0);
    // One request an account, three more where there is a brand; the list, the root, the template, the login.
    assert_eq!(counts.of("GET", "whitelabel"), 301);
    assert_eq!(counts.of("GET", "asset"), with as u64 * 3);
    platform.plans_empty("plain");

    let before = platform.files("plain");
    let again = platform.run_to(0, &["import", "--tree", "plain"]);
    assert!(
        stderr(&again).contains("nothing to write"),
        "{}",
        stderr(&again)
    );
    assert_eq!(platform.files("plain"), before);
    assert_eq!(platform.counts().mutating, 0);
    platform.stop();
}

/// A tree in which other things stand takes another way to the same end.
#[test]
fn a_tree_that_grew_is_not_touched() {
    let platform = Platform::new(generated(60));
    platform.run_to(0, &["import", "--tree", "tree"]);
    let extra = "realm: nowhere.example.com\n";
    platform.write("tree", "accounts/extra/account.yaml", extra.as_bytes());
    let before = platform.files("tree");
    platform.run_to(0, &["import", "--tree", "tree"]);
    assert_eq!(platform.files("tree"), before);
    platform.stop();
}

/// Layers make the tree smaller, and change nothing of what it wants.
#[test]
fn factoring_keeps_what_is_wanted() {
    let platform = Platform::new(generated(120));
    platform.run_to(0, &["import", "--tree", "plain"]);
    platform.run_to(0, &["import", "--factor", "--tree", "factored"]);
    platform.plans_empty("factored");
    let (plain, factored) = (
        yaml_bytes(&platform, "plain"),
        yaml_bytes(&platform, "factored"),
    );
    assert!(factored * 10 < plain * 9, "{factored} of {plain} bytes");
    let files = platform.files("factored");
    assert!(files.contains_key("brands/reseller0.yaml"));
    assert_eq!(wanted(&platform, "plain"), wanted(&platform, "factored"));
    platform.run_to(0, &["import", "--tree", "factored"]);
    assert_eq!(platform.files("factored"), files);
    platform.stop();
}

/// What a tree may not say is not in it, and the output says so; secrets are in neither.
#[test]
fn what_may_not_be_declared_is_left_out() {
    let platform = Platform::new(generated(130));
    let output = platform.run_to(0, &["import", "--tree", "tree"]);
    let story = stdout(&output);
    for expected in [
        "whitelabel.verb",
        "whitelabel.nothing",
        "sso.client_secret looks like a secret",
        "the server would take verb as an instruction to itself (EB0521)",
        "is not a bare host name",
        "assets.logo",
        "name myOwnKey in extra_keys of emblazon.yaml and import again",
        "domains.yaml CNAM x.{{domain}}",
    ] {
        assert!(story.contains(expected), "{expected}:\n{story}");
    }
    for (path, bytes) in platform.files("tree") {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("hunter2"), "{path}");
        assert!(!text.contains('\u{202e}'), "{path}");
    }
    assert!(!story.contains("hunter2"));
    assert!(!story.contains('\u{202e}'));
    platform.stop();
}

/// Pictures that several accounts have are one file.
#[test]
fn equal_pictures_are_one_file() {
    let platform = Platform::new(generated(100));
    platform.run_to(0, &["import", "--tree", "tree"]);
    let files = platform.files("tree");
    let mut seen = std::collections::BTreeSet::new();
    for (path, bytes) in files.iter().filter(|(path, _)| !is_yaml(path)) {
        assert!(seen.insert(bytes), "{path} has the content of another file");
    }
    platform.stop();
}

#[test]
fn the_quickstart_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let seed = top().join("examples/quickstart/sandbox.yaml");
    let sandbox = format!("--sandbox={}", seed.to_str().unwrap());
    let output = run(folder.path(), &["import", &sandbox, "--tree", "tree"]);
    check_exit(&output, 0);
    assert!(
        stderr(&output).contains("6 with a whitelabel: 6 new in the tree"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("0 of them writing"),
        "{}",
        stderr(&output)
    );

    let text = std::fs::read_to_string(&seed).unwrap();
    let platform = Platform::new(Seed::parse(&text, seed.parent().unwrap()).unwrap());
    platform.run_to(0, &["import", "--factor", "--tree", "tree"]);
    platform.plans_empty("tree");
    // Two accounts, by realm and by name; the folder of one that is there.
    platform.run_to(
        0,
        &[
            "import",
            "--tree",
            "two",
            "acme.sip.example.com",
            "Bluebird",
        ],
    );
    platform.run_to(0, &["import", "--tree", "two", "bluebird"]);
    platform.plans_empty("two");
    let accounts = platform
        .files("two")
        .keys()
        .filter(|path| path.ends_with("account.yaml"))
        .count();
    assert_eq!(accounts, 2);
    // The same below a reseller, whose key the tree does not need.
    platform.run_to(
        0,
        &["import", "--tree", "below", "--root", "Northwind Telecom"],
    );
    platform.plans_empty("below");
    assert!(
        platform
            .read("below", "emblazon.yaml")
            .contains("root: \"b5a117aac98301a11b494c8b099a4a80\"")
            || platform
                .read("below", "emblazon.yaml")
                .contains("root: b5a117aac98301a11b494c8b099a4a80")
    );
    platform.stop();
}

#[test]
fn a_tree_by_hand_keeps_its_words() {
    let acme = "a".repeat(32);
    let beta = "b".repeat(32);
    let seed = format!(
        "accounts:
  - name: Master
  - {{ name: Acme, id: {acme}, whitelabel: {{ company_name: Acme New, domain: acme.example.com, nav: {{ help: 'https://new.example', learn_more: 'https://more.example' }} }} }}
  - {{ name: Beta, id: {beta}, whitelabel: {{ company_name: Beta, domain: beta.example.com, port: {{ support_email: p@new.example }} }} }}
"
    );
    let platform = Platform::new(Seed::parse(&seed, "".as_ref()).unwrap());
    let config = "# ours\nclusters: { production: {} } # one\ndefaults:\n  whitelabel:\n    hide_powered: true   # policy\n";
    let brand = "# The house.\nwhitelabel:\n  port:\n    support_email: p@old.example  # agreed\n";
    let account = "\
# Acme, since 2019.
account: AAAA # the id
extends: [house]   # layers

whitelabel:
  # The name on the door.
  company_name: 'Acme Old'   # may change
  domain: acme.example.com
  fake_api_url: https://gone.example # a leftover
  nav: { help: https://old.example }  # inline
";
    platform.write("tree", "emblazon.yaml", config.as_bytes());
    platform.write("tree", "brands/house.yaml", brand.as_bytes());
    let account = account.replace("AAAA", &acme);
    platform.write("tree", "accounts/the-acme/account.yaml", account.as_bytes());
    let dry = platform.run_to(0, &["import", "--tree", "tree", "--dry-run"]);
    assert!(
        stdout(&dry).contains("-  company_name: 'Acme Old'   # may change"),
        "{}",
        stdout(&dry)
    );
    assert_eq!(
        platform.read("tree", "accounts/the-acme/account.yaml"),
        account
    );

    platform.run_to(0, &["import", "--tree", "tree"]);
    let expected = account
        .replace("'Acme Old'", "Acme New")
        .replace("  fake_api_url: https://gone.example # a leftover\n", "")
        .replace(
            "{ help: https://old.example }  # inline\n",
            "{ help: https://new.example, learn_more: https://more.example }  # inline\n",
        );
    let got = platform.read("tree", "accounts/the-acme/account.yaml");
    assert_eq!(got, expected);
    // The layers change because nobody who builds on them has the old value any more.
    assert_eq!(
        platform.read("tree", "emblazon.yaml"),
        config.replace(
            "defaults:\n  whitelabel:\n    hide_powered: true   # policy\n",
            ""
        )
    );
    platform.plans_empty("tree");
    platform.stop();
}

/// Invariant 6: what could not be read is neither missing nor there.
#[test]
fn what_cannot_be_read_is_not_written() {
    let acme = "a".repeat(32);
    let seed = format!(
        "accounts:\n  - name: Master\n  - {{ name: Acme, id: {acme}, whitelabel: {{ company_name: Acme }} }}\n  - {{ name: Beta, id: {}, whitelabel: {{ company_name: Beta }} }}\n",
        "b".repeat(32)
    );
    let platform = Platform::new(Seed::parse(&seed, "".as_ref()).unwrap());
    let refuse = |path: &str| Fault {
        times: 9,
        ..Fault::new("GET", path, FaultKind::Status(403))
    };
    platform.sandbox.set_faults(vec![
        refuse(&format!("*/{acme}/whitelabel")),
        refuse("*/whitelabel/icon"),
        refuse("*/whitelabel/domains"),
    ]);
    let output = platform.run_to(6, &["import", "--tree", "tree"]);
    assert!(
        stdout(&output).contains("left out: Acme"),
        "{}",
        stdout(&output)
    );
    assert!(
        stdout(&output).contains("assets.icon"),
        "{}",
        stdout(&output)
    );
    assert!(
        stdout(&output).contains("domains.yaml"),
        "{}",
        stdout(&output)
    );
    let accounts: Vec<String> = platform
        .files("tree")
        .into_keys()
        .filter(|path| path.starts_with("accounts") || path == "domains.yaml")
        .collect();
    assert_eq!(accounts, ["accounts/beta/account.yaml"]);
    platform.sandbox.set_faults(Vec::new());
    platform.run_to(0, &["import", "--tree", "tree"]);
    platform.plans_empty("tree");
    assert_eq!(
        platform
            .files("tree")
            .keys()
            .filter(|path| path.ends_with("account.yaml"))
            .count(),
        2
    );
    platform.stop();
}

/// A template or an asset that could not be read is a reason to look again, too.
#[test]
fn what_is_not_an_account_and_cannot_be_read_is_6() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - {{ name: Beta, id: {}, whitelabel: {{ company_name: Beta }} }}\n",
        "b".repeat(32)
    );
    let platform = Platform::new(Seed::parse(&seed, "".as_ref()).unwrap());
    let refuse = |path: &str| {
        platform.sandbox.set_faults(vec![Fault {
            times: 9,
            ..Fault::new("GET", path, FaultKind::Status(403))
        }]);
    };
    for path in ["*/whitelabel/domains", "*/whitelabel/icon"] {
        refuse(path);
        platform.run_to(6, &["import", "--tree", path.rsplit('/').next().unwrap()]);
    }
    // A tree without a template does not miss it.
    platform.sandbox.set_faults(Vec::new());
    platform.run_to(0, &["import", "--tree", "tree"]);
    let template = platform.folder.path().join("tree/domains.yaml");
    std::fs::remove_file(&template).unwrap_or_default();
    refuse("*/whitelabel/domains");
    platform.run_to(0, &["import", "--tree", "tree"]);
    platform.stop();
}

#[test]
fn mistakes_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["import"]);
    check_exit(&output, 64);
    assert!(
        stderr(&output).contains("name the platform with --api URL"),
        "{}",
        stderr(&output)
    );
    let platform = Platform::new(generated(5));
    let output = platform.run_to(64, &["import", "Custmer 0", "--tree", "tree"]);
    assert!(
        stderr(&output).contains("there is no account Custmer 0"),
        "{}",
        stderr(&output)
    );
    platform.write("full", "domains.yaml", b"mine: true\n");
    let output = platform.run_to(64, &["import", "--tree", "full"]);
    assert!(
        stderr(&output).contains("holds domains.yaml already"),
        "{}",
        stderr(&output)
    );
    assert_eq!(platform.files("full").len(), 1);
    platform.write("tree", "emblazon.yaml", b"clusters: { production: {} }\n");
    platform.write("tree", "accounts/a/account.yaml", b"acount: x\n");
    let output = platform.run_to(3, &["import", "--tree", "tree"]);
    assert!(stdout(&output).contains("EB0201"), "{}", stdout(&output));
    platform.stop();
}

/// What a tree wants of each account, whatever files and layers it comes from.
fn wanted(platform: &Platform, name: &str) -> Vec<String> {
    let folder = Utf8PathBuf::from_path_buf(platform.folder.path().join(name)).unwrap();
    let loaded = tree::load(&Workdir::open(folder).unwrap(), None).unwrap();
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let accounts = loaded.desired.accounts.iter();
    accounts
        .map(|account| {
            let settings = account.settings.iter();
            let settings: Vec<_> = settings.map(|(path, value)| (path, &value.value)).collect();
            let assets = account.assets.iter();
            let assets: Vec<_> = assets
                .map(|(kind, file)| (kind, file.value.as_ref().map(|file| &file.facts.digest)))
                .collect();
            let identity = &account.identity.value;
            format!("{} {identity} {settings:?} {assets:?}", account.name)
        })
        .collect()
}

fn yaml_bytes(platform: &Platform, name: &str) -> usize {
    platform
        .files(name)
        .iter()
        .filter(|(path, _)| is_yaml(path))
        .map(|(_, bytes)| bytes.len())
        .sum()
}

fn is_yaml(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "yaml")
}
