//! What a layer may declare: the same keys in `defaults`, `brands/`, an account and its `overrides`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use camino::Utf8Path;
use serde_json::Value;

use super::{Fields, Reader};
use crate::diag::{Code, Place, Severity, Span, Spanned};
use crate::model::{AssetKind, FIELDS, Field, FieldType, KeyPath, field, is_label};
use crate::tree::check;
use crate::tree::check::Guesses;
use crate::tree::edit;
use crate::tree::layer::{Item, Layer, LayerName};
use crate::tree::node::{Content, Entry, Node};
use crate::tree::source::resolve;
use crate::tree::{AccountMode, Declared, DnsMode, Ownership};

/// The keys of a layer.
pub(in crate::tree) const LAYER_KEYS: [&str; 10] = [
    "whitelabel",
    "assets",
    "dns",
    "ownership",
    "recreate",
    "protected",
    "mode",
    "labels",
    "ignore",
    "lock",
];

/// Values of `dns`.
pub(in crate::tree) const DNS_MODES: [(&str, DnsMode); 3] = [
    ("observe", DnsMode::Observe),
    ("manage", DnsMode::Manage),
    ("ignore", DnsMode::Ignore),
];

/// Values of `ownership`.
pub(in crate::tree) const OWNERSHIPS: [(&str, Ownership); 2] = [
    ("shared", Ownership::Shared),
    ("exclusive", Ownership::Exclusive),
];

/// Values of `recreate`.
pub(in crate::tree) const RECREATE: [(&str, bool); 2] = [("refused", false), ("allowed", true)];

/// Values of `mode`.
pub(in crate::tree) const MODES: [(&str, AccountMode); 2] = [
    ("manage", AccountMode::Manage),
    ("observe", AccountMode::Observe),
];

/// The context for decoding a layer.
#[derive(Clone, Copy, Debug)]
pub(in crate::tree) struct LayerContext<'a> {
    /// Folder of the file, relative to the root of the tree; asset paths are relative to it.
    pub(in crate::tree) folder: &'a Utf8Path,
    /// Keys that `extra_keys` allows.
    pub(in crate::tree) extra_keys: &'a [String],
}

impl Reader {
    /// Reads a layer from a map whose unknown keys were already reported.
    pub(in crate::tree) fn layer(
        &mut self,
        name: LayerName,
        fields: Fields<'_>,
        around: LayerContext<'_>,
    ) -> Layer {
        let mut entries = BTreeMap::new();
        let mut put = |address: &str, value: Option<Item>, place: Place| {
            if let Some(value) = value {
                let value = Some(value);
                entries.insert(KeyPath::from(address), Declared { value, place });
            }
        };
        if let Some(node) = fields.get("dns") {
            let mode = self.choice(node, "dns", &DNS_MODES);
            put("dns", mode.map(Item::Dns), node.place);
        }
        if let Some(node) = fields.get("ownership") {
            let ownership = self.choice(node, "ownership", &OWNERSHIPS);
            put("ownership", ownership.map(Item::Ownership), node.place);
        }
        if let Some(node) = fields.get("recreate") {
            let recreate = self.choice(node, "recreate", &RECREATE);
            put("recreate", recreate.map(Item::Recreate), node.place);
        }
        if let Some(node) = fields.get("protected") {
            let protected = self.boolean(node, "protected");
            put("protected", protected.map(Item::Protected), node.place);
        }
        if let Some(node) = fields.get("mode") {
            let mode = self.choice(node, "mode", &MODES);
            put("mode", mode.map(Item::Mode), node.place);
        }
        if let Some(node) = fields.get("ignore") {
            let ignored = Item::Ignore(self.ignored(node, around));
            put("ignore", Some(ignored), node.place);
        }
        if let Some(node) = fields.get("labels") {
            self.labels(node, &mut entries);
        }
        if let Some(entry) = fields.entry("whitelabel") {
            self.whitelabel(entry, around.extra_keys, &mut entries);
        }
        if let Some(node) = fields.get("assets") {
            self.assets(node, around.folder, &mut entries);
        }
        let locks = fields
            .get("lock")
            .map_or_else(Vec::new, |node| self.locks(node, around));
        Layer {
            name,
            entries: entries.into_iter().collect(),
            locks,
        }
    }

