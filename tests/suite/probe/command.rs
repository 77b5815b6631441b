//! The command.

use std::fs;

use serde_json::Value;

use crate::cli::{check_exit, run, stderr, stdout};
use crate::cli_platform::fits;
use crate::source_text::top;

const QUICKSTART: &str = "examples/quickstart";

fn probe(accounts: &[&str], more: &[&str]) -> std::process::Output {
    let mut arguments = vec!["probe"];
    arguments.extend(accounts);
    arguments.extend(["--sandbox", "--tree", QUICKSTART]);
    arguments.extend(more);
    run(&top(), &arguments)
}

/// Without a browser nothing is probed, and what to do is said.
#[test]
fn a_picture_needs_a_chromium() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    let arguments = ["probe", "--sandbox", "--tree", QUICKSTART, "--screenshot"];
    let refused = |name: &str| {
        let mut command = crate::cli::emblazon(&top());
        command.args(arguments).arg(&pictures);
        command
            .env("PATH", folder.path())
            .env("EMBLAZON_CHROMIUM", name);
        let output = command.output().unwrap();
        check_exit(&output, 64);
        stderr(&output)
    };
    let none = "--screenshot needs a Chromium, and PATH has none of chromium, chromium-browser, google-chrome, google-chrome-stable, chrome; install one, name one in EMBLAZON_CHROMIUM, or leave out --screenshot";
    assert!(refused("").contains(none));
    let none = "EMBLAZON_CHROMIUM names nowhere, which is no program";
    assert!(refused("nowhere").contains(none));
    assert!(!pictures.exists());
}

