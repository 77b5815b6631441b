//! The command as its users start it: wiring, exit codes, streams. What reports look like is tested beside the
//! renderers.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::source_text::top;

/// What may leak in from whoever runs the tests.
const SCRUBBED: &[&str] = &[
    "CLICOLOR_FORCE",
    "COLUMNS",
    "EMBLAZON_API",
    "EMBLAZON_API_KEY",
    "EMBLAZON_CACHE_DIR",
    "EMBLAZON_CLUSTER",
    "EMBLAZON_TOKEN",
    "EMBLAZON_TRUST",
    "GIT_DIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "RUST_LOG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "http_proxy",
    "https_proxy",
];

/// Prepares a run of the command in a folder, with nothing of the tester's own environment.
pub(crate) fn emblazon(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emblazon"));
    for name in SCRUBBED {
        command.env_remove(name);
    }
    if folder.starts_with(top()) {
        // The repository is nobody's home.
        command.env("EMBLAZON_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"));
    }
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .stdin(Stdio::null());
    command
}

/// Runs the command to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    emblazon(folder).args(arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
pub(crate) fn check_exit(output: &Output, expected: i32) {
    assert_eq!(
        output.status.code(),
        Some(expected),
        "stdout:\n{}\nstderr:\n{}",
        stdout(output),
        stderr(output)
    );
}

pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

#[test]
fn wrong_usage_is_64() {
    #[track_caller]
    fn check(arguments: &[&str], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), arguments);
        check_exit(&output, 64);
        assert_eq!(stdout(&output), "", "{arguments:?}");
        let message = stderr(&output);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
    check(&["frobnicate"], "unrecognized subcommand");
    check(&[], "Usage: emblazon");
    check(&["plan", "--format", "xml"], "invalid value 'xml'");
    check(&["plan", "--output", "report.json"], "FORMAT=FILE");
    check(&["validate"], "emblazon init");
    check(&["validate", "nowhere"], "nowhere");
    check(&["apply"], "--yes");
    check(&["explain", "EB0100"], "did you mean EB0101?");
    check(&["plan", "-q", "-v"], "cannot be used with");
    check(&["plan", "--api", ""], "leave it out to take the tree's");
    check(
        &["plan", "--output", "xml=report"],
        "\"xml\" is no format; known are text, html",
    );
    check(
        &["apply", "nosuch.plan", "--yes"],
        "there is no folder and no file nosuch.plan",
    );
    check(
        &["show", "nosuch"],
        "there is no file nosuch; `emblazon plan --out nosuch` saves a plan there",
    );
    check(
        &["plan", "--out", "nodir/x"],
        "there is no folder nodir; make it",
    );
    check(&["watch", "--listen", "8642"], "such as 127.0.0.1:8642");
    check(&["import", "--api", "kazoo"], "https://api.example.com");
}

#[test]
fn help_and_version_are_data() {
    #[track_caller]
    fn check(arguments: &[&str], expected: &str) {
        let output = run(&top(), arguments);
        check_exit(&output, 0);
        assert_eq!(stderr(&output), "");
        assert!(stdout(&output).contains(expected), "{}", stdout(&output));
    }
    let version = concat!("emblazon ", env!("CARGO_PKG_VERSION"), "\n");
    check(&["-V"], version);
    check(&["--version"], version);
    check(&["--version"], "\ncommit: ");
    let features = if cfg!(feature = "kubernetes") {
        "\nfeatures: kubernetes\n"
    } else {
        "\nfeatures: none\n"
    };
    check(&["--version"], features);
    check(&["--help"], "Exit codes: 0 done or in sync");
    check(&["help", "plan"], "Sends no request that writes");
    check(&["completions", "bash"], "complete -F _emblazon");
    check(&["completions", "fish"], "complete -c emblazon");
    check(&["man"], ".TH emblazon 1");
    check(
        &["explain", "eb0101"],
        "error EB0101: the file is not valid YAML",
    );
}

