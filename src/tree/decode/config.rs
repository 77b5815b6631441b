//! `emblazon.yaml`: clusters, defaults, DNS, and extra keys; the policy has a module of its own.

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use super::dns::DnsKeys;
use super::layer::{LAYER_KEYS, LayerContext};
use super::{Fields, Reader};
use crate::diag::{Code, Place, Severity, Spanned};
use crate::model::{AccountName, ClusterName, Identity, is_loopback};
use crate::tree::layer::{Layer, LayerName};
use crate::tree::node::{Content, Entry, Node};
use crate::tree::{
    AuthConfig, ClusterConfig, DeclaredUi, DnsSettings, LintLevel, LintRule, Policy, ResellerKey,
    RuleText, SecretSource, UserAccount, WatchPolicy,
};

/// The keys of `emblazon.yaml`.
pub(in crate::tree) const CONFIG_KEYS: [&str; 7] = [
    "clusters",
    "defaults",
    "policy",
    "dns",
    "watch",
    "lint",
    "extra_keys",
];

/// Values of `level` in `lint`.
pub(in crate::tree) const LINT_LEVELS: [(&str, LintLevel); 3] = [
    ("off", LintLevel::Off),
    ("warning", LintLevel::Warning),
    ("error", LintLevel::Error),
];

/// The keys of a cluster.
pub(in crate::tree) const CLUSTER_KEYS: [&str; 7] = [
    "api",
    "root",
    "auth",
    "ca_file",
    "allow_plain_http",
    "dns",
    "probe",
];

/// The keys of `auth`, one for each way to log in.
pub(in crate::tree) const AUTH_KEYS: [&str; 3] = ["api_key", "token", "user"];

/// The keys of an entry of `auth`, where it is a list.
pub(in crate::tree) const AUTH_ENTRY_KEYS: [&str; 5] =
    ["below", "accounts", "api_key", "token", "user"];

/// The keys of `user`.
pub(in crate::tree) const USER_KEYS: [&str; 5] = [
    "name",
    "password",
    "account_name",
    "account_realm",
    "phone_number",
];

/// The keys of a secret, one for each place where it may be kept.
pub(in crate::tree) const SECRET_KEYS: [&str; 3] = ["env", "file", "command"];

/// The keys below `auth` whose values are not secret.
const PLAIN_KEYS: [&str; 9] = [
    "below",
    "accounts",
    "env",
    "file",
    "command",
    "name",
    "account_name",
    "account_realm",
    "phone_number",
];

/// The content of `emblazon.yaml`.
#[derive(Clone, Debug)]
pub(in crate::tree) struct Config {
    /// The clusters, in the order of the file.
    pub(in crate::tree) clusters: Vec<ClusterConfig>,
    /// What each of them says of DNS, in the same order.
    pub(in crate::tree) clusters_dns: Vec<DnsKeys>,
    /// The lowest layer.
    pub(in crate::tree) defaults: Layer,
    /// Guards of a run.
    pub(in crate::tree) policy: Policy,
    /// Protected accounts, with their places.
    pub(in crate::tree) protected: Vec<Spanned<AccountName>>,
    /// Rules of the house, with their places.
    pub(in crate::tree) rules: Vec<Spanned<RuleText>>,
    /// How DNS is observed and pushed.
    pub(in crate::tree) dns: DnsKeys,
    /// What the daemon may do on its own.
    pub(in crate::tree) watch: WatchPolicy,
    /// Canary accounts, with their places.
    pub(in crate::tree) canary: Vec<Spanned<AccountName>>,
    /// What the tree makes of warnings.
    pub(in crate::tree) lint: Vec<LintRule>,
    /// Keys that are allowed in addition to the known ones.
    pub(in crate::tree) extra_keys: Vec<String>,
}

impl Config {
    /// Returns the defaults for a file that declares nothing.
    pub(in crate::tree) fn empty() -> Self {
        Self {
            clusters: Vec::new(),
            clusters_dns: Vec::new(),
            defaults: Layer {
                name: LayerName::Defaults,
                entries: Box::default(),
                locks: Vec::new(),
            },
            policy: Policy::default(),
            protected: Vec::new(),
            rules: Vec::new(),
            dns: DnsKeys::default(),
            watch: WatchPolicy::default(),
            canary: Vec::new(),
            lint: Vec::new(),
            extra_keys: Vec::new(),
        }
    }
}

