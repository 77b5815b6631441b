//! `probe [ACCOUNT…]`

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use camino::Utf8Path;

use crate::cli::args::{ProbeArgs, Several};
use crate::cli::failure::Failure;
use crate::cli::progress::Phase;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::Ui;
use crate::cli::{Exit, deadline, dns, output, platform, survey};
use crate::model::AccountName;
use crate::probe::{
    self, Authorities, BrandProbe, BrandTarget, Pace, Pin, ProbeOptions, ProbeReport, Prober,
    Visibility,
};
use crate::report::{self, Command, Places};
use crate::sandbox::Sandbox;
use crate::tree::read_authorities;

/// Pause between two probes of `--wait`: what customers see changes no faster.
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) fn probe(ui: Ui, args: &ProbeArgs) -> Result<Exit, Failure> {
    let several = if args.sandbox.is_wanted() {
        Several::First
    } else {
        Several::Refuse
    };
    let tree = tree::open(ui, &args.accounts.tree, &args.accounts.choice, several)?;
    if tree.loaded.has_errors() {
        return mistakes(ui, &tree, args);
    }
    let report = deadline::run(ui, look(ui, &tree, args))?;
    let places = Places::of(Some(&tree.loaded.desired), &tree.loaded.sources);
    output::deliver_probe(ui, &report, &places, args)?;
    Ok(match report.verdict() {
        Visibility::Visible => Exit::Done,
        Visibility::Broken => Exit::Differences,
        Visibility::Unknown => Exit::Unchecked,
    })
}

/// Shows the mistakes of a tree, as every command does.
fn mistakes(ui: Ui, tree: &OpenTree, args: &ProbeArgs) -> Result<Exit, Failure> {
    let report = report::report(&survey::tree_facts(Command::Validate, tree));
    output::deliver(ui, &report, &args.report())?;
    Ok(Exit::of(&report))
}

