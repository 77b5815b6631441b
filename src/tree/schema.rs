//! JSON Schemas of the files, for editors: completion, hover text, and the mistakes that a schema can detect.
//!
//! Built from the same tables that the decoder uses, so that both know the same keys.

use serde_json::{Map, Value, json};

use super::decode::config::{AUTH_KEYS, LINT_LEVELS, USER_KEYS};
use super::decode::layer::{DNS_MODES, MODES, OWNERSHIPS, RECREATE};
use super::decode::policy::{BILLING, CODE, REMOVAL};
use super::decode::push::{ALGORITHMS, DEFAULT_SERVER_ID};
use super::decode::watch::{APPLY_MODES, DNS_WATCHES, HEAL_MODES};
use super::{
    AccountPolicy, DEFAULT_TTL, DnsMode, KeyAlgorithm, Ownership, Policy, Removable, WatchPolicy,
};
use crate::model::{AssetKind, FIELDS, Field, FieldOrigin, FieldType, HIJACKING_NAMES};

/// The dialect of all schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Returns every schema with its file name, sorted by name.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("account.schema.json", account()),
        ("brand.schema.json", brand()),
        ("domains.schema.json", domains()),
        ("emblazon.schema.json", emblazon()),
    ]
}

/// Renders a schema as the content of its file.
#[must_use]
pub fn render(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn document(title: &str, description: &str, body: Value) -> Value {
    let mut schema = json!({
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "additionalProperties": false,
    });
    merge(&mut schema, described(description, body));
    schema
}

fn emblazon() -> Value {
    let cluster = map(
        "One Kazoo platform.",
        json!({
            "api": described("Where the API is: scheme, host and port, without /v2.", json!({
                "type": "string", "pattern": "^https?://[^/?#@]+(/[^?#]*)?$", "examples": ["https://api.example.com:8443"],
            })),
            "root": described("The account below which everything lies, by id or realm; the token's own account when left out.", json!({"type": "string"})),
            "auth": auth(),
            "ca_file": described("A PEM file with further certificate authorities, from the tree's top.", json!({"type": "string"})),
            "probe": map("The user interface that customers open, when it is not Monster UI.", json!({
                "ui": described("A text that its page contains.", json!({"type": "string", "examples": ["<div id=\"portal\">"]})),
                "api": described("Where the API is that the page asks, without /v2; that of the cluster when left out.", json!({"type": "string"})),
            })),
            "dns": dns("How DNS is observed and pushed for this cluster; a key that is left out is as `dns` of the tree has it."),
            "allow_plain_http": described("Lets the API key cross the network in clear text. Not needed for loopback.", json!({"type": "boolean", "default": false})),
        }),
    );
    document(
        "emblazon.yaml",
        "Where the platforms are, and what holds for every account.",
        json!({"properties": {
            "clusters": described("The platforms, by name.", json!({"type": "object", "additionalProperties": cluster})),
            "defaults": described("The lowest layer: it holds for every account that does not say otherwise.", layer_object(Level::Lowest)),
            "policy": policy(),
            "lint": lint(),
            "dns": dns("How DNS is observed and pushed."),
            "watch": watch(Level::Lowest),
            "extra_keys": described("Whitelabel keys that are let in beside the known ones, by dotted path.", json!({
                "type": "array", "items": {"type": "string"}, "examples": [["theme", "nav.status"]],
            })),
        }}),
    )
}

/// How DNS is observed and pushed: for the tree, or for one cluster.
fn dns(description: &str) -> Value {
    let keys = json!({
        "push": push(),
        "resolvers": described("Recursive resolvers to ask, by address; the system's own when left out.", json!({
            "type": "array", "items": {"type": "string"}, "examples": [["192.0.2.53", "[2001:db8::1]:5353"]],
        })),
        "servers": described("Servers to ask instead of those that a zone names, by address.", json!({
            "type": "array", "items": {"type": "string"}, "examples": [["192.0.2.54"]],
        })),
        "zones": described("Servers to ask about single zones instead of those that the zone names, by the zone's apex.", json!({
            "type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "examples": [{"corp.example.com": ["192.0.2.54", "192.0.2.55:5353"]}],
        })),
        "networks": described("Networks that are not public and whose servers may be asked when a zone names them; others of them never are.", json!({
            "type": "array", "items": {"type": "string"}, "examples": [["10.20.0.0/16", "fd12:3456::/32"]],
        })),
        "ca": described("The certificate authorities that serve the platform, as CAA records name them; a domain whose CAA records let none of them issue is reported.", json!({
            "type": "array", "items": {"type": "string"}, "examples": [["letsencrypt.org"]],
        })),
        "signature_days": described("How many days before their end the DNSSEC signatures of a zone are reported; 3 when left out.", json!({
            "type": ["integer", "string"], "examples": [7],
        })),
        "port": described("The port of the servers that zones name; 53 when left out.", json!({
            "type": ["integer", "string"], "examples": [5353],
        })),
    });
    map(description, keys)
}

/// Where a map stands: something lower may say what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// In `emblazon.yaml`: what it leaves out has a default.
    Lowest,
    /// In a brand, an account or its overrides: what it leaves out is as the lower layers say.
    Higher,
}

