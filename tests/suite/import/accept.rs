//! `import --accept`: what somebody changed by hand, into the tree.

use emblazon::sandbox::{Fault, FaultKind, Seed};
use serde_json::{Value, json};

use super::platform::{Platform, picture};
use crate::cli::{stderr, stdout};

pub(super) const ACME: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(super) const BETA: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

const CONFIG: &str =
    "clusters: { production: {} }\ndefaults:\n  whitelabel:\n    hide_powered: true  # ours\n";
const BRAND: &str = "whitelabel:\n  nav:\n    help: https://help.example  # the desk\nassets:\n  icon: shared.png\nlock: [whitelabel.hide_powered]\n";

/// A platform and a tree that agree: two accounts on one brand.
pub(super) fn agreed() -> Platform {
    let folder = tempfile::tempdir().unwrap();
    let (logo, icon) = (picture(1, 1, 1), picture(2, 2, 2));
    std::fs::write(folder.path().join("logo.png"), &logo).unwrap();
    std::fs::write(folder.path().join("icon.png"), &icon).unwrap();
    let account = |name: &str, id: &str| {
        format!(
            "  - {{ name: {name}, id: {id}, whitelabel: {{ company_name: {name}, domain: {name}.example.com, hide_powered: true, nav: {{ help: 'https://help.example' }} }}, assets: {{ logo: logo.png, icon: icon.png }} }}\n"
        )
    };
    let seed = format!(
        "accounts:\n  - name: Master\n{}{}",
        account("acme", ACME),
        account("beta", BETA)
    );
    let platform = Platform::new(Seed::parse(&seed, folder.path()).unwrap());
    platform.write("tree", "emblazon.yaml", CONFIG.as_bytes());
    platform.write("tree", "brands/gold.yaml", BRAND.as_bytes());
    platform.write("tree", "brands/shared.png", &icon);
    for (name, id) in [("acme", ACME), ("beta", BETA)] {
        let text = format!(
            "account: {id}\nextends: [gold]\nwhitelabel:\n  company_name: {name} # the name\n  domain: {name}.example.com\nassets:\n  logo: logo.png\n"
        );
        platform.write(
            "tree",
            &format!("accounts/{name}/account.yaml"),
            text.as_bytes(),
        );
        platform.write("tree", &format!("accounts/{name}/logo.png"), &logo);
    }
    platform.plans_empty("tree");
    platform
}

/// Edits the platform, accepts, and lists the files that changed; afterwards nothing of it is left to plan.
#[track_caller]
fn check(edits: &[(&str, &[&str], Value)], accept: &[&str], expected: &[(&str, &str, &str)]) {
    let platform = agreed();
    for (id, key, value) in edits {
        platform.edit(id, key, value.clone());
    }
    let before = platform.files("tree");
    let mut arguments = vec!["import", "--tree", "tree"];
    arguments.extend(accept.iter().flat_map(|accept| ["--accept", accept]));
    let dry: Vec<&str> = arguments.iter().copied().chain(["--dry-run"]).collect();
    let shown = stdout(&platform.run_to(0, &dry));
    assert_eq!(platform.files("tree"), before, "a dry run writes nothing");
    let output = platform.run_to(0, &arguments);
    assert_eq!(stdout(&output), shown);
    let mut wanted = before;
    for (path, old, new) in expected {
        let bytes = wanted.get_mut(*path).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(old), "{path}: {text}");
        *bytes = text.replacen(old, new, 1).into_bytes();
        assert!(
            stdout(&output).contains(&format!("+++ {path}")),
            "{}",
            stdout(&output)
        );
    }
    let got = platform.files("tree");
    for (path, bytes) in &got {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&wanted[path]),
            "{path}"
        );
    }
    platform.plans_empty("tree");
    assert_eq!(platform.counts().mutating, 0);
    platform.stop();
}

#[test]
fn drift_goes_where_it_is_declared() {
    let acme = "accounts/acme/account.yaml";
    check(
        &[(ACME, &["company_name"], json!("Acme Voice"))],
        &["acme"],
        &[(acme, "acme # the name", "Acme Voice # the name")],
    );
    check(
        &[
            (ACME, &["company_name"], json!("Acme Voice")),
            (ACME, &["domain"], json!("a.example.com")),
        ],
        &["acme.company_name", "acme.whitelabel.domain"],
        &[
            (acme, "acme # the name", "Acme Voice # the name"),
            (acme, "domain: acme", "domain: a"),
        ],
    );
    check(
        &[(ACME, &["company_name"], Value::Null)],
        &["acme.company_name"],
        &[(acme, "  company_name: acme # the name\n", "")],
    );
    // Nowhere declared: in the account.
    check(
        &[(ACME, &["brandColor"], json!("#ff0000"))],
        &["acme.brandColor"],
        &[(
            acme,
            "domain: acme.example.com\n",
            "domain: acme.example.com\n  brandColor: \"#ff0000\"\n",
        )],
    );
    // Undeclared and not asked for by name: it is no drift.
    check(&[(ACME, &["brandColor"], json!("#ff0000"))], &["acme"], &[]);
}

