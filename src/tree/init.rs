//! The tree that `emblazon init` writes: small, commented, and valid as it is.

use super::schema;

/// Returns the files of a starter tree, as pairs of relative path and content.
///
/// The schemas for editors are included, so that they work offline.
#[must_use]
pub fn starter() -> Vec<(String, String)> {
    let written = [
        ("emblazon.yaml", CONFIG),
        ("domains.yaml", DOMAINS),
        ("brands/house.yaml", BRAND),
        ("accounts/example/account.yaml", ACCOUNT),
        (".gitignore", ".emblazon/\n"),
    ];
    let written = written
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()));
    let schemas = schema::schemas()
        .into_iter()
        .map(|(name, schema)| (format!("schemas/{name}"), schema::render(&schema)));
    written.chain(schemas).collect()
}

const CONFIG: &str = r"# yaml-language-server: $schema=schemas/emblazon.schema.json

# The platforms that this tree describes. With several of them, commands take --cluster NAME.
clusters:
  production:
    api: https://api.example.com:8443
    auth:
      # Secrets never stand in the tree: name an environment variable, a file or a command.
      api_key: { env: EMBLAZON_API_KEY }

# The lowest layer: what holds for every account that does not say otherwise.
defaults:
  whitelabel:
    hide_powered: true
    # Without these, customers see those of the portal's vendor.
    port:
      loa: https://www.example.com/porting/loa.pdf
      resporg: https://www.example.com/porting/toll-free.pdf
    applicationTitle: Phone
    callReportEmail: support@example.com
  dns: observe            # observe | manage | ignore
  ownership: shared       # shared: keys that nobody declares here stay as they are | exclusive

policy:
  billing: refuse         # what to do when a new whitelabel costs money: refuse | accept
  max_deletions: 5        # more in one run needs approval: apply --allow too-many-deletions --expect DIGEST
  max_changed_percent: 30 # of the accounts, once there are ten
";

const DOMAINS: &str = r#"# yaml-language-server: $schema=schemas/domains.schema.json

# Which records the domain of every brand must have. {{domain}} stands for that domain, once in each text.
# Delete this file if the template is not to be managed from here.
template:
  A:
    # The user interface shows the brand of the name that it is opened at: that of {{domain}} itself.
    "{{domain}}":
      name: User interface
      mapping: [192.0.2.80]
  CNAME:
    "api.{{domain}}":
      name: API
      mapping: [api.example.net]
"#;

const BRAND: &str = r"# yaml-language-server: $schema=../schemas/brand.schema.json

# A layer. Accounts name it in extends; what they declare themselves wins over it.
whitelabel:
  hide_credits: true
  nav:
    help: https://help.example.com

# No later layer may change these keys.
lock: [whitelabel.hide_credits]
";

const ACCOUNT: &str = r"# yaml-language-server: $schema=../../schemas/account.schema.json

# Which live account this is: its SIP realm here, or its id with account: and 32 hexadecimal digits.
realm: example.sip.example.com

extends: [house]

# A key that is not declared stays as it is on the platform. null means: must not be there.
whitelabel:
  company_name: Example Voice
  domain: portal.example.com
  port:
    support_email: porting@example.com

# Files beside this one. A logo is PNG, JPEG or GIF; an icon these or ICO.
# assets:
#   logo: logo.png
#   icon: icon.ico
";