async fn look(ui: Ui, tree: &OpenTree, args: &ProbeArgs) -> Result<ProbeReport, Failure> {
    args.from.map_or(Ok(()), is_of_this_machine)?;
    let targets = chosen(tree, &args.accounts.accounts)?;
    let started = platform::start_sandbox(&args.accounts.tree, &args.sandbox).await?;
    let sandbox = started.map(|started| started.sandbox);
    let options = options(tree, args, sandbox.as_ref())?;
    let report = until(ui, targets, &options, args.wait).await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    Ok(report)
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

/// The brands to look at, and the accounts without one, with the reason.
type Targets = (Vec<BrandTarget>, Vec<(AccountName, String)>);

fn chosen(tree: &OpenTree, accounts: &[String]) -> Result<Targets, Failure> {
    let desired = &tree.loaded.desired;
    let only = tree::chosen(desired, accounts)?;
    let is_wanted = |name: &AccountName| accounts.is_empty() || only.contains(name);
    Ok(probe::targets(desired, &tree.loaded.sources, is_wanted))
}

fn options(
    tree: &OpenTree,
    args: &ProbeArgs,
    sandbox: Option<&Sandbox>,
) -> Result<ProbeOptions, Failure> {
    let authorities = match sandbox {
        Some(sandbox) => sandbox_authority(sandbox, args)?,
        None => declared_authorities(tree, &args.accounts.tree)?,
    };
    let resolver = match sandbox {
        Some(sandbox) => {
            let seed = args.sandbox.seed(&args.accounts.tree);
            let desired = &tree.loaded.desired;
            Some(dns::sandbox_resolver(sandbox, seed.as_deref(), desired)?)
        }
        None => None,
    };
    let detours: BTreeMap<SocketAddr, SocketAddr> =
        sandbox.map(Sandbox::detours).unwrap_or_default();
    Ok(ProbeOptions {
        resolvers: dns::whom_to_ask(tree, resolver)?.resolvers,
        pins: args.resolve.clone(),
        detours,
        from: args.from,
        authorities,
        pace: args
            .rate
            .map_or_else(Pace::default, |rate| Pace::new(rate, rate)),
    })
}

fn sandbox_authority(sandbox: &Sandbox, args: &ProbeArgs) -> Result<Authorities, Failure> {
    let pem = sandbox.authority().ok_or_else(|| {
        let seed = args.sandbox.seed(&args.accounts.tree);
        let file = seed.as_deref().map_or("sandbox.yaml", Utf8Path::as_str);
        Failure::Usage(format!(
            "the sandbox has no user interface to look at; add to {file} where one stands, such as `ui: {{at: 192.0.2.80, api: \"https://api.example.com:8443/v2/\", api_at: 192.0.2.81}}`"
        ))
    })?;
    Authorities::only(pem.as_bytes()).map_err(|error| Failure::Failed(error.into()))
}

fn declared_authorities(tree: &OpenTree, folder: &Utf8Path) -> Result<Authorities, Failure> {
    let cluster = &tree.loaded.desired.cluster;
    let pem = match &cluster.ca_file {
        Some(file) => {
            let path = folder.join(file);
            let pem = read_authorities(&path).map_err(|error| {
                Failure::Usage(format!("ca_file {path} cannot be read: {error}"))
            })?;
            Some(pem)
        }
        None => None,
    };
    Authorities::of_this_machine(pem.as_deref()).map_err(|error| Failure::Failed(error.into()))
}

/// Probes until everything is visible or the time is over; what is visible is not probed again.
async fn until(
    ui: Ui,
    (mut targets, skipped): Targets,
    options: &ProbeOptions,
    wait: Option<Duration>,
) -> ProbeReport {
    let started = Instant::now();
    let mut report = ProbeReport {
        brands: Vec::new(),
        skipped,
        requests: 0,
        connections: 0,
        rounds: 0,
        took: Duration::ZERO,
    };
    let mut unused = options.pins.clone();
    loop {
        let (found, without) = once(ui, &targets, options, &mut report).await;
        unused.retain(|pin| without.contains(pin));
        merge(&mut report.brands, found);
        report.rounds += 1;
        let is_open = |target: &BrandTarget| {
            let brand = report
                .brands
                .iter()
                .find(|brand| brand.account == target.account);
            brand.is_none_or(|brand| brand.verdict() != Visibility::Visible)
        };
        targets.retain(is_open);
        let left = wait.unwrap_or_default().saturating_sub(started.elapsed());
        if targets.is_empty() || left.is_zero() {
            break;
        }
        tokio::time::sleep(PAUSE.min(left)).await;
    }
    for Pin { host, port, .. } in unused {
        ui.message(&format!(
            "nothing that was probed led to {host}:{port}, so its address was not used; correct HOST:PORT of --resolve, or leave it out"
        ));
    }
    report.took = started.elapsed();
    report
}

/// Probes once, over new connections, so that a renewed certificate is seen. Returns also the addresses of `--resolve`
/// that were not used.
async fn once(
    ui: Ui,
    targets: &[BrandTarget],
    options: &ProbeOptions,
    report: &mut ProbeReport,
) -> (Vec<BrandProbe>, Vec<Pin>) {
    let requests: u64 = targets
        .iter()
        .map(|target| u64::from(target.api_requests()))
        .sum();
    let least = options.pace.time_for(requests);
    if !least.is_zero() {
        ui.message(&format!(
            "asking the API up to {requests} times, slowly enough for its limit on anonymous callers; this takes at least {} s",
            least.as_secs()
        ));
    }
    let prober = Prober::new(options.clone());
    let phase = Phase::begin(ui, "looking at brands", targets.len());
    let found = prober.probe(targets, &|| _ = phase.step()).await;
    let (connections, sent) = prober.traffic();
    report.connections += connections;
    report.requests += sent;
    (found, prober.unused_pins())
}

/// Puts newer results in the place of older ones.
fn merge(brands: &mut Vec<BrandProbe>, found: Vec<BrandProbe>) {
    for brand in found {
        match brands.iter_mut().find(|it| it.account == brand.account) {
            Some(older) => *older = brand,
            None => brands.push(brand),
        }
    }
}