/// What the daemon may do on its own: for the tree, or for one account.
fn watch(level: Level) -> Value {
    let WatchPolicy {
        apply,
        heal,
        prune,
        dns,
    } = WatchPolicy::default();
    let mut properties = json!({
        "apply": words_at(level, "How a change of the tree is handled: auto applies it, manual waits for an approval, off only reports it", &APPLY_MODES, &apply),
        "heal": words_at(level, "How drift on the platform is handled once a second read confirms it: auto reverts it, report reports it, propose also opens a pull request that keeps it, off ignores it", &HEAL_MODES, &heal),
        "dns": words_at(level, "How DNS is handled: ask checks it and reports what a second check confirms, push also writes the records of accounts with dns: manage, off asks nobody", &DNS_WATCHES, &dns),
    });
    if level == Level::Lowest {
        let tree = json!({
            "prune": described("Whether whitelabels of accounts that the tree lost are deleted.", json!({"type": "boolean", "default": prune})),
            "canary": described("Accounts that a change is applied to first; a failure there ends the run.", json!({
                "type": "array", "items": {"type": "string"}, "uniqueItems": true, "examples": [["acme"]],
            })),
        });
        merge(&mut properties, tree);
    }
    map("What `emblazon watch` may do by itself.", properties)
}

/// What becomes of warnings, by their codes.
fn lint() -> Value {
    let mut rule = map(
        "What becomes of one kind of warning.",
        json!({
            "level": described("off leaves it out, warning keeps it, error stops plan and apply.", json!({"enum": all(&LINT_LEVELS)})),
            "reason": described("Why; every report says it.", json!({"type": "string"})),
            "paths": described("The files and folders that this is for; all when left out.", json!({
                "type": "array", "items": {"type": "string"}, "uniqueItems": true, "examples": [["accounts/acme", "brands/gold.yaml"]],
            })),
        }),
    );
    merge(&mut rule, json!({"required": ["level", "reason"]}));
    described(
        "What becomes of warnings, by their codes; errors stay errors. A rule that applies to nothing is told.",
        json!({
            "type": "object", "patternProperties": {"^EB[0-9]{4}$": rule}, "additionalProperties": false,
        }),
    )
}

/// What a run may remove: one word for everything, or one for each kind.
fn removal() -> Value {
    let kinds = Removable::ALL.map(|(name, kind)| {
        let what = match kind {
            Removable::Keys => {
                "Keys of a whitelabel that the tree no longer declares, or declares as null"
            }
            Removable::Hosts => "Hosts of the domain template",
            Removable::Records => "Records of accounts with dns: manage",
            Removable::Assets => "Assets, for which the whitelabel is deleted and created again",
            Removable::Whitelabels => "Whole whitelabels; ask means --prune",
        };
        let usual = word(&REMOVAL, &kind.usual()).unwrap_or_default();
        let what = format!("{what}; {usual} when left out.");
        (
            name.to_owned(),
            described(&what, json!({"enum": all(&REMOVAL)})),
        )
    });
    let by_kind = map(
        "One rule for each kind; a kind that is left out has its usual rule.",
        Value::Object(kinds.into_iter().collect()),
    );
    described(
        "What a run may remove from the platform, in one word or by kind: never keeps it and shows it as kept, ask needs `--allow remove` (`--prune` for whitelabels, `recreate: allowed` for assets), allowed needs nothing.",
        json!({"anyOf": [{"enum": all(&REMOVAL)}, by_kind]}),
    )
}

