//! Changes as sentences.

use serde_json::Value;

use super::label::{self, Kind, Label};
use super::outcome::{Alarm, Outcome, Tense, Visibility};
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::model::{AccountId, AssetKind, CodeKind, code_kind, count, is_parked_domain, visible};
use crate::report::look::LOGO_SPACE;
use crate::report::value;
use crate::tree::assets::first_active;

/// The longest value in a sentence, in characters.
const LONGEST_VALUE: usize = 80;

/// Returns the sentences for some changes, the most alarming first, then in the order in which customers meet them.
pub(super) fn sentences(id: Option<&AccountId>, changes: &[&Change], tense: Tense) -> Vec<Outcome> {
    let is_whole = |change: &&&Change| change.key == ChangeKey::Whitelabel;
    let whole = changes.iter().find(is_whole);
    let mut outcomes: Vec<Outcome> = Vec::new();
    outcomes.extend(whole.and_then(|change| whitelabel(change, changes, tense)));
    let is_gone = whole.is_some_and(|change| change.after == Side::Absent);
    if !is_gone {
        // A brand that comes says its address itself.
        outcomes.extend(domain(id, changes, tense).filter(|_| whole.is_none()));
        let settings = changes.iter().filter_map(|change| setting(change, tense));
        outcomes.extend(settings);
        outcomes.extend(changes.iter().filter_map(|change| asset(change, tense)));
    }
    outcomes.extend(records(changes));
    outcomes.sort_by_key(|outcome| (outcome.alarm, outcome.visibility));
    outcomes
}

/// Returns the sentence for a whole whitelabel that comes or goes.
fn whitelabel(change: &Change, changes: &[&Change], tense: Tense) -> Option<Outcome> {
    let (alarm, about, sentence) = match (&change.before, &change.after, tense) {
        (_, Side::Absent, Tense::Plan) => (
            Alarm::Raised,
            "brand deleted",
            "The brand is deleted: its customers see the platform's own brand.".to_owned(),
        ),
        (_, Side::Absent, Tense::Drift) => (
            Alarm::None,
            "brand that is not declared",
            "The brand is live; the tree declares that there is none.".to_owned(),
        ),
        (Side::Absent, _, Tense::Drift) => (
            Alarm::Raised,
            "brand missing",
            "The brand is missing: its customers see the platform's own brand.".to_owned(),
        ),
        (Side::Absent, _, Tense::Plan) => {
            let address = set_to(changes, "domain");
            let place =
                address.map_or_else(String::new, |domain| format!(" at {}", visible(&domain)));
            (
                Alarm::None,
                "new brand",
                format!("The brand goes live{place}."),
            )
        }
        _ => return None,
    };
    Some(Outcome {
        alarm,
        visibility: Visibility::Login,
        sentence,
        about: about.to_owned(),
        by_hand: is_by_hand(change.cause),
    })
}

