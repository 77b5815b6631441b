//! `watch [TREE]`

use std::sync::Arc;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::{ListFormat, TreeChoice, WatchArgs};
use crate::cli::execute::StateFolder;
use crate::cli::failure::Failure;
use crate::cli::platform::{self, SandboxPlatform};
use crate::cli::services::{self, Services, Wanted};
use crate::cli::trust::Operator;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, deadline, probing, tree};
use crate::config::{ConfigError, EventsConfig, WatchConfig};
use crate::daemon::{
    self, Event, Place, ProbeSetup, PublishedStatus, ReadSetup, Reason, Role, SandboxNetwork,
    Setup, State, Status, WorkItem, WorkQueue,
};
use crate::model::count;
use crate::report::text::visible;
use crate::report::visible_json_line;
use crate::sandbox::dns::DnsServer;

pub(crate) fn watch(ui: Ui, args: &WatchArgs) -> Result<Exit, Failure> {
    let config = match &args.config {
        Some(file) => {
            let config = WatchConfig::read(file);
            Some(config.map_err(|error| mistaken(ui, &error))?)
        }
        None => None,
    };
    let setup = check(ui, args, setup(args, config.as_ref())?)?;
    deadline::runtime()?.block_on(run(ui, args, config, setup))
}

/// Prints every mistake of the daemon's file; each line may contain untrusted text.
fn mistaken(ui: Ui, error: &ConfigError) -> Failure {
    let ConfigError::Mistaken { path, mistakes } = error else {
        return Failure::Usage(error.to_string());
    };
    for line in error.to_string().lines() {
        ui.message(&visible(line));
    }
    Failure::Usage(format!(
        "{path} has {}, and nothing was started",
        count(mistakes.len(), "mistake")
    ))
}

/// Builds the setup from the daemon's file or, without one, from the arguments.
fn setup(args: &WatchArgs, config: Option<&WatchConfig>) -> Result<Setup, Failure> {
    let mut setup = match (config, &args.config) {
        (Some(config), Some(file)) => config.setup(top(file)),
        _ => Setup::new(
            Place::Folder(args.tree.clone()),
            StateFolder::of_tree(&args.tree),
        ),
    };
    if args.cluster.is_some() {
        setup.cluster.clone_from(&args.cluster);
    }
    let span = |given: Option<std::time::Duration>, usual: SignedDuration| {
        given
            .and_then(|span| SignedDuration::try_from(span).ok())
            .unwrap_or(usual)
    };
    setup.interval = span(args.interval, setup.interval);
    if args.interval.is_some() {
        setup.dns_interval = setup.interval;
    }
    setup.confirm_after = span(args.confirm_after, setup.confirm_after);
    setup.push &= !args.no_push;
    if args.probe {
        setup.probe = Some(ProbeSetup {
            confirm_after: setup.confirm_after,
            ..ProbeSetup::default()
        });
    }
    setup.shard = args.shard.or(setup.shard);
    if config.is_none_or(|config| config.trust.is_none()) {
        setup.trust = Operator::find(args.platform.trust.as_deref())?.trust();
    }
    Ok(setup)
}

/// Checks that the folder holds a tree, and which cluster is meant, so that a wrong folder is reported at once.
fn check(ui: Ui, args: &WatchArgs, mut setup: Setup) -> Result<Setup, Failure> {
    let Place::Folder(folder) = &setup.source else {
        return Ok(setup);
    };
    let choice = TreeChoice {
        cluster: setup.cluster.clone(),
        rev: None,
    };
    let tree = tree::open(ui, folder, &choice, args.platform.several())?;
    setup.cluster = Some(tree.loaded.desired.cluster.name.to_string());
    Ok(setup)
}

fn top(file: &Utf8Path) -> &Utf8Path {
    file.parent().unwrap_or(Utf8Path::new(""))
}