impl Config {
    /// Returns how DNS is observed and pushed for a cluster, which may say otherwise than the tree as a whole.
    pub(in crate::tree) fn dns_of(&self, cluster: &ClusterName) -> DnsSettings {
        let at = self
            .clusters
            .iter()
            .position(|known| known.name == *cluster);
        let own = at.and_then(|at| self.clusters_dns.get(at));
        let own = own.cloned().unwrap_or_default();
        own.over(self.dns.clone())
    }
}

impl Reader {
    /// Reads what becomes of one kind of warning.
    fn lint(&mut self, entry: &Entry) -> Option<LintRule> {
        let code = self.lint_code(entry);
        let what = format!("the rule for {}", entry.key);
        let fields = self.fields(&entry.value, &what, &["level", "reason", "paths"]);
        let node = fields.get("level");
        let level = node.and_then(|node| self.choice(node, "level", &LINT_LEVELS));
        let text = fields.get("reason");
        let reason = text.and_then(|node| self.text(node, "reason"));
        let reason = reason.filter(|reason| !reason.value.trim().is_empty());
        for (key, is_missing) in [
            ("level", node.is_none()),
            (
                "reason",
                reason.is_none() && text.is_none_or(|node| !node.is_null()),
            ),
        ] {
            if is_missing && matches!(entry.value.content, Content::Mapping(_)) {
                self.report(
                    Code::EB0205,
                    format!("{what} has no {key}"),
                    format!("add {key}:"),
                    entry.value.place,
                    "incomplete",
                );
            }
        }
        let paths = fields.get("paths");
        let paths = paths.map_or_else(Vec::new, |node| self.texts(node, "paths"));
        let (code, level) = (code?, level?);
        if code.value.severity() == Severity::Error && level != LintLevel::Error {
            self.report(
                Code::EB0814,
                format!("{} is an error, which cannot be turned off", code.value),
                "delete the rule, and mend what the error names",
                code.place,
                "an error",
            );
            return None;
        }
        Some(LintRule {
            code,
            level,
            reason: reason?.value,
            paths: paths.into_iter().map(|path| path.value.into()).collect(),
        })
    }

    fn lint_code(&mut self, entry: &Entry) -> Option<Spanned<Code>> {
        let place = entry.key_place;
        if let Some(value) = Code::parse(&entry.key) {
            return Some(Spanned { value, place });
        }
        let codes = || Code::ALL.iter().map(|code| code.as_str());
        let meant = self.guesses.nearest(&entry.key, codes);
        let help = meant.map_or_else(
            || "write the code that the warning shows, such as EB0617".to_owned(),
            |code| format!("did you mean {code}?"),
        );
        let message = format!("lint names {}, which is no code of a diagnostic", entry.key);
        self.report(Code::EB0813, message, help, place, "no such code");
        None
    }

    /// Reads `emblazon.yaml`.
    pub(in crate::tree) fn config(&mut self, root: &Node) -> Config {
        let mut config = Config::empty();
        let fields = self.fields(root, "emblazon.yaml", &CONFIG_KEYS);
        if let Some(node) = fields.get("extra_keys") {
            let keys = self.texts(node, "extra_keys");
            config.extra_keys = keys.into_iter().map(|key| key.value).collect();
            // Sorted for binary search, because each key of each account is looked up in it.
            config.extra_keys.sort_unstable();
            config.extra_keys.dedup();
        }
        if let Some(node) = fields.get("clusters") {
            for entry in self.map(node, "clusters").iter() {
                let (cluster, dns) = self.cluster(entry);
                config.clusters_dns.push(dns);
                config.clusters.push(cluster);
            }
        }
        if let Some(node) = fields.get("defaults") {
            let around = LayerContext {
                folder: Utf8Path::new(""),
                extra_keys: &config.extra_keys,
            };
            let fields = self.fields(node, "defaults", &LAYER_KEYS);
            config.defaults = self.layer(LayerName::Defaults, fields, around);
        }
        if let Some(node) = fields.get("policy") {
            (config.policy, config.protected, config.rules) = self.policy(node, &config.extra_keys);
        }
        if let Some(node) = fields.get("watch") {
            (config.watch, config.canary) = self.watch(node);
        }
        if let Some(node) = fields.get("lint") {
            for entry in self.map(node, "lint").iter() {
                config.lint.extend(self.lint(entry));
            }
        }
        if let Some(node) = fields.get("dns") {
            config.dns = self.dns(node);
        }
        config
    }

