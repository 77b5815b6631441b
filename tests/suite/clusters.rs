//! `diff` and `promote`: what the clusters of one tree declare, and how one gets what another one has.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{check_exit, run, stderr, stdout, write};

const ACME: &str = "accounts/acme/account.yaml";

fn tree(folder: &Path, acme: &str) {
    write(
        folder,
        "emblazon.yaml",
        "clusters: {staging: {}, production: {}}\n",
    );
    write(
        folder,
        "brands/gold.yaml",
        "whitelabel: {hide_credits: true}\n",
    );
    write(folder, ACME, acme);
    let beta = "realm: {staging: beta.staging.example}\nwhitelabel: {company_name: Beta}\n";
    write(folder, "accounts/beta/account.yaml", beta);
}

const BOTH: &str = "realm: {staging: acme.staging.example, production: acme.example}
extends: [gold]
whitelabel:
  company_name: Acme # the old name
  domain: acme.example.com
overrides:
  staging:
    whitelabel: # tried out
      company_name: Acme Voice
      domain: acme.staging.example.com
      nav: { help: https://help.example.com }
      fake_api_url: null
      hide_credits: false
    mode: observe
  production:
    whitelabel:
      hide_credits: true
      inbound_trunks_price: \"6.99\"
";

#[test]
fn clusters_differ_by_account_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tree(folder, BOTH);
    let diff = ["diff", "--cluster", "staging", "--cluster", "production"];
    let shown = run(folder, &diff);
    check_exit(&shown, 2);
    let text = stdout(&shown);
    for line in [
        "\"Acme Voice\" -> \"Acme\"  (accounts/acme/account.yaml:4:17)",
        "\"acme.staging.example.com\" -> \"acme.example.com\"",
        "+ whitelabel.inbound_trunks_price",
        "\n    - whitelabel ",
        "2 of 2 accounts differently for production",
        "no platform was read",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for word in ["by hand", "in Git", "customers", "update"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let json = run(
        folder,
        &[&diff[..], &["--account", "acme", "--format", "json"]].concat(),
    );
    check_exit(&json, 2);
    let report: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(report["command"], "diff", "{report}");
    assert_eq!(report["recorded"], true, "{report}");
    assert_eq!(report["cluster"], "production");
    let same = run(
        folder,
        &["diff", "--cluster", "staging", "--cluster", "staging"],
    );
    check_exit(&same, 0);
    check_exit(&run(folder, &diff[..3]), 64);
    check_exit(
        &run(folder, &[&diff[..], &["--below", "acme"]].concat()),
        64,
    );
    check_exit(
        &run(folder, &["diff", "--cluster", "staging", "--cluster", "x"]),
        64,
    );
}

/// The edit is the smallest, keeps remarks, and leaves every other cluster and the domain alone.
#[test]
fn what_is_tried_out_is_promoted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tree(folder, BOTH);
    let promote = ["promote", "staging", "production", "acme"];
    let shown = run(folder, &promote);
    check_exit(&shown, 2);
    assert!(
        stdout(&shown).contains("+      company_name: Acme Voice"),
        "{}",
        stdout(&shown)
    );
    assert!(
        stdout(&shown).contains("1 domain of production stay"),
        "{}",
        stdout(&shown)
    );
    assert_eq!(fs::read_to_string(folder.join(ACME)).unwrap(), BOTH);

    let written = run(folder, &[&promote[..], &["--yes"]].concat());
    check_exit(&written, 0);
    let (before, _) = BOTH.split_once("  production:\n").unwrap();
    let text = fs::read_to_string(folder.join(ACME)).unwrap();
    let rest = text
        .strip_prefix(before)
        .unwrap_or_else(|| panic!("{text}"));
    let expected = "  production:
    whitelabel:
      hide_credits: false
      company_name: Acme Voice
      fake_api_url: null
      nav:
        help: https://help.example.com
    mode: observe
";
    assert_eq!(rest, expected);
    let again = run(folder, &promote);
    check_exit(&again, 0);
    assert!(
        stderr(&again).contains("declares it already"),
        "{}",
        stderr(&again)
    );

    // An account that the second cluster does not have, and its own override goes when the layers say the same.
    let all = run(folder, &["promote", "staging", "production"]);
    check_exit(&all, 5);
    let told = stdout(&all);
    assert!(
        told.contains("refused: beta (accounts/beta/account.yaml:1:18): it is not on production"),
        "{told}"
    );
    let back = "realm: {staging: a.staging.example, production: a.example}\noverrides: {production: {dns: ignore}}\n";
    write(folder, ACME, back);
    check_exit(&run(folder, &[&promote[..], &["--yes"]].concat()), 0);
    let text = fs::read_to_string(folder.join(ACME)).unwrap();
    assert_eq!(
        text,
        "realm: {staging: a.staging.example, production: a.example}\n"
    );
    check_exit(&run(folder, &["promote", "staging", "nowhere"]), 64);
}
