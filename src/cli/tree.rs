//! Opens and loads the tree that the arguments name.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;

use super::args::{ScopeArgs, SelectionArgs, Several, TreeChoice};
use super::cache;
use super::failure::Failure;
use super::open_shard::OpenShard;
use super::progress::Phase;
use super::ui::Ui;
use super::unknown::{no_such_brand, no_such_chosen};
use crate::model::{AccountName, Identity, LabelTerm, count_of};
use crate::plan::Part;
use crate::tree::check::nearest;
use crate::tree::{
    self, Desired, DesiredAccount, GitTree, Layer, LayerName, LoadError, Loaded, PictureCache,
    Selection, SharedAccount, SourceError, Touched, TreeSource, Workdir, short_commit,
};

/// Most labels that a message lists.
const MOST_LABELS: usize = 8;

/// A loaded tree with its source.
pub(crate) struct OpenTree {
    pub(crate) source: Arc<dyn TreeSource + Send>,
    pub(crate) loaded: Loaded,
    /// With `--changed-since`, that commit.
    pub(crate) since: Option<String>,
    /// The accounts that are not chosen, where somebody chooses.
    unchosen: Vec<SharedAccount>,
    /// The shard, with `--shard`.
    pub(crate) shard: Option<OpenShard>,
}

/// Opens the work tree, or the tree at a revision, and loads it.
pub(crate) fn open(
    ui: Ui,
    folder: &Utf8Path,
    choice: &TreeChoice,
    several: Several,
) -> Result<OpenTree, Failure> {
    open_part(ui, (folder, choice), several, false, &tree::load)
}

/// Opens the tree, and loads the requested scope.
pub(crate) fn open_touched(
    ui: Ui,
    folder: &Utf8Path,
    choice: &TreeChoice,
    several: Several,
    scope: &ScopeArgs,
) -> Result<OpenTree, Failure> {
    if scope.selection.chooses() {
        let mut tree = open_part(ui, (folder, choice), several, scope.no_cache, &tree::load)?;
        if scope.selection.below.is_empty() {
            tree.choose(&scope.selection, &[])?;
        }
        return Ok(tree);
    }
    let Some(since) = &scope.changed_since else {
        return open_part(ui, (folder, choice), several, scope.no_cache, &tree::load);
    };
    let changes = tree::changes(folder, since, choice.rev.as_deref())
        .map_err(|error| unloadable(error.into()))?;
    let touched = Touched::by(changes.paths.iter().map(AsRef::as_ref));
    let load: &Load<'_> = &|source, cluster| tree::load_touched(source, cluster, &touched);
    let mut tree = open_part(ui, (folder, choice), several, scope.no_cache, load)?;
    tree.since = Some(changes.since);
    Ok(tree)
}

/// Returns the accounts that somebody chooses, all if nobody does; `below` are those that the platform has below the
/// accounts that were named for that.
pub(crate) fn selected(
    loaded: &Loaded,
    asked: &SelectionArgs,
    below: &[AccountName],
) -> Result<Option<Selection>, Failure> {
    if !asked.chooses() {
        return Ok(None);
    }
    let mut chosen = chosen(&loaded.desired, &asked.accounts)?;
    for brand in &asked.brands {
        chosen.0.extend(extending(loaded, brand)?);
    }
    chosen.0.extend(below.iter().cloned());
    if !asked.names_some() {
        let all = loaded.desired.accounts.iter();
        chosen.0.extend(all.map(|account| account.name.clone()));
    }
    if !asked.labels.is_empty() {
        chosen.0.retain(|name| {
            let labels = tree::labels(loaded, name);
            asked.labels.iter().all(|term| term.is_met_by(&labels))
        });
        if chosen.0.is_empty() {
            return Err(Failure::Usage(no_such_label(loaded, &asked.labels)));
        }
    }
    Ok(Some(chosen))
}

