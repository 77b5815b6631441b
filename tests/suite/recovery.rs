//! Recovery of what an interrupted run destroyed: under a lease, and account by account.

use emblazon::apply::lease::{Fence, LeaseGuard};
use emblazon::apply::{Applied, ApplyError, ApprovedPlan, AssetSource};
use emblazon::live::{
    ApiError, ClientConfig, CollectOptions, Credential, Live, ReadClient, collect,
};
use emblazon::model::Secret;
use emblazon::reconcile::{
    AuditTrail, Execution, Recoverer, RecoveryError, RecoveryEvent, execute, recover,
};
use emblazon::sandbox::{Fault, FaultKind};
use emblazon::tree::{Desired, Loaded, Workdir, load};

use crate::platform::{DEFAULTS, Platform, id};

/// Starts a platform with two accounts and a tree, of which the first one needs a recreation: its icon must go.
pub(crate) fn platform() -> Platform {
    let account = |name: char| {
        format!(
            "  - name: {name}\n    id: {}\n    whitelabel: {{company_name: old, domain: {name}.example.com, brandColor: red, {DEFAULTS}}}\n    assets: {{icon: icon.ico}}\n",
            id(name)
        )
    };
    let seed = format!(
        "accounts:\n  - name: Master\n{}{}",
        account('a'),
        account('b')
    );
    let platform = Platform::new(&seed, &[("icon.ico", b"\0\0\x01\0seeded")]);
    platform.declare('a', "recreate: allowed\nassets: {icon: null}");
    platform
}

/// Kills an apply between the deletion of a's document and its creation.
pub(crate) fn killed(platform: &Platform) {
    let hang = Fault::new("PUT", "*/whitelabel", FaultKind::Hang);
    platform.sandbox.set_faults(vec![hang]);
    let mut child = platform.command(&["apply", "--yes"]).spawn().unwrap();
    while platform.mutating() < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    platform.sandbox.set_faults(Vec::new());
    assert!(document(platform).is_none(), "nothing was destroyed");
}

async fn client(platform: &Platform) -> ReadClient {
    let key = Credential::ApiKey(Secret::new(platform.sandbox.api_key()));
    let config = ClientConfig::new(platform.sandbox.url(), key);
    ReadClient::connect(config).await.unwrap()
}

fn loaded(platform: &Platform) -> Loaded {
    let folder = camino::Utf8Path::from_path(platform.folder()).unwrap();
    load(&Workdir::open(folder).unwrap(), None).unwrap()
}

pub(crate) fn document(platform: &Platform) -> Option<String> {
    let world = platform.sandbox.world();
    let document = world.account_named("a").unwrap().whitelabel.as_ref()?;
    Some(document.settings["brandColor"].as_str().unwrap().to_owned())
}

/// An edge whose lease ends at the moment when the recovery is planned.
struct Losing {
    client: ReadClient,
    guard: LeaseGuard,
    fence: Fence,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error(transparent)]
    Platform(#[from] ApiError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl Recoverer for Losing {
    type Error = Failed;

    async fn read(&self, desired: &Desired) -> Result<Live, Failed> {
        let options = CollectOptions {
            unmanaged: false,
            ..CollectOptions::default()
        };
        Ok(collect(&self.client, desired, &options).await?)
    }

    async fn execute(
        &self,
        mandate: ApprovedPlan<'_>,
        files: &dyn AssetSource,
        execution: Execution<'_>,
    ) -> Result<Applied, Failed> {
        Ok(execute(
            &self.client,
            mandate,
            files,
            execution,
            &self.guard,
            &|_| {},
        )
        .await?)
    }

    fn audit(&self) -> AuditTrail {
        AuditTrail::default()
    }

    async fn agree(&self) -> Result<(), Failed> {
        Ok(())
    }

    fn report(&self, event: RecoveryEvent<'_>) {
        if let RecoveryEvent::Planned(..) = event {
            self.fence.end();
        }
    }
}

/// Whoever loses the lease while an interrupted run is recovered sends nothing further, and the run stays open.
#[test]
fn a_recovery_writes_nothing_once_its_lease_ended() {
    let platform = platform();
    killed(&platform);
    let fence = Fence::default();
    fence.extend(
        emblazon::apply::lease::Moment::now(),
        std::time::Duration::from_hours(1),
    );
    let edge = Losing {
        client: platform.block_on(client(&platform)),
        guard: LeaseGuard::fenced(fence.clone()),
        fence,
    };
    let written = platform.mutating();
    let loaded = loaded(&platform);
    let cluster = &loaded.desired.cluster;
    let recovered = platform.block_on(recover(&edge, &platform.state(), cluster, None));
    let error = recovered.unwrap_err();
    assert!(
        matches!(error, Failed::Recovery(RecoveryError::Incomplete(_))),
        "{error}"
    );
    assert_eq!(platform.mutating(), written, "nothing was sent");
    let open = emblazon::apply::interrupted_runs(&platform.state(), &cluster.name, None).unwrap();
    assert!(!open.is_empty(), "the next recovery looks at it again");
    let after = platform.run(&["apply", "--yes"]);
    crate::cli::check_exit(&after, 0);
    assert_eq!(document(&platform).as_deref(), Some("red"));
    platform.stop();
}
