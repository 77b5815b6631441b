//! `import [ACCOUNT…]`

use camino::Utf8Path;

use crate::cli::args::Several;
use crate::cli::args::{ImportArgs, TreeChoice};
use crate::cli::failure::Failure;
use crate::cli::import::{ProposalDesk, accepted, check_key, chosen, named, tell, write};
use crate::cli::platform::{self, Platform, Route, unreachable};
use crate::cli::progress::Phase;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, deadline, survey, trust};
use crate::import::{self, Existing, ImportError, Imported, NewCluster, Request, Scope};
use crate::live::{self, LiveBrand, Reach, Reading, Unmanaged};
use crate::model::{AccountName, ClusterName, DomainTemplate, Identity, count};
use crate::report::{self, Command, text};
use crate::tree::{AuthConfig, ClusterConfig, SourceError, TreeSource, Workdir};

/// Default name of the cluster in a new tree.
const USUAL_CLUSTER: &str = "production";

pub(crate) fn import(ui: Ui, args: &ImportArgs) -> Result<Exit, Failure> {
    let desk = if args.pull_request {
        Some(deadline::run(ui, ProposalDesk::open(args))?)
    } else {
        None
    };
    let tree = open(ui, args, desk.as_ref())?;
    if let Some(tree) = tree.as_ref().filter(|tree| tree.loaded.has_errors()) {
        let report = report::report(&survey::tree_facts(Command::Validate, tree));
        ui::page(&text::render(&report, ui.stdout_options()))?;
        return Ok(Exit::of(&report));
    }
    if tree.is_none() && !args.accept.is_empty() {
        let message = format!(
            "{} holds no tree; --accept changes one that is there",
            args.tree
        );
        return Err(Failure::Usage(message));
    }
    deadline::run(ui, run(ui, args, tree.as_ref(), desk.as_ref()))
}

/// Opens the tree, if there is one; for a pull request, as the branch has it that it is for.
fn open(
    ui: Ui,
    args: &ImportArgs,
    desk: Option<&ProposalDesk>,
) -> Result<Option<OpenTree>, Failure> {
    if desk.is_none() && !args.tree.join("emblazon.yaml").exists() {
        return Ok(None);
    }
    let choice = TreeChoice {
        cluster: args.cluster.clone(),
        rev: desk.map(|desk| desk.parent.clone()),
    };
    let several = if args.sandbox.is_wanted() {
        Several::First
    } else {
        Several::Refuse
    };
    tree::open(ui, &args.tree, &choice, several).map(Some)
}

async fn run(
    ui: Ui,
    args: &ImportArgs,
    tree: Option<&OpenTree>,
    desk: Option<&ProposalDesk>,
) -> Result<Exit, Failure> {
    let cluster = cluster(args, tree)?;
    let route = Route {
        sandbox: &args.sandbox,
        api: args.api.as_deref(),
        max_requests: args.max_requests,
    };
    if let Some(tree) = tree.filter(|_| !args.sandbox.is_wanted()) {
        let reach = match args.api {
            Some(_) => Reach::Elsewhere,
            None => Reach::Declared,
        };
        trust::admit(ui, (&args.tree, tree), args.trust.as_deref(), reach).await?;
    }
    let platform = platform::reach(ui, &args.tree, &cluster, route).await?;
    let done = with_platform(ui, args, tree, &cluster, &platform).await;
    let done = match done {
        Ok((imported, exit)) => match (desk, tree) {
            (Some(desk), Some(tree)) if !args.dry_run => {
                desk.propose(ui, tree, args, &imported).await.map(|()| exit)
            }
            _ => Ok(exit),
        },
        Err(failure) => Err(failure),
    };
    let requests = platform.requests();
    platform.stop().await;
    if let Some(requests) = requests {
        ui.message(&format!(
            "the sandbox got {}, {} of them writing",
            count(
                usize::try_from(requests.reading + requests.writing).unwrap_or(usize::MAX),
                "request"
            ),
            requests.writing
        ));
    }
    done
}

