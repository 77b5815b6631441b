//! The catalogue of all codes.

use std::fmt;

/// How bad it is: an error stops `plan` and `apply`, a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The tree is wrong.
    Error,
    /// The tree is probably not what was meant.
    Warning,
}

macro_rules! catalogue {
    ($( $code:ident $severity:ident $title:literal $explanation:literal )*) => {
        /// Names a kind of mistake. A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $( #[doc = $title] $code, )*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Self] = &[ $( Self::$code, )* ];

            /// Returns the code's text, such as `EB0103`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$code => stringify!($code), )* }
            }

            /// Returns how bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $( Self::$code => Severity::$severity, )* }
            }

            /// Returns the mistake in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $( Self::$code => $title, )* }
            }

            /// Returns why it is a mistake, and an example of right and wrong.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $( Self::$code => $explanation, )* }
            }
        }
    };
}

// EB01 files and YAML, EB02 structure and keys, EB03 layers, EB04 identities and domains,
// EB05 values, EB06 assets, EB07 the domain template, EB08 clusters and policy.
catalogue! {
    EB0101 Error "the file is not valid YAML"
        "The file cannot be read as YAML, so nothing in it counts. The marked place is where the parser gave up; \
         the mistake is often one line above: a missing quote, a tab, or a wrong indent."
    EB0401 Error "the domain is not a bare host name"
        "The server stores any text as the domain, and then no customer reaches the brand: the portal compares it \
         with the host name in the browser. Write the bare name, in lower case, international names as A-labels.\n\n\
         wrong:  domain: https://Acme.example.com/\n\
         right:  domain: acme.example.com"
    EB0402 Error "two accounts claim one domain"
        "A domain belongs to one account of a cluster; the server refuses the second, whichever comes last. Upper \
         and lower case count as equal. Give each account its own, also where the domain comes from a brand.\n\n\
         wrong:  domain: acme.example.com     in accounts/acme and accounts/beta\n\
         right:  domain: beta.example.com     in accounts/beta"
    EB0403 Error "two accounts of the tree are the same live account"
        "Two folders that describe one live account overwrite each other in turn. Join them, or correct the id.\n\n\
         wrong:  account: 0123456789abcdef0123456789abcdef     in two folders\n\
         right:  one folder for each live account"
    EB0404 Error "not an account id"
        "An account id has 32 characters, each of 0-9 and a-f. The server knows no other spelling: no upper case, no \
         hyphens.\n\n\
         wrong:  account: 59BF4A86-41B8-A1D8-2771-0BFC558510C9\n\
         right:  account: 59bf4a8641b8a1d827710bfc558510c9"
    EB0405 Error "not a realm"
        "A realm is looked up on the cluster as it is written, so it must be the bare host name that the account \
         has.\n\n\
         wrong:  realm: sip:acme.sip.example.com\n\
         right:  realm: acme.sip.example.com"
    EB0501 Error "not an absolute web address"
        "The portal uses the text as a link, as it is. Without http:// or https:// it points into the portal itself. \
         The server does not check it.\n\n\
         wrong:  help: www.example.com/help\n\
         right:  help: https://www.example.com/help"
    EB0502 Error "a web address holds a user name or a password"
        "Everybody can read the whitelabel document, so a password in a link is public.\n\n\
         wrong:  help: https://admin:secret@example.com/help\n\
         right:  help: https://example.com/help"
    EB0503 Error "not an e-mail address"
        "The platform sends mail to this address; the server refuses the document when it cannot be one.\n\n\
         wrong:  support_email: porting at example.com\n\
         right:  support_email: porting@example.com"
    EB0504 Error "not a price"
        "A price is kept as text: digits, with a point before the decimals.\n\n\
         wrong:  inbound_trunks_price: 29,99\n\
         right:  inbound_trunks_price: 29.99"
    EB0505 Warning "a price carries a currency"
        "The portal adds the currency itself; one in the text is shown twice.\n\n\
         wrong:  inbound_trunks_price: $29.99\n\
         right:  inbound_trunks_price: 29.99"
    EB0506 Warning "several porting authorities are ignored"
        "The server uses port.authority only when it is one account id; a list with several is stored and then \
         ignored, and 5.x refuses it.\n\n\
         wrong:  authority: [0123456789abcdef0123456789abcdef, 59bf4a8641b8a1d827710bfc558510c9]\n\
         right:  authority: 0123456789abcdef0123456789abcdef"
    EB0507 Error "a text holds invisible control characters"
        "Control characters and characters that turn the direction of writing are stored as they are; they break \
         pages and hide what a reviewer should see. Remove them.\n\n\
         wrong:  company_name: \"Acme\\x07\"\n\
         right:  company_name: Acme"
    EB0508 Warning "a text is empty, too long or has white space around it"
        "The server does not trim texts, so the portal shows them with their spaces, or shows nothing.\n\n\
         wrong:  company_name: \" Acme \"\n\
         right:  company_name: Acme\n\n\
         To remove a key, write null."
    EB0509 Warning "not a colour that all browsers know"
        "The colour goes into style sheets as it is written.\n\n\
         wrong:  brandColor: 0a7cff\n\
         right:  brandColor: \"#0a7cff\"\n\n\
         Without the quotes, YAML takes # for a comment."
    EB0510 Error "a value has the wrong type"
        "The server converts some texts to the type that it wants and refuses others, so that a wrong type shows up as \
         a difference for ever or as a failed write.\n\n\
         wrong:  hide_powered: \"true\"\n\
         right:  hide_powered: true"
    EB0511 Error "null inside a list or a map"
        "null means that a key must not be there, which only works for a key of its own. Inside a list, or in a value \
         that is written as a whole, the server would store it.\n\n\
         wrong:  additionalCss: [a.css, null]\n\
         right:  additionalCss: [a.css]"
    EB0520 Error "unknown key"
        "The server stores any key, so a mistyped one would be kept and do nothing. Known are the keys of the server's \
         schema and those that the portal reads; further ones are let in by extra_keys in emblazon.yaml.\n\n\
         wrong:  hide_powerd: true\n\
         right:  hide_powered: true"
    EB0521 Error "the key would steer the request"
        "The server looks for the values that steer a request inside the document too: verb: DELETE in a whitelabel \
         deletes it, with all assets. Such keys cannot be stored and are never sent; extra_keys does not let them \
         in.\n\n\
         wrong:  verb: DELETE\n\
         right:  leave it out"
    EB0522 Error "the key is the server's own"
        "id and the keys that begin with _ or pvt_ are dropped or overwritten by the server without a word, so they \
         would differ for ever.\n\n\
         wrong:  pvt_note: checked\n\
         right:  leave it out, or use a comment"
    EB0523 Error "a secret in a document that everybody can read"
        "The whitelabel document is public: anyone gets it by its domain, without logging in. A secret in it must \
         count as lost; the tree is no place for one either.\n\n\
         wrong:  sso: { client_secret: hunter2 }\n\
         right:  sso: { client_id: portal }     and the secret on the identity provider's side"
    EB0524 Warning "the key is derived from another one"
        "The portal computes companyName from company_name and overwrites it.\n\n\
         wrong:  companyName: Acme\n\
         right:  company_name: Acme"
    EB0601 Error "the server does not take this type of file"
        "Logos are PNG, JPEG or GIF; icons these or ICO; the welcome page is HTML. What counts is the content, not \
         the name.\n\n\
         wrong:  logo: logo.svg\n\
         right:  logo: logo.png     exported from the SVG"
    EB0602 Error "the picture cannot be decoded"
        "The file begins like a picture and then breaks off or is damaged. The server would store it, and browsers \
         would show a broken picture.\n\n\
         wrong:  half a download\n\
         right:  a file that a picture viewer opens"
    EB0603 Error "the file is empty"
        "The server accepts an upload of nothing and serves nothing from then on.\n\n\
         wrong:  logo.png with 0 bytes\n\
         right:  logo.png with a picture"
    EB0604 Error "the file is too large"
        "The server refuses bodies over 8,000,000 bytes, and counts loosely; more than 5,000,000 are not sent.\n\n\
         wrong:  a photograph as the camera stores it\n\
         right:  the same, scaled down to what the page shows"
    EB0605 Warning "the file is heavy"
        "Each visitor loads it before the login page is complete.\n\n\
         wrong:  logo.png with 2 MB\n\
         right:  logo.png with less than 500 kB"
    EB0606 Warning "the picture has an unusual size"
        "An icon should be square, from 16 to 512 pixels wide; a logo at least 16 pixels and at most 2000.\n\n\
         wrong:  icon.png with 600×200\n\
         right:  icon.png with 64×64"
    EB0607 Warning "the file name disagrees with the content"
        "The type is taken from the content; the name misleads the next reader.\n\n\
         wrong:  logo.png that is a JPEG\n\
         right:  logo.jpg"
    EB0608 Error "the welcome page is not UTF-8"
        "The server sends the page without an encoding, and browsers take it for UTF-8.\n\n\
         wrong:  a page saved as Windows-1252\n\
         right:  the same, saved as UTF-8"
    EB0609 Error "the welcome page holds active content"
        "The page is shown inside the portal before anyone logs in, so a script in it reads what users type. Scripts, \
         event handlers, script addresses and plug-ins are refused.\n\n\
         wrong:  <img src=x onerror=\"…\">\n\
         right:  <img src=\"https://www.example.com/x.png\" alt=\"\">"
    EB0610 Warning "the welcome page loads from elsewhere"
        "What another server sends can change or vanish without a commit, learns who visits, and over http:// is \
         blocked by browsers.\n\n\
         wrong:  <img src=\"http://cdn.example.net/banner.png\">\n\
         right:  <img src=\"data:image/png;base64,…\">"
    EB0611 Warning "the welcome page embeds, submits or redirects"
        "Frames, forms, <base> and redirects on the login page can lead a user's password elsewhere. Check that each \
         is meant.\n\n\
         wrong:  <form action=\"https://login.example.net/\">\n\
         right:  <a href=\"https://login.example.net/\">log in</a>"
    EB0612 Error "the picture has too many pixels"
        "A small file can unfold into gigabytes. Pictures over 4096 pixels on a side are not decoded.\n\n\
         wrong:  logo.png with 20000×20000\n\
         right:  logo.png with 800×200"
    EB0701 Error "unknown record type"
        "The template knows A, AAAA, CNAME, MX, NAPTR, SRV and TXT. The server stores other types unseen, and some of \
         them make its domain test fail for everyone. NS and SOA belong to the zone's owner.\n\n\
         wrong:  cname: {…}\n\
         right:  CNAME: {…}"
    EB0702 Error "CNAM instead of CNAME"
        "Old documentation says CNAM. The server stores it without checking, and its domain test then fails with 500 \
         for every account.\n\n\
         wrong:  CNAM: { \"portal.{{domain}}\": {…} }\n\
         right:  CNAME: { \"portal.{{domain}}\": {…} }"
    EB0703 Error "not a record of its type"
        "Each text in mapping is the data of one record, as in a zone file. The server checks none of it, and customers \
         would copy the mistake into their zone.\n\n\
         wrong:  A: { \"us-east.{{domain}}\": { mapping: [192.0.2.256] } }\n\
         right:  A: { \"us-east.{{domain}}\": { mapping: [192.0.2.25] } }"
    EB0704 Error "{{domain}} twice in one text"
        "The server replaces only the first {{domain}} of a text; the second would stay as it is.\n\n\
         wrong:  mapping: [\"10 5060 {{domain}} {{domain}}\"]\n\
         right:  one {{domain}} in each text"
    EB0705 Error "a CNAME entry lacks what the server demands"
        "For CNAME, and only there, the server wants a name and at least one mapping, and refuses the whole template \
         without them.\n\n\
         wrong:  \"portal.{{domain}}\": { mapping: [] }\n\
         right:  \"portal.{{domain}}\": { name: Web portal, mapping: [ui.example.net] }"
    EB0706 Error "a CNAME host without {{domain}}"
        "For CNAME the server demands {{domain}} in each host, and refuses the whole template otherwise.\n\n\
         wrong:  portal.example.com: {…}\n\
         right:  \"portal.{{domain}}\": {…}"
    EB0707 Warning "a host without {{domain}}"
        "A host that is the same for every brand is asked of every customer, and none of them owns it.\n\n\
         wrong:  us-east.example.com: {…}\n\
         right:  \"us-east.{{domain}}\": {…}"
    EB0708 Warning "the same record twice"
        "Case, quotes and trailing dots do not make a different record.\n\n\
         wrong:  mapping: [ui.example.net, UI.example.net.]\n\
         right:  mapping: [ui.example.net]"
    EB0709 Error "other records beside a CNAME"
        "A name with a CNAME has no other data (RFC 1034, section 3.6.2), and only one CNAME; no DNS server takes such a \
         zone.\n\n\
         wrong:  \"portal.{{domain}}\" in CNAME and in A\n\
         right:  \"portal.{{domain}}\" in CNAME only"
    EB0710 Error "the server could not serve this template again"
        "The server stores a type or a host that is not a map, and a mapping that is not a list, and from then on answers \
         500 to everyone who asks for the template.\n\n\
         wrong:  A: { \"us-east.{{domain}}\": 192.0.2.1 }\n\
         right:  A: { \"us-east.{{domain}}\": { mapping: [192.0.2.1] } }"
    EB0711 Error "the name is not the template's to set"
        "_acme-challenge belongs to whoever renews certificates, and a CNAME at the top of a zone hides its NS and SOA \
         (RFC 1034, section 3.6.2). The template leaves both alone.\n\n\
         wrong:  CNAME: { \"{{domain}}\": {…} }\n\
         right:  CNAME: { \"portal.{{domain}}\": {…} }"
    EB0712 Warning "the target is not in the template"
        "The record points at a name below {{domain}} that no host of the template provides, so a phone that follows it \
         finds nothing.\n\n\
         wrong:  SRV target us-east.{{domain}}     without such a host in A, AAAA or CNAME\n\
         right:  the host in A too"
    EB0713 Error "not a host name"
        "Hosts are names of DNS: labels of letters, digits, hyphens and underscores, up to 63 characters each, and \
         {{domain}} as labels of its own.\n\n\
         wrong:  \"portal{{domain}}\"\n\
         right:  \"portal.{{domain}}\""
    EB0714 Warning "a record that is probably not what was meant"
        "The record is valid, but resolvers or phones will not find or use it: an SRV below a name without \
         _service._protocol, an MX without a preference, a host with nothing in mapping.\n\n\
         wrong:  MX: { \"{{domain}}\": { mapping: [mail.example.net] } }\n\
         right:  MX: { \"{{domain}}\": { mapping: [10 mail.example.net] } }"
    EB0715 Warning "a record type that the server may not be able to test"
        "CAA can be stored, but the domain test of older servers answers 500 to a type that they do not know, for every \
         account.\n\n\
         wrong:  CAA: {…}     on a cluster with an old server\n\
         right:  CAA in the zone, without the template"
}

impl Code {
    /// Finds a code by its text, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