fn policy() -> Value {
    let count = |what: &str| described(what, json!({"type": "integer", "minimum": 0}));
    let percent = |what: &str| {
        described(
            what,
            json!({"type": "integer", "minimum": 0, "maximum": 100}),
        )
    };
    let texts = |what: &str, example: &str| {
        described(
            what,
            json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true, "examples": [[example]]}),
        )
    };
    let time = |what: &str| {
        described(
            what,
            json!({"type": "string", "examples": ["2026-12-24T12:00:00+01:00"]}),
        )
    };
    let mut freeze = map(
        "A time in which nothing is written.",
        json!({
            "from": time("When it begins, as RFC 3339."),
            "until": time("When it is over."),
            "reason": described("Why, for whoever is stopped by it.", json!({"type": "string"})),
        }),
    );
    merge(&mut freeze, json!({"required": ["from", "until"]}));
    let mut rule = map(
        "A rule of the house: a change that does not meet it is left out of the plan.",
        json!({
            "check": described("A condition in CEL (https://cel.dev) that must be true. It sees cluster, kind (account, template), effect (create, update, delete), account (name, labels, protected) and changes, each with key, before, after, cause, file and declared_in. `emblazon policy test` tries it.", json!({
                "type": "string", "maxLength": 1000,
                "examples": ["changes.all(c, c.key != 'assets.logo' || c.file.startsWith('brands/'))"],
            })),
            "message": described("What somebody reads whose change does not meet it.", json!({
                "type": "string", "examples": ["logos come from brands/"],
            })),
        }),
    );
    merge(&mut rule, json!({"required": ["check", "message"]}));
    let usual = Policy::default();
    let limit = |limit: Option<u32>| limit.map_or("unlimited".to_owned(), |it| it.to_string());
    map(
        "Guards for a whole run: what trips one needs approval by `apply --allow GUARD --expect DIGEST`.",
        json!({
            "billing": words("What to do when a new whitelabel costs money.", &BILLING, &usual.billing),
            "remove": removal(),
            "max_deletions": count(&format!("How many whitelabels and hosts of the template one run may delete, together with the accounts that lose records; {} when left out.", limit(usual.max_deletions))),
            "max_changed_percent": percent(&format!("How many percent of the accounts one run may change; {} when left out.", limit(usual.max_changed_percent))),
            "max_unreadable_percent": percent(&format!("How many percent of the accounts may be unreadable before the others are left alone, too; {} when left out.", limit(usual.max_unreadable_percent))),
            "share_floor": count(&format!("In trees with fewer accounts the two shares do not count; {} when left out.", usual.share_floor)),
            "protected_accounts": texts("Accounts that no run changes without approval.", "acme"),
            "protected_keys": texts("Whitelabel keys that no run changes without approval.", "domain"),
            "code": words("Whether the keys that run code in the browsers of customers change only in an approved plan (--allow executes).", &CODE, &usual.code),
            "trusted_origins": texts("Origins whose code the login page may run without a warning.", "https://cdn.example.com"),
            "freeze": described("Times in which nothing is written without approval.", json!({"type": "array", "items": freeze})),
            "rules": described("What a planned change must meet, by name.", json!({
                "type": "object", "additionalProperties": rule, "maxProperties": 100,
            })),
            "snapshots": map("How long snapshots and journals are kept: a run goes when both say so.", json!({
                "runs": count(&format!("The number of latest runs that are kept, whatever their age; {} when left out.", usual.snapshots.runs)),
                "days": count(&format!("The days for which every run is kept; {} when left out.", usual.snapshots.days)),
            })),
        }),
    )
}

