//! What Monster UI makes of what an account declares together: where the vendor still shows, and what has no effect.
//!
//! One diagnostic of a kind and account; what several accounts have from one place is told of once. A cluster whose user interface is another one has none of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::diag::{Code, Diagnostic, Diagnostics, Place};
use crate::model::{AssetKind, FIELDS, Fallback, KeyPath};
use crate::tree::{Desired, DesiredAccount, Ownership};

/// A key that has no effect beside another one.
struct Silenced {
    key: &'static str,
    /// Only with this value; any where absent.
    with: Option<bool>,
    by: &'static str,
    by_value: Option<bool>,
    why: &'static str,
}

const fn silenced(key: &'static str, by: &'static str, why: &'static str) -> Silenced {
    Silenced {
        key,
        with: None,
        by,
        by_value: None,
        why,
    }
}

const LOGIN_APP: &str =
    "the login program of authentication takes the place of the portal's login page";

/// The keys that Monster UI 4.0 to master reads together, so that one of them has no effect.
const SILENCED: &[Silenced] = &[
    silenced("sso", "authentication", LOGIN_APP),
    silenced("sso_providers", "authentication", LOGIN_APP),
    silenced("custom_welcome_message", "authentication", LOGIN_APP),
    silenced("hidePasswordRecovery", "authentication", LOGIN_APP),
    silenced("social", "authentication", LOGIN_APP),
    silenced(
        "logoutTimer",
        "sso",
        "single sign-on switches the timer off",
    ),
    Silenced {
        with: Some(false),
        ..silenced(
            "custom_welcome",
            "custom_welcome_message",
            "the login page shows custom_welcome_message since 4.2, whatever custom_welcome says",
        )
    },
    Silenced {
        by_value: Some(true),
        ..silenced(
            "realm_suffix.registration",
            "hide_registration",
            "hide_registration lets nobody register",
        )
    },
    Silenced {
        by_value: Some(true),
        ..silenced(
            "acceptCharges.message",
            "acceptCharges.autoAccept",
            "acceptCharges.autoAccept asks nobody",
        )
    },
    Silenced {
        by_value: Some(true),
        ..silenced(
            "acceptCharges.showInvoiceSummary",
            "acceptCharges.autoAccept",
            "acceptCharges.autoAccept asks nobody",
        )
    },
];

/// Checks the accounts of a tree.
pub(super) fn portal(desired: &Desired) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if desired.cluster.ui.is_some() {
        return diagnostics;
    }
    let mut told = BTreeSet::new();
    for account in desired.accounts.iter().filter(|it| it.absent.is_none()) {
        let found = [vendor(account), without_effect(account), welcome(account)];
        diagnostics.extend(found.into_iter().flatten().filter(|diagnostic| {
            let label = diagnostic.primary.as_ref();
            let place = label.map(|it| (it.place.file, it.place.span.start));
            told.insert((diagnostic.code, place))
        }));
    }
    diagnostics
}

/// Warns where customers see the vendor: of what is known to be absent, because the tree says so, and, in a brand that
/// hides the vendor, of what it leaves undeclared. Nobody sees a brand without a domain.
fn vendor(account: &DesiredAccount) -> Option<Diagnostic> {
    let key = |path: &str| account.settings.get(&KeyPath::parse(path));
    key("domain").filter(|it| it.value.is_some())?;
    let hides = key("hide_powered").filter(|it| it.value == Some(Value::Bool(true)));
    let is_whole = account.policy.ownership == Ownership::Exclusive;
    let keys = FIELDS.iter().filter_map(|field| {
        let Fallback::Vendor(shown) = field.usage.fallback else {
            return None;
        };
        let is_absent = match is_there(account, field.path) {
            Some(is_there) => !is_there,
            None => hides.is_some() || is_whole,
        };
        is_absent.then(|| format!("{} ({shown})", field.path))
    });
    let has_path = key("logoPath").is_some_and(|it| it.value.is_some());
    let assets = [AssetKind::Logo, AssetKind::Icon]
        .into_iter()
        .filter(|kind| {
            let declared = account.assets.get(kind);
            let is_null = declared.is_some_and(|it| it.value.is_none());
            is_null && !(has_path && *kind == AssetKind::Logo)
        });
    let assets = assets.map(|kind| format!("the {}", kind.as_str()));
    let shown: Vec<String> = keys.chain(assets).collect();
    if shown.is_empty() {
        return None;
    }
    let diagnostic = Diagnostic::new(
        Code::EB0528,
        format!(
            "where {} declares nothing, customers see the vendor: {}",
            account.name,
            shown.join(", ")
        ),
        "declare them, for all accounts in defaults or in a brand; if config.js of your user interface names others, turn EB0528 off in lint",
    )
    .at(account.identity.place, "this brand");
    Some(match hides {
        Some(hides) => diagnostic.see(hides.place, "the vendor is to be hidden"),
        None => diagnostic,
    })
}

