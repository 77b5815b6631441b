//! What people call the keys of a whitelabel, and who sees them.

use super::outcome::Visibility;

/// What a key is to the people who use a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The name in the middle of a sentence.
    pub(super) name: &'static str,
    pub(super) visibility: Visibility,
    pub(super) kind: Kind,
}

/// How a change of a key is put into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its value is shown.
    Value,
    /// It hides something when it is set.
    Hides,
}

const fn login(name: &'static str, kind: Kind) -> Label {
    Label {
        name,
        visibility: Visibility::Login,
        kind,
    }
}

const fn inside(name: &'static str, kind: Kind) -> Label {
    Label {
        name,
        visibility: Visibility::SignedIn,
        kind,
    }
}

/// The keys that have a name, by the first part that they share with others.
const LABELS: [(&str, Label); 36] = [
    ("company_name", inside("company name", Kind::Value)),
    ("domain", login("address", Kind::Value)),
    ("applicationTitle", login("browser title", Kind::Value)),
    ("brandColor", login("brand color", Kind::Value)),
    (
        "custom_welcome_message",
        login("welcome message", Kind::Value),
    ),
    ("announcement", login("login notice", Kind::Value)),
    ("language", login("language", Kind::Value)),
    ("hide_powered", login("“Powered by 2600hz”", Kind::Hides)),
    ("hide_registration", login("registration link", Kind::Hides)),
    (
        "hidePasswordRecovery",
        login("password recovery link", Kind::Hides),
    ),
    ("social", login("links to social networks", Kind::Value)),
    ("logoPath", login("logo at another address", Kind::Value)),
    ("includes", login("code that the portal loads", Kind::Value)),
    (
        "additionalCss",
        login("style sheets that the portal loads", Kind::Value),
    ),
    ("authentication", login("login program", Kind::Value)),
    ("sso_providers", login("single sign-on", Kind::Value)),
    ("sso", login("single sign-on", Kind::Value)),
    ("jiraFeedback", login("feedback script", Kind::Value)),
    ("hide_credits", inside("credit balance", Kind::Hides)),
    ("hide_port", inside("porting app", Kind::Hides)),
    ("hideAppStore", inside("app store", Kind::Hides)),
    ("hideBuyNumbers", inside("buying of numbers", Kind::Hides)),
    (
        "hideNewAccountCreation",
        inside("creation of accounts", Kind::Hides),
    ),
    ("nav.help", inside("help link", Kind::Value)),
    ("nav.learn_more", inside("“Learn more” link", Kind::Value)),
    ("nav.logout", inside("page after signing out", Kind::Value)),
    (
        "port.support_email",
        inside("porting support address", Kind::Value),
    ),
    ("port.terms", inside("porting terms", Kind::Value)),
    (
        "port.loa",
        inside("letter of authorization form", Kind::Value),
    ),
    (
        "port.features",
        inside("porting features page", Kind::Value),
    ),
    ("port.resporg", inside("toll-free number form", Kind::Value)),
    ("port.authority", inside("porting authority", Kind::Value)),
    (
        "inbound_trunks_price",
        inside("inbound trunk price", Kind::Value),
    ),
    (
        "outbound_trunks_price",
        inside("outbound trunk price", Kind::Value),
    ),
    (
        "twoway_trunks_price",
        inside("two-way trunk price", Kind::Value),
    ),
    (
        "callReportEmail",
        inside("call report address", Kind::Value),
    ),
];

/// Returns what a key, or the nearest one above it, is to people.
pub(super) fn of(key: &str) -> Option<&'static Label> {
    let is_within = |known: &str| {
        key.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found = LABELS.iter().find(|(known, _)| is_within(known));
    found.map(|(_, label)| label)
}
