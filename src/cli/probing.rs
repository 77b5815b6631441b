//! Probes of brands: where `probe`, `apply --probe` and `watch --sandbox` look, and for how long.

use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::dns;
use super::failure::Failure;
use super::progress::Phase;
use super::ui::Ui;
use crate::model::AccountName;
use crate::probe::{
    BrandProbe, BrandTarget, ClosedWorld, Pin, ProbeOptions, ProbeReport, Prober, Visibility,
};
use crate::sandbox::Sandbox;
use crate::tree::Desired;

/// Pause between two probes of `--wait`: what customers see changes no faster.
const PAUSE: Duration = Duration::from_secs(10);

/// The brands to look at, and the accounts without one, with the reason.
pub(crate) type Targets = (Vec<BrandTarget>, Vec<(AccountName, String)>);

/// Returns the world that a probe of a sandbox sees; `seed` is the sandbox's file.
pub(crate) fn closed_world(
    sandbox: &Sandbox,
    seed: Option<&Utf8Path>,
    desired: Option<&Desired>,
) -> Result<ClosedWorld, Failure> {
    let authority = sandbox.authority().ok_or_else(|| {
        let file = seed.map_or("sandbox.yaml", Utf8Path::as_str);
        Failure::Usage(format!(
            "the sandbox has no user interface to look at; add to {file} where one stands, such as `ui: {{at: 192.0.2.80, api: \"https://api.example.com:8443/v2/\", api_at: 192.0.2.81}}`"
        ))
    })?;
    Ok(ClosedWorld {
        resolver: dns::sandbox_resolver(sandbox, seed, desired)?,
        detours: sandbox.detours(),
        authority,
    })
}

/// Probes until everything is visible or the time is over; what is visible is not probed again.
pub(crate) async fn until(
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