async fn run(
    ui: Ui,
    args: &WatchArgs,
    config: Option<WatchConfig>,
    mut setup: Setup,
) -> Result<Exit, Failure> {
    let sandbox = stand_in(ui, args, &mut setup).await?;
    let published = PublishedStatus::new(Timestamp::now());
    let queue = WorkQueue::default();
    listen(&queue)?;
    let read_setup = read_setup(args, config.clone());
    let file_folder = args.config.as_deref().map_or(Utf8Path::new(""), top);
    if let Some(forge) = config.as_ref().and_then(|config| config.forge.as_ref()) {
        setup.forge = Some(services::forge(forge, file_folder).await?);
    }
    let services = if args.once {
        None
    } else {
        let (http, alerts, events) = config
            .map(|config| (config.http, config.alerts, config.events))
            .unwrap_or_default();
        let wanted = Wanted {
            http: services::listening(http, args.listen),
            alerts,
            events: events.or_else(|| args.events.then(EventsConfig::default)),
            top: file_folder,
            setup: &setup,
        };
        let services = Services::start(ui, wanted, &published, &queue).await?;
        setup.events.clone_from(&services.events);
        Some(services)
    };
    let told = tokio::spawn(tell(published.clone(), args.format));
    let ended = if args.once {
        Box::pin(daemon::once(setup, published.clone(), queue)).await
    } else {
        Box::pin(daemon::watch(setup, published.clone(), queue, read_setup)).await
    };
    if let Some(services) = services {
        services.end().await;
    }
    ended.map_err(|error| Failure::Failed(error.into()))?;
    // The last events are printed before the end.
    published.change(|status| status.cluster.mode = daemon::Mode::Stopping);
    let _ = told.await;
    if let Some(sandbox) = sandbox {
        sandbox.sandbox.stop().await;
    }
    let status = published.status();
    if args.once {
        outcome(&status)
    } else {
        Ok(Exit::Done)
    }
}

/// Replaces the tree's platform, if the arguments say so.
async fn stand_in(
    ui: Ui,
    args: &WatchArgs,
    setup: &mut Setup,
) -> Result<Option<SandboxPlatform>, Failure> {
    if args.platform.sandbox.is_wanted() {
        let Place::Folder(folder) = &setup.source else {
            let message = "--sandbox needs a folder with sandbox.yaml; leave out source.git";
            return Err(Failure::Usage(message.to_owned()));
        };
        let sandbox = platform::start_sandbox(folder, &args.platform.sandbox).await?;
        let Some(sandbox) = sandbox else {
            return Ok(None);
        };
        ui.message(&format!(
            "the sandbox is at {}, with the API key {}",
            sandbox.sandbox.url(),
            sandbox.sandbox.api_key()
        ));
        let passing = tempfile::tempdir().context("a temporary folder")?;
        let path = Utf8PathBuf::from_path_buf(passing.keep());
        setup.state =
            path.map_err(|path| anyhow::anyhow!("the folder {} is not UTF-8", path.display()))?;
        setup.platform = Some(sandbox.config.clone());
        let seed = args.platform.sandbox.seed(folder);
        let world = (setup.probe.as_ref())
            .map(|_| probing::closed_world(&sandbox.sandbox, seed.as_deref(), None))
            .transpose()?;
        setup.sandbox = Some(SandboxNetwork {
            resolver: sandbox.sandbox.dns().map(DnsServer::resolver),
            primaries: platform::primaries(&sandbox.sandbox),
            world,
        });
        return Ok(Some(sandbox));
    }
    if let Some(api) = &args.platform.api {
        let Place::Folder(folder) = &setup.source else {
            let message = "--api needs a folder; leave out source.git";
            return Err(Failure::Usage(message.to_owned()));
        };
        setup.platform = Some(platform::elsewhere(folder, setup.cluster.as_deref(), api).await?);
    }
    Ok(None)
}