fn auth() -> Value {
    let text = || json!({"type": "string"});
    let mut user = map(
        "Logs in as a user, with name and password.",
        json!({
            "name": described("The user's name.", text()),
            "password": secret("Where the password is kept."),
            "account_name": described("The account that the user belongs to, by its name.", text()),
            "account_realm": described("The same, by its SIP realm.", text()),
            "phone_number": described("The same, by one of its phone numbers.", json!({"type": ["string", "integer"]})),
        }),
    );
    let accounts: Vec<Value> = USER_KEYS[2..]
        .iter()
        .map(|key| json!({"required": [key]}))
        .collect();
    merge(
        &mut user,
        json!({"required": ["name", "password"], "oneOf": accounts}),
    );
    let mut auth = map(
        "How to log in; `EMBLAZON_API_KEY` or `EMBLAZON_TOKEN` from the environment when left out.",
        json!({
            "api_key": secret("Where the API key is kept."),
            "token": secret("Where a token is kept that somebody else got."),
            "user": user,
        }),
    );
    merge(&mut auth, json!({"minProperties": 1, "maxProperties": 1}));
    let mut entry = map(
        "A key for the accounts of one reseller or, without `below`, for the rest.",
        json!({
            "below": described("The reseller's account by id or realm: the key writes it and the accounts below it on the platform, and no others.", json!({
                "type": "string", "examples": ["northwind.sip.example.com"],
            })),
            "accounts": described("The folders below accounts/ that are the reseller's, by name or by a beginning with *. They cannot declare accounts of anybody else, nor other folders accounts of the reseller. When left out, any folder may declare an account of the reseller.", json!({
                "type": "array", "items": text(), "examples": [["northwind-*"]],
            })),
        }),
    );
    let ways: Vec<Value> = AUTH_KEYS
        .iter()
        .map(|key| json!({"required": [key]}))
        .collect();
    let mut properties = entry["properties"].clone();
    merge(&mut properties, auth["properties"].clone());
    merge(&mut entry, json!({"properties": properties, "oneOf": ways}));
    let list = described(
        "Keys for the accounts of resellers, and one entry without `below` for the rest.",
        json!({"type": "array", "items": entry, "minItems": 1}),
    );
    json!({"oneOf": [auth, list]})
}

/// Where a secret is kept.
fn secret(what: &str) -> Value {
    let text = || json!({"type": "string"});
    let mut schema = map(
        what,
        json!({
            "env": described("The name of an environment variable.", text()),
            "file": described("A file that only its owner may read.", text()),
            "command": described("A program and its arguments; the first line that it prints.", json!({
                "type": "array", "items": text(), "minItems": 1,
            })),
        }),
    );
    merge(&mut schema, json!({"minProperties": 1, "maxProperties": 1}));
    schema
}

/// Where the records of managed accounts are pushed to: one of two maps.
fn push() -> Value {
    let text = || json!({"type": "string"});
    let either = |required: &[&str], method: &str, own: Value| {
        let mut properties = json!({
            "method": {"const": method},
            "ttl": described("The time to live of new sets, in seconds; sets that stand keep theirs.", json!({
                "type": ["integer", "string"], "default": DEFAULT_TTL,
            })),
            "ownership": words("Whether records that nobody declared stay in a declared set (shared), or go (exclusive).", &OWNERSHIPS, &Ownership::default()),
        });
        merge(&mut properties, own);
        let mut schema = map("", properties);
        schema["required"] = json!(required);
        schema
    };
    let mut key = map(
        "The TSIG key that signs.",
        json!({
            "name": described("The key's name, as the server knows it.", text()),
            "algorithm": words("The key's algorithm.", &ALGORITHMS, &KeyAlgorithm::default()),
            "secret": secret("Where the key's secret is kept, in Base64."),
        }),
    );
    key["required"] = json!(["name", "secret"]);
    let updates = either(
        &["method", "server", "key"],
        "rfc2136",
        json!({
            "server": described("The zones' primary: host or address, with a port if it is not 53.", text()),
            "key": key,
        }),
    );
    let powerdns = either(
        &["method", "url", "api_key"],
        "powerdns",
        json!({
            "url": described("Where PowerDNS's API is: scheme, host and port.", text()),
            "api_key": secret("Where the API key is kept."),
            "server_id": described("The server's id.", json!({"type": "string", "default": DEFAULT_SERVER_ID})),
            "ca_file": described("A PEM file with further certificate authorities, from the tree's top.", json!({"type": "string"})),
        }),
    );
    described(
        "Where the records of accounts with `dns: manage` are pushed to.",
        json!({"oneOf": [updates, powerdns]}),
    )
}

