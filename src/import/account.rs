//! Renders a new `account.yaml`, or a new layer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

use super::asset::relative;
use super::note::Reason;
use crate::live::{BrandAsset, Unmanaged};
use crate::model::{AccountName, AssetKind, ClusterName, KeyPath, Settings};
use crate::tree::edit;

/// What a new account or layer declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Declarations {
    /// The settings.
    pub(super) settings: BTreeMap<KeyPath, Value>,
    /// The assets: the content and its path in the tree.
    pub(super) assets: BTreeMap<AssetKind, (BrandAsset, Utf8PathBuf)>,
}

/// An account that is not yet in the tree.
#[derive(Clone, Debug)]
pub(super) struct NewAccount<'a> {
    pub(super) account: &'a Unmanaged,
    pub(super) name: AccountName,
    /// The layers that it extends.
    pub(super) extends: Vec<String>,
    pub(super) declares: Declarations,
    /// What is live but not declared, with the reasons.
    pub(super) left: BTreeMap<String, Reason>,
}

/// Options for the beginning of a new file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading<'a> {
    /// Whether the tree contains the JSON schemas for editors.
    pub(super) schemas: bool,
    /// The cluster, if the tree has several and the identity is only valid on this one.
    pub(super) cluster: Option<&'a ClusterName>,
}

impl NewAccount<'_> {
    /// Renders the file.
    pub(super) fn text(&self, heading: Heading<'_>) -> String {
        let mut text = String::new();
        if heading.schemas {
            text.push_str("# yaml-language-server: $schema=../../schemas/account.schema.json\n#\n");
        }
        let Unmanaged { id, name, realm } = self.account;
        let _ = writeln!(
            text,
            "# {}, realm {}",
            edit::comment(name),
            edit::comment(realm)
        );
        match heading.cluster {
            Some(cluster) => {
                let _ = writeln!(
                    text,
                    "account:\n  {}: {}",
                    edit::key(cluster.as_str()),
                    identity(id.as_str())
                );
            }
            None => {
                let _ = writeln!(text, "account: {}", identity(id.as_str()));
            }
        }
        if !self.extends.is_empty() {
            let names: Vec<Value> = self
                .extends
                .iter()
                .map(|name| name.as_str().into())
                .collect();
            let _ = writeln!(text, "extends: {}", edit::value(&Value::Array(names)));
        }
        self.declares
            .write(&super::asset::own_folder(&self.name), &mut text);
        if !self.left.is_empty() {
            text.push_str(
                "\n# Live when this was imported, and not declared, so that it stays as it is:\n",
            );
            for (about, reason) in &self.left {
                let code = reason
                    .code
                    .map_or_else(String::new, |code| format!(" ({code})"));
                let _ = writeln!(
                    text,
                    "# - {}: {}{code}",
                    edit::comment(about),
                    edit::comment(&reason.message)
                );
            }
        }
        text
    }
}

impl Declarations {
    /// Appends the blocks of a layer to `text`.
    pub(super) fn write(&self, folder: &Utf8Path, text: &mut String) {
        let mut map = Map::new();
        let mut settings = Settings::default();
        for (path, value) in &self.settings {
            settings.set(path, value.clone());
        }
        if !self.settings.is_empty() {
            map.insert("whitelabel".to_owned(), settings.as_object().clone().into());
            text.push('\n');
            text.push_str(&edit::block(0, &map));
        }
        if !self.assets.is_empty() {
            let mut assets = Map::new();
            for (kind, (_, path)) in &self.assets {
                assets.insert(kind.to_string(), relative(folder, path).into());
            }
            let map = Map::from_iter([("assets".to_owned(), assets.into())]);
            text.push('\n');
            text.push_str(&edit::block(0, &map));
        }
    }

    /// Returns whether nothing is declared.
    pub(super) fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.assets.is_empty()
    }
}

/// Formats an id, with quotes only if YAML readers might parse it as a number.
fn identity(id: &str) -> String {
    if id.parse::<f64>().is_ok() {
        format!("\"{id}\"")
    } else {
        id.to_owned()
    }
}