#[test]
fn a_shared_layer_changes_when_all_agree() {
    check(
        &[
            (ACME, &["nav", "help"], json!("https://new.example")),
            (BETA, &["nav", "help"], json!("https://new.example")),
        ],
        &["acme.nav.help"],
        &[(
            "brands/gold.yaml",
            "https://help.example",
            "https://new.example",
        )],
    );
    check(
        &[(ACME, &["nav", "help"], json!("https://new.example"))],
        &["acme.nav"],
        &[(
            "accounts/acme/account.yaml",
            "domain: acme.example.com\n",
            "domain: acme.example.com\n  nav:\n    help: https://new.example\n",
        )],
    );
    // The other one has it, and it must not be there.
    check(
        &[(ACME, &["nav"], Value::Null)],
        &["acme"],
        &[(
            "accounts/acme/account.yaml",
            "domain: acme.example.com\n",
            "domain: acme.example.com\n  nav:\n    help: null\n",
        )],
    );
}

#[test]
fn what_a_lock_or_a_check_forbids_is_refused() {
    let platform = agreed();
    let before = platform.files("tree");
    platform.edit(ACME, &["hide_powered"], json!(false));
    let output = platform.run_to(5, &["import", "--tree", "tree", "--accept", "acme"]);
    assert!(stdout(&output).contains("EB0303"), "{}", stdout(&output));
    platform.edit(ACME, &["domain"], json!("beta.example.com"));
    let output = platform.run_to(5, &["import", "--tree", "tree", "--accept", "acme.domain"]);
    assert!(stdout(&output).contains("EB0402"), "{}", stdout(&output));
    assert_eq!(platform.files("tree"), before);
    let output = platform.run_to(64, &["import", "--tree", "tree", "--accept", "acne.domain"]);
    assert!(
        stderr(&output).contains("did you mean acme?"),
        "{}",
        stderr(&output)
    );
    platform.stop();
}

#[test]
fn pictures_are_accepted() {
    let platform = agreed();
    let put = |id: &str, kind: &str, bytes: &[u8]| {
        let mut world = platform.sandbox.world();
        world.put_attachment(id, &format!("{kind}-seed.png"), "image/png", bytes);
    };
    let new = picture(9, 9, 9);
    put(ACME, "logo", &new);
    let before = platform.files("tree");
    platform.run_to(0, &["import", "--tree", "tree", "--accept", "acme.logo"]);
    let mut wanted = before;
    wanted.insert("accounts/acme/logo.png".to_owned(), new.clone());
    assert_eq!(platform.files("tree"), wanted);
    platform.plans_empty("tree");
    // The brand's icon, changed for one of two.
    put(ACME, "icon", &new);
    let output = platform.run_to(0, &["import", "--tree", "tree", "--accept", "acme"]);
    assert!(
        stdout(&output).contains("brand gold declares it"),
        "{}",
        stdout(&output)
    );
    wanted.insert("accounts/acme/icon.png".to_owned(), new.clone());
    let account = platform.read("tree", "accounts/acme/account.yaml");
    assert!(
        account.ends_with("assets:\n  logo: logo.png\n  icon: icon.png\n"),
        "{account}"
    );
    platform.plans_empty("tree");
    // For both: the brand's.
    let newest = picture(7, 7, 7);
    put(BETA, "icon", &newest);
    platform.run_to(0, &["import", "--tree", "tree", "--accept", "beta.icon"]);
    assert_eq!(platform.files("tree")["brands/shared.png"], newest);
    platform.plans_empty("tree");
    platform.stop();
}

/// A platform and a tree of two clusters that agree.
fn agreed_of_two() -> Platform {
    let platform = agreed();
    let config = CONFIG.replace("production: {}", "production: {}, staging: {}");
    platform.write("tree", "emblazon.yaml", config.as_bytes());
    for (name, id) in [("acme", ACME), ("beta", BETA)] {
        let text = format!(
            "account: {{ production: {id}, staging: {} }}\nextends: [gold]\nwhitelabel:\n  company_name: {name} # the name\n  domain: {name}.example.com\nassets:\n  logo: logo.png\noverrides:\n  staging: {{ whitelabel: {{ domain: {name}.staging.example.com }} }}\n  production:\n    whitelabel:\n      brandColor: red\n",
            id.replace(['a', 'b'], "c").replacen('c', &id[..1], 1)
        );
        let file = format!("accounts/{name}/account.yaml");
        platform.write("tree", &file, text.as_bytes());
        platform.edit(id, &["brandColor"], json!("red"));
    }
    platform
}

/// Takes one value in from one of two clusters, and compares one file; what it says afterwards is what is live.
#[track_caller]
fn check_of_two(edits: &[(&str, &[&str], Value)], accept: &str, file: &str, old: &str, new: &str) {
    let platform = agreed_of_two();
    for (id, key, value) in edits {
        platform.edit(id, key, value.clone());
    }
    let mut wanted = platform.files("tree");
    let text = String::from_utf8(wanted[file].clone()).unwrap();
    assert!(text.contains(old), "{text}");
    wanted.insert(file.to_owned(), text.replacen(old, new, 1).into_bytes());
    let output = platform.run_to(
        0,
        &[
            "import",
            "--tree",
            "tree",
            "--cluster",
            "production",
            "--accept",
            accept,
        ],
    );
    let got = platform.files("tree");
    for (path, bytes) in &got {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&wanted[path]),
            "{path}"
        );
    }
    let told = stdout(&output);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let tells = told.contains("holds for the others too");
    assert_eq!(tells, !new.contains("blue"), "{}", stdout(&output));
    platform.run_to(0, &["plan", "tree", "--cluster", "production"]);
    platform.stop();
}

