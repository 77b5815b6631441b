//! `apply --canary --probe`: the others follow only if customers see what went first.

use emblazon::model::Digest;
use serde_json::Value;

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::{DEFAULTS, Platform, id};

const API: &str = "api.example.com";

/// Starts a platform with three old brands and a user interface, and a tree that has them new.
fn platform() -> Platform {
    let account = |name: char| {
        format!(
            "  - {{name: {name}, id: {}, whitelabel: {{company_name: old, domain: {name}.example.com, {DEFAULTS}}}}}\n",
            id(name)
        )
    };
    let accounts: String = "abc".chars().map(account).collect();
    let platform = Platform::new(
        &format!(
            "accounts:\n  - name: Master\n{accounts}ui: {{at: 192.0.2.80, api: 'https://{API}:8443/v2/', api_at: 192.0.2.81}}\n"
        ),
        &[],
    );
    platform.write("authority.pem", &platform.sandbox.authority().unwrap());
    let digest = Digest::of(platform.sandbox.authority().unwrap().as_bytes());
    platform.write(
        ".config/emblazon/trust.yaml",
        &format!("ca_files: ['sha256:{digest}']\n"),
    );
    platform.write(
        "emblazon.yaml",
        &format!(
            "clusters: {{production: {{api: '{}', ca_file: authority.pem}}}}\n",
            platform.sandbox.url()
        ),
    );
    for name in "abc".chars() {
        let text = format!("whitelabel: {{company_name: new, domain: {name}.example.com}}");
        platform.declare(name, &text);
    }
    platform
}

/// Applies with one account first, whose page is at an address.
fn apply(platform: &Platform, page: &str, more: &[&str]) -> std::process::Output {
    let detours = platform.sandbox.detours();
    let at = |address: &str| detours[&address.parse().unwrap()].to_string();
    let pins = [
        format!("a.example.com:443:{page}"),
        format!("a.example.com:80:{}", at("192.0.2.80:80")),
        format!("{API}:8443:{}", at("192.0.2.81:8443")),
    ];
    let mut arguments = vec!["apply", "--yes", "--canary", "a", "--probe=0s"];
    arguments.extend(pins.iter().flat_map(|pin| ["--resolve", pin]));
    arguments.extend(more);
    platform.run(&arguments)
}

/// The company names of the three brands.
fn companies(platform: &Platform) -> [Value; 3] {
    ['a', 'b', 'c'].map(|name| platform.key(name, "company_name"))
}

/// Nothing listens at this one.
const NOWHERE: &str = "127.0.0.1:1";

#[test]
fn a_canary_that_customers_do_not_see_stops_the_others() {
    let platform = platform();
    let output = apply(&platform, NOWHERE, &["--format", "json"]);
    check_exit(&output, 4);
    assert_eq!(companies(&platform), ["new", "old", "old"]);
    let reason = "a, which goes first, is as the tree declares it, but customers get a browser error: port: nothing listens at a.example.com:443 (127.0.0.1:1); fix: start the user interface at this address";
    assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    assert!(stdout(&output).contains(reason), "{}", stdout(&output));
    // The same once more is no way around it, although the canary has nothing to do any more.
    let again = apply(&platform, NOWHERE, &["--restore-canary"]);
    check_exit(&again, 5);
    assert_eq!(companies(&platform), ["new", "old", "old"]);
    assert!(stderr(&again).contains(reason), "{}", stderr(&again));
    // What the reason says is done: the page is there, and the others follow.
    let page = platform.sandbox.detours()[&"192.0.2.80:443".parse().unwrap()].to_string();
    check_exit(&apply(&platform, &page, &[]), 0);
    assert_eq!(companies(&platform), ["new", "new", "new"]);
    platform.stop();
}

#[test]
fn a_canary_that_customers_do_not_see_is_led_back() {
    let platform = platform();
    let output = apply(
        &platform,
        NOWHERE,
        &["--restore-canary", "--format", "json"],
    );
    check_exit(&output, 4);
    assert_eq!(companies(&platform), ["old", "old", "old"]);
    let _: Value = serde_json::from_str(&stdout(&output)).expect("one report");
    // The change still comes from the tree, and is nobody's drift.
    let plan = platform.report(&["plan"]);
    let text = plan.to_string();
    assert!(
        !text.contains("drift\":\"") && !text.contains("\"conflict\""),
        "{plan:#}"
    );
    let page = platform.sandbox.detours()[&"192.0.2.80:443".parse().unwrap()].to_string();
    let output = apply(&platform, &page, &["--restore-canary"]);
    check_exit(&output, 0);
    assert_eq!(companies(&platform), ["new", "new", "new"]);
    platform.stop();
}

/// Its domain came from an account that does not go first, and that had to release it before.
#[test]
fn a_canary_is_led_back_with_who_gave_it_its_domain() {
    for b in ["d.example.com", "a.example.com"] {
        let platform = platform();
        for (name, domain) in [('a', "b.example.com"), ('b', b)] {
            let text = format!("whitelabel: {{company_name: new, domain: {domain}}}");
            platform.declare(name, &text);
        }
        let ports = [443, 80].map(|port| format!("b.example.com:{port}:{NOWHERE}"));
        let [tls, plain] = &ports;
        let more = ["--restore-canary", "--resolve", tls, "--resolve", plain];
        let output = apply(&platform, NOWHERE, &more);
        check_exit(&output, 4);
        let said = stderr(&output);
        assert_eq!(companies(&platform), ["old", "old", "old"], "{said}");
        for name in ['a', 'b'] {
            assert_eq!(platform.key(name, "domain"), format!("{name}.example.com"));
        }
        platform.stop();
    }
}

/// Also where nothing is left to be stopped, the run did not reach what it was for.
#[test]
fn a_lone_canary_that_customers_do_not_see_is_no_success() {
    let platform = platform();
    let output = apply(&platform, NOWHERE, &["--account", "a"]);
    check_exit(&output, 4);
    assert_eq!(companies(&platform), ["new", "old", "old"]);
    assert!(stderr(&output).contains("a, which goes first, is as the tree declares it, but"));
    platform.stop();
}

#[test]
fn who_cannot_be_looked_at_is_told_before_anything_is_written() {
    let platform = platform();
    platform.declare('a', "whitelabel: {company_name: new}");
    let output = apply(&platform, NOWHERE, &[]);
    check_exit(&output, 64);
    let told = "--probe: customers cannot see a: the tree declares no domain; name another account with --canary, or leave out --probe";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
    assert_eq!(platform.mutating(), 0);
    for alone in [
        &["apply", "--yes", "--probe"][..],
        &["apply", "--yes", "--canary", "b", "--restore-canary"],
    ] {
        check_exit(&platform.run(alone), 64);
    }
    platform.stop();
}