fn domains() -> Value {
    let text = || json!({"type": "string"});
    let mut host = map(
        "One host of the template; null: must not be there.",
        json!({
            "name": described("The name that people read.", text()),
            "mapping": described("The records, as texts; {{domain}} once in each at most.", json!({
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "examples": [["192.0.2.10"], ["10 5 7000 us-east.{{domain}}"]],
            })),
            "zone": described("The server's own word for where the host is.", text()),
        }),
    );
    merge(
        &mut host,
        json!({"type": ["object", "null"], "required": ["mapping"]}),
    );
    let hosts = described(
        "Hosts by name, with {{domain}} for the brand's domain.",
        json!({
            "type": "object", "additionalProperties": host,
        }),
    );
    let types: Map<String, Value> = ["A", "AAAA", "CNAME", "MX", "NAPTR", "SRV", "TXT"]
        .into_iter()
        .map(|name| (name.to_owned(), hosts.clone()))
        .collect();
    document(
        "domains.yaml",
        "The system's domain template: which records every brand's domain must have.",
        json!({"properties": {
            "ownership": words("Who owns the hosts that the tree does not declare.", &OWNERSHIPS, &Ownership::default()),
            "template": described("Record type, then host.", json!({
                "type": "object", "properties": types, "additionalProperties": false,
            })),
        }}),
    )
}

fn brand() -> Value {
    document(
        "brands/NAME.yaml",
        "A layer that accounts name in `extends`.",
        json!({"properties": layer(Level::Higher)}),
    )
}

fn account() -> Value {
    let id = json!({"type": "string", "pattern": "^[0-9a-f]{32}$", "examples": ["0123456789abcdef0123456789abcdef"]});
    let realm = json!({"type": "string", "examples": ["acme.sip.example.com"]});
    let per_cluster =
        |one: Value| json!({"anyOf": [one, {"type": "object", "additionalProperties": one}]});
    let mut properties = json!({
        "account": described("The account's id, or one id per cluster.", per_cluster(id)),
        "realm": described("The account's SIP realm, or one per cluster; instead of `account`.", per_cluster(realm)),
        "extends": described("Brands that this account is built on, lowest first: later ones win, and the account itself wins over all of them.", json!({
            "type": "array", "items": {"type": "string"}, "uniqueItems": true, "examples": [["reseller-gold"]],
        })),
        "watch": watch(Level::Higher),
        "overrides": described("What holds on one cluster only, by its name.", json!({
            "type": "object", "additionalProperties": layer_object(Level::Higher),
        })),
    });
    merge(&mut properties, layer(Level::Higher));
    document(
        "accounts/NAME/account.yaml",
        "One account: who it is, and how it is branded.",
        json!({"properties": properties, "oneOf": [{"required": ["account"]}, {"required": ["realm"]}]}),
    )
}

fn layer_object(level: Level) -> Value {
    json!({"type": "object", "properties": layer(level), "additionalProperties": false})
}

