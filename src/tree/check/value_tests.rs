use serde_json::json;

use super::*;
use crate::model::field;

#[track_caller]
fn check(path: &str, input: &Value, expected: &[(Code, &str)]) {
    let field = field(path).expect("a known key");
    let got = value(field, input);
    let matches = got.len() == expected.len()
        && got.iter().zip(expected).all(|(problem, (code, part))| {
            problem.code == *code
                && format!("{} | {}", problem.message, problem.help).contains(part)
        });
    assert!(matches, "{path} {input}: {got:#?} instead of {expected:#?}");
}

/// Trap 9: a domain that is not a bare host name silently breaks the portal.
#[test]
fn trap_09_domains() {
    check("domain", &json!("acme.example.com"), &[]);
    check(
        "domain",
        &json!("https://acme.example.com/"),
        &[(Code::EB0401, "write acme.example.com")],
    );
    check(
        "domain",
        &json!("Acme.example.com"),
        &[(Code::EB0401, "write acme.example.com")],
    );
    check(
        "domain",
        &json!("acme.example.com."),
        &[(Code::EB0401, "write acme.example.com")],
    );
    check(
        "domain",
        &json!("acme.example.com:8443"),
        &[(Code::EB0401, "a port")],
    );
    check(
        "domain",
        &json!("acme example com"),
        &[(Code::EB0401, "bare host name")],
    );
    check("domain", &json!(""), &[(Code::EB0401, "empty")]);
    check("domain", &json!(7), &[(Code::EB0510, "a string")]);
}

#[test]
fn web_addresses() {
    check("nav.help", &json!("https://help.example.com/a?b=c#d"), &[]);
    check("nav.help", &json!("http://help.example.com"), &[]);
    check("nav.help", &json!("https://bücher.example/hilfe"), &[]);
    check(
        "nav.help",
        &json!("www.example.com/help"),
        &[(Code::EB0501, "write https://www.example.com/help")],
    );
    check(
        "nav.help",
        &json!("//example.com/help"),
        &[(Code::EB0501, "write https://example.com/help")],
    );
    check(
        "nav.help",
        &json!("/help"),
        &[(Code::EB0501, "not absolute")],
    );
    check(
        "nav.help",
        &json!("javascript:alert(1)"),
        &[(Code::EB0501, "scheme javascript")],
    );
    check(
        "nav.help",
        &json!("mailto:a@example.com"),
        &[(Code::EB0501, "scheme mailto")],
    );
    check(
        "nav.help",
        &json!("https:/example.com"),
        &[(Code::EB0501, "two slashes")],
    );
    check(
        "nav.help",
        &json!("https://"),
        &[(Code::EB0501, "no web address")],
    );
    check(
        "nav.help",
        &json!("https://example.com/a b"),
        &[(Code::EB0501, "white space")],
    );
    check(
        "nav.help",
        &json!("https://example.com/\u{7}"),
        &[(Code::EB0501, "white space")],
    );
    check("nav.help", &json!(""), &[(Code::EB0501, "null")]);
    check(
        "nav.help",
        &json!(["https://example.com"]),
        &[(Code::EB0510, "a list")],
    );
}

#[test]
fn web_addresses_without_credentials() {
    let input = json!("https://admin:hunter2@example.com/");
    check("nav.help", &input, &[(Code::EB0502, "remove")]);
    let problems = value(field("nav.help").expect("a known key"), &input);
    assert!(!format!("{problems:?}").contains("hunter2"));
    check(
        "nav.help",
        &json!("https://admin@example.com/"),
        &[(Code::EB0502, "remove")],
    );
    check("nav.help", &json!("https://example.com/@admin"), &[]);
}

#[test]
fn a_text_that_the_login_page_shows_as_html_holds_no_script() {
    let shown = |text: &str, expected: &[(Code, &str)]| {
        check("custom_welcome_message", &json!(text), expected);
    };
    shown("<b>Hello</b> &amp; welcome", &[]);
    shown("<a href='https://help.example.com'>Help</a>", &[]);
    shown(
        "<b onclick=go()>Hello</b>",
        &[(Code::EB0525, "remove the event handler")],
    );
    shown("<script>go()</script>", &[(Code::EB0525, "remove")]);
    shown("<a href='javascript:go()'>Help</a>", &[(Code::EB0525, "")]);
    // The portal shows no other text as HTML.
    check("company_name", &json!("<script>go()</script>"), &[]);
}

