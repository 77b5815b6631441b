//! `accounts/NAME/account.yaml`: identity, layers, and overrides for single clusters.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::layer::{LAYER_KEYS, LayerContext};
use super::watch::WatchOverride;
use super::{Fields, Reader};
use crate::diag::{Code, Place, Spanned};
use crate::model::{ClusterName, Identity};
use crate::tree::check;
use crate::tree::layer::{Layer, LayerName};
use crate::tree::node::{Content, Node};

/// The keys of an account that no other layer has.
const ACCOUNT_KEYS: [&str; 5] = ["account", "realm", "extends", "watch", "overrides"];

/// An account as its file declares it, before any other layer.
#[derive(Clone, Debug)]
pub(in crate::tree) struct AccountFile {
    /// Identity of the live account.
    pub(in crate::tree) identity: Presence,
    /// Brands that it extends, lowest first.
    pub(in crate::tree) extends: Vec<Spanned<String>>,
    /// Overrides of the daemon's policy.
    pub(in crate::tree) watch: WatchOverride,
    /// The account's own layer.
    pub(in crate::tree) own: Layer,
    /// Layers for single clusters.
    pub(in crate::tree) overrides: Vec<(ClusterName, Layer)>,
}

/// Whether the account is on the chosen cluster.
#[derive(Clone, Debug)]
pub(in crate::tree) enum Presence {
    /// It is, with this identity.
    Here(Spanned<Identity>),
    /// The account lists its clusters, and this is not one of them.
    Elsewhere,
    /// Its declaration is invalid, which was already reported.
    Unknown,
}

/// The context for decoding an account.
#[derive(Clone, Copy, Debug)]
pub(in crate::tree) struct AccountContext<'a> {
    /// The chosen cluster.
    pub(in crate::tree) cluster: &'a ClusterName,
    /// All clusters of the tree.
    pub(in crate::tree) clusters: &'a [ClusterName],
    /// Folder of the account, relative to the root of the tree.
    pub(in crate::tree) folder: &'a Utf8Path,
    /// Keys that `extra_keys` allows.
    pub(in crate::tree) extra_keys: &'a [String],
}

impl Reader {
    /// Reads an account's file.
    pub(in crate::tree) fn account(
        &mut self,
        root: &Node,
        context: AccountContext<'_>,
    ) -> AccountFile {
        let (first, last) = ACCOUNT_KEYS.split_at(3);
        let known = [first, &LAYER_KEYS, last].concat();
        let fields = self.fields(root, "an account", &known);
        let around = LayerContext {
            folder: context.folder,
            extra_keys: context.extra_keys,
        };
        let identity = self.identity(fields, root, context);
        let extends = fields
            .get("extends")
            .map_or_else(Vec::new, |node| self.extends(node));
        let watch = fields.get("watch");
        let watch = watch.map_or_else(WatchOverride::default, |node| self.watch_override(node));
        let own = self.layer(LayerName::Account, fields, around);
        let overrides = fields
            .get("overrides")
            .map_or_else(Vec::new, |node| self.overrides(node, context, around));
        AccountFile {
            identity,
            extends,
            watch,
            own,
            overrides,
        }
    }

    fn identity(
        &mut self,
        fields: Fields<'_>,
        root: &Node,
        context: AccountContext<'_>,
    ) -> Presence {
        match (fields.entry("account"), fields.entry("realm")) {
            (Some(entry), None) => {
                self.per_cluster(&entry.value, "account", context, Self::account_id)
            }
            (None, Some(entry)) => self.per_cluster(&entry.value, "realm", context, Self::realm),
            (Some(account), Some(realm)) => {
                self.report_both(
                    Code::EB0206,
                    "account and realm are both declared",
                    "keep one of the two",
                    (realm.key_place, "one way to name the account"),
                    (account.key_place, "another way"),
                );
                Presence::Unknown
            }
            (None, None) => {
                // A file that could not be read, or a key without a value, was already reported.
                let is_map = matches!(&root.content, Content::Mapping(_));
                if is_map && !fields.has("account") && !fields.has("realm") {
                    let start = Place {
                        span: crate::diag::Span {
                            start: root.place.span.start,
                            end: root.place.span.start,
                        },
                        ..root.place
                    };
                    self.report(
                        Code::EB0205,
                        "the account's identity is missing",
                        "add account: with the 32 digits of its id, or realm: with its SIP realm",
                        start,
                        "neither account nor realm is declared",
                    );
                }
                Presence::Unknown
            }
        }
    }

    /// Reads an identity, or a map of identities by cluster.
    fn per_cluster(
        &mut self,
        node: &Node,
        what: &str,
        context: AccountContext<'_>,
        read: fn(&mut Self, &Node, &str) -> Option<Identity>,
    ) -> Presence {
        let spanned = |reader: &mut Self, node: &Node| {
            read(reader, node, what).map_or(Presence::Unknown, |value| {
                Presence::Here(Spanned {
                    value,
                    place: node.place,
                })
            })
        };
        if !matches!(node.content, Content::Mapping(_)) {
            return spanned(self, node);
        }
        let mut presence = Presence::Elsewhere;
        let fields = self.map(node, what);
        for entry in fields.iter() {
            self.cluster_name((entry, fields), what, context.clusters);
            let found = spanned(self, &entry.value);
            if entry.key == context.cluster.as_str() {
                presence = found;
            }
        }
        presence
    }

    /// Reads an account's id.
    pub(super) fn account_id(&mut self, node: &Node, what: &str) -> Option<Identity> {
        let text = self.text(node, what)?.value;
        match check::account_id(&text) {
            Ok(id) => Some(Identity::Id(id)),
            Err(mut problem) => {
                if check::realm(&text).is_ok() {
                    problem.instead = None;
                    problem.help =
                        format!("write realm: {text}, if that is the account's SIP realm");
                }
                self.problem(problem, node.place);
                None
            }
        }
    }

    /// Reads a realm.
    pub(super) fn realm(&mut self, node: &Node, what: &str) -> Option<Identity> {
        let text = self.text(node, what)?.value;
        match check::realm(&text) {
            Ok(realm) => Some(Identity::Realm(realm)),
            Err(mut problem) => {
                if check::account_id(&text).is_ok() {
                    problem.instead = None;
                    problem.help = format!("write account: {text}; this is an account's id");
                }
                self.problem(problem, node.place);
                None
            }
        }
    }

    fn extends(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let mut names: Vec<Spanned<String>> = Vec::new();
        let mut seen: BTreeMap<String, Place> = BTreeMap::new();
        for name in self.texts(node, "extends") {
            if let Some(first) = seen.get(&name.value).copied() {
                self.report_both(
                    Code::EB0302,
                    format!("brand {} twice in extends", name.value),
                    "keep the one whose position you mean: later layers win",
                    (name.place, "the second one"),
                    (first, "the first one"),
                );
                continue;
            }
            seen.insert(name.value.clone(), name.place);
            names.push(name);
        }
        names
    }

    fn overrides(
        &mut self,
        node: &Node,
        context: AccountContext<'_>,
        around: LayerContext<'_>,
    ) -> Vec<(ClusterName, Layer)> {
        let mut overrides = Vec::new();
        let fields = self.map(node, "overrides");
        for entry in fields.iter() {
            self.cluster_name((entry, fields), "overrides", context.clusters);
            let cluster = ClusterName::new(entry.key.clone());
            let what = format!("overrides.{cluster}");
            let fields = self.fields(&entry.value, &what, &LAYER_KEYS);
            let layer = self.layer(LayerName::Override(cluster.clone()), fields, around);
            overrides.push((cluster, layer));
        }
        overrides
    }
}