/// The properties of a layer.
fn layer(level: Level) -> Value {
    let AccountPolicy {
        ownership,
        recreate,
        protected,
        mode,
    } = AccountPolicy::default();
    let assets: Map<String, Value> = AssetKind::ALL
        .into_iter()
        .map(|kind| (kind.as_str().to_owned(), asset(kind)))
        .collect();
    let lock = described(
        "Keys that no later layer may change, by their whole path.",
        json!({
            "type": "array", "items": {"type": "string"}, "examples": [["whitelabel.hide_powered", "assets.logo"]],
        }),
    );
    let ignore = described(
        "Keys and assets that are set when the whitelabel is created, and left alone after that; a difference in them is told, and does not count. By their whole path, with everything below it.",
        json!({
            "type": "array", "items": {"type": "string"}, "examples": [["whitelabel.nav.help", "assets.welcome"]],
        }),
    );
    json!({
        "whitelabel": whitelabel(),
        "assets": map("Files, by paths that start at this file's folder.", Value::Object(assets)),
        "dns": words_at(level, "What happens to the DNS of the account's domain: observe compares, manage compares and pushes, ignore leaves it alone", &DNS_MODES, &DnsMode::default()),
        "ownership": words_at(level, "Who owns the keys that the tree does not declare: shared keeps them, exclusive removes them", &OWNERSHIPS, &ownership),
        "recreate": words_at(level, "Whether the whitelabel may be deleted and created again, which is the only way to remove an asset", &RECREATE, &recreate),
        "protected": at(level, "Refuses to delete anything of the account", json!({"type": "boolean"}), &json!(protected)),
        "mode": words_at(level, "Whether the account is written to: manage compares and applies, observe only compares", &MODES, &mode),
        "labels": labels(),
        "ignore": ignore,
        "lock": lock,
    })
}

/// Labels, by which commands choose accounts.
fn labels() -> Value {
    let word = "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$";
    described(
        "Words by which commands choose accounts, as in --label tier=gold. They merge by key; null takes one away.",
        json!({
            "type": "object",
            "propertyNames": {"pattern": word},
            "additionalProperties": {"type": ["string", "integer", "null"], "pattern": word},
            "examples": [{"tier": "gold", "region": "eu"}],
        }),
    )
}

fn asset(kind: AssetKind) -> Value {
    let (doc, example) = match kind {
        AssetKind::Logo => (
            "The picture in the header and on the login page: PNG, JPEG or GIF.",
            "logo.png",
        ),
        AssetKind::Icon => (
            "The picture in the browser's tab: ICO, PNG, JPEG or GIF.",
            "icon.ico",
        ),
        AssetKind::Welcome => (
            "The HTML of the welcome page, without scripts.",
            "welcome.html",
        ),
    };
    described(
        &format!("{doc} null: must not be there."),
        json!({
            "type": ["string", "null"], "examples": [example],
        }),
    )
}

/// The keys of a whitelabel, nested by their paths.
fn whitelabel() -> Value {
    let mut properties = Map::new();
    for field in FIELDS {
        let (group, key) = match field.path.split_once('.') {
            Some((group, key)) => (Some(group), key),
            None => (None, field.path),
        };
        let place = match group {
            None => &mut properties,
            Some(group) => {
                let entry = properties.entry(group).or_insert_with(|| json!({
                    "type": ["object", "null"], "properties": {}, "additionalProperties": unknown_key(),
                }));
                let Some(Value::Object(inner)) = entry.get_mut("properties") else {
                    continue;
                };
                inner
            }
        };
        place.insert(key.to_owned(), field_schema(field));
    }
    described(
        "The settings of the brand. A key that is not declared stays as it is; null: must not be there.",
        json!({
            "type": ["object", "null"],
            "properties": properties,
            "propertyNames": {"not": {"anyOf": [{"enum": HIJACKING_NAMES}, {"pattern": "^(_|pvt_)"}]}},
            "additionalProperties": unknown_key(),
        }),
    )
}

/// The schema of an unknown key. It is marked as deprecated, because a schema cannot know `extra_keys`: editors then
/// strike the key out instead of underlining it.
fn unknown_key() -> Value {
    json!({"deprecated": true, "description": "Unknown, unless extra_keys in emblazon.yaml lets it in."})
}