/// Returns the function that reads the daemon's file again.
fn read_setup(args: &WatchArgs, started_with: Option<WatchConfig>) -> Option<ReadSetup> {
    let file = args.config.clone()?;
    let trust = args.platform.trust.clone();
    let started_with = started_with?;
    Some(Arc::new(move || {
        let config = WatchConfig::read(&file).map_err(|error| error.in_one_line())?;
        for (key, has_moved) in [
            ("http", config.http != started_with.http),
            ("alerts", config.alerts != started_with.alerts),
            ("events", config.events != started_with.events),
            ("probe", config.probe != started_with.probe),
            ("forge", config.forge != started_with.forge),
        ] {
            if has_moved {
                tracing::warn!(
                    key,
                    "the daemon's file says something else, which needs a restart"
                );
            }
        }
        let mut setup = config.setup(top(&file));
        if config.trust.is_none() {
            let operator = Operator::find(trust.as_deref());
            let operator = operator.map_err(|error| error.message().unwrap_or_default())?;
            setup.trust = operator.trust();
        }
        Ok(setup)
    }))
}

/// Turns signals into work items.
fn listen(queue: &WorkQueue) -> Result<(), Failure> {
    for (kind, order) in [
        (SignalKind::hangup(), WorkItem::Reload),
        (SignalKind::interrupt(), WorkItem::Stop),
        (SignalKind::terminate(), WorkItem::Stop),
    ] {
        let mut signals = signal(kind).context("waiting for signals")?;
        let queue = queue.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                queue.give(order.clone());
            }
        });
    }
    Ok(())
}

/// Prints events, one per line, until the daemon ends.
async fn tell(published: PublishedStatus, format: ListFormat) {
    let mut before = Arc::new(Status::new(Timestamp::now()));
    loop {
        let after = published.newer_than(before.version).await;
        for event in daemon::events(&before, &after) {
            // A daemon does not stop because its output is closed.
            let _ = match format {
                ListFormat::Text => ui::data(&(line(&event) + "\n")),
                ListFormat::Json => ui::machine(&visible_json_line(&event)),
            };
        }
        if after.cluster.mode == daemon::Mode::Stopping && after.cluster.next_run.is_none() {
            return;
        }
        before = after;
    }
}

fn line(event: &Event) -> String {
    let time = event.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let message = visible(&event.message);
    match event.object.as_deref() {
        Some(object) => {
            let object = visible(object);
            format!(
                "{time} {object}: {} ({}): {message}",
                event.event, event.reason
            )
        }
        None => format!("{time} {}: {message}", event.event),
    }
}

/// Returns how `--once` ended.
fn outcome(status: &Status) -> Result<Exit, Failure> {
    if let Role::Leaseless { reason, .. } = &status.cluster.role {
        return Err(Failure::Failed(anyhow::anyhow!("{}", visible(reason))));
    }
    if let Role::Standby { holder, .. } = &status.cluster.role {
        let message = format!("somebody else writes to this cluster: {holder}");
        return Err(Failure::Refused(visible(&message).into_owned()));
    }
    if let Some(problem) = &status.cluster.source.problem {
        let is_bad = status
            .cluster
            .source
            .mistakes
            .iter()
            .any(|mistake| mistake.is_error);
        if is_bad {
            return Ok(Exit::TreeErrors);
        }
        return Err(Failure::Failed(anyhow::anyhow!("{}", visible(problem))));
    }
    let has = |reason| status.objects().any(|object| object.reason == reason);
    let dns_is = |word| {
        let mut found = status.objects().filter_map(|object| object.dns.as_ref());
        found.any(|dns| dns.word() == word)
    };
    let brand_is = |word| {
        let mut seen = status.objects().filter_map(|object| object.probe.as_ref());
        seen.any(|probe| probe.word() == word)
    };
    Ok(if has(Reason::BackingOff) {
        Exit::Failed
    } else if has(Reason::Refused) {
        Exit::Refused
    } else if status.count(State::Stalled) + status.count(State::Reconciling) > 0
        || dns_is("differs")
        || brand_is("not_visible")
    {
        Exit::Differences
    } else if status.count(State::Unknown) > 0 || dns_is("unknown") || brand_is("unknown") {
        Exit::Unchecked
    } else {
        Exit::Done
    })
}
