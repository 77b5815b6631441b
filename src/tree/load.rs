//! Loads a source into [`Loaded`]: reads, decodes and merges every file, and collects every mistake.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::PictureCache;
use super::assets;
use super::blot::{blot_out, blot_out_lines};
use super::check::{Guesses, Problem, nearest};
use super::cluster::{LoadError, choose};
use super::decode::Reader;
use super::decode::account::{AccountContext, Presence};
use super::decode::config::Config;
use super::decode::layer::{LAYER_KEYS, LayerContext};
use super::decode::watch::WatchOverride;
use super::edit;
use super::files::{self, Files, Role, TreeFile};
use super::layer::{Item, Layer, LayerName};
use super::layers;
use super::layout::{ACCOUNT_FILE, ACCOUNTS};
use super::node::{Content, Node};
use super::parallel;
use super::resolve::fill;
use super::selection::{Selection, Touched};
use super::source::{Listed, Listing, MAX_ASSET_BYTES, ReadError, SourceError, TreeSource};
use super::whole::Read;
use super::{
    AccountPolicy, Desired, DesiredAccount, DesiredTemplate, DnsMode, HouseRule, Loaded, Origin,
    RuleText, WatchSettings,
};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, SourceMap, Spanned};
use crate::model::{AccountName, AssetFacts, AssetKind, ClusterName};

/// Loads the desired state of one cluster; `cluster` may be omitted if there is only one.
pub fn load(source: &dyn TreeSource, cluster: Option<&str>) -> Result<Loaded, LoadError> {
    load_part(source, cluster, None, Others::Ignored)
}

/// Loads what a change of files affects, without opening unrelated files. If a shared file changed, all files are read,
/// because the accounts that share it are not known before.
pub fn load_touched(
    source: &dyn TreeSource,
    cluster: Option<&str>,
    touched: &Touched,
) -> Result<Loaded, LoadError> {
    match touched {
        Touched::Everything => load(source, cluster),
        Touched::Some { accounts, shared } if shared.is_empty() => {
            load_some(source, cluster, Some(accounts))
        }
        Touched::Some { accounts, shared } => {
            let mut loaded = load(source, cluster)?;
            loaded.keep(accounts, shared);
            Ok(loaded)
        }
    }
}

/// Loads the accounts of a selection, with the brands that they extend, and counts the others. Constraints between
/// accounts are checked only within the selection.
///
/// In a tree of several clusters all account files are opened for the count, because only the file tells which clusters
/// have the account.
pub fn load_some(
    source: &dyn TreeSource,
    cluster: Option<&str>,
    only: Option<&Selection>,
) -> Result<Loaded, LoadError> {
    load_part(source, cluster, only, Others::Counted)
}

/// What to determine about the accounts outside of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// How many of them the cluster has.
    Counted,
    /// Nothing.
    Ignored,
}

/// Does the same as [`load_some`], with a choice about the other accounts.
pub(super) fn load_part(
    source: &dyn TreeSource,
    cluster: Option<&str>,
    only: Option<&Selection>,
    others: Others,
) -> Result<Loaded, LoadError> {
    let read = read_part(source, cluster, (only, others), SourceMap::default())?;
    Ok(read.finished())
}