/// A starter tree is valid as it is written, and nothing of the user's is overwritten.
#[test]
fn init_writes_a_tree_that_validates() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "brands/accounts/example/account.yaml",
        "mine\n",
    );
    check_exit(&run(folder.path(), &["init", "brands"]), 0);
    let kept = folder.path().join("brands/accounts/example/account.yaml");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "mine\n");
    check_exit(&run(folder.path(), &["init", "fresh"]), 0);
    let output = run(folder.path(), &["validate", "fresh"]);
    check_exit(&output, 0);
    assert_eq!(
        stdout(&output),
        "The tree is valid: 1 account and the domain template\n"
    );
    let again = run(folder.path(), &["init", "fresh"]);
    check_exit(&again, 64);
}

#[test]
fn a_tree_with_errors_is_3_and_every_mistake_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "emblazon.yaml",
        "clusters:\n  production: { api: \"https://api.example.com\" }\ndefaults:\n  whitelabel: { hide_powred: true }\n",
    );
    write(
        folder.path(),
        "accounts/acme/account.yaml",
        "realm: acme.sip.example.com\nwhitelabel:\n  domain: HTTPS://Acme.example.com/\n",
    );
    for command in ["validate", "plan", "drift"] {
        let output = run(folder.path(), &[command, "--format", "json"]);
        check_exit(&output, 3);
        let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let places: Vec<String> = report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| {
                let place = &found["place"];
                format!("{}:{}:{}", place["file"], place["line"], place["column"])
            })
            .collect();
        assert_eq!(
            places,
            [
                "\"accounts/acme/account.yaml\":3:11",
                "\"emblazon.yaml\":4:17"
            ],
            "{command}"
        );
    }
}

/// Several formats leave one run, and the machine's follows its schema.
#[test]
fn one_run_writes_several_formats() {
    let folder = tempfile::tempdir().unwrap();
    check_exit(&run(folder.path(), &["init", "."]), 0);
    let output = run(
        folder.path(),
        &[
            "validate",
            "--output",
            "json=a.json",
            "--output",
            "text=a.txt",
        ],
    );
    check_exit(&output, 0);
    let text = fs::read_to_string(folder.path().join("a.txt")).unwrap();
    assert_eq!(text, stdout(&output));
    let json = fs::read_to_string(folder.path().join("a.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let schema = fs::read_to_string(top().join("schemas/report.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(jsonschema::is_valid(&schema, &json));
}

/// Colours come only where they were asked for.
#[test]
fn colours_follow_the_options() {
    #[track_caller]
    fn check(arguments: &[&str], variable: Option<(&str, &str)>, expected: bool) {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["init", "."]);
        let mut command = emblazon(folder.path());
        let output = command
            .arg("validate")
            .args(arguments)
            .envs(variable)
            .output()
            .unwrap();
        assert_eq!(
            stdout(&output).contains('\u{1b}'),
            expected,
            "{arguments:?} {variable:?}"
        );
    }
    check(&[], None, false);
    check(&["--color", "always"], None, true);
    check(&["--color", "always"], Some(("NO_COLOR", "1")), true);
    check(&[], Some(("CLICOLOR_FORCE", "1")), true);
    check(&["--color", "never"], Some(("CLICOLOR_FORCE", "1")), false);
}

/// Whoever stops reading has read enough.
#[cfg(unix)]
#[test]
fn a_broken_pipe_is_no_error() {
    let mut child = emblazon(&top())
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    check_exit(&output, 0);
    assert_eq!(stderr(&output), "");
}

#[test]
fn man_pages_go_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    check_exit(&run(folder.path(), &["man", "pages"]), 0);
    let pages = fs::read_dir(folder.path().join("pages")).unwrap().count();
    assert_eq!(pages, 35, "one for each command, and the main one");
}