/// What is accepted goes into the layer that declares it, also where the tree speaks of other clusters; that the value holds
/// for those too is told.
#[test]
fn with_two_clusters_what_is_accepted_goes_where_it_is_declared() {
    let acme = "accounts/acme/account.yaml";
    check_of_two(
        &[(ACME, &["company_name"], json!("Acme Voice"))],
        "acme.company_name",
        acme,
        "acme # the name",
        "Acme Voice # the name",
    );
    let help = json!("https://new.example");
    check_of_two(
        &[
            (ACME, &["nav", "help"], help.clone()),
            (BETA, &["nav", "help"], help),
        ],
        "acme.nav.help",
        "brands/gold.yaml",
        "https://help.example",
        "https://new.example",
    );
    // Declared for this cluster alone.
    check_of_two(
        &[(ACME, &["brandColor"], json!("blue"))],
        "acme.brandColor",
        acme,
        "brandColor: red",
        "brandColor: blue",
    );
}

/// A key that there is not is a mistake of whoever asks, as it is for `explain`; what the message names is accepted.
#[test]
fn a_mistyped_key_is_wrong_usage() {
    let platform = agreed();
    platform.edit(ACME, &["nav", "help"], json!("https://new.example"));
    platform.edit(ACME, &["theirs"], json!("unknown to the tree"));
    for (wrong, meant) in [
        ("acme.nav.hlep", "whitelabel.nav.help"),
        ("acme.whitelabel.nav.hlep", "whitelabel.nav.help"),
        ("acme.assets.lgoo", "assets.logo"),
        ("acme.lgoo", "assets.logo"),
        ("acne.nav.help", "acme"),
        ("acme.dns", "change it there"),
        ("acme.nothing.like.it", "write its whole path"),
    ] {
        let output = platform.run_to(
            64,
            &["import", "--tree", "tree", "--accept", wrong, "--dry-run"],
        );
        let told = stderr(&output);
        assert!(told.contains(meant), "{wrong}: {told}");
        assert_eq!(stdout(&output), "", "{wrong}");
    }
    // The tree cannot declare it yet, and how it could is told.
    let arguments = ["import", "--tree", "tree", "--accept", "acme.theirs"];
    let told = stdout(&platform.run_to(5, &arguments));
    assert!(told.contains("extra_keys"), "{told}");
    let accept = "acme.whitelabel.nav.help";
    platform.run_to(0, &["import", "--tree", "tree", "--accept", accept]);
    let account = platform.read("tree", "accounts/acme/account.yaml");
    assert!(account.contains("https://new.example"), "{account}");
    platform.stop();
}

/// What a lock forbids is told by the lock, which is there, and not by the declaration that it forbids. Doing what it
/// says helps.
#[test]
fn a_lock_is_named_where_it_is() {
    let platform = agreed_of_two();
    platform.edit(ACME, &["hide_powered"], json!(false));
    let arguments = [
        "import",
        "--tree",
        "tree",
        "--cluster",
        "production",
        "--accept",
        "acme",
    ];
    let output = platform.run_to(5, &arguments);
    insta::assert_snapshot!(stdout(&output), @r#"
    left out: acme whitelabel.hide_powered
      brands/gold.yaml locks whitelabel.hide_powered at line 6 (EB0303)
      help: take whitelabel.hide_powered out of lock there and import again, or apply the tree, which
      puts its own value back
    "#);
    assert!(
        stderr(&output).contains("nothing to write\n"),
        "{}",
        stderr(&output)
    );
    let unlocked = BRAND.replace("lock: [whitelabel.hide_powered]\n", "");
    platform.write("tree", "brands/gold.yaml", unlocked.as_bytes());
    platform.run_to(0, &arguments);
    platform.run_to(0, &["plan", "tree", "--cluster", "production"]);
    platform.stop();
}

/// Invariant 6: what could not be read is not said to be in the tree already.
#[test]
fn an_asset_that_cannot_be_read_is_left_out() {
    let platform = agreed();
    platform.sandbox.set_faults(vec![Fault {
        times: 99,
        ..Fault::new("GET", "*/whitelabel/logo", FaultKind::Status(403))
    }]);
    for accept in ["acme", "acme.logo"] {
        let output = platform.run_to(6, &["import", "--tree", "tree", "--accept", accept]);
        let told = stdout(&output);
        assert!(told.contains("left out: acme assets.logo"), "{told}");
        assert!(!stderr(&output).contains("the tree says it already"));
    }
    platform.sandbox.set_faults(Vec::new());
    platform.run_to(0, &["import", "--tree", "tree", "--accept", "acme"]);
    platform.stop();
}