    fn cluster(&mut self, entry: &Entry) -> (ClusterConfig, DnsKeys) {
        let name = &entry.key;
        let fields = self.fields(&entry.value, &format!("cluster {name}"), &CLUSTER_KEYS);
        // A secret under a mistyped or misplaced key is still a secret.
        for entry in fields
            .iter()
            .filter(|entry| !CLUSTER_KEYS.contains(&entry.key.as_str()))
        {
            self.hide(&entry.value);
        }
        let allow_plain_http = fields
            .get("allow_plain_http")
            .and_then(|node| self.boolean(node, "allow_plain_http"))
            .unwrap_or(false);
        let (auth, keys) = match fields.get("auth") {
            Some(node) if matches!(node.content, Content::Sequence(_)) => self.divided_auth(node),
            Some(node) => (self.auth(node), Vec::new()),
            None => Default::default(),
        };
        let cluster = ClusterConfig {
            name: ClusterName::new(name.clone()),
            api: fields
                .get("api")
                .and_then(|node| self.api(node, allow_plain_http)),
            root: fields.get("root").and_then(|node| self.root(node)),
            allow_plain_http,
            ca_file: fields
                .get("ca_file")
                .and_then(|node| self.text(node, "ca_file"))
                .map(|path| Utf8PathBuf::from(path.value)),
            ui: fields.get("probe").and_then(|node| self.ui(node)),
            auth,
            keys,
        };
        let dns = fields.get("dns").map(|node| self.dns(node));
        (cluster, dns.unwrap_or_default())
    }

    fn api(&mut self, node: &Node, allow_plain_http: bool) -> Option<Spanned<String>> {
        let text = self.text(node, "api")?;
        let place = text.place;
        let problem = match Url::parse(&text.value) {
            Err(error) => Some(format!("is no URL: {error}")),
            Ok(url) => api_problem(&url).map(str::to_owned),
        };
        if let Some(problem) = problem {
            if text.value.contains('@') {
                self.hide(node);
            }
            self.report(
                Code::EB0802,
                format!("api {problem}"),
                "write scheme, host and port only, such as https://api.example.com:8443",
                place,
                "the base URL of the API is wanted",
            );
            return None;
        }
        let plain = Url::parse(&text.value).is_ok_and(|url| {
            url.scheme() == "http" && !url.host().as_ref().is_some_and(is_loopback)
        });
        if plain && !allow_plain_http {
            self.report(
                Code::EB0803,
                "api is not encrypted and not on this machine: the API key would cross the network in clear text",
                "write https://, or add allow_plain_http: true if the network is trusted",
                place,
                "http",
            );
        }
        Some(Spanned {
            value: text.value.trim_end_matches('/').to_owned(),
            place,
        })
    }

    /// Reads `probe: {ui: TEXT, api: URL}`.
    fn ui(&mut self, node: &Node) -> Option<DeclaredUi> {
        let fields = self.fields(node, "probe", &["ui", "api"]);
        // A probe says what it thinks of clear text.
        let api = fields.get("api").and_then(|node| self.api(node, true));
        let Some(ui) = fields.get("ui") else {
            self.report(
                Code::EB0205,
                "probe has no ui",
                "add ui: with a text that only the page of your user interface has; without probe it is Monster UI",
                node.place,
                "ui is missing",
            );
            return None;
        };
        let text = self.text(ui, "ui")?;
        Some(DeclaredUi { text, api })
    }

    fn root(&mut self, node: &Node) -> Option<Identity> {
        match &node.content {
            Content::Scalar(scalar) if scalar.text.contains('.') => self.realm(node, "root"),
            _ => self.account_id(node, "root"),
        }
    }

    fn auth(&mut self, node: &Node) -> AuthConfig {
        self.hide_except(node, &PLAIN_KEYS);
        let fields = self.fields(node, "auth", &AUTH_KEYS);
        self.login((fields, &AUTH_KEYS), node)
    }

