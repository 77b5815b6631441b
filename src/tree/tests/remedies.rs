//! Each mistake with what is said against it, followed to its end: who does what stands there has made the mistake no more.

use Follow::{AsUtf8, Fix, Write};

use crate::diag::{Code, Diagnostic};
use crate::tree::testing::{Tree, lines};

const ACCOUNT: &str = "accounts/acme/account.yaml";
const CONFIG: &str = "emblazon.yaml";
const DOMAINS: &str = "domains.yaml";

/// How somebody follows what is said.
#[derive(Clone, Copy, Debug)]
enum Follow {
    /// Takes the text that the diagnostic offers, as an editor or a forge does with one click.
    Fix,
    /// Writes, in place of one text of the file, another one: what the help says, which has this in it.
    Write(&'static str, &'static str, &'static str),
    /// Saves the file in another encoding.
    AsUtf8,
}

/// A mistake: the file, its text, what is said, and how that is followed.
type Row = (&'static str, &'static str, &'static str, Follow);

/// A tree in which nothing is wrong.
const SOUND: [(&str, &str); 5] = [
    (
        CONFIG,
        "clusters: {production: {}, staging: {}}\nextra_keys: [theme]\n",
    ),
    (DOMAINS, "template: {}\n"),
    ("brands/gold.yaml", "dns: observe\n"),
    (
        ACCOUNT,
        "account: 0123456789abcdef0123456789abcdef\nextends: [gold]\n",
    ),
    ("accounts/acme/welcome.html", "<p>Hello</p>"),
];

/// What of the files of `SOUND` a row's text is put behind.
fn before(path: &str) -> &'static str {
    let sound = SOUND.iter().find(|(sound, _)| *sound == path);
    match path {
        ACCOUNT | CONFIG => sound.map_or("", |(_, text)| text),
        _ => "",
    }
}

/// Puts the text that a diagnostic offers where it says.
fn fixed(text: &str, diagnostic: &Diagnostic) -> Result<String, String> {
    let Some(fix) = &diagnostic.fix else {
        return Err("it offers no text".to_owned());
    };
    let (start, end) = (fix.place.span.start as usize, fix.place.span.end as usize);
    Ok(format!("{}{}{}", &text[..start], fix.text, &text[end..]))
}

/// Makes the mistake, reads what is said, does it, and sees that nothing is left to say.
fn followed((path, text, said, follow): Row) -> Result<(), String> {
    let tree = Tree::new(&SOUND);
    let sound = lines(&tree.load(Some("production")));
    if !sound.is_empty() {
        return Err(format!("the tree has mistakes before: {sound}"));
    }
    // An account that says who it is itself stands alone.
    let before = if text.starts_with('!') {
        ""
    } else {
        before(path)
    };
    let text = format!("{before}{}", text.trim_start_matches('!'));
    let bytes: Vec<u8> = match follow {
        // Latin-1 has the first 256 characters of Unicode.
        AsUtf8 => text
            .chars()
            .filter_map(|it| u8::try_from(u32::from(it)).ok())
            .collect(),
        Fix | Write(..) => text.clone().into_bytes(),
    };
    tree.write(path, &bytes);
    let loaded = tree.load(Some("production"));
    let found = lines(&loaded);
    if found != said {
        return Err(format!("said:     {found}\nexpected: {said}"));
    }
    let Some(diagnostic) = loaded.diagnostics.first() else {
        return Err("no mistake".to_owned());
    };
    let mended = match follow {
        Fix => fixed(&text, diagnostic)?,
        AsUtf8 => text,
        Write(old, new, help) => {
            if diagnostic.fix.is_some() {
                return Err("it offers a text, so follow that".to_owned());
            }
            if !diagnostic.help.contains(help) || !text.contains(old) {
                return Err(format!(
                    "{help} is not what it says, or {old} not in the file"
                ));
            }
            text.replacen(old, new, 1)
        }
    };
    tree.write(path, mended.as_bytes());
    let mut left = tree.load(Some("production"));
    // What the portal makes of a brand that is there for something else is not what the remedy is for.
    let beside = [Code::EB0528, Code::EB0624];
    (left.diagnostics).retain(|it| !beside.contains(&it.code));
    let left = lines(&left);
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("after the remedy:\n{mended}\nis said: {left}"))
    }
}