    fn whitelabel(
        &mut self,
        entry: &Entry,
        extra_keys: &[String],
        entries: &mut BTreeMap<KeyPath, Declared<Item>>,
    ) {
        if entry.value.is_null() {
            let place = entry.value.place;
            entries.insert("whitelabel".into(), Declared { value: None, place });
            return;
        }
        let fields = self.map(&entry.value, "whitelabel");
        self.order(&entry.value, || known_below(""));
        for entry in fields.iter() {
            let path = KeyPath::from_segments([&entry.key]);
            self.setting(&path, (entry, fields), extra_keys, entries);
        }
    }

    fn setting(
        &mut self,
        path: &KeyPath,
        (entry, beside): (&Entry, Fields<'_>),
        extra_keys: &[String],
        entries: &mut BTreeMap<KeyPath, Declared<Item>>,
    ) {
        if let Some(mut problem) = check::key_guessing(path, extra_keys, &mut self.guesses) {
            if problem.code == Code::EB0523 {
                self.hide(&entry.value);
            }
            let is_error = problem.code.severity() == Severity::Error;
            // The fix must not create a duplicate key.
            problem.instead = problem.instead.filter(|name| !beside.has(name));
            let is_flat = problem.code == Code::EB0520 && check::nested(path, extra_keys).is_some();
            let outer = entry.key.split_once('.');
            if let Some((map, rest)) = outer.filter(|(map, _)| is_flat && beside.has(map)) {
                let rest = check::in_braces(rest);
                problem.help = format!("move it into {map}, which stands beside it, as {rest}");
            }
            self.problem(problem, entry.key_place);
            if is_flat {
                self.mend_by_nesting(entry, beside);
            }
            if is_error {
                return;
            }
        }
        let node = &entry.value;
        let known = described(path);
        let mut declare = |value: Option<Item>| {
            let address = KeyPath::parse(&format!("whitelabel.{path}"));
            let place = node.place;
            entries.insert(address, Declared { value, place });
        };
        match (&node.content, known) {
            _ if node.is_null() => declare(None),
            (_, Some(field)) => {
                let value = self.field_value(field, node);
                if let Some(item) = self.judged(Some(field), value, node.place) {
                    declare(Some(item));
                }
            }
            (Content::Mapping(inner), None) if !inner.is_empty() => {
                let fields = self.map(node, path.as_str());
                self.order(node, || known_below(&format!("{path}.")));
                for entry in fields.iter() {
                    let path = path.child(&entry.key);
                    self.setting(&path, (entry, fields), extra_keys, entries);
                }
            }
            (_, None) if is_group(path) && !matches!(node.content, Content::Mapping(_)) => {
                self.wrong_type(node, path.as_str(), "a map");
            }
            (_, None) => {
                let value = self.free_value(node, path.as_str());
                if let Some(item) = self.judged(field(path.as_str()), value, node.place) {
                    declare(Some(item));
                }
            }
        }
    }

    /// Attaches a fix that nests a key with dots in its name, unless a map of that name is already beside it.
    fn mend_by_nesting(&mut self, entry: &Entry, beside: Fields<'_>) {
        let Content::Scalar(scalar) = &entry.value.content else {
            return;
        };
        let mut names = entry.key.split('.');
        // The fix would reveal a URL with a password, whereas the place of the value is safe to show.
        if names.next().is_none_or(|first| beside.has(first)) || scalar.text.contains('@') {
            return;
        }
        let fits_in_braces = !scalar.text.contains([',', '[', ']', '{', '}']);
        let value = if scalar.plain && fits_in_braces {
            scalar.text.clone()
        } else {
            edit::text(&scalar.text)
        };
        let names: Vec<String> = entry.key.split('.').map(edit::key).collect();
        let depth = names.len() - 1;
        let text = format!("{}: {value}{}", names.join(": { "), " }".repeat(depth));
        let place = Place {
            span: Span {
                start: entry.key_place.span.start,
                end: entry.value.place.span.end,
            },
            ..entry.key_place
        };
        self.mended_by(place, Some(&text));
    }

    /// Checks a value; an invalid one is still declared, so that it does not hide later mistakes.
    fn judged(
        &mut self,
        field: Option<&Field>,
        value: Option<Value>,
        place: Place,
    ) -> Option<Item> {
        let value = value?;
        for problem in field.map_or_else(Vec::new, |field| check::value(field, &value)) {
            if matches!(problem.code, Code::EB0502 | Code::EB0523) {
                self.secrets.push(place);
            }
            self.problem(problem, place);
        }
        Some(Item::Setting(value))
    }

    fn assets(
        &mut self,
        node: &Node,
        folder: &Utf8Path,
        entries: &mut BTreeMap<KeyPath, Declared<Item>>,
    ) {
        let names = AssetKind::ALL.map(AssetKind::as_str);
        let fields = self.fields(node, "assets", &names);
        for kind in AssetKind::ALL {
            let Some(node) = fields.get(kind.as_str()) else {
                continue;
            };
            let place = node.place;
            let value = if node.is_null() {
                None
            } else {
                let Some(item) = self.asset(kind, node, folder) else {
                    continue;
                };
                Some(item)
            };
            let address = KeyPath::from_segments(["assets", kind.as_str()]);
            entries.insert(address, Declared { value, place });
        }
    }

    fn asset(&mut self, kind: AssetKind, node: &Node, folder: &Utf8Path) -> Option<Item> {
        let written = self.text(node, &format!("assets.{kind}"))?.value;
        let Some(path) = resolve(folder, &written) else {
            self.report(
                Code::EB0113,
                format!("{kind} {written} lies outside of the tree"),
                "copy the file into the tree and write a path that is relative to this file",
                node.place,
                "leads out of the tree",
            );
            return None;
        };
        Some(Item::Asset {
            kind,
            path,
            facts: None,
        })
    }

    fn labels(&mut self, node: &Node, entries: &mut BTreeMap<KeyPath, Declared<Item>>) {
        let fields = self.map(node, "labels");
        for entry in fields.iter() {
            let place = entry.value.place;
            let what = format!("label {}", entry.key);
            let value = if entry.value.is_null() {
                None
            } else {
                let Some(text) = self.text(&entry.value, &what) else {
                    continue;
                };
                Some(text.value)
            };
            let wrong = [
                (&entry.key, entry.key_place),
                (value.as_ref().unwrap_or(&entry.key), place),
            ];
            if let Some((text, place)) = wrong.into_iter().find(|(text, _)| !is_label(text)) {
                self.report(
                    Code::EB0214,
                    format!("{what} cannot be chosen by: {text:?}"),
                    "write letters, digits, - and _, beginning with a letter or a digit",
                    place,
                    "no word of a label",
                );
                continue;
            }
            let address = KeyPath::from_segments(["labels", entry.key.as_str()]);
            let value = value.map(Item::Label);
            entries.insert(address, Declared { value, place });
        }
    }

    fn locks(&mut self, node: &Node, around: LayerContext<'_>) -> Vec<Spanned<KeyPath>> {
        let texts = self.texts(node, "lock");
        let locks = texts.into_iter().filter_map(|text| {
            if is_address(&text.value, around.extra_keys) {
                return Some(address(&text));
            }
            let message = format!("lock names {}, which is no key of a layer", text.value);
            self.no_address(Code::EB0304, message, &text, around);
            None
        });
        locks.collect()
    }

    /// Reads the keys and assets that are left alone once the whitelabel exists.
    fn ignored(&mut self, node: &Node, around: LayerContext<'_>) -> Vec<Spanned<KeyPath>> {
        let texts = self.texts(node, "ignore");
        let ignored = texts.into_iter().filter_map(|text| {
            // Only what a whitelabel holds can be left alone.
            let names_label = text.value.starts_with("labels.");
            if text.value.contains('.')
                && !names_label
                && is_address(&text.value, around.extra_keys)
            {
                return Some(address(&text));
            }
            let message = format!(
                "ignore names {}, which is neither a key of a whitelabel nor an asset",
                text.value
            );
            self.no_address(Code::EB0307, message, &text, around);
            None
        });
        ignored.collect()
    }

    fn no_address(
        &mut self,
        code: Code,
        message: String,
        text: &Spanned<String>,
        around: LayerContext<'_>,
    ) {
        let meant = meant_address(&text.value, around.extra_keys, &mut self.guesses);
        let meant = meant.filter(|word| *word != text.value);
        let help = meant.as_ref().map_or_else(
            || {
                "write the key's whole path, such as whitelabel.hide_powered or assets.logo"
                    .to_owned()
            },
            |word| format!("did you mean {word}?"),
        );
        self.report(code, message, help, text.place, "no such key");
        self.mended_by(text.place, meant.as_deref());
    }
}

fn address(text: &Spanned<String>) -> Spanned<KeyPath> {
    Spanned {
        value: KeyPath::parse(&text.value),
        place: text.place,
    }
}

/// Returns the field that describes a path; `None` for free content.
fn described(path: &KeyPath) -> Option<&'static Field> {
    FIELDS.iter().find(|field| {
        field.path == path.as_str()
            && !matches!(
                field.field_type,
                FieldType::Map | FieldType::Any | FieldType::Providers
            )
    })
}