#[test]
fn mail_addresses() {
    check("port.support_email", &json!("porting@example.com"), &[]);
    check(
        "port.support_email",
        &json!("first.last+port@Mail.Example.com"),
        &[],
    );
    for (text, part) in [
        ("porting", "no @"),
        ("a@b@example.com", "more than one @"),
        ("a b@example.com", "white space"),
        ("@example.com", "before the @"),
        (".a@example.com", "dot"),
        ("a..b@example.com", "dot"),
        ("Acme<a@example.com", "more than one bare"),
        ("a@example", "no valid domain"),
        ("a@", "no valid domain"),
        ("", "no @"),
    ] {
        check("port.support_email", &json!(text), &[(Code::EB0503, part)]);
    }
}

#[test]
fn prices() {
    check("inbound_trunks_price", &json!("29.99"), &[]);
    check("inbound_trunks_price", &json!("30"), &[]);
    check(
        "inbound_trunks_price",
        &json!("$29.99"),
        &[(Code::EB0505, "write 29.99")],
    );
    check(
        "inbound_trunks_price",
        &json!("29.99 €"),
        &[(Code::EB0505, "write 29.99")],
    );
    check(
        "inbound_trunks_price",
        &json!("USD 30"),
        &[(Code::EB0505, "write 30")],
    );
    check(
        "inbound_trunks_price",
        &json!("29,99"),
        &[(Code::EB0504, "write 29.99")],
    );
    check(
        "inbound_trunks_price",
        &json!("-3"),
        &[(Code::EB0504, "not a price")],
    );
    check(
        "inbound_trunks_price",
        &json!("1."),
        &[(Code::EB0504, "not a price")],
    );
    check(
        "inbound_trunks_price",
        &json!("free"),
        &[(Code::EB0504, "29.99")],
    );
    check(
        "inbound_trunks_price",
        &json!(""),
        &[(Code::EB0504, "29.99")],
    );
    check(
        "inbound_trunks_price",
        &json!(29.99),
        &[(Code::EB0510, "a number")],
    );
}

/// Trap 26: one id, alone or as a list of one, is the same; of several the server uses none.
#[test]
fn trap_26_porting_authorities() {
    let one = "59bf4a8641b8a1d827710bfc558510c9";
    let two = "0123456789abcdef0123456789abcdef";
    check("port.authority", &json!(one), &[]);
    check("port.authority", &json!([one]), &[]);
    check(
        "port.authority",
        &json!([one, two]),
        &[(Code::EB0506, "uses none")],
    );
    check(
        "port.authority",
        &json!("acme"),
        &[(Code::EB0404, "port.authority")],
    );
    check(
        "port.authority",
        &json!([]),
        &[(Code::EB0510, "an account id")],
    );
    check("port.authority", &json!([7]), &[(Code::EB0510, "a number")]);
}

#[test]
fn texts() {
    check("company_name", &json!("Acme Voice & Söhne"), &[]);
    check(
        "company_name",
        &json!("Acme\u{7}"),
        &[(Code::EB0507, "U+0007")],
    );
    check(
        "company_name",
        &json!("Acme\u{202e}"),
        &[(Code::EB0507, "U+202E")],
    );
    check(
        "company_name",
        &json!(" Acme"),
        &[(Code::EB0508, "write \"Acme\"")],
    );
    check("company_name", &json!(""), &[(Code::EB0508, "empty")]);
    check(
        "company_name",
        &json!("a".repeat(501)),
        &[(Code::EB0508, "500")],
    );
    check("company_name", &json!(null), &[]);
}

#[test]
fn colours() {
    for good in [
        "#0a7cff",
        "#FFF",
        "#0a7cff80",
        "rgb(10, 124, 255)",
        "hsl(120 50% 50% / 0.5)",
        "Teal",
    ] {
        check("brandColor", &json!(good), &[]);
    }
    check(
        "brandColor",
        &json!("0a7cff"),
        &[(Code::EB0509, "write \"#0a7cff\"")],
    );
    check(
        "brandColor",
        &json!("red;}body{"),
        &[(Code::EB0509, "hexadecimal")],
    );
    check(
        "brandColor",
        &json!("#12345"),
        &[(Code::EB0509, "hexadecimal")],
    );
    check(
        "brandColor",
        &json!("rgb(1,2)"),
        &[(Code::EB0509, "hexadecimal")],
    );
}