/// The page has the verdicts, and what the tree declares as Monster UI draws it.
#[test]
fn a_probe_as_a_page() {
    let output = probe(&["northwind", "southgate"], &["--format", "html"]);
    check_exit(&output, 2);
    let page = stdout(&output);
    for part in [
        "Something is broken at 1 brand",
        "Southgate Communications <span class=\"domain\">my.southgate.example</span>",
        "Customers see the brand, but not as declared.",
        "<code class=\"place\">brands/southgate.yaml:9:11</code>",
        "aria-label=\"Declared: login page at my.southgate.example",
        "default-src 'none'",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let place = |name: &str| page.find(name).unwrap();
    assert!(place("my.southgate.example") < place("portal.northwind.example"));
    assert!(!page.contains("In Chromium"));
}

#[test]
fn exit_codes_of_a_probe() {
    check_exit(&probe(&["northwind"], &[]), 0);
    check_exit(&probe(&["southgate"], &[]), 2);
    check_exit(&probe(&[], &[]), 2);
    let nobody = probe(&["nobody"], &[]);
    check_exit(&nobody, 64);
    assert!(stderr(&nobody).contains("no account nobody"));
    // An address where nothing of ours can be: what could not be looked at is unknown, never broken (invariant 6).
    let pin = "portal.northwind.example:443:[100::1]";
    let lost = probe(
        &["northwind"],
        &[
            "--resolve",
            pin,
            "--resolve",
            "portal.northwind.example:80:[100::1]",
        ],
    );
    check_exit(&lost, 6);
}

/// What is not visible is looked at again, over new connections, until the time is over.
#[test]
fn a_probe_waits_no_longer_than_it_is_told() {
    let output = probe(
        &["southgate", "northwind"],
        &["--wait", "1s", "--format", "json"],
    );
    check_exit(&output, 2);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(report["rounds"].as_u64().unwrap() >= 2, "{report:#}");
    assert_eq!(report["count"]["visible"], 1);
    // What is visible at once is not waited for.
    let output = probe(&["northwind"], &["--wait", "1h", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["rounds"], 1);
}

/// What a command printed, on one line.
fn unwrapped(output: &std::process::Output) -> String {
    let text = stdout(output);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing can be sent from an address that this machine does not have.
#[test]
fn a_probe_connects_from_the_address_that_it_is_told() {
    #[track_caller]
    fn check(from: &str, exit: i32, told: &str) {
        let output = probe(&["northwind"], &["--from", from]);
        check_exit(&output, exit);
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
    check(
        "192.0.2.7",
        64,
        "this machine does not have the address 192.0.2.7; name one of its own with --from",
    );
    check(
        "eth0",
        64,
        "write an address of this machine, such as 192.0.2.7",
    );
    check("127.0.0.9", 0, "");
}

/// What is named for a sandbox stands in it, or nowhere: the real network is not asked.
#[test]
fn an_address_that_is_named_for_a_sandbox_stays_in_it() {
    let pin = |address: &str| format!("portal.northwind.example:443:{address}");
    let inside = probe(&["northwind"], &["--resolve", &pin("192.0.2.80")]);
    check_exit(&inside, 0);
    let outside = probe(&["northwind"], &["--resolve", &pin("203.0.113.9")]);
    check_exit(&outside, 6);
    let text = unwrapped(&outside);
    let told = "nothing stands at 203.0.113.9:443 in the sandbox, and nothing outside is asked";
    assert!(text.contains(told), "{text}");
}

/// A typing error in `--resolve` would otherwise go unnoticed: DNS would be asked.
#[test]
fn an_address_for_a_host_that_nothing_led_to_is_told() {
    let told = "nothing that was probed led to";
    let pins = ["--resolve", "portal.northwnd.example:443:192.0.2.80"];
    let output = probe(&["northwind"], &pins);
    check_exit(&output, 0);
    let text = stderr(&output);
    assert!(
        text.contains(&format!("{told} portal.northwnd.example:443")),
        "{text}"
    );
    let pins = ["--resolve", "portal.northwind.example:443:[100::1]"];
    let output = probe(&["northwind"], &pins);
    assert!(!stderr(&output).contains(told), "{}", stderr(&output));
}

/// Who writes the tree is not the operator: an address inside a network is asked only if the operator names it.
#[test]
fn an_address_inside_a_network_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "emblazon.yaml",
        "clusters: {production: {api: 'https://api.example.com:8443'}}\n",
    );
    write(
        "accounts/acme/account.yaml",
        "account: 0123456789abcdef0123456789abcdef\nwhitelabel: {domain: inside.example.net}\n",
    );
    write(
        "sandbox.yaml",
        "accounts: [{name: Master}]\nui: {at: 192.0.2.80, api: 'https://api.example.com:8443/v2/', api_at: 192.0.2.81}\ndns: {zones: {example.net: {ns: [ns1.dns.test], records: [inside A 169.254.169.254]}}}\n",
    );
    let tree = folder.path().to_str().unwrap();
    let output = run(&top(), &["probe", "--sandbox", "--tree", tree]);
    check_exit(&output, 6);
    let text = unwrapped(&output);
    assert!(
        text.contains("169.254.169.254 is not a public address"),
        "{text}"
    );
    assert!(text.contains("0 requests over 0 connections"), "{text}");
}

/// A resolver that fails says nothing about a name.
#[test]
fn a_name_that_could_not_be_asked_for_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("sandbox.yaml");
    let text = fs::read_to_string(top().join(QUICKSTART).join("sandbox.yaml")).unwrap();
    let text = text.replace(
        "  faults:\n",
        "  faults:\n    - { server: resolver, name: portal.northwind.example, fault: servfail }\n",
    );
    let beside = top().join(QUICKSTART);
    let text = text.replace("accounts/", &format!("{}/accounts/", beside.display()));
    let text = text.replace(": live/", &format!(": {}/live/", beside.display()));
    let text = text.replace(": brands/", &format!(": {}/brands/", beside.display()));
    fs::write(&seed, text).unwrap();
    let sandbox = format!("--sandbox={}", seed.display());
    let output = run(
        &top(),
        &["probe", "northwind", &sandbox, "--tree", QUICKSTART],
    );
    check_exit(&output, 6);
    assert!(stdout(&output).contains("SERVFAIL"), "{}", stdout(&output));
}

#[test]
fn a_probe_says_what_is_broken_where_and_what_to_do() {
    insta::assert_snapshot!(stdout(&probe(&["southgate", "northwind"], &[])), @r#"
    southgate  https://my.southgate.example/  broken: customers see the brand, but not as declared
      broken   document: nav.help is "https://somewhere-else.example/help" instead of
               "https://support.southgate.example"
               fix: apply the tree (`emblazon plan` shows what would change)
               at brands/southgate.yaml:9:11
      broken   logo: the logo is not the declared one
               fix: apply the tree (`emblazon plan` shows what would change)
               at accounts/southgate/account.yaml:13:9

    visible: northwind

    2 brands: 1 visible, 1 broken, 0 unknown; 16 requests over 5 connections
    "#);
}

/// Every format says the same, and goes to standard output or to a file; the exit code does not depend on it.
#[test]
fn a_probe_in_formats_for_machines_and_forges() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let outputs: Vec<String> = ["markdown", "junit", "text", "json", "sarif"]
        .iter()
        .map(|format| format!("--output={format}={}", file(format).display()))
        .collect();
    let mut more: Vec<&str> = outputs.iter().map(String::as_str).collect();
    more.extend(["--format", "github"]);
    let output = probe(&["southgate", "northwind"], &more);
    check_exit(&output, 2);
    let written = |name: &str| fs::read_to_string(file(name)).unwrap();
    insta::assert_snapshot!(stdout(&output), @r##"
    ::error file=examples/quickstart/brands/southgate.yaml,line=9,col=11,title=probe-broken%3A customers do not see the declared brand::southgate: document: nav.help is "https://somewhere-else.example/help" instead of "https://support.southgate.example"%0Ahelp: apply the tree (`emblazon plan` shows what would change)
    ::error file=examples/quickstart/accounts/southgate/account.yaml,line=13,col=9,title=probe-broken%3A customers do not see the declared brand::southgate: logo: the logo is not the declared one%0Ahelp: apply the tree (`emblazon plan` shows what would change)
    "##);
    insta::assert_snapshot!(written("markdown"), @r##"
    ### emblazon probe

    **2 brands: 1 visible, 1 broken, 0 unknown; 16 requests over 5 connections**

    #### Broken

    <details open><summary><code>southgate</code> <code>https://my.southgate.example/</code>: customers see the brand, but not as declared</summary>

    - **broken** document: nav.help is `"https://somewhere-else.example/help"` instead of `"https://support.southgate.example"`; fix: apply the tree (`emblazon plan` shows what would change) (`brands/southgate.yaml:9:11`)
    - **broken** logo: the logo is not the declared one; fix: apply the tree (`emblazon plan` shows what would change) (`accounts/southgate/account.yaml:13:9`)

    </details>
    "##);
    insta::assert_snapshot!(written("junit"), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="emblazon probe" tests="2" failures="1" errors="0">
      <testsuite name="probe" tests="2" failures="1" errors="0" skipped="0">
        <testcase classname="emblazon.probe" name="northwind portal.northwind.example"/>
        <testcase classname="emblazon.probe" name="southgate my.southgate.example">
          <failure type="probe" message="document: nav.help is &quot;https://somewhere-else.example/help&quot; instead of &quot;https://support.southgate.example&quot; (help: apply the tree (`emblazon plan` shows what would change)) and 1 more">document: nav.help is &quot;https://somewhere-else.example/help&quot; instead of &quot;https://support.southgate.example&quot; (help: apply the tree (`emblazon plan` shows what would change))
    logo: the logo is not the declared one (help: apply the tree (`emblazon plan` shows what would change))</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "##);
    assert!(written("text").contains("fix: apply the tree"));
    let report: Value = serde_json::from_str(&written("json")).unwrap();
    fits("probe.schema.json", &report);
    let log: Value = serde_json::from_str(&written("sarif")).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let places: Vec<String> = (results.iter())
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            let line = &place["region"]["startLine"];
            format!("{} {line}", place["artifactLocation"]["uri"])
        })
        .collect();
    assert_eq!(
        places,
        [
            "\"examples/quickstart/brands/southgate.yaml\" 9",
            "\"examples/quickstart/accounts/southgate/account.yaml\" 13"
        ]
    );
    // Another format is refused by name.
    let refused = probe(&["northwind"], &["--output", "pdf=x"]);
    check_exit(&refused, 64);
    assert!(
        stderr(&refused).contains(
            "\"pdf\" is no format; known are text, json, markdown, sarif, junit, html, github"
        ),
        "{}",
        stderr(&refused)
    );
}

/// A server that fails leaves the answer open, for the check of DNS as for a browser.
#[test]
fn probe_and_dns_check_agree_on_a_server_that_fails() {
    let arguments = [
        "dns",
        "check",
        "bluebird",
        "--sandbox",
        "--tree",
        QUICKSTART,
    ];
    for output in [run(&top(), &arguments), probe(&["bluebird"], &[])] {
        check_exit(&output, 6);
        assert!(stdout(&output).contains("SERVFAIL"), "{}", stdout(&output));
    }
}

#[test]
fn a_probe_for_machines_fits_its_schema() {
    let output = probe(&[], &["--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    fits("probe.schema.json", &report);
    assert_eq!(report["verdict"], "broken");
    let brands = report["brands"].as_array().unwrap();
    let total: u64 = ["visible", "broken", "unknown"]
        .iter()
        .map(|word| report["count"][word].as_u64().unwrap())
        .sum();
    assert_eq!(usize::try_from(total).unwrap(), brands.len());
}

/// What the remedy of a document that is not the declared one says leads to a brand that is seen.
#[test]
fn an_apply_mends_what_a_probe_found() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("trial");
    let kept = ["--sandbox", "--state", state.to_str().unwrap()];
    let on = |verb: &[&str], exit: i32| {
        let arguments = [verb, &kept].concat();
        let output = run(&top(), &arguments);
        check_exit(&output, exit);
        stdout(&output)
    };
    let probe = ["probe", "southgate", "delta", "--tree", QUICKSTART];
    let before = on(&probe, 2);
    assert!(before.contains("apply the tree"), "{before}");
    assert!(
        before.contains("delta  https://phones.delta.example/  broken"),
        "{before}"
    );
    on(&["apply", "--yes", QUICKSTART], 0);
    let after = on(&probe, 0);
    assert!(after.contains("visible: delta, southgate"), "{after}");
}