#[test]
fn explain_shows_each_layer_and_the_winner() {
    let output = run(
        &top().join("examples/quickstart"),
        &["explain", "acme", "whitelabel.nav.help", "-q"],
    );
    check_exit(&output, 0);
    assert_eq!(stderr(&output), "");
    insta::assert_snapshot!(stdout(&output), @r#"
    whitelabel.nav.help
        "https://help.northwind.example"  brands/northwind.yaml:8:11  (brand northwind)
      * "https://help.acme.example"  accounts/acme/account.yaml:14:11  (account)

    The help link. No Monster UI since 4.0 reads it.
    "#);
}

/// A key that nothing can be declared under is a mistake of whoever asks, and the one that was meant is named; following that helps.
#[test]
fn explain_knows_a_mistyped_key() {
    #[track_caller]
    fn check(key: &str, expected: &str, meant: Option<&str>) {
        let explain = |key| {
            run(
                &top(),
                &["explain", "acme", key, "examples/quickstart", "-q"],
            )
        };
        let output = explain(key);
        check_exit(&output, 64);
        assert_eq!(
            stderr(&output),
            format!("error: there is no key {key}; {expected}\n")
        );
        if let Some(meant) = meant {
            assert!(expected.contains(meant), "{expected}");
            check_exit(&explain(meant), 0);
        }
    }
    for (key, meant) in [
        ("whitelabel.nav.hlep", "whitelabel.nav.help"),
        ("nav.help", "whitelabel.nav.help"),
        ("hide_powerd", "whitelabel.hide_powered"),
        ("assets.logos", "assets.logo"),
        ("dsn", "dns"),
    ] {
        check(key, &format!("did you mean {meant}?"), Some(meant));
    }
    let help = "write its whole path, such as whitelabel.hide_powered or assets.logo";
    check("nothing.like.it", help, None);
}

#[test]
fn explain_shows_a_brand_as_customers_get_it() {
    let output = run(
        &top(),
        &[
            "explain",
            "cedar",
            "examples/quickstart",
            "--cluster",
            "production",
            "--sandbox",
        ],
    );
    check_exit(&output, 0);
    insta::assert_snapshot!(stdout(&output), @r#"
    cedar  cedar.sip.example.com
    Cedar Calls at cedar.southgate.example

    settings
      company_name          "Cedar Calls"  (accounts/cedar/account.yaml:10, account)
      domain                "cedar.southgate.example"  (accounts/cedar/account.yaml:11, account)
      hide_powered          true  (emblazon.yaml:21, defaults)
      hide_registration     true  (brands/southgate.yaml:6, brand southgate)
      inbound_trunks_price  "6.99"  (brands/southgate.yaml:7, brand southgate)
      nav.help              "https://support.southgate.example"
                            (brands/southgate.yaml:9, brand southgate)
      nav.learn_more        "https://www.harbor.example/features"  (emblazon.yaml:23, defaults)
      port.support_email    "porting@harbor.example"  (emblazon.yaml:25, defaults)

    assets
      logo  PNG 200×60 2.1 kB 3c3a23e1dbb1  (accounts/cedar/account.yaml:14, account)
            85 % transparent; clear on light, 6 % lost on dark
      icon  must not be there  (accounts/cedar/account.yaml:15, account)

    dns: ignore
      TXT _brand.cedar.southgate.example     "harbor-brand=1"
      SRV _sip._udp.cedar.southgate.example  10 50 5060 us-east.cedar.southgate.example
      SRV _sip._udp.cedar.southgate.example  10 50 5060 us-west.cedar.southgate.example
      CNAME api.cedar.southgate.example      api.harbor.example
      A cedar.southgate.example              192.0.2.80
      NAPTR cedar.southgate.example          10 100 "S" "SIP+D2U" "" _sip._udp.cedar.southgate.example
      A us-east.cedar.southgate.example      192.0.2.10
      AAAA us-east.cedar.southgate.example   2001:db8::10
      A us-west.cedar.southgate.example      198.51.100.10

    not declared, stays as it is live: welcome, fake_api_url, hide_credits, outbound_trunks_price,
      twoway_trunks_price, port.authority, port.features, port.loa, port.resporg, port.terms,
      acceptCharges, additionalCss, allowAccessList, announcement, appLinks, applicationTitle,
      authentication, bookkeepers, brandColor, callReportEmail, carrier.choices, companyName,
      countryCode, custom_welcome, custom_welcome_message, disableFirstUseWalkthrough,
      disableNumbersFeatures, hideAppStore, hideBuyNumbers, hideNewAccountCreation,
      hidePasswordRecovery, hide_port, includes, invoiceRangeConfig, jiraFeedback, language, logoPath,
      logoutTimer, nav.logout, port.carriers, preventDIDFormatting, realm_suffix,
      showMediaUploadDisclosure, showPAssertedIdentity, social, sso, sso_providers, ttsVoice,
      useDropdownApploader

    below it: no other account
    "#);
}