/// Returns the known keys of a map of the whitelabel, given by the beginning of their paths.
fn known_below(start: &str) -> Vec<&'static str> {
    let below = FIELDS.iter().filter_map(|field| {
        let rest = field.path.strip_prefix(start)?;
        rest.split('.').next()
    });
    below.collect()
}

/// Returns whether a path is a map, because known keys are below it or its field is one.
fn is_group(path: &KeyPath) -> bool {
    FIELDS.iter().any(|field| {
        let below = field.path.strip_prefix(path.as_str());
        below.is_some_and(|rest| rest.starts_with('.'))
            || field.path == path.as_str() && field.field_type == FieldType::Map
    })
}

/// Returns whether a string is the address of something that a layer may declare. `extra_keys` are sorted.
pub(crate) fn is_address(text: &str, extra_keys: &[String]) -> bool {
    match text.split_once('.') {
        None => text != "lock" && LAYER_KEYS.contains(&text),
        // No suggestion is needed, only a yes or no.
        Some(("whitelabel", path)) => check::is_key(&path.into(), extra_keys),
        Some(("labels", key)) => is_label(key),
        Some(("assets", kind)) => AssetKind::ALL.iter().any(|known| known.as_str() == kind),
        Some(_) => false,
    }
}

/// Finds the address that was probably meant by a string: the one with `whitelabel` in front, or the nearest one.
pub(crate) fn meant_address(
    text: &str,
    extra_keys: &[String],
    guesses: &mut Guesses,
) -> Option<String> {
    let whole = format!("whitelabel.{text}");
    if is_address(&whole, extra_keys) {
        return Some(whole);
    }
    if let Some(nearest) = guesses.nearest(text, addresses) {
        return Some(nearest.to_owned());
    }
    let settings = || FIELDS.iter().map(|field| field.path);
    if let Some(nearest) = guesses.nearest(text, settings) {
        return Some(format!("whitelabel.{nearest}"));
    }
    let kinds = || AssetKind::ALL.iter().map(|kind| kind.as_str());
    let nearest = guesses.nearest(text, kinds)?;
    Some(format!("assets.{nearest}"))
}

/// Lists the addresses that are worth suggesting.
fn addresses() -> impl Iterator<Item = &'static str> {
    static ADDRESSES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let keys = LAYER_KEYS.iter().filter(|key| **key != "lock");
        let fields = FIELDS.iter();
        let fields = fields.map(|field| format!("whitelabel.{}", field.path));
        let assets = AssetKind::ALL.iter().map(|kind| format!("assets.{kind}"));
        let keys = keys.map(|key| (*key).to_owned());
        keys.chain(fields).chain(assets).collect()
    });
    ADDRESSES.iter().map(String::as_str)
}
