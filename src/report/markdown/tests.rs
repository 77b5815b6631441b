//! What a comment looks like, that it fits, and that nothing breaks out of it.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::json;

use super::Pictures;
use crate::diff::Cause;
use crate::plan::{Refusal, RefusalKind, Risk};
use crate::report::fixture::{account, empty, everything, setting, step};
use crate::report::{Command, Report, Verb};

/// What GitHub takes in one comment.
const GITHUB_LIMIT: usize = 65_536;

/// Renders a report of which no pictures were drawn.
fn render(report: &Report, limit: usize) -> String {
    super::render(report, &Pictures::new(), limit)
}

#[test]
fn a_plan_as_a_comment() {
    insta::assert_snapshot!(render(&everything(Command::Plan), GITHUB_LIMIT), @r#"
    <!-- emblazon plan production failed 64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525 -->
    ### emblazon plan on `production`

    **The tree has 1 error and 1 warning (`emblazon explain CODE` tells more)**

    **DNS: 1 different, 1 unknown, 1 ok on 1 domain**

    #### Mistakes in the tree

    - **EB0401** `accounts/acme/account.yaml:2:45`: a scheme does not belong in a domain. write `acme.example.com`

    #### Refused

    - `hooli`: deleting the whitelabel of hooli needs to be asked for. run again with `--prune`

    #### Could not be checked

    - `initech`: reading the whitelabel timed out after 30 s

    #### Changes

    <details open><summary><code>domain template</code>: 1 DNS record set</summary>

    - DNS record sets: 1 changed.

    <details><summary>Technical details</summary>

    **replace**

    | Key | Live | After | |
    | --- | --- | --- | --- |
    | `A us-east.{{domain}} mapping` | `["203.0.113.5"]` | `["192.0.2.10", "192.0.2.11"]` | `domains.yaml:8` |

    </details>

    </details>

    <details open><summary>4 brands: <code>acme</code>, <code>beta</code>, <code>delta</code>, <code>gamma</code>: “Learn more” link</summary>

    - “Learn more” link becomes `https://gold.example.com/features` (currently `https://gold.example.com/old`).

    <details><summary>Technical details</summary>

    **update**

    | Key | Live | After | |
    | --- | --- | --- | --- |
    | `whitelabel.nav.learn_more` | `"https://gold.example.com/old"` | `"https://gold.example.com/features"` | `brands/gold.yaml:3` |

    </details>

    </details>

    <details open><summary>⚠ <code>Acme Voice</code> · <code>acme</code>: single sign-on, “Powered by 2600hz”, logo, company name and 3 more</summary>

    - ⚠ **Single sign-on changes. It can run code in the browsers of customers before they sign in.** *(changed by hand)*
    - “Powered by 2600hz” disappears.
    - Logo changes. It is `1320×80`: Monster UI shows `210×62` of it.
    - Company name becomes “Acme Voice” (currently “Acme”).
    - Porting support address becomes `porting@acme.example.com` (currently `x@evil.example`). *(changed by hand)*
    - “Learn more” link becomes `https://gold.example.com/features` (currently `https://gold.example.com/old`).
    - Setting `fake_api_url` removed (currently `https://old.example.com`).

    <details><summary>Technical details</summary>

    **update**

    | Key | Live | After | |
    | --- | --- | --- | --- |
    | `whitelabel.company_name` | `"Acme"` | `"Acme Voice"` | `accounts/acme/account.yaml:4` |
    | `whitelabel.hide_powered` | – | `true` | `accounts/acme/account.yaml:6` |
    | `whitelabel.fake_api_url` | `"https://old.example.com"` | – | must not be there `accounts/acme/account.yaml:7` |
    | `whitelabel.port.support_email` | `"x@evil.example"` | `"porting@acme.example.com"` | changed on the platform `accounts/acme/account.yaml:8` |

    `whitelabel.sso.note` **changed on the platform and in Git** `accounts/acme/account.yaml:9`

    ```diff
      line one
    - line two
    + line 2
      line three
      line four
      the last line
    + and one more
    ```

    - after `globex`

    **upload logo**

    | Key | Live | After | |
    | --- | --- | --- | --- |
    | `assets.logo` | `GIF 300×80 12.4 kB cba06b5736fa` | `PNG 1320×80 1.8 MB 11507a0e2f5e` | `accounts/acme/account.yaml:12` |

    - the server deletes the welcome page with the first logo; it is put up again

    </details>

    </details>

    #### DNS

    <details><summary><code>acme</code> <code>acme.example.com</code>: 1 different, 1 unknown, 1 ok</summary>

    | Host | Verdict | Found | Wanted |
    | --- | --- | --- | --- |
    | `TXT acme.example.com` | unknown: `no authoritative server gave an answer (no answer in time)` |  |  |
    | `CNAME portal.acme.example.com` | different | `old-ui.example.net` | `ui.example.net` |
    | `A us-east.acme.example.com` | ok | `192.0.2.10` | `192.0.2.10` |

    - `portal.acme.example.com`: the old portal is still named

    </details>

    - `quiet`: not checked, dns: ignore

    #### Warnings

    - **EB0118**: folder "old" has no account. remove it

    #### Not in the tree

    <details><summary>1 live whitelabel; the tree covers 83%</summary>

    - `Umbrella \u{202e}evil\u{1b}[2J` `eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee`

    </details>

    <sub>`emblazon apply --expect 64879f7d6b96` carries out exactly this plan.</sub>
    "#);
}

#[test]
fn nothing_to_do() {
    let mut report = empty(Command::Plan);
    report.accounts = vec![account("acme", Vec::new())];
    insta::assert_snapshot!(render(&report, GITHUB_LIMIT), @r"
    <!-- emblazon plan production clean 64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525 -->
    ### emblazon plan on `production`

    **Plan: nothing to do; 1 in sync**
    ");
}

/// Makes a report with a change of its own on each of many accounts.
fn large(accounts: u32) -> Report {
    let mut report = empty(Command::Plan);
    for number in 0..accounts {
        let name = json!(format!("Customer {number}"));
        let change = setting("company_name", json!("old"), name, Cause::Git, number);
        let update = step(number, Verb::Update, Risk::Reversible, vec![change]);
        report
            .accounts
            .push(account(&format!("customer-{number:05}"), vec![update]));
    }
    report
}

#[test]
fn what_does_not_fit_is_counted() {
    let report = large(10_000);
    let text = render(&report, GITHUB_LIMIT);
    assert!(
        text.len() <= GITHUB_LIMIT && text.len() > GITHUB_LIMIT * 9 / 10,
        "{}",
        text.len()
    );
    let lines = text
        .lines()
        .filter(|line| line.starts_with("- `Customer "))
        .count();
    assert!(text.contains(&format!("- … {} more not shown, to fit", 10_000 - lines)));
    assert!(text.ends_with("carries out exactly this plan.</sub>\n"));

    let text = render(&large(400), GITHUB_LIMIT);
    assert!(text.len() <= GITHUB_LIMIT);
    let full = text.matches("<details><summary><code>Customer").count();
    let short = text
        .lines()
        .filter(|line| line.starts_with("- `Customer "))
        .count();
    assert_eq!(full + short, 400, "each account has a line at least");
    assert!(full > 100 && short > 0);
    assert!(text.contains(&format!("*{short} shown in one line each, to fit")));
}

/// The words between tags that the renderer itself writes.
const OURS: [&str; 10] = [
    "<details>",
    "<details open>",
    "</details>",
    "<summary>",
    "</summary>",
    "<sub>",
    "</sub>",
    "<br>",
    "<strong>",
    "</strong>",
];

/// Reads a comment as a forge does, and returns what a hostile text could have brought in.
fn intruders(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut in_code_block = false;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code_block = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code_block = false,
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::BlockQuote(_)
                | Tag::Strikethrough),
            ) => {
                found.push(format!("{tag:?}"));
            }
            Event::Html(mark) if mark.starts_with("<!-- emblazon plan production failed ") => {
                assert_eq!(mark.matches("-->").count(), 1);
            }
            Event::Html(mark) if *mark == *"<!-- emblazon drift production failed -->\n" => {}
            Event::Html(html) | Event::InlineHtml(html) => {
                let mut rest = html.to_string();
                for tag in OURS {
                    rest = rest.replace(tag, "");
                }
                let mut parts = rest.split("<code>");
                let outside = parts.next().map(str::to_owned).into_iter();
                let behind = parts.map(|part| {
                    part.split_once("</code>")
                        .map_or("<unclosed", |(_, behind)| behind)
                        .to_owned()
                });
                let outside: String = outside.chain(behind).collect();
                if outside.contains(['<', '>', '@', '#']) || rest.contains("<script") {
                    found.push(html.to_string());
                }
            }
            Event::Text(plain)
                if !in_code_block && (plain.contains(['@', '#']) || plain.contains("://")) =>
            {
                found.push(plain.to_string());
            }
            _ => {}
        }
    }
    let commands = text.lines().filter(|line| line.starts_with('/'));
    found.extend(commands.map(str::to_owned));
    found
}

