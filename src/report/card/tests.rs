//! Cards as people read them.

use serde_json::{Value, json};

use super::{Alarm, Card, Subject, Tense};
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::model::{AccountId, AssetKind, AssetType, parked_domain};
use crate::plan::Risk;
use crate::report::fixture::{acme, picture, setting, template};
use crate::report::{Look, Looks};

fn id() -> AccountId {
    AccountId::parse(&"a".repeat(32)).expect("32 digits")
}

fn card(changes: &[Change], tense: Tense) -> Card {
    let subject = Subject {
        title: "acme",
        id: Some(&id()),
        looks: None,
    };
    Card::new(subject, changes, None, tense)
}

fn change(key: &str, before: Value, after: Value) -> Change {
    setting(key, before, after, Cause::Git, 1)
}

#[track_caller]
fn check(changes: &[Change], plan: &str, drift: &str) {
    for (tense, expected) in [(Tense::Plan, plan), (Tense::Drift, drift)] {
        let card = card(changes, tense);
        let said = card.outcomes.iter().map(|outcome| {
            let sign = match outcome.alarm {
                Alarm::Raised => "! ",
                Alarm::None => "",
            };
            format!("{sign}{}", outcome.sentence)
        });
        let said: Vec<String> = said.collect();
        assert_eq!(said.join("\n"), expected);
    }
}

#[test]
fn settings_are_sentences() {
    let one = |key: &str, before: Value, after: Value| [change(key, before, after)];
    check(
        &one("company_name", json!("Acme"), json!("Acme Voice")),
        "Company name becomes “Acme Voice” (currently “Acme”).",
        "Company name is “Acme”; declared is “Acme Voice”.",
    );
    check(
        &one("nav.help", Value::Null, json!("https://help.acme.example")),
        "Help link added: https://help.acme.example.",
        "Help link is missing; declared is https://help.acme.example.",
    );
    check(
        &one("nav.help", json!("https://help.acme.example"), Value::Null),
        "Help link removed (currently https://help.acme.example).",
        "Help link is https://help.acme.example; declared is none.",
    );
    check(
        &one("hide_powered", json!(false), json!(true)),
        "“Powered by 2600hz” disappears.",
        "“Powered by 2600hz” is shown; the tree hides it.",
    );
    check(
        &one("hide_powered", json!(true), Value::Null),
        "“Powered by 2600hz” appears.",
        "“Powered by 2600hz” is hidden; the tree shows it.",
    );
    check(
        &one("supportHours", Value::Null, json!("Mon-Fri 8-18")),
        "Setting supportHours added: “Mon-Fri 8-18”.",
        "Setting supportHours is missing; declared is “Mon-Fri 8-18”.",
    );
    check(
        &one("sso.note", json!("one\ntwo"), json!("one\n2")),
        "! Single sign-on changes. It can run code in the browsers of customers before they sign in.",
        "! Single sign-on is not as declared. It can run code in the browsers of customers before they sign in.",
    );
}

#[test]
fn an_address_is_told_by_its_ends() {
    let parked = parked_domain(&id());
    let one = |before: Value, after: Value| [change("domain", before, after)];
    check(
        &one(json!("a.example"), json!("b.example")),
        "Address becomes b.example (currently a.example).",
        "! Address is a.example; declared is b.example, where customers do not reach the brand.",
    );
    let swap = [
        change("domain", json!("a.example"), json!(parked.clone())),
        change("domain", json!(parked.clone()), json!("b.example")),
    ];
    check(
        &swap,
        "Address becomes b.example (currently a.example).",
        "! Address is a.example; declared is b.example, where customers do not reach the brand.",
    );
    check(
        &one(json!(parked.clone()), json!("b.example")),
        "Address becomes b.example (currently nobody reaches the brand).",
        "! Nobody reaches the brand: its address was released and not claimed again; declared is b.example.",
    );
    let released = card(&one(json!("a.example"), json!(parked)), Tense::Plan);
    assert_eq!(
        released.outcomes[0].sentence,
        "Nobody reaches the brand at a.example any more: the address is released."
    );
    assert_eq!(released.domain.as_deref(), Some("a.example"));
    assert!(released.is_alarming());
}