    /// Reads the one way to log in among some fields.
    fn login(&mut self, (fields, known): (Fields<'_>, &[&str]), node: &Node) -> AuthConfig {
        let found = self.exactly_one(fields, "auth", &AUTH_KEYS, known, node);
        let Some((key, entry)) = found else {
            return AuthConfig::Environment;
        };
        let node = &entry.value;
        let auth = match key {
            "api_key" => self.secret(entry).map(AuthConfig::ApiKey),
            "token" => self.secret(entry).map(AuthConfig::Token),
            _ => self.user(node),
        };
        auth.unwrap_or_default()
    }

    /// Reads `auth` as a list: keys for the accounts of resellers, and one for the rest.
    fn divided_auth(&mut self, node: &Node) -> (AuthConfig, Vec<ResellerKey>) {
        self.hide_except(node, &PLAIN_KEYS);
        let mut rest: Option<(AuthConfig, Place)> = None;
        let mut keys: Vec<(ResellerKey, Place)> = Vec::new();
        for item in self.list(node, "auth") {
            let fields = self.fields(item, "an entry of auth", &AUTH_ENTRY_KEYS);
            let auth = self.login((fields, &AUTH_ENTRY_KEYS), item);
            let folders = fields.get("accounts");
            let folders = folders.map_or_else(Vec::new, |node| self.folders(node));
            let Some(below) = fields.get("below") else {
                if let Some((_, before)) = &rest {
                    self.undivided("auth has two entries without below", (item.place, *before));
                } else if let Some(folders) = fields.get("accounts") {
                    self.report(
                        Code::EB0816,
                        "the entry of auth for the rest has accounts",
                        "add below: with the id or realm of the reseller, or delete accounts: the rest has the folders that no other entry has",
                        folders.place,
                        "not for the rest",
                    );
                } else {
                    rest = Some((auth, item.place));
                }
                continue;
            };
            let place = below.place;
            let Some(below) = self.root(below) else {
                continue;
            };
            let key = ResellerKey {
                below,
                folders,
                auth,
            };
            if let Some((message, before)) = keys
                .iter()
                .find_map(|(other, before)| Some((clash(&key, other)?, *before)))
            {
                self.undivided(&message, (place, before));
                continue;
            }
            keys.push((key, place));
        }
        let is_whole =
            matches!(&node.content, Content::Sequence(items) if items.len() == keys.len());
        if rest.is_none() && is_whole {
            self.report(
                Code::EB0816,
                "auth has no entry for the rest",
                "add an entry without below: it reads everything, and writes what no other entry is for",
                node.place,
                "every entry has below",
            );
        }
        let keys = keys.into_iter().map(|(key, _)| key).collect();
        (rest.map(|(auth, _)| auth).unwrap_or_default(), keys)
    }

    fn undivided(&mut self, message: &str, (place, before): (Place, Place)) {
        self.report_both(
            Code::EB0816,
            message,
            "each account must have one key: delete one of the two, or tell them apart",
            (place, "one"),
            (before, "another one"),
        );
    }

    /// Reads the names of folders below `accounts/`; `*` may stand at the end.
    fn folders(&mut self, node: &Node) -> Vec<String> {
        let texts = self.texts(node, "accounts");
        let mut folders = Vec::new();
        for text in texts {
            let name = text.value.strip_suffix('*').unwrap_or(&text.value);
            if name.contains(['*', '/', '\\']) {
                self.report(
                    Code::EB0816,
                    format!("accounts names {}, which is no folder below accounts/", text.value),
                    "write the name of a folder, or its beginning with a * at the end, such as northwind-*",
                    text.place,
                    "not a folder",
                );
            } else {
                folders.push(text.value);
            }
        }
        folders
    }

    fn user(&mut self, node: &Node) -> Option<AuthConfig> {
        let fields = self.fields(node, "user", &USER_KEYS);
        let user = self.required(fields, "name", "user", node);
        let password = self.required(fields, "password", "user", node);
        let account = self.exactly_one(fields, "user", &USER_KEYS[2..], &USER_KEYS, node);
        let user = user.and_then(|entry| self.text(&entry.value, "name"));
        let password = password.and_then(|entry| self.secret(entry));
        let account = account.and_then(|(key, entry)| {
            let text = self.text(&entry.value, key)?.value;
            Some(match key {
                "account_name" => UserAccount::Name(text),
                "account_realm" => UserAccount::Realm(text),
                _ => UserAccount::PhoneNumber(text),
            })
        });
        Some(AuthConfig::User {
            user: user?.value,
            password: password?,
            account: account?,
        })
    }

    pub(super) fn secret(&mut self, entry: &Entry) -> Option<SecretSource> {
        let (what, node) = (&entry.key, &entry.value);
        if matches!(&node.content, Content::Scalar(_)) && !node.is_null() {
            self.report(
                Code::EB0804,
                format!("{what} is in the tree in plain text"),
                format!("move it out and write {what}: {{env: VARIABLE}}, {{file: PATH}} or {{command: [PROGRAM, …]}}; then replace it, for Git keeps what was committed"),
                entry.key_place,
                "a secret must not be in the tree",
            );
            return None;
        }
        let fields = self.fields(node, what, &SECRET_KEYS);
        let (key, entry) = self.exactly_one(fields, what, &SECRET_KEYS, &SECRET_KEYS, node)?;
        match key {
            "env" => self
                .text(&entry.value, "env")
                .map(|name| SecretSource::Environment(name.value)),
            "file" => self
                .text(&entry.value, "file")
                .map(|path| SecretSource::File(path.value.into())),
            _ => {
                let words = self.texts(&entry.value, "command");
                let words: Vec<String> = words.into_iter().map(|word| word.value).collect();
                (!words.is_empty()).then_some(SecretSource::Command(words))
            }
        }
    }

    pub(super) fn required<'n>(
        &mut self,
        fields: Fields<'n>,
        key: &str,
        what: &str,
        node: &Node,
    ) -> Option<&'n Entry> {
        if matches!(node.content, Content::Mapping(_)) && !fields.has(key) {
            self.report(
                Code::EB0205,
                format!("{what} has no {key}"),
                format!("add {key}:"),
                node.place,
                "incomplete",
            );
        }
        fields.entry(key)
    }

    fn exactly_one<'n>(
        &mut self,
        fields: Fields<'n>,
        what: &str,
        keys: &[&'static str],
        known: &[&str],
        node: &Node,
    ) -> Option<(&'static str, &'n Entry)> {
        let mut found = (keys.iter()).filter_map(|key| Some((*key, fields.entry(key)?)));
        let first = found.next();
        match (first, found.next()) {
            (Some((first_key, first)), Some((second_key, second))) => {
                self.report_both(
                    Code::EB0206,
                    format!("{what} has both {first_key} and {second_key}"),
                    format!("keep exactly one of {}", keys.join(", ")),
                    (second.key_place, "one"),
                    (first.key_place, "another one"),
                );
                None
            }
            (Some(one), None) => Some(one),
            (None, _) => {
                // A mistyped key was probably one of them; it was already reported, as was an empty one.
                let complete = fields.written().all(|key| known.contains(&key));
                let is_map = matches!(node.content, Content::Mapping(_));
                if is_map && complete && !keys.iter().any(|key| fields.has(key)) {
                    self.report(
                        Code::EB0206,
                        format!("{what} has none of {}", keys.join(", ")),
                        format!("write exactly one of {}", keys.join(", ")),
                        node.place,
                        "incomplete",
                    );
                }
                None
            }
        }
    }

    /// Checks that a key names a cluster of the tree.
    pub(super) fn cluster_name(
        &mut self,
        (entry, beside): (&Entry, Fields<'_>),
        what: &str,
        clusters: &[ClusterName],
    ) {
        if clusters.iter().any(|cluster| cluster.as_str() == entry.key) {
            return;
        }
        let names = || clusters.iter().map(ClusterName::as_str);
        let meant = self.guesses.nearest(&entry.key, names);
        let help = meant.map_or_else(
            || {
                format!(
                    "declared in emblazon.yaml: {}",
                    names().collect::<Vec<_>>().join(", ")
                )
            },
            |name| format!("did you mean {name}?"),
        );
        self.report(
            Code::EB0801,
            format!(
                "{what} names the cluster {}, which is not declared",
                entry.key
            ),
            help,
            entry.key_place,
            "no such cluster",
        );
        // The fix must not create a duplicate key.
        self.mended_by(entry.key_place, meant.filter(|name| !beside.has(name)));
    }
}

