//! Connecting to a platform: the cluster's, one at another URL, or a sandbox in this process.

use std::collections::BTreeSet;
use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use camino::{Utf8Path, Utf8PathBuf};

use super::args::{PlatformArgs, ScopeArgs, Trial};
use super::cache;
use super::failure::Failure;
use super::progress::Phase;
use super::tree::OpenTree;
use super::trust;
use super::ui::Ui;
use crate::apply::SandboxPrimaries;
use crate::live::{
    self, Cache, ClientConfig, CollectOptions, Credential, Known, Live, ReachError, ReadClient,
};
use crate::model::{AccountName, DomainTemplate, Secret, Shard};
use crate::report::Requests;
use crate::sandbox::{Options, Sandbox, Seed};
use crate::tree::{self, ClusterConfig, Desired, MAX_ASSET_BYTES, SharedAccount, Workdir};

/// Size limit of a `sandbox.yaml`, which may describe many thousand accounts.
const MAX_SEED_BYTES: u64 = 64 << 20;

/// A connected platform. It reads; writing takes an explicit call.
pub(crate) struct Platform {
    read: ReadClient,
    /// The cache of earlier reads.
    cache: Option<Arc<Cache>>,
    /// Whether whitelabels outside the tree are listed.
    lists_unmanaged: bool,
    /// Whether the domain template belongs to what is read.
    reads_template: bool,
    /// The shard of the tree that is read.
    shard: Option<Shard>,
    sandbox: Option<Sandbox>,
    /// Folder of the runs on a sandbox that is kept beyond its command.
    runs: Option<Utf8PathBuf>,
}

/// Connects to the platform that the arguments or the tree name, within what the operator trusts.
pub(crate) async fn connect(
    ui: Ui,
    folder: &Utf8Path,
    tree: &OpenTree,
    args: &PlatformArgs,
) -> Result<Platform, Failure> {
    if !args.sandbox.is_wanted() {
        trust::admit(ui, (folder, tree), args.trust.as_deref(), args.reach()).await?;
    }
    let cluster = &tree.loaded.desired.cluster;
    let route = Route {
        sandbox: &args.sandbox,
        api: args.api.as_deref(),
        max_requests: args.max_requests,
    };
    reach(ui, folder, cluster, route).await
}

/// How to reach a cluster.
#[derive(Clone, Copy)]
pub(crate) struct Route<'a> {
    /// As a sandbox, if requested.
    pub(crate) sandbox: &'a Trial,
    /// At another URL than the declared one.
    pub(crate) api: Option<&'a str>,
    /// Maximum number of concurrent requests.
    pub(crate) max_requests: u16,
}

/// Connects to a cluster that a tree declares, or for which a tree is to be created.
pub(crate) async fn reach(
    ui: Ui,
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    route: Route<'_>,
) -> Result<Platform, Failure> {
    if let Some(started) = start_sandbox(folder, route.sandbox).await? {
        return sandbox(ui, started, route).await;
    }
    let environment = |name: &str| env::var(name).ok();
    let config = match route.api {
        Some(api) => live::elsewhere(api, folder, cluster, &environment).await,
        None => live::declared(folder, cluster, &environment).await,
    };
    let mut config = config.map_err(unreached)?;
    config.limits.concurrency = route.max_requests;
    let read = log_in(ui, config).await?;
    Ok(Platform {
        read,
        cache: None,
        lists_unmanaged: true,
        reads_template: true,
        shard: None,
        sandbox: None,
        runs: None,
    })
}

pub(crate) fn unreachable(error: &live::ApiError) -> Failure {
    Failure::Failed(anyhow!(error.explained()))
}

/// A sandbox with the configuration of a client for it.
pub(crate) struct SandboxPlatform {
    pub(crate) sandbox: Sandbox,
    pub(crate) config: ClientConfig,
}

/// Returns the client configuration for another URL than the tree's, before the tree is loaded.
pub(crate) async fn elsewhere(
    folder: &Utf8Path,
    cluster: Option<&str>,
    api: &str,
) -> Result<ClientConfig, Failure> {
    let source = Workdir::open(folder).map_err(|error| Failure::Usage(error.to_string()))?;
    let loaded = tree::load(&source, cluster).map_err(|error| Failure::Usage(error.to_string()))?;
    let environment = |name: &str| env::var(name).ok();
    live::elsewhere(api, folder, &loaded.desired.cluster, &environment)
        .await
        .map_err(unreached)
}