/// Returns the tree's cluster or, before there is a tree, the one that the arguments describe.
fn cluster(args: &ImportArgs, tree: Option<&OpenTree>) -> Result<ClusterConfig, Failure> {
    if let Some(tree) = tree {
        return Ok(tree.loaded.desired.cluster.clone());
    }
    if args.api.is_none() && !args.sandbox.is_wanted() {
        return Err(Failure::Usage(format!(
            "{} holds no emblazon.yaml; name the platform with --api URL, and one will be written",
            args.tree
        )));
    }
    let name = args.cluster.as_deref().unwrap_or(USUAL_CLUSTER);
    let id = args
        .root
        .as_deref()
        .and_then(|root| crate::tree::check::account_id(root).ok());
    Ok(ClusterConfig {
        name: ClusterName::new(name),
        api: None,
        root: id.map(Identity::Id),
        allow_plain_http: false,
        ca_file: None,
        ui: None,
        auth: AuthConfig::Environment,
        keys: Vec::new(),
    })
}

async fn with_platform(
    ui: Ui,
    args: &ImportArgs,
    tree: Option<&OpenTree>,
    cluster: &ClusterConfig,
    platform: &Platform,
) -> Result<(Imported, Exit), Failure> {
    let client = platform.reader();
    let mut everybody = live::everybody(client, client.root())
        .await
        .map_err(|error| unreachable(&error))?;
    if let Some(root) = &args.root {
        let root = named(root, &everybody, &std::collections::BTreeMap::new())?
            .id
            .clone();
        if root != *client.root() {
            everybody = live::everybody(client, &root)
                .await
                .map_err(|error| unreachable(&error))?;
        }
    }
    let folders = tree.map_or_else(Default::default, |tree| {
        import::known(&tree.loaded, &everybody)
    });
    let scope = scope(args, tree)?;
    let wanted = match &scope {
        Scope::Everything => chosen(&args.accounts, &everybody, &folders)?,
        Scope::Accept(accepted) => {
            let mut ids = Vec::new();
            for wanted in accepted {
                let found = folders.iter().find(|(_, name)| **name == wanted.account);
                let Some((id, _)) = found else {
                    return Err(Failure::Usage(format!(
                        "account {} is not on the platform, below {}; check its identity and the cluster",
                        wanted.account,
                        client.root()
                    )));
                };
                ids.push(id);
            }
            everybody
                .iter()
                .filter(|account| ids.contains(&&account.id))
                .cloned()
                .collect()
        }
    };
    let brands = read(ui, platform, &wanted).await?;
    if let (Some(tree), Scope::Accept(accepted)) = (tree, &scope) {
        let brands = brands.iter();
        let brands: Vec<(AccountName, &LiveBrand)> = brands
            .filter_map(|brand| Some((folders.get(&brand.account.id)?.clone(), brand)))
            .collect();
        for (text, accepted) in args.accept.iter().zip(accepted) {
            check_key(text, accepted, &tree.loaded, &brands)?;
        }
    }
    let template = template(platform, &scope).await;
    let new_cluster = new_cluster(args, cluster, &everybody);
    let folder = folder(&args.tree)?;
    let mut request = Request {
        existing: tree.map(|tree| Existing {
            source: &*tree.source,
            loaded: &tree.loaded,
            several_clusters: tree::clusters(tree) > 1,
        }),
        folder: folder.as_ref().map(|folder| folder as &dyn TreeSource),
        cluster: &new_cluster,
        everybody: &everybody,
        brands: &brands,
        others: &[],
        template: template.as_ref(),
        factor: args.factor,
        scope: &scope,
    };
    let mut imported = import::import(&request).map_err(failed)?;
    let asked: Vec<Unmanaged> = everybody
        .iter()
        .filter(|account| imported.wanted.contains(&account.id))
        .cloned()
        .collect();
    let others = read(ui, platform, &asked).await?;
    if !others.is_empty() {
        request.others = &others;
        imported = import::import(&request).map_err(failed)?;
    }
    let exit = land(ui, args, &scope, &brands, &imported)?;
    Ok((imported, exit))
}

/// Writes the files and prints a summary.
fn land(
    ui: Ui,
    args: &ImportArgs,
    scope: &Scope,
    brands: &[LiveBrand],
    imported: &Imported,
) -> Result<Exit, Failure> {
    let in_the_way = imported
        .changes
        .iter()
        .find(|change| change.before.is_some())
        .filter(|_| imported.begins_a_tree());
    if let Some(change) = in_the_way {
        return Err(Failure::Usage(format!(
            "{} has no emblazon.yaml, and holds {} already; name an empty folder",
            args.tree, change.path
        )));
    }
    if !args.dry_run && !args.pull_request {
        write(&args.tree, &imported.changes)?;
    }
    ui::page(&tell(ui, imported).rendered(ui.stdout_options()))?;
    ui.message(&summary(args, scope, brands, imported));
    Ok(
        if imported.refused > 0 && matches!(scope, Scope::Accept(_)) {
            Exit::Refused
        } else if imported.unread > 0 {
            Exit::Unchecked
        } else {
            Exit::Done
        },
    )
}