/// Warns of keys that have no effect beside others.
fn without_effect(account: &DesiredAccount) -> Option<Diagnostic> {
    let mut found: Vec<(Place, Option<Place>, String)> = Vec::new();
    for row in SILENCED {
        let silenced = declared(account, row.key).filter(|(value, _)| is(value, row.with));
        let by = declared(account, row.by).filter(|(value, _)| is(value, row.by_value));
        if let (Some((_, place)), Some((_, by))) = (silenced, by) {
            let told = format!("{} has no effect: {}", row.key, row.why);
            found.push((place, Some(by), told));
        }
    }
    let logo = account.assets.get(&AssetKind::Logo);
    if let (Some((_, place)), Some(logo)) = (
        declared(account, "logoPath"),
        logo.filter(|it| it.value.is_some()),
    ) {
        let told = "logoPath has no effect: the portal shows the logo asset".to_owned();
        found.push((place, Some(logo.place), told));
    }
    let (place, by, _) = found.first()?;
    let told: Vec<&str> = found.iter().map(|(_, _, told)| told.as_str()).collect();
    let diagnostic = Diagnostic::new(
        Code::EB0529,
        format!("{}: {}", account.name, told.join("; ")),
        "delete what has no effect, or what keeps it from having one",
    )
    .at(*place, "has no effect");
    Some(match by {
        Some(by) if by != place => diagnostic.see(*by, "because of this"),
        _ => diagnostic,
    })
}

/// Warns of a welcome page, which no Monster UI from 4.0 to master asks for (U4).
fn welcome(account: &DesiredAccount) -> Option<Diagnostic> {
    let welcome = account.assets.get(&AssetKind::Welcome)?;
    welcome.value.as_ref()?;
    let diagnostic = Diagnostic::new(
        Code::EB0624,
        format!(
            "no Monster UI since 4.0 shows the welcome page of {}",
            account.name
        ),
        "write the text in custom_welcome_message; if a portal of your own shows the page, turn EB0624 off in lint",
    );
    Some(diagnostic.at(welcome.place, "customers do not see it"))
}

/// Returns whether a key is declared to be there or to be absent, perhaps with all of its map; `None` where neither is.
fn is_there(account: &DesiredAccount, path: &str) -> Option<bool> {
    let path = KeyPath::parse(path);
    let mut settings = account.settings.iter();
    settings.find_map(|(key, declared)| match &declared.value {
        Some(_) => (*key == path).then_some(true),
        None => path.is_within(key).then_some(false),
    })
}

/// Returns what an account declares at a path, whether as a key of its own or inside the value of one above.
fn declared<'a>(account: &'a DesiredAccount, path: &str) -> Option<(&'a Value, Place)> {
    let path = KeyPath::parse(path);
    account.settings.iter().find_map(|(key, declared)| {
        let value = declared.value.as_ref()?;
        if key.is_within(&path) {
            return Some((value, declared.place));
        }
        let below = path
            .as_str()
            .strip_prefix(key.as_str())?
            .strip_prefix('.')?;
        let inside = below
            .split('.')
            .try_fold(value, |value, name| value.get(name))?;
        Some((inside, declared.place))
    })
}

/// Returns whether a value is the wanted one, if one is.
fn is(value: &Value, wanted: Option<bool>) -> bool {
    wanted.is_none_or(|wanted| value.as_bool() == Some(wanted))
}