/// Returns the sentence for the address: where a swap passes through a parked name, only its two ends are told.
fn domain(id: Option<&AccountId>, changes: &[&Change], tense: Tense) -> Option<Outcome> {
    let is_domain = |change: &&&Change| matches!(&change.key, ChangeKey::Setting(key) if key.as_str() == "domain");
    let mut all = changes.iter().filter(is_domain);
    let first = all.next()?;
    let last = all.next_back().unwrap_or(first);
    let text = |side: &Side| match side {
        Side::Value(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let parked = |domain: &String| id.is_some_and(|id| is_parked_domain(id, domain));
    let (before, after) = (text(&first.before), text(&last.after));
    let is_parked_now = before.as_ref().is_some_and(parked);
    let will_be_parked = after.as_ref().is_some_and(parked);
    let [today, next] = [before, after].map(|domain| domain.map(|domain| quoted(&domain, false)));
    let (alarm, sentence) = match (today, next, tense) {
        (Some(today), _, Tense::Plan) if will_be_parked => (
            Alarm::Raised,
            format!("Nobody reaches the brand at {today} any more: the address is released."),
        ),
        (_, Some(next), Tense::Plan) if is_parked_now => (
            Alarm::None,
            format!("Address becomes {next} (currently nobody reaches the brand)."),
        ),
        (_, Some(next), Tense::Drift) if is_parked_now => (
            Alarm::Raised,
            format!(
                "Nobody reaches the brand: its address was released and not claimed again; declared is {next}."
            ),
        ),
        (Some(today), Some(next), Tense::Plan) => (
            Alarm::None,
            format!("Address becomes {next} (currently {today})."),
        ),
        (Some(today), Some(next), Tense::Drift) => (
            Alarm::Raised,
            format!(
                "Address is {today}; declared is {next}, where customers do not reach the brand."
            ),
        ),
        (None, Some(next), Tense::Plan) => (Alarm::None, format!("Address is {next}.")),
        (None, Some(next), Tense::Drift) => (
            Alarm::Raised,
            format!("Nobody reaches the brand: it has no address; declared is {next}."),
        ),
        (Some(today), None, _) => (
            Alarm::Raised,
            format!("Address {today} is removed: nobody reaches the brand."),
        ),
        (None, None, _) => return None,
    };
    Some(Outcome {
        alarm,
        visibility: Visibility::Login,
        sentence,
        about: "address".to_owned(),
        by_hand: is_by_hand(last.cause),
    })
}

/// Returns the sentence for a key other than the domain.
fn setting(change: &Change, tense: Tense) -> Option<Outcome> {
    let ChangeKey::Setting(key) = &change.key else {
        return None;
    };
    let key = key.as_str();
    if key == "domain" {
        return None;
    }
    let own = format!("setting {}", visible(key));
    let (name, about, visibility, kind) = match label::of(key) {
        Some(Label {
            name,
            visibility,
            kind,
        }) => ((*name).to_owned(), *name, *visibility, *kind),
        None => (own, "other settings", Visibility::Unknown, Kind::Value),
    };
    let [before, after] = [&change.before, &change.after].map(value_of);
    let code = code_kind(key);
    let runs = match code {
        Some(CodeKind::Script | CodeKind::SignIn) => after.is_some() || tense == Tense::Drift,
        Some(CodeKind::Html) => [before, after].into_iter().flatten().any(is_active),
        None => false,
    };
    let sentence = match kind {
        Kind::Hides => hiding(&name, before, after, tense),
        Kind::Value => differing(&name, before, after, tense),
    };
    let warning = match code {
        Some(CodeKind::Script | CodeKind::SignIn) => {
            " It can run code in the browsers of customers before they sign in."
        }
        Some(CodeKind::Html) if runs => " It contains code that runs before customers sign in.",
        Some(CodeKind::Html) | None => "",
    };
    Some(Outcome {
        alarm: if runs { Alarm::Raised } else { Alarm::None },
        visibility,
        sentence: format!("{sentence}{warning}"),
        about: about.to_owned(),
        by_hand: is_by_hand(change.cause),
    })
}

/// Returns the sentence for a manual change of a key that runs code in the browsers of customers; `None` for any other.
pub(crate) fn running_code(change: &Change) -> Option<String> {
    let outcome = setting(change, Tense::Drift)?;
    (outcome.alarm == Alarm::Raised).then_some(outcome.sentence)
}

/// Returns the sentence for a switch that hides something.
fn hiding(name: &str, before: Option<&Value>, after: Option<&Value>, tense: Tense) -> String {
    let hides = |side: Option<&Value>| side.and_then(Value::as_bool) == Some(true);
    let name = capitalised(name);
    match tense {
        Tense::Plan if hides(after) => format!("{name} disappears."),
        Tense::Plan => format!("{name} appears."),
        Tense::Drift if hides(before) => format!("{name} is hidden; the tree shows it."),
        Tense::Drift => format!("{name} is shown; the tree hides it."),
    }
}

/// Returns the sentence for a value that differs.
fn differing(name: &str, before: Option<&Value>, after: Option<&Value>, tense: Tense) -> String {
    let name = capitalised(name);
    let short = |value: Option<&Value>| value.and_then(in_a_sentence);
    let [was, is] = [short(before), short(after)];
    match (tense, before.is_some(), after.is_some()) {
        (Tense::Plan, true, true) => match (was, is) {
            (Some(was), Some(is)) => format!("{name} becomes {is} (currently {was})."),
            _ => format!("{name} changes."),
        },
        (Tense::Plan, false, _) => match is {
            Some(is) => format!("{name} added: {is}."),
            None => format!("{name} added."),
        },
        (Tense::Plan, true, false) => match was {
            Some(was) => format!("{name} removed (currently {was})."),
            None => format!("{name} removed."),
        },
        (Tense::Drift, true, true) => match (was, is) {
            (Some(was), Some(is)) => format!("{name} is {was}; declared is {is}."),
            _ => format!("{name} is not as declared."),
        },
        (Tense::Drift, false, _) => match is {
            Some(is) => format!("{name} is missing; declared is {is}."),
            None => format!("{name} is missing."),
        },
        (Tense::Drift, true, false) => match was {
            Some(was) => format!("{name} is {was}; declared is none."),
            None => format!("{name} is there; declared is none."),
        },
    }
}

/// Returns the sentence for an asset.
fn asset(change: &Change, tense: Tense) -> Option<Outcome> {
    let ChangeKey::Asset(kind) = change.key else {
        return None;
    };
    let (name, visibility) = match kind {
        AssetKind::Logo => ("logo", Visibility::Login),
        AssetKind::Icon => ("browser icon", Visibility::Login),
        // No Monster UI asks for it (users' view, U4).
        AssetKind::Welcome => ("welcome page", Visibility::Unknown),
    };
    let is_there = |side: &Side| *side != Side::Absent;
    let named = capitalised(name);
    let sentence = match (tense, is_there(&change.before), is_there(&change.after)) {
        (Tense::Plan, true, true) => format!("{named} changes."),
        (Tense::Plan, false, _) => format!("{named} added."),
        (Tense::Plan, true, false) => format!("{named} removed."),
        (Tense::Drift, true, true) => format!("{named} is not the declared one."),
        (Tense::Drift, false, _) => format!("{named} is missing."),
        (Tense::Drift, true, false) => format!("{named} is there; declared is none."),
    };
    let cut = match (kind, &change.after) {
        (AssetKind::Logo, Side::Asset(facts)) if tense == Tense::Plan => facts.dimensions,
        _ => None,
    };
    let cut = cut.filter(|size| size.width > LOGO_SPACE.width || size.height > LOGO_SPACE.height);
    let loses = match tense {
        Tense::Plan => !is_there(&change.after),
        Tense::Drift => !is_there(&change.before),
    };
    let is_lost = loses && kind == AssetKind::Logo;
    Some(Outcome {
        alarm: if is_lost { Alarm::Raised } else { Alarm::None },
        visibility,
        sentence: match cut {
            _ if is_lost => format!("{sentence} Customers see the logo of the platform."),
            Some(size) => format!("{sentence} It is {size}: Monster UI shows {LOGO_SPACE} of it."),
            None => sentence,
        },
        about: name.to_owned(),
        by_hand: is_by_hand(change.cause),
    })
}

/// Returns one sentence for all hosts of the template, and all records of a zone.
fn records(changes: &[&Change]) -> Option<Outcome> {
    let of_dns = |change: &&&Change| {
        matches!(
            change.key,
            ChangeKey::Host(_) | ChangeKey::RecordType(_) | ChangeKey::Records(_)
        )
    };
    let all: Vec<&&Change> = changes.iter().filter(of_dns).collect();
    if all.is_empty() {
        return None;
    }
    let number = |of: fn(&Change) -> bool| all.iter().filter(|change| of(change)).count();
    let added = number(|change| change.before == Side::Absent);
    let removed = number(|change| change.after == Side::Absent && change.before != Side::Absent);
    let kinds = [
        (added, "added"),
        (all.len() - added - removed, "changed"),
        (removed, "removed"),
    ];
    let kinds = kinds.iter().filter(|(number, _)| *number > 0);
    let kinds: Vec<String> = kinds
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    Some(Outcome {
        alarm: Alarm::None,
        visibility: Visibility::Names,
        sentence: format!("DNS record sets: {}.", kinds.join(", ")),
        about: count(all.len(), "DNS record set"),
        by_hand: all.iter().any(|change| is_by_hand(change.cause)),
    })
}

fn is_by_hand(cause: Cause) -> bool {
    matches!(cause, Cause::Drift | Cause::Conflict)
}

fn value_of(side: &Side) -> Option<&Value> {
    match side {
        Side::Value(value) => Some(value),
        Side::Absent
        | Side::Asset(_)
        | Side::Host(_)
        | Side::Elsewhere { .. }
        | Side::Unread
        | Side::Present => None,
    }
}

/// Returns whether HTML contains what runs in a browser.
fn is_active(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| first_active(text).is_some())
}

/// Writes a value for a sentence; `None` when it is too long for one.
fn in_a_sentence(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) if text.contains('\n') => return None,
        Value::String(text) => quoted(text, !is_plain(text)),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        other => value::inline(other),
    };
    (text.chars().count() <= LONGEST_VALUE).then_some(text)
}