#[test]
fn pictures_are_sentences() {
    let file = || {
        let mut facts = picture(b"logo", 1, AssetType::Png, 10);
        facts.dimensions = None;
        Side::Asset(facts)
    };
    let one = |kind, before, after| {
        [Change {
            key: ChangeKey::Asset(kind),
            before,
            after,
            cause: Cause::Git,
            origin: None,
        }]
    };
    check(
        &one(AssetKind::Logo, file(), file()),
        "Logo changes.",
        "Logo is not the declared one.",
    );
    check(
        &one(AssetKind::Logo, file(), Side::Absent),
        "! Logo removed. Customers see the logo of the platform.",
        "Logo is there; declared is none.",
    );
    let wide = Side::Asset(picture(b"logo", 1, AssetType::Png, 300));
    check(
        &one(AssetKind::Logo, Side::Absent, wide),
        "Logo added. It is 300×80: Monster UI shows 210×62 of it.",
        "! Logo is missing. Customers see the logo of the platform.",
    );
    check(
        &one(AssetKind::Icon, Side::Absent, file()),
        "Browser icon added.",
        "Browser icon is missing.",
    );
}

#[test]
fn what_runs_is_alarming_and_comes_first() {
    let changes = [
        change("company_name", json!("Acme"), json!("Acme Voice")),
        change(
            "custom_welcome_message",
            Value::Null,
            json!("<img src=x onerror = 'steal()'>"),
        ),
        change("includes", Value::Null, json!(["https://cdn.example/x.js"])),
    ];
    let whole = card(&changes, Tense::Plan);
    assert!(whole.is_alarming());
    let alarms = whole.outcomes.iter().map(|outcome| outcome.alarm);
    assert_eq!(
        alarms.collect::<Vec<_>>(),
        [Alarm::Raised, Alarm::Raised, Alarm::None]
    );
    let harmless = [
        "Welcome on board",
        "<b>Contact = phone</b>",
        "the song = on",
    ];
    for text in harmless {
        let changes = [change("custom_welcome_message", Value::Null, json!(text))];
        assert!(!card(&changes, Tense::Plan).is_alarming(), "{text}");
    }
}

#[test]
fn a_brand_comes_and_goes() {
    let whole = |before, after| Change {
        key: ChangeKey::Whitelabel,
        before,
        after,
        cause: Cause::Git,
        origin: None,
    };
    check(
        &[whole(Side::Absent, Side::Present)],
        "The brand goes live.",
        "! The brand is missing: its customers see the platform's own brand.",
    );
    check(
        &[
            whole(Side::Present, Side::Absent),
            change("company_name", json!("Acme"), Value::Null),
        ],
        "! The brand is deleted: its customers see the platform's own brand.",
        "The brand is live; the tree declares that there is none.",
    );
}

#[test]
fn a_whole_card() {
    let object = acme();
    let looks = Looks {
        before: Some(Look {
            company: Some("Acme".to_owned()),
            ..Look::default()
        }),
        after: Some(Look {
            company: Some("Acme Voice".to_owned()),
            domain: Some("voice.acme.example".to_owned()),
            ..Look::default()
        }),
    };
    let subject = Subject {
        title: object.title(),
        id: object.id.as_ref(),
        looks: Some(&looks),
    };
    let card = Card::new(
        subject,
        &object.changes,
        Some(Risk::CustomerVisible),
        Tense::Plan,
    );
    assert_eq!(card.heading, "Acme Voice");
    assert_eq!(card.domain.as_deref(), Some("voice.acme.example"));
    assert_eq!(
        card.summary(),
        "single sign-on, “Powered by 2600hz”, logo, company name and 3 more"
    );
    assert_eq!(
        card.seen_by(),
        "Everybody who opens the login page sees some of this, and customers see the rest once they are signed in."
    );
    let by_hand = card.outcomes.iter().filter(|outcome| outcome.by_hand);
    let by_hand: Vec<&str> = by_hand.map(|outcome| outcome.about.as_str()).collect();
    assert_eq!(by_hand, ["single sign-on", "porting support address"]);
}

#[test]
fn records_are_counted() {
    check(
        &template().changes,
        "DNS record sets: 1 changed.",
        "DNS record sets: 1 changed.",
    );
}