#[test]
fn the_reader_of_comments_sees_intruders() {
    for text in [
        "a @b",
        "see #1",
        "[a](b)",
        "<script>",
        "x ~~y~~ z",
        "> q",
        "/close",
        "http://a.b",
    ] {
        assert!(!intruders(text).is_empty(), "{text}");
    }
    assert_eq!(
        intruders(&render(&everything(Command::Plan), GITHUB_LIMIT)),
        Vec::<String>::new()
    );
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("`".to_owned()),
        Just("```".to_owned()),
        Just("|".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("@all".to_owned()),
        Just("#123".to_owned()),
        Just("</code>".to_owned()),
        Just("</details>".to_owned()),
        Just("<!--".to_owned()),
        Just("-->".to_owned()),
        Just("[x](http://evil.example)".to_owned()),
        Just("![](http://evil.example/p.png)".to_owned()),
        Just("/close".to_owned()),
        Just(" ".to_owned()),
        Just("&lt;".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("~~~".to_owned()),
        Just("---".to_owned()),
        Just("1.".to_owned()),
        Just("> ".to_owned()),
        Just("https://evil.example".to_owned()),
        Just("a".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// No text from outside is markup, links, calls somebody, or is taken for a command; and the table keeps its cells.
    #[test]
    fn no_input_breaks_out(name in hostile(), before in hostile(), after in hostile(), reason in hostile(), drift: bool) {
        let mut report = empty(if drift { Command::Drift } else { Command::Plan });
        let change = setting("company_name", json!(before), json!(after), Cause::Drift, 3);
        let mut update = step(0, Verb::Update, Risk::Reversible, vec![change]);
        update.notes.push(reason.clone());
        let mut object = account(&format!("n{name}"), vec![update]);
        object.unknown.push(reason.clone());
        object.refusals.push(Refusal {
            kind: RefusalKind::Prune,
            subject: None,
            message: reason.clone(),
            help: reason.clone(),
        });
        report.accounts.push(object);
        report.notes.push(reason);
        let text = render(&report, GITHUB_LIMIT);
        prop_assert_eq!(intruders(&text), Vec::<String>::new(), "{}", text);
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let bars = line.replace("\\|", "").matches('|').count();
            prop_assert_eq!(bars, 5, "{}", line);
        }
    }

    /// However long the texts are, the limit holds.
    #[test]
    fn the_limit_holds(limit in 0_usize..20_000, names in prop::collection::vec(hostile(), 0..40)) {
        let mut report = empty(Command::Plan);
        for (number, name) in (0..).zip(&names) {
            let change = setting("company_name", json!(name), json!("x\n".repeat(40)), Cause::Git, 3);
            let update = step(number, Verb::Update, Risk::Reversible, vec![change]);
            report.accounts.push(account(&format!("a{number}{name}"), vec![update]));
        }
        let text = render(&report, limit);
        prop_assert!(text.len() <= limit.max(1000), "{} of {limit}", text.len());
    }
}
