//! `probe [ACCOUNT…]`

use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};

use crate::cli::args::ProbeArgs;
use crate::cli::failure::Failure;
use crate::cli::output::ProbePictures;
use crate::cli::probing;
use crate::cli::screenshot::{Camera, Screenshots};
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::Ui;
use crate::cli::{Exit, deadline, output, pictures, platform, selection, survey};
use crate::model::AccountName;
use crate::probe::{self, Pace, ProbeOptions, ProbeReport, Visibility};
use crate::report::html::ProbeView;
use crate::report::{self, Command, Looks, Places};
use crate::sandbox::Sandbox;
use crate::tree::DesiredAccount;

pub(crate) fn probe(ui: Ui, args: &ProbeArgs) -> Result<Exit, Failure> {
    let several = args.platform.several();
    let tree = tree::open(ui, &args.accounts.tree, &args.accounts.choice, several)?;
    if tree.loaded.has_errors() {
        return mistakes(ui, &tree, args);
    }
    let camera = args.screenshot.as_deref().map(Camera::find).transpose()?;
    let (report, screenshots) = deadline::run(ui, look(ui, &tree, args, camera.as_ref()))?;
    let pictures = if args.has_pictures() {
        pictures(&tree, &report, screenshots)
    } else {
        ProbePictures::default()
    };
    let places = Places::of(Some(&tree.loaded.desired), &tree.loaded.sources);
    let exit = match report.verdict() {
        Visibility::Visible => Exit::Done,
        Visibility::Broken => Exit::Differences,
        Visibility::Unknown => Exit::Unchecked,
    };
    let cluster = &tree.loaded.desired.cluster.name;
    output::deliver_probe(ui, &report, &pictures, (&places, cluster, exit), args)?;
    Ok(exit)
}

/// Shows the mistakes of a tree, as every command does.
fn mistakes(ui: Ui, tree: &OpenTree, args: &ProbeArgs) -> Result<Exit, Failure> {
    let report = report::report(&survey::tree_facts(Command::Validate, tree));
    output::deliver(ui, &report, &args.report())?;
    Ok(Exit::of(&report))
}

/// Gathers what a page shows beside the results.
fn pictures(tree: &OpenTree, report: &ProbeReport, mut screenshots: Screenshots) -> ProbePictures {
    let desired = &tree.loaded.desired;
    let brands = report.brands.iter();
    let accounts: Vec<&DesiredAccount> = brands
        .filter_map(|brand| Some(&**desired.account(&brand.account)?))
        .collect();
    let view = |account: &&DesiredAccount| {
        let view = ProbeView {
            declared: Looks::of(account, None).after.unwrap_or_default(),
            screenshot: screenshots.remove(&account.name),
        };
        (account.name.clone(), view)
    };
    let views = accounts.iter().map(view).collect();
    (views, pictures::declared(accounts.into_iter(), tree))
}

async fn look(
    ui: Ui,
    tree: &OpenTree,
    args: &ProbeArgs,
    camera: Option<&Camera>,
) -> Result<(ProbeReport, Screenshots), Failure> {
    args.from.map_or(Ok(()), is_of_this_machine)?;
    let asked = args.accounts.and(&args.selection);
    let place = (args.accounts.tree.as_path(), tree);
    let only = selection::chosen(ui, place, &asked, &args.platform).await?;
    let is_wanted = |name: &AccountName| only.as_ref().is_none_or(|only| only.contains(name));
    let targets = probe::targets(&tree.loaded.desired, &tree.loaded.sources, is_wanted);
    let started = platform::start_sandbox(&args.accounts.tree, &args.platform.sandbox).await?;
    let sandbox = started.map(|started| started.sandbox);
    let options = options(tree, args, sandbox.as_ref())?;
    let report = probing::until(ui, targets, &options, args.wait).await;
    let screenshots = match camera {
        Some(camera) => camera.take(ui, &report.brands, &options).await?,
        None => Screenshots::default(),
    };
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    Ok((report, screenshots))
}

/// Nothing can be sent from an address that this machine does not have.
fn is_of_this_machine(address: IpAddr) -> Result<(), Failure> {
    match UdpSocket::bind((address, 0)) {
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => Err(Failure::Usage(format!(
            "this machine does not have the address {address}; name one of its own with --from (`ip address` lists them), or leave it out"
        ))),
        // What else is wrong is told by the probe.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn options(
    tree: &OpenTree,
    args: &ProbeArgs,
    sandbox: Option<&Sandbox>,
) -> Result<ProbeOptions, Failure> {
    let folder = &args.accounts.tree;
    let usual = match sandbox {
        Some(sandbox) => {
            let seed = args.platform.sandbox.seed(folder);
            let world =
                probing::closed_world(sandbox, seed.as_deref(), Some(&tree.loaded.desired))?;
            ProbeOptions::within(&world)
        }
        None => ProbeOptions::declared(&tree.loaded, folder, None),
    };
    let pace = args.rate.map(|rate| Pace::new(rate, rate).into());
    Ok(ProbeOptions {
        pins: args.resolve.clone(),
        from: args.from,
        pace: pace.unwrap_or_default(),
        ..usual.map_err(|error| Failure::Usage(error.to_string()))?
    })
}
