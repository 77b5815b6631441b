//! The known keys of a whitelabel document: one table for decoding, checking, schemas and hints.

use super::key_use::CodeKind::{Html, Script, SignIn};
use super::key_use::UiVersion::{Master, V4_0, V4_1, V4_2, V4_3, V5_0, V5_2};
use super::key_use::{CodeKind, Fallback, KeyUse, UiVersion};

/// One known key.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The dotted path, such as `nav.help`.
    pub path: &'static str,
    /// Type of the value.
    pub field_type: FieldType,
    /// Component that defines the key.
    pub origin: FieldOrigin,
    /// One-sentence description, shown as hover text in editors.
    pub doc: &'static str,
    /// Who uses it.
    pub usage: KeyUse,
}

impl Field {
    const fn read_since(mut self, version: UiVersion) -> Self {
        self.usage.portal = Some((version, None));
        self
    }

    const fn read_until(mut self, first: UiVersion, last: UiVersion) -> Self {
        self.usage.portal = Some((first, Some(last)));
        self
    }

    const fn by_server(mut self, what: &'static str) -> Self {
        self.usage.server = Some(what);
        self
    }

    const fn or_else(mut self, shown: &'static str) -> Self {
        self.usage.fallback = Fallback::Default(shown);
        self
    }

    const fn else_vendor(mut self, shown: &'static str) -> Self {
        self.usage.fallback = Fallback::Vendor(shown);
        self
    }

    const fn runs(mut self, kind: CodeKind) -> Self {
        self.usage.runs = Some(kind);
        self
    }
}

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Any string.
    Text,
    /// The domain of the brand: a bare host name.
    Domain,
    /// An absolute `http` or `https` URL.
    Url,
    /// An e-mail address.
    Email,
    /// A price, which the server stores as a string.
    Price,
    /// A boolean; if `defaulted`, the server stores `false` when the key is absent (W14).
    Boolean {
        /// Whether absence and `false` are equivalent.
        defaulted: bool,
    },
    /// One account id or a list of them (W27).
    AccountIds,
    /// An integer.
    Integer,
    /// A list of strings.
    TextList,
    /// A list of providers of single sign-on, whose form Kazoo 4.3 checks (kazoo-4.3, statement 8).
    Providers,
    /// A map with arbitrary keys.
    Map,
    /// Any JSON value.
    Any,
}

/// The component that defines a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOrigin {
    /// The server's schema (W11).
    Schema,
    /// Only the UI (W26).
    Ui,
}

const fn schema(path: &'static str, field_type: FieldType, doc: &'static str) -> Field {
    Field {
        path,
        field_type,
        origin: FieldOrigin::Schema,
        doc,
        usage: KeyUse::UNREAD,
    }
}

const fn ui(path: &'static str, field_type: FieldType, doc: &'static str) -> Field {
    Field {
        path,
        field_type,
        origin: FieldOrigin::Ui,
        doc,
        usage: KeyUse::UNREAD,
    }
}

const DEFAULTED: FieldType = FieldType::Boolean { defaulted: true };
const BOOLEAN: FieldType = FieldType::Boolean { defaulted: false };