/// Returns why two keys may be for the same account, if they may.
fn clash(one: &ResellerKey, other: &ResellerKey) -> Option<String> {
    if one.below == other.below {
        return Some(format!("auth has two entries below {}", one.below));
    }
    let start = |folder: &str| folder.strip_suffix('*').map(str::to_owned);
    let overlaps = |one: &str, other: &str| match (start(one), start(other)) {
        (Some(one), Some(other)) => one.starts_with(&other) || other.starts_with(&one),
        (Some(start), None) => other.starts_with(&start),
        (None, Some(start)) => one.starts_with(&start),
        (None, None) => one == other,
    };
    one.folders.iter().find_map(|folder| {
        let twin = other.folders.iter().find(|twin| overlaps(folder, twin))?;
        Some(if twin == folder {
            format!("two entries of auth have the folders {folder}")
        } else {
            format!("two entries of auth have folders in common: {folder} and {twin}")
        })
    })
}

fn api_problem(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        Some("is neither http:// nor https://")
    } else if url.host().is_none() {
        Some("has no host")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("holds credentials")
    } else if url.query().is_some() || url.fragment().is_some() {
        Some("has a query or a fragment")
    } else if url.path().trim_end_matches('/').ends_with("/v2") {
        Some("ends in /v2, which is added to it")
    } else {
        None
    }
}