#[test]
fn each_remedy_helps() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter_map(|row| Some(format!("{}\n{}", row.1, followed(*row).err()?)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n\n{}",
        wrong.len(),
        ROWS.len(),
        wrong.join("\n\n")
    );
}

const ROWS: &[Row] = &[
    // Prices: digits are never taken out of something else.
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: 1e3}\n",
        r#"accounts/acme/account.yaml:3:36 EB0504 inbound_trunks_price "1e3" is not a price; write 1000"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: 0x10}\n",
        r#"accounts/acme/account.yaml:3:36 EB0504 inbound_trunks_price "0x10" is not a price; write digits, with a point before the decimals, such as 29.99"#,
        Write("0x10", "29.99", "such as 29.99"),
    ),
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: -1}\n",
        r#"accounts/acme/account.yaml:3:36 EB0504 inbound_trunks_price "-1" is not a price; write digits, with a point before the decimals, such as 29.99"#,
        Write("-1", "29.99", "such as 29.99"),
    ),
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: '1,000'}\n",
        r#"accounts/acme/account.yaml:3:36 EB0504 inbound_trunks_price "1,000" is not a price; write digits, with a point before the decimals, such as 29.99"#,
        Write("'1,000'", "29.99", "such as 29.99"),
    ),
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: '29,99'}\n",
        r#"accounts/acme/account.yaml:3:36 EB0504 inbound_trunks_price "29,99" is not a price; write 29.99"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: $5}\n",
        r#"accounts/acme/account.yaml:3:36 EB0505 inbound_trunks_price "$5" carries a currency; write 5"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {inbound_trunks_price: ' 5.00'}\n",
        r#"accounts/acme/account.yaml:3:36 EB0504 inbound_trunks_price " 5.00" is not a price; write 5.00"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {logoutTimer: 1e3}\n",
        r#"accounts/acme/account.yaml:3:27 EB0208 logoutTimer is "1e3", which is not an integer; write decimal digits without zeros in front or separators, such as 15"#,
        Write("1e3", "15", "such as 15"),
    ),
    // Addresses.
    (
        ACCOUNT,
        "whitelabel: {nav: {help: /help}}\n",
        r#"accounts/acme/account.yaml:3:26 EB0501 nav.help "/help" is not absolute; write the whole address with scheme and host, such as https://www.example.com/help"#,
        Write(
            "/help",
            "https://www.example.com/help",
            "such as https://www.example.com/help",
        ),
    ),
    (
        ACCOUNT,
        "whitelabel: {nav: {help: help.html}}\n",
        r#"accounts/acme/account.yaml:3:26 EB0501 nav.help "help.html" is not absolute; write the whole address with scheme and host, such as https://www.example.com/help"#,
        Write(
            "help.html",
            "https://www.example.com/help",
            "such as https://www.example.com/help",
        ),
    ),
    (
        ACCOUNT,
        "whitelabel: {nav: {help: www.example.com/help}}\n",
        r#"accounts/acme/account.yaml:3:26 EB0501 nav.help "www.example.com/help" is not absolute; write https://www.example.com/help"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {nav: {help: //www.example.com/help}}\n",
        r#"accounts/acme/account.yaml:3:26 EB0501 nav.help "//www.example.com/help" is not absolute; write https://www.example.com/help"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {nav: {help: 'https:/www.example.com/help'}}\n",
        r#"accounts/acme/account.yaml:3:26 EB0501 nav.help "https:/www.example.com/help" lacks the two slashes after its scheme; write https://www.example.com/help"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {domain: HTTPS://Acme.example.com/}\n",
        r#"accounts/acme/account.yaml:3:22 EB0401 domain "HTTPS://Acme.example.com/" is not a bare host name: a scheme does not belong in a domain; write acme.example.com"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {domain: Acme.example.com}\n",
        r#"accounts/acme/account.yaml:3:22 EB0401 domain "Acme.example.com" is not a bare host name: a domain is written in lower case; write acme.example.com"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {domain: Acme_1.example.com}\n",
        r#"accounts/acme/account.yaml:3:22 EB0401 domain "Acme_1.example.com" is not a bare host name: label "acme_1" holds a character that host names do not have; use letters, digits and hyphens between the dots, at most 63 in a row"#,
        Write("Acme_1", "acme-1", "use letters, digits and hyphens"),
    ),
    // Keys.
    (
        ACCOUNT,
        "whitelabel:\n  nav.help: https://help.example.com/\n",
        "accounts/acme/account.yaml:4:3 EB0520 nav.help is written as one key, and a dot in a key does not nest; nest it, as nav: { help: … }",
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel:\n  theme.colour: \"a, b\"\n",
        "accounts/acme/account.yaml:4:3 EB0520 theme.colour is written as one key, and a dot in a key does not nest; nest it, as theme: { colour: … }",
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {nav.help: https://help.example.com/, nav: {learn_more: https://www.example.com/}}\n",
        "accounts/acme/account.yaml:3:14 EB0520 nav.help is written as one key, and a dot in a key does not nest; move it into nav, which stands beside it, as help: …",
        Write(
            "nav.help: https://help.example.com/, nav: {",
            "nav: {help: https://help.example.com/, ",
            "move it into nav, which stands beside it, as help: …",
        ),
    ),
    (
        ACCOUNT,
        "whitelabel: {hide_powerd: true}\n",
        "accounts/acme/account.yaml:3:14 EB0520 unknown key hide_powerd; did you mean hide_powered?",
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {nav: {hlep: https://help.example.com/}}\n",
        "accounts/acme/account.yaml:3:20 EB0520 unknown key nav.hlep; did you mean nav.help?",
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {companyName: Acme}\n",
        "accounts/acme/account.yaml:3:14 EB0524 companyName is computed from company_name by the portal; declare company_name instead",
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {custom_welcome_message: '<b onclick=go()>Hello</b>'}\n",
        "accounts/acme/account.yaml:3:38 EB0525 the login page shows custom_welcome_message as HTML: <b onclick> runs a script; remove the event handler",
        Write(" onclick=go()", "", "remove the event handler"),
    ),
    (
        ACCOUNT,
        "whitelabel: {support_email: a@example.com}\n",
        "accounts/acme/account.yaml:3:14 EB0520 unknown key support_email; did you mean port.support_email? write it as port: { support_email: … }",
        Write(
            "support_email: a@example.com",
            "port: { support_email: a@example.com }",
            "write it as port: { support_email: … }",
        ),
    ),
    (
        ACCOUNT,
        "whitelable: {hide_powered: true}\n",
        "accounts/acme/account.yaml:3:1 EB0201 an account has no key whitelable; did you mean whitelabel?",
        Fix,
    ),
    (
        ACCOUNT,
        "!acount: 0123456789abcdef0123456789abcdef\nextends: [gold]\n",
        "accounts/acme/account.yaml:1:1 EB0201 an account has no key acount; did you mean account?",
        Fix,
    ),
    (
        ACCOUNT,
        "overrides: {stagin: {dns: ignore}}\n",
        "accounts/acme/account.yaml:3:13 EB0801 overrides names the cluster stagin, which is not declared; did you mean staging?",
        Fix,
    ),
    // Values.
    (
        ACCOUNT,
        "whitelabel: {port: {authority: []}}\n",
        "accounts/acme/account.yaml:3:32 EB0510 port.authority must be an account id, but is a list; write the id of the account that answers for it, or remove the key",
        Write("{authority: []}", "{}", "or remove the key"),
    ),
    (
        ACCOUNT,
        "whitelabel: {port: {authority: 59BF4A86-41B8-A1D8-2771-0BFC558510C9}}\n",
        r#"accounts/acme/account.yaml:3:32 EB0404 port.authority: "59BF4A86-41B8-A1D8-2771-0BFC558510C9" is no account id: an account id holds only 0-9 and a-f, this has 'B'; write 59bf4a8641b8a1d827710bfc558510c9"#,
        Fix,
    ),
    (
        ACCOUNT,
        "!account: 0123456789ABCDEF0123456789ABCDEF\nextends: [gold]\n",
        r#"accounts/acme/account.yaml:1:10 EB0404 "0123456789ABCDEF0123456789ABCDEF" is no account id: an account id holds only 0-9 and a-f, this has 'A'; write 0123456789abcdef0123456789abcdef"#,
        Fix,
    ),
    (
        ACCOUNT,
        "!realm: Acme.sip.example.com\nextends: [gold]\n",
        r#"accounts/acme/account.yaml:1:8 EB0405 "Acme.sip.example.com" is no realm: a domain is written in lower case; write acme.sip.example.com"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {hide_powered: yes}\n",
        r#"accounts/acme/account.yaml:3:28 EB0203 hide_powered is "yes", which is not a boolean; write true"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {company_name: ' Acme'}\n",
        r#"accounts/acme/account.yaml:3:28 EB0508 company_name has white space around it; write "Acme""#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {brandColor: 0a7cff}\n",
        r##"accounts/acme/account.yaml:3:26 EB0509 brandColor "0a7cff" is not a colour that all browsers know; write "#0a7cff", with the quotes"##,
        Fix,
    ),
    (
        ACCOUNT,
        "dns: observ\n",
        r#"accounts/acme/account.yaml:3:6 EB0204 dns cannot be "observ"; did you mean observe?"#,
        Fix,
    ),
    (
        ACCOUNT,
        "lock: [whitelabel.hide_powerd]\n",
        "accounts/acme/account.yaml:3:8 EB0304 lock names whitelabel.hide_powerd, which is no key of a layer; did you mean whitelabel.hide_powered?",
        Fix,
    ),
    (
        ACCOUNT,
        "ignore: [whitelabel.hide_powerd]\n",
        "accounts/acme/account.yaml:3:10 EB0307 ignore names whitelabel.hide_powerd, which is neither a key of a whitelabel nor an asset; did you mean whitelabel.hide_powered?",
        Fix,
    ),
    (
        ACCOUNT,
        "assets: {welcome: Welcom.html}\n",
        "accounts/acme/account.yaml:3:19 EB0115 there is no file accounts/acme/Welcom.html; did you mean welcome.html?",
        Fix,
    ),
    (
        ACCOUNT,
        "!account: 0123456789abcdef0123456789abcdef\nextends: [glod]\n",
        "accounts/acme/account.yaml:2:11 EB0301 there is no brand glod; did you mean gold?",
        Fix,
    ),
    (
        CONFIG,
        "policy: {protected_accounts: [amce]}\n",
        "emblazon.yaml:3:31 EB0807 there is no account amce to protect; did you mean acme?",
        Fix,
    ),
    (
        CONFIG,
        "policy: {protected_keys: [nav.hlep]}\n",
        "emblazon.yaml:3:27 EB0520 unknown key nav.hlep; did you mean nav.help?",
        Fix,
    ),
    (
        CONFIG,
        "watch: {canary: [amce]}\n",
        "emblazon.yaml:3:18 EB0810 there is no account amce to begin with; did you mean acme?",
        Fix,
    ),
    // Texts that are no YAML, and no UTF-8.
    (
        ACCOUNT,
        "whitelabel:\n  company_name: \"Acme\n  domain: \"acme.example.com\"\n  hide_powered: true\n  nav:\n    help: \"https://help.example.com/\"\n",
        r#"accounts/acme/account.yaml:4:17 EB0101 not valid YAML: unclosed quote; close it with " behind the text"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel: {company_name: \"Acme}\n",
        r#"accounts/acme/account.yaml:3:28 EB0101 not valid YAML: unclosed quote; close it with " behind the text"#,
        Fix,
    ),
    (
        ACCOUNT,
        "whitelabel:\n  company_name: Café\n",
        "accounts/acme/account.yaml:4:20 EB0108 accounts/acme/account.yaml is not valid UTF-8 at byte 89; save the file as UTF-8",
        AsUtf8,
    ),
    // The template.
    (
        DOMAINS,
        "A:\n  us.{{domain}}:\n    mapping: [192.0.2.1]\n",
        "domains.yaml:1:1 EB0201 domains.yaml has no key A, which is a record type; put it under template:, indented by two spaces",
        Fix,
    ),
    (
        DOMAINS,
        "template: {}\nA: {\"us.{{domain}}\": {mapping: [192.0.2.1]}}\n",
        "domains.yaml:2:1 EB0201 domains.yaml has no key A, which is a record type; put it under template:, indented by two spaces",
        Write("template: {}\n", "template:\n  ", "put it under template:"),
    ),
    (
        DOMAINS,
        "{\n  \"CNAME\": {\n    \"portal.{{domain}}\": {\n      \"name\": \"Portal\",\n      \"mapping\": [\"ui.example.net\"]\n    }\n  }\n}\n",
        "domains.yaml:2:3 EB0201 domains.yaml has no key CNAME, which is a record type; put it under template:, indented by two spaces",
        Fix,
    ),
    (
        DOMAINS,
        "{\"data\": {\"A\": {\"us.{{domain}}\": {\"mapping\": [\"192.0.2.1\"]}}}, \"status\": \"success\", \"request_id\": \"1\"}\n",
        "domains.yaml:1:11 EB0201 domains.yaml is an answer of the platform; put what stands below data: under template:, and delete the rest",
        Fix,
    ),
    (
        DOMAINS,
        "template: {CNAME: {\"portal.{{domain}}\": {name: Portal, maping: [ui.example.net]}}}\n",
        "domains.yaml:1:56 EB0201 CNAME portal.{{domain}} has no key maping; did you mean mapping?",
        Fix,
    ),
    (
        DOMAINS,
        "template: {CNAM: {\"portal.{{domain}}\": {name: Portal, mapping: [ui.example.net]}}}\n",
        "domains.yaml:1:12 EB0702 CNAM is no record type; its domain test fails for every account; write CNAME",
        Fix,
    ),
    (
        DOMAINS,
        "template: {AAA: {\"us.{{domain}}\": {mapping: [\"2001:db8::1\"]}}}\n",
        "domains.yaml:1:12 EB0701 unknown record type AAA; did you mean AAAA?",
        Fix,
    ),
    (
        DOMAINS,
        "template:\n  A:\n    {{domain}}: {mapping: [192.0.2.1]}\n",
        r#"domains.yaml:3:5 EB0111 a key that is a list or a map; put the key in quotes: "{{domain}}" without quotes is a map in YAML"#,
        Fix,
    ),
    (
        DOMAINS,
        "template:\n  SRV: {\"_sip._udp.{{domain}}\": {mapping: [\"10 10 5060 us.{{domain}}\"]}}\n  A: {\"us.{{domain}}\": {mapping: [192.0.2.1]}}\n  NAPTR: {\"{{domain}}\": {mapping: ['10 100 \"Z\" \"SIP+D2U\" \"\" _sip._udp.{{domain}}']}}\n",
        r#"domains.yaml:4:36 EB0714 a NAPTR record for SIP+D2U has the flag "Z", and phones pass over the rule; write "S", and let the rule lead to an SRV"#,
        Fix,
    ),
    (
        DOMAINS,
        "template: {NAPTR: {\"{{domain}}\": {mapping: ['10 100 \"Z\" \"foo\" \"\" sip.example.net']}}}\n",
        r#"domains.yaml:1:45 EB0714 a NAPTR record for FOO has the flag "Z", and no application is known that follows the rule; write "S" if the rule leads to an SRV, "A" if it leads to a host, "U" if its expression gives a URI"#,
        Write("\"Z\"", "\"A\"", "\"A\" if it leads to a host"),
    ),
];