/// Starts a sandbox, if one is requested.
pub(crate) async fn start_sandbox(
    tree: &Utf8Path,
    trial: &Trial,
) -> Result<Option<SandboxPlatform>, Failure> {
    let Some(file) = trial.seed(tree) else {
        return Ok(None);
    };
    let options = Options {
        state: trial.world().map(Utf8PathBuf::into_std_path_buf),
        ..Options::seeded(seed(&file)?)
    };
    let sandbox = Sandbox::start(options)
        .await
        .context("the sandbox did not start")?;
    let credential = Credential::ApiKey(Secret::new(sandbox.api_key()));
    let mut config = ClientConfig::new(sandbox.url(), credential);
    config.seed = fastrand::u64(..);
    Ok(Some(SandboxPlatform { sandbox, config }))
}

/// Reads a `sandbox.yaml` and the files that it names.
pub(crate) fn seed(file: &Utf8Path) -> Result<Seed, anyhow::Error> {
    let bytes = tree::read_plain(file, MAX_SEED_BYTES).with_context(|| {
        format!("{file} says what is live in the sandbox, and could not be read; name one that is there, as --sandbox=FILE")
    })?;
    let text = String::from_utf8(bytes).with_context(|| file.to_string())?;
    let folder = file.parent().unwrap_or(Utf8Path::new(""));
    let read = |name: &Path| {
        let file = folder.as_std_path().join(name);
        tree::read_plain(file, MAX_ASSET_BYTES).map_err(|error| error.to_string())
    };
    Ok(Seed::parse_reading(&text, &read)?)
}

/// Logs in; the client observes the command's deadline.
async fn log_in(ui: Ui, config: ClientConfig) -> Result<ReadClient, Failure> {
    ui.limit().bound(&config.deadline);
    let _phase = Phase::asking(ui, "logging in", 0, &config.activity);
    let origin = config.credential_origin.clone();
    let client = ReadClient::connect(config).await;
    client.map_err(|error| match origin {
        Some(origin) if error.is_of_the_credential() => {
            Failure::Failed(anyhow!("{}; it came from {origin}", error.explained()))
        }
        Some(_) | None => unreachable(&error),
    })
}

async fn sandbox(ui: Ui, started: SandboxPlatform, route: Route<'_>) -> Result<Platform, Failure> {
    let SandboxPlatform {
        sandbox,
        mut config,
    } = started;
    config.limits.concurrency = route.max_requests;
    let read = log_in(ui, config).await?;
    Ok(Platform {
        read,
        cache: None,
        lists_unmanaged: true,
        reads_template: true,
        shard: None,
        sandbox: Some(sandbox),
        runs: route.sandbox.runs(),
    })
}

/// Returns the servers of a sandbox's DNS and their keys.
pub(crate) fn primaries(sandbox: &Sandbox) -> SandboxPrimaries {
    let Some(dns) = sandbox.dns() else {
        return SandboxPrimaries::default();
    };
    let keys = dns.keys();
    SandboxPrimaries {
        servers: dns.servers().collect(),
        keys: keys
            .map(|(name, key)| (name.to_owned(), Secret::new(&key.secret)))
            .collect(),
    }
}

fn unreached(error: ReachError) -> Failure {
    if error.is_usage() {
        Failure::Usage(error.to_string())
    } else {
        Failure::Failed(error.into())
    }
}

impl Platform {
    /// Limits reads to the requested scope, and opens the cache, except for a sandbox, where it is not worth it.
    pub(crate) fn with_scope(mut self, args: &ScopeArgs) -> Self {
        let is_first = args.shard.is_none_or(Shard::is_first);
        let is_chosen = args.selection.chooses();
        self.lists_unmanaged = args.changed_since.is_none() && is_first && !is_chosen;
        self.reads_template = is_first && !is_chosen;
        self.shard = args.shard;
        if !self.is_sandbox() {
            self.cache = cache::open(&self.read, args).map(Arc::new);
        }
        self
    }