/// Reads the accounts of a selection. Files in `known` keep their ids, and their texts are replaced.
pub(super) fn read_part(
    source: &dyn TreeSource,
    cluster: Option<&str>,
    (only, others): (Option<&Selection>, Others),
    known: SourceMap,
) -> Result<Read, LoadError> {
    let Listing {
        files: listed,
        left_out,
    } = listing(source, only)?;
    let files = Files::classify(&listed).numbered_by(&known);
    let config_file = files.config()?;
    let own = PictureCache::default();
    let mut loader = Loader {
        source,
        listed: &listed,
        facts: Mutex::default(),
        pictures: source.pictures().unwrap_or(&own),
        texts: BTreeMap::new(),
        brand_assets: BTreeSet::new(),
        diagnostics: files.diagnostics.clone(),
    };
    let (mut config, parsed) = loader.config(config_file);
    let cluster = choose(&config.clusters, parsed, cluster)?;
    let dns = config.dns_of(&cluster.name);
    loader.inspect_layer(&mut config.defaults, Utf8Path::new(""));
    let template = loader.template(&files);
    let needed = only.map(|_| loader.needed_brands(&files));
    let brands = loader.brands(&files, &config.extra_keys, needed.as_ref());
    let common = Common {
        cluster: &cluster.name,
        clusters: &config
            .clusters
            .iter()
            .map(|cluster| cluster.name.clone())
            .collect::<Vec<_>>(),
        extra_keys: &config.extra_keys,
        defaults: &Arc::new(config.defaults),
        brands: &brands,
    };
    let accounts = loader.accounts(&files, &common);
    let left_out = match others {
        Others::Counted => loader.count(&left_out, &common),
        Others::Ignored => 0,
    };
    let mut watch = WatchSettings {
        policy: config.watch,
        accounts: BTreeMap::new(),
        canary: (config.canary.iter().map(|name| name.value.clone())).collect(),
    };
    let mut layers = BTreeMap::new();
    let mut desired = Desired {
        cluster,
        accounts: Vec::with_capacity(accounts.len()),
        template,
        policy: config.policy,
    };
    for account in accounts {
        if let Some(policy) = account.watch.over(config.watch) {
            watch.accounts.insert(account.name.clone(), policy);
        }
        layers.insert(account.name, account.layers.into());
        desired.accounts.extend(account.desired.map(Into::into));
    }
    desired
        .accounts
        .sort_by(|left, right| left.name.cmp(&right.name));
    let Loader {
        texts,
        brand_assets,
        diagnostics,
        ..
    } = loader;
    let (config_file, brands) = (config_file.id, files.brands());
    let read = texts.keys().copied().collect();
    let sources = files.sources(texts, known).lying_in(source.folder());
    desired.policy.rules = house_rules(config.rules, &sources, &desired.cluster.name);
    Ok(Read {
        config_file,
        brands,
        files: read,
        protected: config.protected,
        canary: config.canary,
        lint: config.lint,
        loaded: Loaded {
            diagnostics,
            silenced: Diagnostics::new(),
            lint_notes: Vec::new(),
            sources,
            layers,
            brand_assets,
            dns,
            desired,
            watch,
            selection: only.cloned(),
            left_out,
            extra_keys: config.extra_keys,
        },
    })
}

/// Places the rules of the house, for the cluster that was chosen.
fn house_rules(
    rules: Vec<Spanned<RuleText>>,
    sources: &SourceMap,
    cluster: &ClusterName,
) -> Vec<HouseRule> {
    let placed = rules.into_iter().map(|rule| HouseRule {
        origin: Origin::of(rule.place, sources),
        cluster: cluster.clone(),
        text: rule.value,
    });
    placed.collect()
}

fn listing(source: &dyn TreeSource, only: Option<&Selection>) -> Result<Listing, SourceError> {
    match only {
        Some(only) => source.list_some(only),
        None => Ok(Listing {
            files: source.list()?,
            left_out: Vec::new(),
        }),
    }
}

/// Lists the clusters that a tree declares, for commands that iterate over all of them.
pub fn clusters(source: &dyn TreeSource) -> Result<Vec<ClusterName>, LoadError> {
    let listing = source.list_some(&Selection::default())?;
    let files = Files::classify(&listing.files);
    let parsed = files::parse(source, files.config()?);
    let config = Reader::default().config(&parsed.root);
    Ok(config
        .clusters
        .into_iter()
        .map(|cluster| cluster.name)
        .collect())
}

/// The context that all accounts are built from.
#[derive(Clone, Copy)]
struct Common<'a> {
    cluster: &'a ClusterName,
    clusters: &'a [ClusterName],
    extra_keys: &'a [String],
    defaults: &'a Arc<Layer>,
    brands: &'a BTreeMap<String, Arc<Layer>>,
}

