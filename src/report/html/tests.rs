//! What holds of every page.

use proptest::prelude::*;
use serde_json::json;

use super::render;
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::live::Reading;
use crate::model::{AssetFacts, AssetKind, AssetType, Digest};
use crate::plan::{Refusal, RefusalKind, Risk};
use crate::report::fixture::{account, everything, origin, setting, step};
use crate::report::gallery::Gallery;
use crate::report::{Command, Look, Looks, Report, Verb};

/// Puts a text wherever one from outside can stand.
fn planted(text: &str) -> (Report, Gallery) {
    let mut report = everything(Command::Plan);
    let mut gallery = Gallery::default();
    let page = |content: &str| AssetFacts {
        digest: Digest::of(content.as_bytes()),
        size: 1,
        asset_type: Some(AssetType::Html),
        dimensions: None,
    };
    let (old, new) = (format!("<p>{text}"), format!("<b>{text}"));
    gallery.add(old.clone().into_bytes());
    gallery.add(new.clone().into_bytes());
    let name = format!("z{text}");
    let look = Look {
        company: Some(text.to_owned()),
        domain: Some(text.to_owned()),
        title: Some(text.to_owned()),
        color: Some(text.to_owned()),
        welcome: Some(text.to_owned()),
        logo: Some(page(&old)),
        ..Look::default()
    };
    let looks = Looks {
        before: Some(look.clone()),
        after: Some(look),
    };
    // So that it is shown by lines whatever the text is.
    let long = "x".repeat(80);
    let mut changes = vec![
        setting(text, json!(text), json!(format!("{text}!")), Cause::Git, 1),
        setting(
            "list",
            json!([long, text]),
            json!({"a key that is longer than a text": long, text: text}),
            Cause::Git,
            1,
        ),
        Change {
            key: ChangeKey::Asset(AssetKind::Welcome),
            before: Side::Asset(page(&old)),
            after: Side::Asset(page(&new)),
            cause: Cause::Drift,
            origin: None,
        },
    ];
    changes[0].origin = Some(origin(text, 1, 1));
    let mut update = step(90, Verb::Update, Risk::Destructive, changes);
    update.notes = vec![text.to_owned()];
    update.waits_for = vec![text.to_owned()];
    let mut planted = account(&name, vec![update]);
    planted.looks = Some(looks);
    planted.notes = vec![text.to_owned()];
    planted.unknown = vec![text.to_owned()];
    let refusal = Refusal {
        kind: RefusalKind::Prune,
        subject: None,
        message: text.to_owned(),
        help: text.to_owned(),
    };
    planted.refusals = vec![refusal.clone()];
    report.accounts.push(planted);
    report.refusals = vec![refusal];
    report.notes = vec![text.to_owned()];
    for problem in &mut report.problems {
        text.clone_into(&mut problem.message);
        text.clone_into(&mut problem.help);
        for label in problem.primary.iter_mut().chain(&mut problem.related) {
            text.clone_into(&mut label.text);
            label.source.path = text.into();
            label.source.text = text.into();
            (label.start, label.end) = (0, text.len());
        }
    }
    if let Some(coverage) = &mut report.coverage
        && let Reading::Known(others) = &mut coverage.unmanaged
    {
        text.clone_into(&mut others[0].name);
        text.clone_into(&mut others[0].realm);
    }
    for account in report.dns.iter_mut().flat_map(|dns| &mut dns.accounts) {
        for host in &mut account.check.hosts {
            for hint in &mut host.hints {
                text.clone_into(&mut hint.text);
            }
        }
    }
    (report, gallery)
}

/// Counts what makes markup; a text that got out of its place would add to it.
fn markup(page: &str) -> [usize; 3] {
    ['<', '>', '"'].map(|sign| page.matches(sign).count())
}

#[track_caller]
fn check(text: &str) {
    let page = |text: &str| {
        let (report, gallery) = planted(text);
        render(&report, &gallery, 2)
    };
    let hostile = page(text);
    assert_eq!(markup(&hostile), markup(&page("plain")), "{text:?}");
    let hides = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    let outside: String = outside_frames(&hostile);
    assert!(!outside.contains(hides), "{text:?} hides something");
}

/// Leaves out the welcome pages, which show what they want inside their frames.
fn outside_frames(page: &str) -> String {
    let mut parts = page.split("srcdoc=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        all + part.split_once('"').map_or("", |(_, rest)| rest)
    })
}

#[test]
fn hostile_texts_stay_texts() {
    check("<script>alert(1)</script>");
    check("\"><img src=x onerror=alert(1)>");
    check("' onmouseover='alert(1)");
    check("</style><script>");
    check("</iframe></pre></code></table>");
    check("]]>--><!--");
    check("&lt;b&gt;&#60;&quot;");
    check("user\u{202e}gpj.exe\u{0}\u{1b}[2J");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_becomes_markup(text in "[^\n]{1,24}|[<>\"'&/a-c=! \u{202e}-]{1,40}") {
        check(&text);
    }
}

#[test]
fn each_format_of_a_run_is_one_page() {
    for command in [
        Command::Validate,
        Command::Plan,
        Command::Drift,
        Command::Apply,
        Command::Dns,
    ] {
        let page = render(&everything(command), &Gallery::default(), 2);
        assert_eq!(page.matches("<h1>").count(), 1, "{command:?}");
        assert_eq!(page.matches("<main").count(), 1, "{command:?}");
        let loads = ["src=\"", "href=\"http", "url(\"http", "@import"];
        for load in loads {
            assert!(!page.contains(load), "{command:?} holds {load}");
        }
    }
}

#[test]
fn the_same_on_many_is_said_once() {
    let (report, gallery) = planted("plain");
    let page = render(&report, &gallery, 2);
    let value = "<ins>&quot;https://gold.example.com/features&quot;</ins>";
    assert_eq!(page.matches(value).count(), 1);
    assert!(page.contains("The same on 4 brands"));
}

/// A browser gives up on a page with the markup of very many brands: it is compressed, and the script draws it.
#[test]
fn of_very_many_brands_none_is_markup_at_first() {
    let mut report = everything(Command::Plan);
    report.accounts = (0..1_100_u32)
        .map(|number| {
            let value = json!(format!("Customer {number}"));
            let renamed = setting("company_name", json!("Old"), value, Cause::Git, number);
            let update = step(number, Verb::Update, Risk::CustomerVisible, vec![renamed]);
            account(&format!("customer-{number}"), vec![update])
        })
        .collect();
    let page = render(&report, &Gallery::default(), 2);
    assert_eq!(page.matches("data-count=\"1100\"").count(), 1);
    let brands = page.split_once("id=\"brands\"").unwrap().1;
    let brands = brands.split_once("</section>").unwrap().0;
    assert_eq!(brands.matches("<article").count(), 0);
    assert_eq!(
        page.matches("<script type=\"application/octet-stream\"")
            .count(),
        28
    );
}