    /// Starts the phase that reads the accounts of a tree.
    pub(crate) fn reading(&self, ui: Ui, desired: &Desired) -> Phase {
        let accounts = desired.accounts.len();
        Phase::asking(ui, "reading accounts", accounts, self.read.activity())
    }

    /// Reads everything that the tree and the base declare; `elsewhere` are the accounts that other shards read, and
    /// `writes` says that the accounts which changed since the base are about to be written.
    pub(crate) async fn collect(
        &self,
        desired: &Desired,
        elsewhere: &[SharedAccount],
        base: Option<&Desired>,
        phase: &Phase,
        writes: bool,
    ) -> Result<Live, Failure> {
        let options = CollectOptions {
            base,
            writes,
            cache: self.cache.as_deref(),
            unmanaged: self.lists_unmanaged,
            template: self.reads_template,
            elsewhere,
            read: Some(phase.counter()),
        };
        self.collect_with(desired, &options).await
    }

    /// Reads only what a restore concerns: a restore target is no tree, so its coverage means nothing.
    pub(crate) async fn collect_before(&self, ui: Ui, before: &Desired) -> Result<Live, Failure> {
        let phase = self.reading(ui, before);
        let options = CollectOptions {
            read: Some(phase.counter()),
            cache: self.cache.as_deref(),
            unmanaged: false,
            ..CollectOptions::default()
        };
        self.collect_with(before, &options).await
    }

    /// Reads more accounts of the tree.
    pub(crate) async fn collect_more(
        &self,
        desired: &Desired,
        base: Option<&Desired>,
    ) -> Result<Live, Failure> {
        let options = CollectOptions {
            base,
            cache: self.cache.as_deref(),
            unmanaged: false,
            template: false,
            ..CollectOptions::default()
        };
        self.collect_with(desired, &options).await
    }

    async fn collect_with(
        &self,
        desired: &Desired,
        options: &CollectOptions<'_>,
    ) -> Result<Live, Failure> {
        live::collect(&self.read, desired, options)
            .await
            .map_err(|error| unreachable(&error))
    }

    /// Reads accounts again that may have come from the cache; does nothing without one.
    pub(crate) async fn read_again(
        &self,
        desired: &Desired,
        base: Option<&Desired>,
        names: &BTreeSet<AccountName>,
        live: &mut Live,
    ) -> Result<(), Failure> {
        let Some(cache) = self.cache.as_deref() else {
            live.fresh.add(names);
            return Ok(());
        };
        let options = CollectOptions {
            base,
            cache: Some(cache),
            ..CollectOptions::default()
        };
        live::read_again(&self.read, desired, &options, names, live)
            .await
            .map_err(|error| unreachable(&error))
    }

    /// Returns what a run that follows from this state need not read again.
    pub(crate) fn known(&self, live: &Live) -> Known {
        Known::new(live, self.cache.clone())
    }

    /// Reads the platform's domain template.
    pub(crate) async fn template(&self) -> Result<DomainTemplate, Failure> {
        self.read
            .template()
            .await
            .map_err(|error| unreachable(&error))
    }

    /// Returns the read client.
    pub(crate) fn reader(&self) -> &ReadClient {
        &self.read
    }

    /// Returns the address of the sandbox's resolver, if there is one.
    pub(crate) fn sandbox_resolver(&self) -> Option<SocketAddr> {
        Some(self.sandbox.as_ref()?.dns()?.resolver())
    }

    /// Returns the sandbox, if the platform is one.
    pub(crate) fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }

    /// Returns the servers of the sandbox's DNS; `None` if the platform is no sandbox.
    pub(crate) fn sandbox_primaries(&self) -> Option<SandboxPrimaries> {
        self.sandbox.as_ref().map(primaries)
    }

    /// Returns whether it is a sandbox.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Returns the folder of the runs on a sandbox that is kept beyond its command.
    pub(crate) fn runs(&self) -> Option<&Utf8Path> {
        self.runs.as_deref()
    }

    /// Returns the number of requests that a sandbox received.
    pub(crate) fn requests(&self) -> Option<Requests> {
        let counts = self.sandbox.as_ref()?.counts();
        Some(Requests {
            reading: counts.total - counts.mutating,
            writing: counts.mutating,
        })
    }

    /// Stops the sandbox, if it is one.
    pub(crate) async fn stop(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}