impl<'a> Common<'a> {
    /// Returns the decoder context for the account in a folder.
    fn of(self, folder: &'a Utf8Path) -> AccountContext<'a> {
        AccountContext {
            cluster: self.cluster,
            clusters: self.clusters,
            folder,
            extra_keys: self.extra_keys,
        }
    }
}

/// One account, read and merged.
struct Account {
    name: AccountName,
    watch: WatchOverride,
    text: (TreeFile, String),
    layers: Vec<Arc<Layer>>,
    desired: Option<DesiredAccount>,
    diagnostics: Diagnostics,
}

/// The result of inspecting one asset, or the reason why it could not be read.
type Inspected = Result<(AssetFacts, Vec<Problem>), ReadError>;

struct Loader<'s> {
    source: &'s dyn TreeSource,
    listed: &'s [Listed],
    // Many accounts may declare the same file of a brand.
    facts: Mutex<HashMap<(AssetKind, String), Arc<Inspected>>>,
    // Many files may have the same bytes.
    pictures: &'s PictureCache,
    texts: BTreeMap<FileId, String>,
    brand_assets: BTreeSet<Utf8PathBuf>,
    diagnostics: Diagnostics,
}

impl Loader<'_> {
    /// Reads `emblazon.yaml`, and returns whether it was YAML at all.
    fn config(&mut self, file: &TreeFile) -> (Config, bool) {
        let parsed = files::parse(self.source, file);
        let is_yaml = parsed.root.content != Content::Broken;
        let is_clean = parsed.diagnostics.is_empty();
        self.diagnostics.extend(parsed.diagnostics);
        let mut reader = Reader::default();
        let config = reader.config(&parsed.root);
        self.diagnostics.extend(reader.diagnostics);
        let text = if is_clean {
            parsed.text
        } else {
            blot_out_lines(&parsed.text)
        };
        self.keep_text(file, blot_out(text, &reader.secrets));
        (config, is_yaml)
    }

    fn template(&mut self, files: &Files) -> Option<DesiredTemplate> {
        let file = files
            .files
            .iter()
            .find(|file| file.role == Role::Template)?;
        let parsed = files::parse(self.source, file);
        let mut reader = Reader {
            text: parsed.text.as_str().into(),
            ..Reader::default()
        };
        let template = reader.template(&parsed.root);
        self.diagnostics.extend(parsed.diagnostics);
        self.diagnostics.extend(reader.diagnostics);
        self.keep_text(file, parsed.text);
        template
    }

    /// Returns the names of the brands that the accounts extend.
    fn needed_brands(&self, files: &Files) -> BTreeSet<String> {
        let accounts = files.files.iter();
        let accounts = accounts.filter(|file| matches!(file.role, Role::Account(_)));
        accounts
            .flat_map(|file| texts_of(&files::parse(self.source, file).root, "extends"))
            .collect()
    }

    /// Reads the brands, or only the needed ones; the others become empty placeholders.
    fn brands(
        &mut self,
        files: &Files,
        extra_keys: &[String],
        needed: Option<&BTreeSet<String>>,
    ) -> BTreeMap<String, Arc<Layer>> {
        let mut brands = BTreeMap::new();
        for file in &files.files {
            let Role::Brand(name) = &file.role else {
                continue;
            };
            if needed.is_some_and(|needed| !needed.contains(name)) {
                let layer = Layer {
                    name: LayerName::Brand(name.clone()),
                    entries: Box::default(),
                    locks: Vec::new(),
                };
                brands.insert(name.clone(), Arc::new(layer));
                continue;
            }
            let parsed = files::parse(self.source, file);
            let mut reader = Reader::default();
            let around = LayerContext {
                folder: Utf8Path::new("brands"),
                extra_keys,
            };
            let fields = reader.fields(&parsed.root, "a brand", &LAYER_KEYS);
            let mut layer = reader.layer(LayerName::Brand(name.clone()), fields, around);
            self.diagnostics.extend(parsed.diagnostics);
            self.diagnostics.extend(reader.diagnostics);
            self.keep_text(file, blot_out(parsed.text, &reader.secrets));
            self.inspect_layer(&mut layer, around.folder);
            self.brand_assets.extend(layer.assets().cloned());
            brands.insert(name.clone(), Arc::new(layer));
        }
        brands
    }

    fn accounts(&mut self, files: &Files, common: &Common<'_>) -> Vec<Account> {
        let files: Vec<(&TreeFile, &str)> = files
            .files
            .iter()
            .filter_map(|file| match &file.role {
                Role::Account(name) => Some((file, name.as_str())),
                _ => None,
            })
            .collect();
        let loader = &*self;
        let mut accounts = parallel::map(&files, |(file, name)| loader.account(file, name, common));
        for account in &mut accounts {
            self.diagnostics.append(&mut account.diagnostics);
            let (file, text) = &mut account.text;
            let text = std::mem::take(text);
            self.keep_text(file, text);
        }
        accounts
    }

    /// Counts the accounts that the cluster has. In a tree of one cluster no files are opened for that.
    fn count(&self, names: &[AccountName], common: &Common<'_>) -> usize {
        if common.clusters.len() < 2 {
            return names.len();
        }
        let is_here = parallel::map(names, |name| {
            let folder = Utf8Path::new(ACCOUNTS).join(name.as_str());
            let file = TreeFile {
                id: FileId(0),
                path: folder.join(ACCOUNT_FILE),
                role: Role::Account(name.to_string()),
            };
            let parsed = files::parse(self.source, &file);
            let file = Reader::default().account(&parsed.root, common.of(&folder));
            matches!(file.identity, Presence::Here(_))
        });
        is_here.into_iter().filter(|is_here| *is_here).count()
    }

    fn account(&self, file: &TreeFile, name: &str, common: &Common<'_>) -> Account {
        let parsed = files::parse(self.source, file);
        let mut diagnostics = parsed.diagnostics;
        let mut reader = Reader::default();
        let folder = file.path.parent().unwrap_or(Utf8Path::new(""));
        let mut account = reader.account(&parsed.root, common.of(folder));
        diagnostics.append(&mut reader.diagnostics);
        let mut layers = vec![Arc::clone(common.defaults)];
        for brand in &account.extends {
            if let Some(layer) = common.brands.get(&brand.value) {
                layers.push(Arc::clone(layer));
            } else {
                let guesses = &mut reader.guesses;
                diagnostics.push(unknown_brand(brand, common.brands, guesses));
            }
        }
        self.inspect(&mut account.own, folder, &mut diagnostics);
        layers.push(Arc::new(account.own));
        for (cluster, mut layer) in account.overrides {
            self.inspect(&mut layer, folder, &mut diagnostics);
            if cluster == *common.cluster {
                layers.push(Arc::new(layer));
            }
        }
        let name = AccountName::new(name);
        let (effective, broken_locks) = layers::merge(&layers);
        diagnostics.extend(broken_locks);
        let desired = match account.identity {
            Presence::Here(identity) => {
                let mut desired = DesiredAccount {
                    name: name.clone(),
                    identity,
                    settings: BTreeMap::new(),
                    assets: BTreeMap::new(),
                    absent: None,
                    dns: DnsMode::default(),
                    ignore: BTreeSet::new(),
                    labels: BTreeMap::new(),
                    policy: AccountPolicy::default(),
                };
                fill(&mut desired, &effective, &mut diagnostics);
                Some(desired)
            }
            Presence::Elsewhere | Presence::Unknown => None,
        };
        Account {
            name,
            watch: account.watch,
            text: (file.clone(), blot_out(parsed.text, &reader.secrets)),
            layers,
            desired,
            diagnostics,
        }
    }

    fn inspect_layer(&mut self, layer: &mut Layer, folder: &Utf8Path) {
        let mut diagnostics = Diagnostics::new();
        self.inspect(layer, folder, &mut diagnostics);
        self.diagnostics.append(&mut diagnostics);
    }

    /// Reads the assets that a layer declares; `folder` is that of its file.
    fn inspect(&self, layer: &mut Layer, folder: &Utf8Path, diagnostics: &mut Diagnostics) {
        for (_, declared) in &mut layer.entries {
            let Some(Item::Asset { kind, path, facts }) = &mut declared.value else {
                continue;
            };
            match &*self.inspected(*kind, path) {
                Ok((found, problems)) => {
                    *facts = Some(found.clone());
                    let problems = problems.iter().cloned();
                    diagnostics.extend(problems.map(|problem| problem.at(declared.place)));
                }
                Err(error) => {
                    let suggestion = self.neighbour(path);
                    let diagnostic = files::read_error(error, path.as_str(), suggestion);
                    let diagnostic = diagnostic.at(declared.place, "");
                    // In the same folder the path in the layer is the bare file name, so the suggestion can replace it.
                    diagnostics.push(match suggestion {
                        Some(name)
                            if path.parent() == Some(folder) && *error == ReadError::Missing =>
                        {
                            diagnostic.mended_by(declared.place, edit::key(name))
                        }
                        _ => diagnostic,
                    });
                }
            }
        }
    }

    fn inspected(&self, kind: AssetKind, path: &Utf8Path) -> Arc<Inspected> {
        let key = (kind, path.to_string());
        let cache = || self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache().get(&key) {
            return Arc::clone(known);
        }
        let read = self.source.read(path, MAX_ASSET_BYTES);
        let inspect = |bytes: Vec<u8>| {
            let look =
                |asset_type, digest: &_| self.pictures.look(kind, asset_type, digest, &bytes);
            assets::inspect_by(look, kind, path, &bytes)
        };
        let inspected = Arc::new(read.map(inspect));
        cache().insert(key, Arc::clone(&inspected));
        inspected
    }

    /// Finds the file in the same folder with the most similar name.
    fn neighbour(&self, path: &Utf8Path) -> Option<&str> {
        // The listing is sorted, so the files of a folder are adjacent.
        let folder = path.parent()?;
        let start = (self.listed).partition_point(|entry| entry.path.as_path() < folder);
        let files = self.listed[start..].iter().map(|entry| &entry.path);
        let below = files.take_while(|file| file.starts_with(folder));
        let beside = below.filter(|file| file.parent() == Some(folder));
        nearest(
            path.file_name()?,
            beside.filter_map(|file| file.file_name()),
        )
    }

    fn keep_text(&mut self, file: &TreeFile, text: String) {
        self.texts.insert(file.id, text);
    }
}