/// Returns the message about labels that no chosen account has, with the keys and values that the tree knows.
fn no_such_label(loaded: &Loaded, terms: &[LabelTerm]) -> String {
    let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
    let accounts = loaded.desired.accounts.iter();
    let labels = accounts.flat_map(|account| tree::labels(loaded, &account.name));
    let known: BTreeSet<String> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let near = nearest(&terms[0], known.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => {
            "no account has labels; write them as `labels: {tier: gold}`".to_owned()
        }
        None => format!(
            "the tree has {}",
            known
                .iter()
                .take(MOST_LABELS)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    format!(
        "no account is chosen by --label {}; {help}",
        terms.join(",")
    )
}

/// Returns the accounts that people mean by a name, an id, a realm or a domain.
pub(crate) fn chosen(desired: &Desired, texts: &[String]) -> Result<Selection, Failure> {
    let is_meant = |account: &DesiredAccount, text: &str| {
        let identity = match &account.identity.value {
            Identity::Id(id) => id.as_str(),
            Identity::Realm(realm) => realm.as_str(),
        };
        identity.eq_ignore_ascii_case(text)
            || account
                .declared_domain()
                .is_some_and(|domain| domain.eq_ignore_ascii_case(text))
    };
    let names = texts.iter().map(|text| {
        let accounts = || desired.accounts.iter();
        let named = accounts().find(|account| account.name.as_str() == text);
        let mut others = accounts().filter(|account| is_meant(account, text));
        let found = named.or_else(|| others.next());
        if let (None, Some(one), Some(other)) = (named, found, others.next()) {
            return Err(Failure::Usage(format!(
                "{text} may be {} or {}; choose by the folder's name",
                one.name, other.name
            )));
        }
        found.map(|account| account.name.clone()).ok_or_else(|| {
            let mut known = Vec::new();
            for account in &desired.accounts {
                known.push(account.name.as_str());
                known.extend(account.declared_domain());
            }
            Failure::Usage(no_such_chosen(text, known))
        })
    });
    names.collect::<Result<_, _>>().map(Selection)
}

/// Returns the accounts that extend a brand, directly or through another one.
fn extending(loaded: &Loaded, brand: &str) -> Result<Vec<AccountName>, Failure> {
    let is_it = |layer: &Arc<Layer>| matches!(&layer.name, LayerName::Brand(name) if name == brand);
    let accounts = loaded.layers.iter();
    let extending = accounts.filter(|(_, layers)| layers.iter().any(is_it));
    let found: Vec<_> = extending.map(|(name, _)| name.clone()).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let layers = loaded.layers.values().flat_map(|layers| layers.iter());
    let known = layers.filter_map(|layer| match &layer.name {
        LayerName::Brand(name) => Some(name.as_str()),
        _ => None,
    });
    let known: BTreeSet<&str> = known.collect();
    Err(Failure::Usage(no_such_brand(brand, known)))
}

type Load<'a> = dyn Fn(&dyn TreeSource, Option<&str>) -> Result<Loaded, LoadError> + 'a;

fn open_part(
    ui: Ui,
    (folder, choice): (&Utf8Path, &TreeChoice),
    several: Several,
    no_cache: bool,
    load: &Load<'_>,
) -> Result<OpenTree, Failure> {
    let pictures = cache::pictures(no_cache);
    let source = source(folder, choice.rev.as_deref(), &pictures)?;
    let mut cluster = choice.cluster.clone();
    if cluster.is_none() && several == Several::First {
        let clusters = tree::clusters(&*source).map_err(unloadable)?;
        cluster = clusters.first().map(ToString::to_string);
        if let (Some(first), 2..) = (&cluster, clusters.len()) {
            ui.message(&format!("using cluster {first}; --cluster chooses another"));
        }
    }
    let phase = Phase::begin(ui, "reading the tree", 0);
    let loaded = load(&*source, cluster.as_deref()).map_err(unloadable)?;
    drop(phase);
    pictures.save();
    Ok(OpenTree {
        source,
        loaded,
        since: None,
        unchosen: Vec::new(),
        shard: None,
    })
}

impl OpenTree {
    /// Keeps the accounts that somebody chooses. A tree with errors has none to choose from.
    pub(crate) fn choose(
        &mut self,
        asked: &SelectionArgs,
        below: &[AccountName],
    ) -> Result<(), Failure> {
        if !self.loaded.has_errors()
            && let Some(chosen) = selected(&self.loaded, asked, below)?
        {
            self.unchosen = self.loaded.choose(&chosen);
        }
        Ok(())
    }

    /// Returns the part of the tree that a plan covers.
    pub(crate) fn part(&self) -> Part {
        Part {
            left_out: u32::try_from(self.loaded.left_out + self.elsewhere().len())
                .unwrap_or(u32::MAX),
            selection: self.selection(),
            unchosen: (self.unchosen.iter())
                .map(|account| (account.identity.value.clone(), account.name.clone()))
                .collect(),
            since: self.since.clone(),
            siblings: self.siblings(),
        }
    }

    /// Returns a note if only a part of the tree is read.
    pub(crate) fn left_out(&self) -> Option<String> {
        let out = self.loaded.left_out;
        let all = out + self.loaded.desired.accounts.len() + self.elsewhere().len();
        let Some(since) = &self.since else {
            self.loaded.selection.as_ref()?;
            return Some(format!(
                "left out: {}, and the domain template; the limits of the guards count the chosen accounts only",
                count_of(out, all, "account")
            ));
        };
        let since = short_commit(since);
        Some(match self.loaded.selection {
            Some(_) if out == 0 => {
                format!("every account was touched since {since}, so none is left out")
            }
            Some(_) => format!(
                "left out: {}, of which nothing changed since {since}",
                count_of(out, all, "account")
            ),
            None => format!("emblazon.yaml changed since {since}, so all accounts are looked at"),
        })
    }
}

/// Returns the number of clusters that a tree declares.
pub(crate) fn clusters(tree: &OpenTree) -> usize {
    tree::clusters(&*tree.source).map_or(1, |clusters| clusters.len())
}

/// Loads the tree for each of its clusters, or for the chosen one.
pub(crate) fn open_all(
    folder: &Utf8Path,
    choice: &TreeChoice,
    no_cache: bool,
) -> Result<Vec<Loaded>, Failure> {
    let pictures = cache::pictures(no_cache);
    let source = source(folder, choice.rev.as_deref(), &pictures)?;
    let mut clusters: Vec<Option<String>> = vec![choice.cluster.clone()];
    if choice.cluster.is_none() {
        let declared = tree::clusters(&*source).map_err(unloadable)?;
        if declared.len() > 1 {
            clusters = declared.iter().map(|name| Some(name.to_string())).collect();
        }
    }
    let loaded = (clusters.iter())
        .map(|cluster| tree::load(&*source, cluster.as_deref()).map_err(unloadable))
        .collect();
    pictures.save();
    loaded
}

fn source(
    folder: &Utf8Path,
    revision: Option<&str>,
    pictures: &Arc<PictureCache>,
) -> Result<Arc<dyn TreeSource + Send>, Failure> {
    let open = || -> Result<Arc<dyn TreeSource + Send>, SourceError> {
        let pictures = Arc::clone(pictures);
        Ok(match revision {
            Some(revision) => Arc::new(GitTree::open(folder, revision)?.knowing(pictures)),
            None => Arc::new(Workdir::open(folder)?.knowing(pictures)),
        })
    };
    open().map_err(|error| unloadable(error.into()))
}

/// Returns why a tree cannot be loaded; wrong usage if the command line names it wrongly.
pub(crate) fn unloadable(error: LoadError) -> Failure {
    if error.is_usage() {
        Failure::Usage(error.to_string())
    } else {
        Failure::Failed(error.into())
    }
}