#[test]
fn other_types() {
    check("logoutTimer", &json!(15), &[]);
    check(
        "logoutTimer",
        &json!(1.5),
        &[(Code::EB0510, "a whole number")],
    );
    check("additionalCss", &json!(["a.css"]), &[]);
    check(
        "additionalCss",
        &json!(["a.css", 1]),
        &[(Code::EB0510, "a number")],
    );
    check(
        "additionalCss",
        &json!("a.css"),
        &[(Code::EB0510, "a list of strings")],
    );
}

/// Trap 31: null is stored where it is inside a value; as the value of a key it means removal.
#[test]
fn trap_31_null_inside_values() {
    check(
        "additionalCss",
        &json!(["a.css", null]),
        &[(Code::EB0511, "additionalCss")],
    );
    check(
        "sso_providers",
        &json!([{"url": "https://login.example.com", "name": null}]),
        &[(Code::EB0511, "sso_providers.name")],
    );
    check(
        "appLinks",
        &json!({"a": {"b": null}}),
        &[(Code::EB0511, "appLinks.a.b")],
    );
    check("sso", &json!(null), &[]);
}

/// Trap 32: the server coerces `"true"`, so that a text would differ for ever.
#[test]
fn trap_32_texts_for_booleans() {
    check("hide_powered", &json!(true), &[]);
    check(
        "hide_powered",
        &json!("true"),
        &[(Code::EB0510, "write true")],
    );
    check(
        "hideAppStore",
        &json!("no"),
        &[(Code::EB0510, "true or false")],
    );
}

#[test]
fn values_of_extra_keys() {
    let path = KeyPath::parse("theme");
    let codes = |input: &Value| -> Vec<Code> {
        let problems = free_value(&path, input);
        problems.iter().map(|problem| problem.code).collect()
    };
    assert_eq!(codes(&json!([1, "a", {"b": true}])), []);
    assert_eq!(
        codes(&json!([null, {"api_key": "x"}])),
        [Code::EB0511, Code::EB0523]
    );
    assert_eq!(codes(&json!("a\u{0}")), [Code::EB0507]);
}

/// Kazoo 4.3 refuses what differs from its schema, and master stores it (kazoo-4.3, statement 8).
#[test]
fn providers_have_the_form_that_4_3_wants() {
    let one = |provider: Value| json!([{"url": "https://a.example"}, provider]);
    let check = |value: &Value, expected: &[(Code, &str)]| check("sso_providers", value, expected);
    check(&json!([]), &[]);
    check(&one(json!({"url": "https://a.example", "more": 1})), &[]);
    let scopes =
        json!({"url": "https://a.example", "params": {"response_type": "code", "scopes": ["a"]}});
    check(&one(scopes), &[]);
    check(&json!({}), &[(Code::EB0510, "a list of providers")]);
    check(
        &one(json!("x")),
        &[(Code::EB0510, "sso_providers[1] must be a map")],
    );
    check(
        &one(json!({"name": "x"})),
        &[(Code::EB0510, "sso_providers[1] has no url")],
    );
    check(
        &one(json!({"url": null})),
        &[(Code::EB0511, "sso_providers.url holds null")],
    );
    check(
        &one(json!({"url": 5})),
        &[(Code::EB0510, "sso_providers[1].url must be a string")],
    );
    check(
        &one(json!({"url": "javascript:alert(1)"})),
        &[(Code::EB0501, "sso_providers[1].url")],
    );
    check(
        &one(json!({"url": "https://a.example", "params": {"response_type": "token"}})),
        &[(Code::EB0510, "params.response_type wants \"code\"")],
    );
    check(
        &one(json!({"url": "https://a.example", "params": {"scopes": "s"}})),
        &[(Code::EB0510, "params.scopes must be a list of strings")],
    );
    check(
        &one(json!({"url": "https://a.example", "params": {"include_granted_scopes": "yes"}})),
        &[(Code::EB0510, "must be true or false")],
    );
}

/// Trap 40: secrets inside lists, which have no key path of their own.
#[test]
fn trap_40_secrets_inside_values() {
    let provider =
        json!([{"url": "https://a.example", "name": "google", "client_secret": "hunter2"}]);
    check(
        "sso_providers",
        &provider,
        &[(Code::EB0523, "sso_providers.client_secret")],
    );
    let problems = value(field("sso_providers").expect("a known key"), &provider);
    assert!(!format!("{problems:?}").contains("hunter2"));
    check(
        "announcement",
        &json!("-----BEGIN PRIVATE KEY-----"),
        &[(Code::EB0523, "a private key")],
    );
}