/// Returns the strings under a key of a map, which may be one or a list.
fn texts_of(node: &Node, key: &str) -> Vec<String> {
    let Content::Mapping(entries) = &node.content else {
        return Vec::new();
    };
    let text = |node: &Node| match &node.content {
        Content::Scalar(scalar) => Some(scalar.text.clone()),
        _ => None,
    };
    let values = entries.iter().filter(|entry| entry.key == key);
    values
        .flat_map(|entry| match &entry.value.content {
            Content::Sequence(items) => items.iter().filter_map(text).collect(),
            _ => text(&entry.value).into_iter().collect::<Vec<_>>(),
        })
        .collect()
}

fn unknown_brand(
    name: &Spanned<String>,
    brands: &BTreeMap<String, Arc<Layer>>,
    guesses: &mut Guesses,
) -> Diagnostic {
    let Spanned { value: name, place } = name;
    let meant = guesses.nearest(name, || brands.keys().map(String::as_str));
    let help = meant.map_or_else(
        || format!("add brands/{name}.yaml, or take the name out of extends"),
        |brand| format!("did you mean {brand}?"),
    );
    let diagnostic = Diagnostic::new(Code::EB0301, format!("there is no brand {name}"), help)
        .at(*place, "no such file in brands/");
    match meant {
        Some(brand) => diagnostic.mended_by(*place, edit::key(brand)),
        None => diagnostic,
    }
}

impl Loaded {
    /// Lists the files that an account's desired state depends on: its layers' files and its assets.
    #[must_use]
    pub fn files_of(&self, account: &AccountName) -> BTreeSet<Utf8PathBuf> {
        let mut files = BTreeSet::new();
        for layer in self
            .layers
            .get(account)
            .into_iter()
            .flat_map(|layers| layers.iter())
        {
            files.insert(layer.name.file(account));
            files.extend(layer.assets().cloned());
        }
        files
    }

    /// Returns whether any diagnostic is an error, in which case nothing may be planned.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == crate::diag::Severity::Error)
    }
}