fn summary(args: &ImportArgs, scope: &Scope, brands: &[LiveBrand], imported: &Imported) -> String {
    let has_brand = |brand: &&LiveBrand| matches!(brand.document, Reading::Known(Some(_)));
    let with = brands.iter().filter(has_brand).count();
    let files = match (imported.changes.len(), args.dry_run || args.pull_request) {
        (0, _) if imported.notes.iter().any(|note| note.left) => "nothing to write".to_owned(),
        (0, _) => "nothing to write: the tree says it already".to_owned(),
        (files, true) => format!("{} would be written", count(files, "file")),
        (files, false) => format!("{} written", count(files, "file")),
    };
    match scope {
        Scope::Accept(_) if args.pull_request && !imported.changes.is_empty() => {
            let files = count(imported.changes.len(), "file");
            format!("{files} in the proposal; the work tree stays as it is")
        }
        Scope::Accept(_) => files,
        Scope::Everything => format!(
            "read {}, {with} with a whitelabel: {} new in the tree; {files}{}",
            count(brands.len(), "account"),
            imported.added.len(),
            if imported.changes.is_empty() || args.dry_run {
                String::new()
            } else {
                format!("\nnext: {}", args.next())
            }
        ),
    }
}

/// Reads whole brands, and shows the progress.
async fn read(
    ui: Ui,
    platform: &Platform,
    accounts: &[Unmanaged],
) -> Result<Vec<LiveBrand>, Failure> {
    let reader = platform.reader();
    let phase = Phase::asking(ui, "reading accounts", accounts.len(), reader.activity());
    live::inventory(reader, accounts, &|account| {
        phase.step();
        phase.at(&account.name);
    })
    .await
    .map_err(|error| unreachable(&error))
}

/// Reads the template, unless only single keys are imported.
async fn template(platform: &Platform, scope: &Scope) -> Option<Reading<DomainTemplate>> {
    if *scope != Scope::Everything {
        return None;
    }
    let found = platform.reader().template().await;
    Some(match found {
        Ok(template) => Reading::Known(template),
        Err(error) => Reading::Unknown(error.explained()),
    })
}

fn scope(args: &ImportArgs, tree: Option<&OpenTree>) -> Result<Scope, Failure> {
    let Some(tree) = tree.filter(|_| !args.accept.is_empty()) else {
        return Ok(Scope::Everything);
    };
    let desired = &tree.loaded.desired;
    let names = desired.accounts.iter().map(|account| &account.name);
    let accepted = args
        .accept
        .iter()
        .map(|text| accepted(text, names.clone()))
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(Scope::Accept(accepted))
}

fn new_cluster(args: &ImportArgs, cluster: &ClusterConfig, everybody: &[Unmanaged]) -> NewCluster {
    let root = match (&args.root, &cluster.root) {
        (Some(root), _) => named(root, everybody, &std::collections::BTreeMap::new())
            .ok()
            .map(|account| account.id.clone()),
        (None, Some(Identity::Id(id))) => Some(id.clone()),
        (None, Some(Identity::Realm(_)) | None) => None,
    };
    NewCluster {
        name: cluster.name.clone(),
        api: match &cluster.api {
            Some(api) => Some(api.value.clone()),
            None => args.api.clone(),
        },
        root,
    }
}

/// Opens the folder; `None` if it does not exist yet.
fn folder(path: &Utf8Path) -> Result<Option<Workdir>, Failure> {
    match Workdir::open(path) {
        Ok(folder) => Ok(Some(folder)),
        Err(SourceError::NoFolder(_)) => Ok(None),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

fn failed(error: ImportError) -> Failure {
    if let ImportError::Mistakes { diagnostics, .. } = &error
        && let Some(first) = diagnostics.first()
    {
        return Failure::Failed(anyhow::anyhow!("{error}: {} {}", first.code, first.message));
    }
    Failure::Failed(error.into())
}