/// Returns whether a text needs no quotes: addresses, prices, colours.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>'))
        && text.contains(|c: char| matches!(c, '.' | ':' | '@' | '#') || c.is_ascii_digit())
}

fn quoted(text: &str, quotes: bool) -> String {
    let text = visible(text);
    if quotes {
        format!("“{text}”")
    } else {
        text.into_owned()
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// Returns the text that a setting has on the side that the changes lead to, else on the live side.
pub(super) fn set_to(changes: &[&Change], key: &str) -> Option<String> {
    let change = of_setting(changes, key).last()?;
    [&change.after, &change.before].into_iter().find_map(text)
}

/// Returns the text that a setting has on the live side, before the first of the changes.
pub(super) fn set_from(changes: &[&Change], key: &str) -> Option<String> {
    text(&of_setting(changes, key).next()?.before)
}

fn of_setting<'c>(changes: &[&'c Change], key: &str) -> impl Iterator<Item = &'c Change> {
    let is_it = move |change: &&Change| matches!(&change.key, ChangeKey::Setting(path) if path.as_str() == key);
    changes.iter().copied().filter(is_it)
}

fn text(side: &Side) -> Option<String> {
    match side {
        Side::Value(value) => value.as_str().map(str::to_owned),
        _ => None,
    }
}
