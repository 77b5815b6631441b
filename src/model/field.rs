//! The known keys of a whitelabel document: one table for decoding, checking, schemas and hints.

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
    }
}

const fn ui(path: &'static str, field_type: FieldType, doc: &'static str) -> Field {
    Field {
        path,
        field_type,
        origin: FieldOrigin::Ui,
        doc,
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
    ),
    schema(
        "domain",
        FieldType::Domain,
        "The bare host name under which customers reach the portal; unique on the cluster.",
    ),
    schema(
        "fake_api_url",
        FieldType::Url,
        "The API URL that is shown to customers.",
    ),
    schema("hide_credits", DEFAULTED, "Hides the credit balance."),
    schema("hide_powered", DEFAULTED, "Hides the \"powered by\" line."),
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
    ),
    schema(
        "port.features",
        FieldType::Url,
        "The page that lists the features of ported numbers.",
    ),
    schema(
        "port.loa",
        FieldType::Url,
        "The form of the letter of authorisation.",
    ),
    schema(
        "port.resporg",
        FieldType::Url,
        "The form for toll-free numbers.",
    ),
    schema(
        "port.support_email",
        FieldType::Email,
        "The address for questions about porting.",
    ),
    schema("port.terms", FieldType::Url, "The terms of porting."),
    ui(
        "acceptCharges",
        FieldType::Map,
        "How the UI asks before it charges.",
    ),
    ui(
        "additionalCss",
        FieldType::TextList,
        "More style sheets that the UI loads.",
    ),
    ui(
        "allowAccessList",
        BOOLEAN,
        "Shows the access lists of devices.",
    ),
    ui(
        "announcement",
        FieldType::Any,
        "A notice on the login page.",
    ),
    ui(
        "appLinks",
        FieldType::Map,
        "More links in the application menu.",
    ),
    ui(
        "applicationTitle",
        FieldType::Text,
        "The title of the browser's tab.",
    ),
    ui(
        "authentication",
        FieldType::Any,
        "How the UI logs users in.",
    ),
    ui(
        "bookkeepers",
        FieldType::Any,
        "Which bookkeepers the UI offers.",
    ),
    ui(
        "brandColor",
        FieldType::Text,
        "The main colour, as a CSS colour.",
    ),
    ui(
        "callReportEmail",
        FieldType::Email,
        "The address for reports about calls.",
    ),
    ui(
        "carrier.choices",
        FieldType::TextList,
        "Which carriers the UI offers.",
    ),
    ui(
        "companyName",
        FieldType::Text,
        "The name of the brand in older UI versions, derived from company_name.",
    ),
    ui(
        "countryCode",
        FieldType::Text,
        "The country that number forms start from.",
    ),
    ui(
        "custom_welcome",
        BOOLEAN,
        "Whether the welcome page replaces the standard one.",
    ),
    ui(
        "custom_welcome_message",
        FieldType::Text,
        "A text on the login page, as HTML.",
    ),
    ui(
        "disableFirstUseWalkthrough",
        BOOLEAN,
        "Leaves the introduction out.",
    ),
    ui(
        "disableNumbersFeatures",
        BOOLEAN,
        "Leaves the features of numbers out.",
    ),
    ui("hideAppStore", BOOLEAN, "Hides the application store."),
    ui("hideBuyNumbers", BOOLEAN, "Hides buying of numbers."),
    ui(
        "hideNewAccountCreation",
        BOOLEAN,
        "Hides the creation of accounts.",
    ),
    ui(
        "hidePasswordRecovery",
        BOOLEAN,
        "Hides the link to recover a password.",
    ),
    ui("hide_port", BOOLEAN, "Hides the porting application."),
    ui("includes", FieldType::Any, "More files that the UI loads."),
    ui(
        "invoiceRangeConfig",
        FieldType::Any,
        "Which invoices the UI lists.",
    ),
    ui("jiraFeedback", FieldType::Any, "The feedback collector."),
    ui(
        "language",
        FieldType::Text,
        "The language of the login page, such as en-US.",
    ),
    ui(
        "logoPath",
        FieldType::Text,
        "A logo elsewhere than in the logo asset.",
    ),
    ui(
        "logoutTimer",
        FieldType::Integer,
        "Minutes without activity until the UI logs out.",
    ),
    ui(
        "nav.logout",
        FieldType::Url,
        "Where the UI goes after logging out.",
    ),
    ui(
        "port.carriers",
        FieldType::TextList,
        "Which losing carriers the UI offers.",
    ),
    ui(
        "preventDIDFormatting",
        BOOLEAN,
        "Shows numbers as they are stored.",
    ),
    ui(
        "realm_suffix",
        FieldType::Any,
        "The suffix of new accounts' realms.",
    ),
    ui(
        "showMediaUploadDisclosure",
        BOOLEAN,
        "Asks for consent before media is uploaded.",
    ),
    ui(
        "showPAssertedIdentity",
        BOOLEAN,
        "Shows the P-Asserted-Identity settings.",
    ),
    ui("social", FieldType::Any, "Links to social networks."),
    ui(
        "sso",
        FieldType::Any,
        "Single sign-on; everybody can read it (trap 40), so it must hold no secret.",
    ),
    ui(
        "sso_providers",
        FieldType::Providers,
        "Single sign-on providers; everybody can read them (trap 40).",
    ),
    ui("ttsVoice", FieldType::Text, "The voice that reads texts."),
    ui(
        "useDropdownApploader",
        BOOLEAN,
        "Shows the applications as a drop-down list.",
    ),
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