/// Every known key, schema first.
pub const FIELDS: &[Field] = &[
    schema(
        "company_name",
        FieldType::Text,
        "The name of the brand, shown in titles and mails.",
    )
    .read_since(V4_0)
    .else_vendor("“2600Hz”"),
    schema(
        "domain",
        FieldType::Domain,
        "The bare host name under which customers reach the portal; unique on the cluster.",
    )
    .read_since(V4_0)
    .by_server("to find the brand of a host name"),
    schema(
        "fake_api_url",
        FieldType::Url,
        "The API URL that is shown to customers.",
    ),
    schema("hide_credits", DEFAULTED, "Hides the credit balance."),
    schema("hide_powered", DEFAULTED, "Hides the \"powered by\" line.")
        .read_since(V4_0)
        .else_vendor("“Powered by 2600hz”"),
    schema(
        "hide_registration",
        DEFAULTED,
        "Hides the registration link on the login page.",
    ),
    schema(
        "inbound_trunks_price",
        FieldType::Price,
        "The price of an inbound trunk, as text.",
    ),
    schema(
        "outbound_trunks_price",
        FieldType::Price,
        "The price of an outbound trunk, as text.",
    ),
    schema(
        "twoway_trunks_price",
        FieldType::Price,
        "The price of a two-way trunk, as text.",
    ),
    schema("nav.help", FieldType::Url, "The help link."),
    schema("nav.learn_more", FieldType::Url, "The \"learn more\" link."),
    schema(
        "port.authority",
        FieldType::AccountIds,
        "The account that handles port requests.",
    )
    .read_since(V4_3)
    .by_server("to know who handles port requests"),
    schema(
        "port.features",
        FieldType::Url,
        "The page that lists the features of ported numbers.",
    ),
    schema(
        "port.loa",
        FieldType::Url,
        "The form of the letter of authorisation.",
    )
    .read_since(V4_2)
    .else_vendor("http://ui.zswitch.net/Editable.LOA.Form.pdf"),
    schema(
        "port.resporg",
        FieldType::Url,
        "The form for toll-free numbers.",
    )
    .read_since(V4_2)
    .else_vendor("http://ui.zswitch.net/Editable.Resporg.Form.pdf"),
    schema(
        "port.support_email",
        FieldType::Email,
        "The address for questions about porting.",
    )
    .by_server("as the sender of mails about port requests"),
    schema("port.terms", FieldType::Url, "The terms of porting."),
    ui(
        "acceptCharges",
        FieldType::Map,
        "How the UI asks before it charges.",
    )
    .read_since(V4_3),
    ui(
        "additionalCss",
        FieldType::TextList,
        "More style sheets that the UI loads.",
    )
    .read_since(V4_0)
    .runs(Script),
    ui(
        "allowAccessList",
        BOOLEAN,
        "Shows the access lists of devices.",
    )
    .read_since(V4_2),
    ui(
        "announcement",
        FieldType::Any,
        "A notice after signing in, as HTML.",
    )
    .read_since(V4_0)
    .runs(Html),
    ui(
        "appLinks",
        FieldType::Map,
        "More links in the application menu.",
    )
    .read_since(V4_3),
    ui(
        "applicationTitle",
        FieldType::Text,
        "The title of the browser's tab.",
    )
    .read_since(V4_0)
    .else_vendor("“Monster UI”"),
    ui(
        "authentication",
        FieldType::Any,
        "How the UI logs users in.",
    )
    .read_since(V4_0)
    .runs(Script),
    ui(
        "bookkeepers",
        FieldType::Any,
        "Which bookkeepers the UI offers.",
    )
    .read_since(V4_3),
    ui(
        "brandColor",
        FieldType::Text,
        "The main colour, as a CSS colour.",
    )
    .read_since(V4_2)
    .or_else("the portal's own ground"),
    ui(
        "callReportEmail",
        FieldType::Email,
        "The address for reports about calls.",
    )
    .read_since(V4_0)
    .else_vendor("support@2600hz.com"),
    ui(
        "carrier.choices",
        FieldType::TextList,
        "Which carriers the UI offers.",
    )
    .read_since(V4_0),
    ui(
        "companyName",
        FieldType::Text,
        "The name of the brand in older UI versions, derived from company_name.",
    )
    .read_since(V4_0),
    ui(
        "countryCode",
        FieldType::Text,
        "The country that number forms start from.",
    )
    .read_since(V4_3)
    .or_else("US"),
    ui(
        "custom_welcome",
        BOOLEAN,
        "Whether the welcome page replaces the standard one.",
    )
    .read_until(V4_0, V4_1),
    ui(
        "custom_welcome_message",
        FieldType::Text,
        "A text on the login page, as HTML.",
    )
    .read_since(V4_0)
    .or_else("the portal's usual text")
    .runs(Html),
    ui(
        "disableFirstUseWalkthrough",
        BOOLEAN,
        "Leaves the introduction out.",
    )
    .read_since(V5_2),
    ui(
        "disableNumbersFeatures",
        BOOLEAN,
        "Leaves the features of numbers out.",
    )
    .read_since(V4_2),
    ui("hideAppStore", BOOLEAN, "Hides the application store.").read_since(V4_2),
    ui("hideBuyNumbers", BOOLEAN, "Hides buying of numbers.").read_since(V4_2),
    ui(
        "hideNewAccountCreation",
        BOOLEAN,
        "Hides the creation of accounts.",
    )
    .read_since(V4_2),
    ui(
        "hidePasswordRecovery",
        BOOLEAN,
        "Hides the link to recover a password.",
    )
    .read_since(V4_0),
    ui("hide_port", BOOLEAN, "Hides the porting application.")
        .read_since(V4_0)
        .by_server("to leave the porting application out"),
    ui(
        "includes",
        FieldType::Any,
        "More scripts that the UI loads.",
    )
    .read_since(V5_0)
    .runs(Script),
    ui(
        "invoiceRangeConfig",
        FieldType::Any,
        "Which invoices the UI lists.",
    )
    .read_since(Master)
    .or_else("6"),
    ui("jiraFeedback", FieldType::Any, "The feedback collector.")
        .read_since(V4_0)
        .runs(Script),
    ui(
        "language",
        FieldType::Text,
        "The language of the login page, such as en-US.",
    )
    .read_since(V4_0)
    .or_else("en-US"),
    ui(
        "logoPath",
        FieldType::Text,
        "A logo elsewhere than in the logo asset.",
    )
    .read_since(V4_2),
    ui(
        "logoutTimer",
        FieldType::Integer,
        "Minutes without activity until the UI logs out.",
    )
    .read_since(V4_0)
    .or_else("15 minutes"),
    ui(
        "nav.logout",
        FieldType::Url,
        "Where the UI goes after logging out.",
    )
    .read_since(V4_0)
    .or_else("the login page"),
    ui(
        "port.carriers",
        FieldType::TextList,
        "Which losing carriers the UI offers.",
    )
    .read_since(V4_2),
    ui(
        "preventDIDFormatting",
        BOOLEAN,
        "Shows numbers as they are stored.",
    )
    .read_since(V4_0),
    ui(
        "realm_suffix",
        FieldType::Any,
        "The suffix of new accounts' realms.",
    )
    .read_since(V5_0),
    ui(
        "showMediaUploadDisclosure",
        BOOLEAN,
        "Asks for consent before media is uploaded.",
    )
    .read_since(V4_3),
    ui(
        "showPAssertedIdentity",
        BOOLEAN,
        "Shows the P-Asserted-Identity settings.",
    )
    .read_since(V4_3),
    ui("social", FieldType::Any, "Links to social networks.").read_since(V4_2),
    ui(
        "sso",
        FieldType::Any,
        "Single sign-on; everybody can read it (trap 40), so it must hold no secret.",
    )
    .read_since(V4_0)
    .runs(SignIn),
    ui(
        "sso_providers",
        FieldType::Providers,
        "Single sign-on providers; everybody can read them (trap 40).",
    )
    .read_since(V4_1)
    .runs(SignIn),
    ui("ttsVoice", FieldType::Text, "The voice that reads texts.")
        .read_since(Master)
        .or_else("female/en-US"),
    ui(
        "useDropdownApploader",
        BOOLEAN,
        "Shows the applications as a drop-down list.",
    )
    .read_since(V4_2),
];

/// Names that the server treats as request parameters when they appear inside `data`, instead of storing them (E11,
/// trap 30).
///
/// `domain` is one of them too, but is not listed because it is a regular key of the whitelabel.
pub const HIJACKING_NAMES: &[&str] = &[
    "accept",
    "accept_charges",
    "auth_token",
    "authorization",
    "filename",
    "jsonp",
    "page_size",
    "paginate",
    "pretty_print",
    "should_soft_delete",
    "start_key",
    "use_tcp",
    "verb",
];

/// Finds the known key at a dotted path, or the known key with free content that contains it.
#[must_use]
pub fn field(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| {
        field.path == path
            || matches!(
                field.field_type,
                FieldType::Map | FieldType::Any | FieldType::Providers
            ) && path
                .strip_prefix(field.path)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// Returns how the value of a key, or of one above it, runs in the browsers of customers, if it does.
#[must_use]
pub fn code_kind(path: &str) -> Option<CodeKind> {
    field(path)?.usage.runs
}