fn field_schema(field: &Field) -> Value {
    // A number is read as a string where a string is expected, so editors must accept it.
    let text = json!({"type": ["string", "number", "null"]});
    let schema = match field.field_type {
        FieldType::Text => text,
        FieldType::Price => with(text, json!({"examples": ["29.99"]})),
        FieldType::Domain => json!({
            "type": ["string", "null"], "pattern": "^[a-z0-9.-]+$", "examples": ["portal.example.com"],
        }),
        FieldType::Url => json!({
            "type": ["string", "null"], "pattern": "^https?://", "examples": ["https://help.example.com"],
        }),
        FieldType::Email => json!({
            "type": ["string", "null"], "pattern": "^[^@]+@[^@]+$", "examples": ["porting@example.com"],
        }),
        // No default: what is not declared stays as it is.
        FieldType::Boolean { .. } => json!({"type": ["boolean", "null"]}),
        FieldType::Integer => json!({"type": ["integer", "null"], "examples": [15]}),
        FieldType::AccountIds => json!({
            "anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}],
            "examples": ["0123456789abcdef0123456789abcdef"],
        }),
        FieldType::TextList => json!({
            "type": ["array", "null"], "items": {"type": ["string", "number"]},
        }),
        FieldType::Providers => json!({
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["url"],
                "properties": {
                    "friendly_name": {"type": "string"},
                    "name": {"type": "string"},
                    "params": {
                        "type": "object",
                        "properties": {
                            "client_id": {"type": "string"},
                            "include_granted_scopes": {"type": "boolean"},
                            "response_type": {"enum": ["code"]},
                            "scopes": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                    "url": {"type": "string"},
                },
            },
        }),
        FieldType::Map => json!({"type": ["object", "null"]}),
        FieldType::Any => json!({}),
    };
    let checked = match field.origin {
        FieldOrigin::Schema => " Checked by the server.",
        FieldOrigin::Ui => "",
    };
    described(&format!("{}{checked} {}", field.doc, field.usage), schema)
}

/// A map with known keys.
fn map(description: &str, properties: Value) -> Value {
    let mut schema = json!({"type": "object", "additionalProperties": false});
    schema["properties"] = properties;
    described(description, schema)
}

/// One of several words, with the one that stands for the default.
fn words<T: PartialEq>(description: &str, choices: &[(&'static str, T)], default: &T) -> Value {
    let schema = json!({"enum": all(choices), "default": word(choices, default)});
    described(description, schema)
}

/// One of several words, which a lower layer may say too.
fn words_at<T: PartialEq>(
    level: Level,
    description: &str,
    choices: &[(&'static str, T)],
    default: &T,
) -> Value {
    let default = json!(word(choices, default));
    at(level, description, json!({"enum": all(choices)}), &default)
}

/// A value that a lower layer may say too: only in the lowest one has it a default.
fn at(level: Level, description: &str, schema: Value, default: &Value) -> Value {
    match level {
        Level::Lowest => {
            let word = default
                .as_str()
                .map_or_else(|| default.to_string(), str::to_owned);
            let description = format!("{description}; {word} when left out.");
            described(&description, with(schema, json!({"default": default})))
        }
        Level::Higher => {
            let description = format!("{description}; as the lower layers say when left out.");
            described(&description, schema)
        }
    }
}

fn all<T>(choices: &[(&'static str, T)]) -> Vec<&'static str> {
    choices.iter().map(|(word, _)| *word).collect()
}

/// Finds the word for a value.
fn word<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    let found = choices.iter().find(|(_, choice)| choice == value);
    found.map(|(word, _)| *word)
}

/// Adds hover text, both plain and as Markdown.
fn described(description: &str, schema: Value) -> Value {
    let markdown = description
        .replace("null:", "`null`:")
        .replace("{{domain}}", "`{{domain}}`");
    with(
        schema,
        json!({"description": description.replace('`', ""), "markdownDescription": markdown}),
    )
}

fn with(mut schema: Value, more: Value) -> Value {
    merge(&mut schema, more);
    schema
}

fn merge(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        schema.extend(more);
    }
}
